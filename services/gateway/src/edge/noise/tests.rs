use std::time::Instant;

use domain::address::ClientAddress;

use super::{ADDRESSES, Noise, PER_ADDRESS, WINDOW};

fn address(number: usize) -> ClientAddress {
    format!("10.0.{}.{}", number / 256, number % 256)
        .parse()
        .unwrap()
}

#[test]
fn one_address_has_its_number_and_begins_anew_with_the_window() {
    let now = Instant::now();
    let noise = Noise::new(now);
    for _ in 0..PER_ADDRESS {
        assert!(noise.allows(address(1), now));
    }
    assert!(!noise.allows(address(1), now));
    assert!(noise.allows(address(2), now), "others are not in its way");
    assert!(noise.allows(address(1), now + WINDOW));
}

#[test]
fn all_of_ipv6_that_one_client_has_is_one_address() {
    let now = Instant::now();
    let noise = Noise::new(now);
    let written = (0..100)
        .filter(|number| noise.allows(format!("2001:db8::{number:x}").parse().unwrap(), now))
        .count();
    assert_eq!(written, PER_ADDRESS as usize);
}

#[test]
fn all_addresses_together_have_theirs() {
    let now = Instant::now();
    let noise = Noise::new(now);
    let written = (0..2 * ADDRESSES).filter(|number| noise.allows(address(*number), now));
    assert_eq!(written.count(), ADDRESSES);
}
