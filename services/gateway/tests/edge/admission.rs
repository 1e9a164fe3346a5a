//! Who is asked for a certificate, and who is not.

use crate::client::{Recorder, VERSIONS, config, connect, get, handshake};
use crate::front::{BOTH, Front, INSIDE, OUTSIDE};

#[tokio::test]
async fn in_range_the_request_names_the_authorities_of_that_range() {
    let front = Front::start().await;
    for version in VERSIONS {
        for (from, authorities) in [
            (INSIDE, vec![&front.fabrikam]),
            (BOTH, vec![&front.contoso, &front.fabrikam]),
        ] {
            let recorder = Recorder::without();
            let answer = get(
                &front,
                from,
                "cert.localhost",
                "/",
                config(&front, &recorder, Some(version)),
            );
            let answer = answer.await.unwrap();
            let mut names: Vec<_> = authorities.iter().map(|ca| ca.subject()).collect();
            names.sort();
            assert_eq!(recorder.asked(), Some(names), "{version:?} from {from}");
            let told = format!(
                "certificate host=Certificate {{ attempt: None }} name=cert.localhost from={from} asked=true chain=none revision=1"
            );
            assert!(answer.ends_with(&told), "{answer}");
            assert!(answer.contains("connection: close"), "{answer}");
        }
    }
}

#[tokio::test]
async fn out_of_range_no_certificate_request_is_on_the_wire() {
    let front = Front::start().await;
    let jon = front.fabrikam.person("jon");
    for version in VERSIONS {
        let recorder = Recorder::of(&jon);
        let answer = get(
            &front,
            OUTSIDE,
            "cert.localhost",
            "/",
            config(&front, &recorder, Some(version)),
        );
        let answer = answer.await.unwrap();
        assert_eq!(recorder.asked(), None, "{version:?}");
        assert!(
            answer.ends_with("asked=false chain=none revision=1"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn login_and_other_hosts_never_ask() {
    let front = Front::start().await;
    let jon = front.fabrikam.person("jon");
    for host in ["login.localhost", "app.localhost"] {
        for version in VERSIONS {
            let recorder = Recorder::of(&jon);
            let answer = get(
                &front,
                INSIDE,
                host,
                "/",
                config(&front, &recorder, Some(version)),
            );
            let answer = answer.await.unwrap();
            assert_eq!(recorder.asked(), None, "{host} {version:?}");
            assert!(answer.contains("asked=false chain=none"), "{answer}");
        }
    }
}

#[tokio::test]
async fn another_certificate_is_a_name_of_its_own_that_asks_again() {
    let front = Front::start().await;
    let recorder = Recorder::without();
    let answer = get(
        &front,
        INSIDE,
        "a1.cert.localhost",
        "/",
        config(&front, &recorder, None),
    );
    let answer = answer.await.unwrap();
    assert!(recorder.asked().is_some());
    assert!(
        answer.contains(r#"Certificate { attempt: Some("a1") } name=a1.cert.localhost"#),
        "{answer}"
    );
}

#[tokio::test]
async fn a_range_that_was_taken_away_is_not_asked_on_the_next_connection() {
    let front = Front::start().await;
    front.apply(2, |configuration| {
        for connection in configuration.connections.values_mut() {
            connection.ranges = Vec::new().into();
        }
    });
    let recorder = Recorder::without();
    let answer = get(
        &front,
        INSIDE,
        "cert.localhost",
        "/",
        config(&front, &recorder, None),
    );
    assert!(
        answer
            .await
            .unwrap()
            .ends_with("asked=false chain=none revision=2")
    );
    assert_eq!(recorder.asked(), None);
}

#[tokio::test]
async fn the_certificate_host_speaks_http_1_only_and_the_others_http_2_too() {
    let front = Front::start().await;
    for (host, spoken) in [
        ("login.localhost", &b"h2"[..]),
        ("app.localhost", b"h2"),
        ("cert.localhost", b"http/1.1"),
        ("a1.cert.localhost", b"http/1.1"),
    ] {
        let mut config = config(&front, &Recorder::without(), None);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let stream = handshake(connect(&front, INSIDE).await.unwrap(), host, config)
            .await
            .unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(spoken), "{host}");
    }
}
