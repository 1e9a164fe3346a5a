use super::link::parsed;
use super::*;

#[test]
fn versions_are_compared_by_number() {
    assert_eq!(parsed("2.15.1"), Some((2, 15, 1)));
    assert_eq!(parsed("2.14.0-RC.1"), Some((2, 14, 0)));
    assert!(parsed("2.9.10").unwrap() < OLDEST_SERVER);
    assert!(parsed("2.12.6").unwrap() >= OLDEST_SERVER);
    assert_eq!(parsed("2.12"), None);
    assert_eq!(parsed(""), None);
}

#[test]
fn the_password_never_shows() {
    let settings = NatsSettings::new(
        "tls://localhost:4222",
        Vec::new(),
        "gateway",
        "hunter2-canary".into(),
        "gateway-1",
    );
    assert!(!format!("{settings:?}").contains("canary"));
}

#[tokio::test]
async fn settings_that_cannot_hold_are_refused_at_once() {
    let settings = NatsSettings::new(
        "tls://localhost:4222",
        Vec::new(),
        "gateway",
        "x".into(),
        "gateway-1",
    );
    let refused = NatsBus::connect(settings.clone()).await;
    assert!(matches!(refused, Err(InvalidNatsSettings::NoAuthority)));
    let user = NatsSettings {
        user: "a.b".into(),
        ..settings
    };
    let refused = NatsBus::connect(user).await;
    assert!(matches!(refused, Err(InvalidNatsSettings::User { .. })));
}
