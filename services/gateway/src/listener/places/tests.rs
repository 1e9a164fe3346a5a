use super::{Full, Places};

fn take(places: &Places, address: &str) -> Result<super::Place, Full> {
    places.take(address.parse().unwrap())
}

#[test]
fn a_place_is_free_again_when_its_holder_is_gone() {
    let places = Places::new(2, 1);
    let first = take(&places, "10.0.0.1").unwrap();
    assert_eq!(take(&places, "10.0.0.1").unwrap_err(), Full::Address);
    let _second = take(&places, "10.0.0.2").unwrap();
    assert_eq!(take(&places, "10.0.0.3").unwrap_err(), Full::Total);
    drop(first);
    let _again = take(&places, "10.0.0.1").unwrap();
    let taken = places.taken.lock().unwrap();
    assert_eq!((taken.total, taken.by_address.len()), (2, 2));
}

#[test]
fn one_ipv6_network_counts_as_one_address() {
    let places = Places::new(9, 1);
    let _held = take(&places, "2001:db8:0:1::1").unwrap();
    assert_eq!(
        take(&places, "2001:db8:0:1:ffff::2").unwrap_err(),
        Full::Address
    );
    assert!(take(&places, "2001:db8:0:2::1").is_ok());
    let _mapped = take(&places, "::ffff:10.0.0.1").unwrap();
    assert_eq!(take(&places, "10.0.0.1").unwrap_err(), Full::Address);
}
