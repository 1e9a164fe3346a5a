use super::{ALLOWED, MOST, Throttle, WINDOW_S};
use domain::address::ClientAddress;

fn address(text: &str) -> ClientAddress {
    text.parse().unwrap()
}

#[test]
fn too_many_are_told_to_wait_until_the_window_is_over() {
    let throttle = Throttle::default();
    let one = address("10.0.0.1");
    for _ in 0..ALLOWED {
        assert_eq!(throttle.failed(one, 100), Ok(()));
    }
    assert_eq!(throttle.failed(one, 110), Err(WINDOW_S - 10));
    assert_eq!(throttle.failed(address("10.0.0.2"), 110), Ok(()));
    assert_eq!(throttle.failed(one, 100 + WINDOW_S), Ok(()));
}

#[test]
fn one_ipv6_network_is_counted_together() {
    let throttle = Throttle::default();
    for host in 0..ALLOWED {
        assert_eq!(
            throttle.failed(address(&format!("2001:db8::{host:x}")), 5),
            Ok(())
        );
    }
    assert!(throttle.failed(address("2001:db8::ffff"), 5).is_err());
    assert_eq!(throttle.failed(address("2001:db8:0:1::1"), 5), Ok(()));
}

#[test]
fn memory_is_bounded_and_newcomers_share_a_count() {
    let throttle = Throttle::default();
    for number in 0..MOST {
        let [_, _, high, low] = u32::try_from(number).unwrap().to_be_bytes();
        assert_eq!(
            throttle.failed(address(&format!("10.0.{high}.{low}")), 5),
            Ok(())
        );
    }
    let refused = (0..=ALLOWED).filter(|last| {
        throttle
            .failed(address(&format!("10.1.0.{last}")), 5)
            .is_err()
    });
    assert_eq!(refused.count(), 1);
    assert!(throttle.counts.lock().unwrap().len() <= MOST + 1);
    // Later, the old ones make room.
    assert_eq!(throttle.failed(address("10.1.0.1"), 5 + WINDOW_S), Ok(()));
}
