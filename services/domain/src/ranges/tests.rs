use proptest::prelude::*;

use super::{InvalidRange, Range, Ranges};
use crate::address::ClientAddress;

fn ranges(texts: &[&str]) -> Ranges {
    texts
        .iter()
        .map(|text| text.parse::<Range>().unwrap())
        .collect::<Vec<_>>()
        .into()
}

fn address(text: &str) -> ClientAddress {
    text.parse().unwrap()
}

#[test]
fn an_address_is_inside_its_range_and_its_neighbours_are_not() {
    let set = ranges(&["10.1.0.0/16", "192.168.1.7", "2001:db8::/32"]);
    for inside in [
        "10.1.0.0",
        "10.1.255.255",
        "192.168.1.7",
        "2001:db8:ffff::1",
        "::ffff:10.1.2.3",
    ] {
        assert!(set.contains(address(inside)), "{inside}");
    }
    for outside in [
        "10.0.255.255",
        "10.2.0.0",
        "192.168.1.6",
        "192.168.1.8",
        "2001:db9::1",
        "::10.1.2.3",
        "::1",
    ] {
        assert!(!set.contains(address(outside)), "{outside}");
    }
}

#[test]
fn an_empty_set_contains_nobody() {
    assert!(!Ranges::default().contains(address("127.0.0.1")));
}

#[test]
fn host_bits_are_cleared_and_mapped_ranges_are_ipv4() {
    assert_eq!(
        "10.1.2.3/16".parse::<Range>().unwrap().to_string(),
        "10.1.0.0/16"
    );
    assert!(
        "10.1.2.3/16"
            .parse::<Range>()
            .unwrap()
            .was_normalised("10.1.2.3/16")
    );
    assert_eq!(
        "::ffff:10.1.2.3/112".parse::<Range>().unwrap().to_string(),
        "10.1.0.0/16"
    );
    assert!(matches!(
        "::ffff:0:0/90".parse::<Range>(),
        Err(InvalidRange::Mixed(_))
    ));
}

#[test]
fn an_ipv6_everything_range_does_not_admit_ipv4() {
    assert!(!ranges(&["::/0"]).contains(address("10.0.0.1")));
    assert!(!ranges(&["0.0.0.0/0"]).contains(address("2001:db8::1")));
}

#[test]
fn what_is_no_range_is_refused_in_words() {
    for text in [
        "",
        "10.1",
        "10.0.0.0/33",
        "localhost",
        "0177.0.0.1",
        "10.0.0.1/",
        "fe80::1%eth0",
        "1.2.3.4/8/8",
    ] {
        assert!(
            matches!(text.parse::<Range>(), Err(InvalidRange::Text(_))),
            "{text}"
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_answered_without_a_panic(text in ".{0,80}") {
        if let Ok(range) = text.parse::<Range>() {
            prop_assert_eq!(range.to_string().parse::<Range>().unwrap(), range);
        }
    }

    #[test]
    fn the_spans_agree_with_asking_each_range(
        nets in proptest::collection::vec((any::<u32>(), 0_u8..=32), 0..20),
        asked in proptest::collection::vec(any::<u32>(), 1..50),
    ) {
        let nets: Vec<ipnet::Ipv4Net> =
            nets.into_iter().map(|(bits, length)| ipnet::Ipv4Net::new(bits.into(), length).unwrap()).collect();
        let set: Ranges = nets.iter().map(|net| net.to_string().parse().unwrap()).collect::<Vec<Range>>().into();
        for bits in asked.into_iter().chain(nets.iter().map(|net| net.broadcast().into())) {
            let ip = std::net::Ipv4Addr::from(bits);
            prop_assert_eq!(set.contains(std::net::IpAddr::from(ip).into()), nets.iter().any(|net| net.contains(&ip)));
        }
    }
}
