use domain::timestamp::Timestamp;

use super::{Attempt, Attempts, CAPACITY};
use crate::testing::{START, settings};

fn begin(attempts: &Attempts, name: &str, address: &str, after: u64) -> Option<Attempt> {
    attempts.begin(
        &"FabrikamAD".parse().unwrap(),
        name,
        address.parse().unwrap(),
        Timestamp(START + after),
    )
}

#[test]
fn an_account_has_to_wait_after_four_failures_from_wherever() {
    let attempts = Attempts::new(&settings());
    for number in 0..4 {
        assert!(begin(&attempts, "jon", &format!("192.0.2.{number}"), 0).is_some());
    }
    for name in ["jon", "JON", " jon ", "FABRIKAM\\jon", "jon@fabrikam.test"] {
        assert!(
            begin(&attempts, name, "192.0.2.99", 599).is_none(),
            "{name}"
        );
    }
    assert!(begin(&attempts, "jane", "192.0.2.99", 0).is_some());
    assert!(begin(&attempts, "jon", "192.0.2.99", 600).is_some());
}

#[test]
fn composed_and_decomposed_letters_are_one_account() {
    let attempts = Attempts::new(&settings());
    for number in 0..4 {
        assert!(begin(&attempts, "zo\u{eb}", &format!("192.0.2.{number}"), 0).is_some());
    }
    assert!(begin(&attempts, "zoe\u{308}", "192.0.2.99", 0).is_none());
}

#[test]
fn an_address_has_to_wait_after_thirty_failures_with_whatever_names() {
    let attempts = Attempts::new(&settings());
    for number in 0..30 {
        // One /64 counts as one address.
        assert!(
            begin(
                &attempts,
                &format!("name{number}"),
                &format!("2001:db8::{number:x}"),
                0
            )
            .is_some()
        );
    }
    assert!(begin(&attempts, "jon", "2001:db8::ffff:1", 0).is_none());
    assert!(begin(&attempts, "jon", "2001:db8:0:1::1", 0).is_some());
}

#[test]
fn right_passwords_and_our_own_failures_do_not_count() {
    let attempts = Attempts::new(&settings());
    for _ in 0..100 {
        let attempt = begin(&attempts, "jon", "192.0.2.1", 0).unwrap();
        attempts.right(&attempt);
        let attempt = begin(&attempts, "jane", "192.0.2.1", 0).unwrap();
        attempts.undecided(&attempt);
    }
}

#[test]
fn attempts_at_once_are_counted_before_they_end() {
    let attempts = Attempts::new(&settings());
    let open: Vec<Option<Attempt>> = (0..50)
        .map(|_| begin(&attempts, "jon", "192.0.2.1", 0))
        .collect();
    assert_eq!(open.iter().flatten().count(), 4);
}

#[test]
fn memory_is_bounded_whatever_is_tried() {
    let attempts = Attempts::new(&crate::settings::Settings {
        attempts_per_address: u32::MAX,
        ..settings()
    });
    for number in 0..CAPACITY + 10 {
        let _ = begin(&attempts, &format!("name{number}"), "192.0.2.1", 0);
    }
    assert!(attempts.lock().accounts.len() <= CAPACITY);
}
