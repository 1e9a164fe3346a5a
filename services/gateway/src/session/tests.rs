use domain::configuration::Configuration;
use domain::digest::Digest;
use domain::timestamp::Timestamp;
use runtime::random::SystemRandomness;

use super::signed_out::SignedOut;
use super::{Ended, LiveSession, Method, Session};
use crate::testing::{REVISION, START, configuration, person, trusted};

const NOW: Timestamp = Timestamp(START);

fn by_password() -> Session {
    LiveSession::by_password(
        &person("jon"),
        "FabrikamAD".parse().unwrap(),
        NOW,
        &SystemRandomness::new(),
    )
    .unwrap()
    .session()
    .clone()
}

fn by_certificate() -> Session {
    Session {
        method: Method::Certificate {
            leaf: Digest::of(b"leaf"),
            authority: trusted(),
        },
        ..by_password()
    }
}

fn ended(session: Session, change: impl FnOnce(&mut Configuration), after: u64) -> Option<Ended> {
    let mut configuration = configuration();
    change(&mut configuration);
    session
        .live(&configuration, &SignedOut::new(), Timestamp(START + after))
        .err()
}

fn fabrikam(configuration: &mut Configuration) -> &mut domain::connection::Connection {
    configuration
        .connections
        .get_mut(&"FabrikamAD".parse().unwrap())
        .unwrap()
}

#[test]
fn a_session_ends_after_an_hour_unused_and_after_eight_hours_anyway() {
    assert_eq!(ended(by_password(), |_| {}, 3599), None);
    assert_eq!(ended(by_password(), |_| {}, 3600), Some(Ended::Idle));
    let mut used = by_password();
    for _ in 0..8 {
        used.seen = Timestamp(used.seen.0 + 3599);
    }
    assert_eq!(ended(used.clone(), |_| {}, 8 * 3600 - 1), None);
    used.seen = Timestamp(START + 8 * 3600);
    assert_eq!(ended(used, |_| {}, 8 * 3600), Some(Ended::TooOld));
}

#[test]
fn a_session_ends_with_what_it_rests_on() {
    assert_eq!(ended(by_certificate(), |_| {}, 0), None);
    assert_eq!(
        ended(by_certificate(), |all| fabrikam(all).authorities.clear(), 0),
        Some(Ended::AuthorityRemoved)
    );
    let added_in = |revision: u64| {
        move |all: &mut Configuration| fabrikam(all).authorities[0].added_in = revision
    };
    assert_eq!(ended(by_certificate(), added_in(REVISION), 0), None);
    assert_eq!(
        ended(by_certificate(), added_in(REVISION + 1), 0),
        Some(Ended::AuthorityRemoved),
        "removed, and added again since"
    );
    assert_eq!(
        ended(
            by_certificate(),
            |all| fabrikam(all).methods.certificate = false,
            0
        ),
        Some(Ended::ConnectionChanged)
    );
    assert_eq!(
        ended(
            by_password(),
            |all| fabrikam(all).methods.password = false,
            0
        ),
        Some(Ended::ConnectionChanged)
    );
    assert_eq!(
        ended(by_password(), |all| all.connections.clear(), 0),
        Some(Ended::ConnectionChanged)
    );
    // Each method stands on its own.
    assert_eq!(
        ended(by_password(), |all| fabrikam(all).authorities.clear(), 0),
        None
    );
    assert_eq!(
        ended(
            by_certificate(),
            |all| fabrikam(all).methods.password = false,
            0
        ),
        None
    );
}

#[test]
fn a_signed_out_session_is_refused() {
    let signed_out = SignedOut::new();
    let (left, stayed) = (by_password(), by_password());
    signed_out.sign_out(left.id, left.end(), NOW);
    assert_eq!(
        left.live(&configuration(), &signed_out, NOW).err(),
        Some(Ended::SignedOut)
    );
    assert!(stayed.live(&configuration(), &signed_out, NOW).is_ok());
}

#[test]
fn the_age_of_a_sign_in_counts_and_its_last_use_does_not() {
    let mut session = by_password();
    session.seen = Timestamp(START + 100);
    let now = Timestamp(START + 100);
    let live = session
        .live(&configuration(), &SignedOut::new(), now)
        .unwrap();
    assert!(live.is_within(None, now));
    assert!(live.is_within(Some(101), now));
    assert!(!live.is_within(Some(100), now));
    assert!(!live.is_within(Some(0), now));
}

#[test]
fn the_last_use_is_written_at_most_once_a_minute() {
    let live = by_password()
        .live(&configuration(), &SignedOut::new(), NOW)
        .unwrap();
    assert_eq!(live.renewed(Timestamp(START + 59)), None);
    let renewed = live.renewed(Timestamp(START + 60)).unwrap();
    let renewed = renewed.session();
    assert_eq!(renewed.seen, Timestamp(START + 60));
    assert_eq!((renewed.id, renewed.auth_time), (live.session().id, NOW));
}
