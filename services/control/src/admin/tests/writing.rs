//! Every write: what it changes, what it says, what it refuses, and what is recorded.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::pki::Leaf;

use crate::audit::AUDIT_FILE;
use crate::rig::{SOON, World};

const AUTHORITIES: &str = "/v1/connections/FabrikamAD/authorities";
const RANGES: &str = "/v1/connections/FabrikamAD/ranges";

#[tokio::test]
async fn an_authority_is_added_and_removed() {
    let world = World::new();
    let control = world.control("control").await;
    let (as_pem, as_der) = (
        world.authority("Second Root"),
        world.authority("Third Root"),
    );
    let added = control.ask(Method::POST, AUTHORITIES, as_pem.pem()).await;
    assert_eq!(added.status, StatusCode::OK, "{added:?}");
    assert_eq!(added.number("revision"), 2);
    assert!(
        added.body["changes"][0]
            .as_str()
            .unwrap()
            .contains("CN=Second Root"),
        "{added:?}"
    );
    let added = control
        .ask(Method::POST, AUTHORITIES, as_der.der().to_vec())
        .await;
    assert_eq!(added.number("revision"), 3);
    let listed = control.get(AUTHORITIES).await.body;
    assert_eq!(listed.as_array().unwrap().len(), 3);

    let again = control.ask(Method::POST, AUTHORITIES, as_pem.pem()).await;
    assert_eq!(
        (again.status, again.problem()),
        (StatusCode::CONFLICT, "already-there")
    );
    assert!(
        again.text("detail").contains("is already there"),
        "{again:?}"
    );

    let key = listed[1]["key"].as_str().unwrap();
    let removed = control
        .ask(Method::DELETE, &format!("{AUTHORITIES}/{}", &key[..16]), "")
        .await;
    assert_eq!(removed.number("revision"), 4);
    let removed = control
        .ask(Method::DELETE, &format!("{AUTHORITIES}/{key}"), "")
        .await;
    assert_eq!(
        (removed.status, removed.problem()),
        (StatusCode::NOT_FOUND, "unknown-authority")
    );
    let short = control
        .ask(Method::DELETE, &format!("{AUTHORITIES}/0011"), "")
        .await;
    assert_eq!(
        (short.status, short.problem()),
        (StatusCode::UNPROCESSABLE_ENTITY, "unreadable")
    );
    assert_eq!(
        control
            .get(AUTHORITIES)
            .await
            .body
            .as_array()
            .unwrap()
            .len(),
        2
    );
    control.stop().await;
}

#[tokio::test]
async fn what_is_no_authority_is_refused_with_every_reason() {
    let world = World::new();
    let control = world.control("control").await;
    let leaf = world.users.issue(&Leaf::named("jon")).unwrap();
    world
        .known
        .leaf(&leaf.certificate, "jon", "Fabrikam Root", &[]);
    let refused = control
        .ask(Method::POST, AUTHORITIES, leaf.chain_pem())
        .await;
    assert_eq!(
        (refused.status, refused.problem()),
        (StatusCode::UNPROCESSABLE_ENTITY, "unusable-certificate")
    );
    assert!(
        refused
            .text("detail")
            .contains("it is not marked as an authority"),
        "{refused:?}"
    );
    // One bad certificate in a bundle: nothing is added.
    let good = world.authority("Good Root");
    let bundle = good.pem() + &leaf.chain_pem();
    assert_eq!(
        control
            .ask(Method::POST, AUTHORITIES, bundle)
            .await
            .problem(),
        "unusable-certificate"
    );

    for garbage in [
        "garbage",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "",
        "\0\0",
    ] {
        let refused = control.ask(Method::POST, AUTHORITIES, garbage).await;
        assert_eq!(
            (refused.status, refused.problem()),
            (StatusCode::UNPROCESSABLE_ENTITY, "unreadable"),
            "{garbage}"
        );
    }
    world.known.set_away(true);
    let away = control.ask(Method::POST, AUTHORITIES, good.pem()).await;
    assert_eq!(
        (away.status, away.problem()),
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    );
    assert_eq!(control.get("/v1/configuration").await.number("revision"), 1);
    control.stop().await;
}

#[tokio::test]
async fn a_private_key_is_refused_and_nothing_of_it_stays() {
    let world = World::new();
    let control = world.control("control").await;
    let leaf = world.users.issue(&Leaf::named("jon")).unwrap();
    let upload = world.authority("New Root").pem() + &leaf.key_pem();
    let refused = control.ask(Method::POST, AUTHORITIES, upload).await;
    assert_eq!(
        (refused.status, refused.problem()),
        (StatusCode::UNPROCESSABLE_ENTITY, "private-key")
    );
    let secret = leaf.key_pem().lines().nth(1).unwrap().to_owned();
    assert!(!refused.body.to_string().contains(&secret));
    control.stop().await;
    let files = everything_below(world.folder.path());
    assert!(files.len() > 5);
    assert!(
        files
            .iter()
            .all(|content| !contains(content, secret.as_bytes()))
    );
}

#[tokio::test]
async fn ranges_are_added_normalised_confirmed_and_removed() {
    let world = World::new();
    let control = world.control("control").await;
    let added = control
        .ask(
            Method::POST,
            RANGES,
            json!({"ranges": ["10.1.2.3/16", "2001:db8::/32"]}).to_string(),
        )
        .await;
    assert_eq!(added.status, StatusCode::OK, "{added:?}");
    let changes = added.body["changes"].to_string();
    assert!(
        changes.contains("`10.1.2.3/16` is read as 10.1.0.0/16"),
        "{changes}"
    );
    for everybody in ["0.0.0.0/0", "::/0"] {
        let body = json!({"ranges": [everybody]}).to_string();
        let refused = control.ask(Method::POST, RANGES, body.clone()).await;
        assert_eq!(
            (refused.status, refused.problem()),
            (StatusCode::UNPROCESSABLE_ENTITY, "confirmation-needed")
        );
        let confirmed = control
            .ask(Method::POST, &format!("{RANGES}?confirm=true"), body)
            .await;
        assert_eq!(confirmed.status, StatusCode::OK);
    }
    for (body, problem) in [
        (r#"{"ranges":["10.0.0.0/33"]}"#, "unreadable"),
        (r#"{"ranges":["dc1.example.com"]}"#, "unreadable"),
        (r#"{"ranges":[]}"#, "unreadable"),
        (r#"{"range":"10.0.0.0/8"}"#, "bad-request"),
        ("10.0.0.0/8", "bad-request"),
    ] {
        assert_eq!(
            control.ask(Method::POST, RANGES, body).await.problem(),
            problem,
            "{body}"
        );
    }
    let removed = control
        .ask(Method::DELETE, RANGES, r#"{"ranges":["::/0","0.0.0.0/0"]}"#)
        .await;
    assert_eq!(removed.status, StatusCode::OK, "{removed:?}");
    let removed = control
        .ask(
            Method::DELETE,
            &format!("{RANGES}?range=127.0.0.1&range=::1"),
            "",
        )
        .await;
    assert!(
        removed.body["changes"]
            .to_string()
            .contains("your own address 127.0.0.1 is in no range"),
        "{removed:?}"
    );
    let both = control
        .ask(
            Method::DELETE,
            &format!("{RANGES}?range=::1"),
            r#"{"ranges":["::1"]}"#,
        )
        .await;
    assert_eq!(both.problem(), "bad-request");
    let listed = control.get(RANGES).await.body;
    assert_eq!(
        listed,
        json!([{"range": "10.1.0.0/16"}, {"range": "2001:db8::/32"}])
    );
    control.stop().await;
}

#[tokio::test]
async fn a_method_is_switched() {
    let world = World::new();
    let control = world.control("control").await;
    let path = "/v1/connections/FabrikamAD/methods/password";
    let off = control.ask(Method::PUT, path, r#"{"offered":false}"#).await;
    assert_eq!(off.status, StatusCode::OK, "{off:?}");
    let shown = control.get("/v1/connections/FabrikamAD").await.body;
    assert_eq!(shown["methods"], json!(["certificate"]));
    let again = control.ask(Method::PUT, path, r#"{"offered":false}"#).await;
    assert_eq!(again.problem(), "already-there");
    control.stop().await;
}

#[tokio::test]
async fn a_write_waits_until_every_instance_uses_it() {
    let world = World::new();
    let control = world.control("control").await;
    let one = world.follower("one", &control.tasks).await;
    let two = world.follower("two", &control.tasks).await;
    // All three are known before the write, so that it waits for three.
    let known = async {
        while control
            .get("/v1/instances")
            .await
            .body
            .as_array()
            .unwrap()
            .len()
            < 3
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, known).await.unwrap();
    let written = control
        .ask(
            Method::POST,
            &format!("{RANGES}?wait=20"),
            r#"{"ranges":["10.9.0.0/16"]}"#,
        )
        .await;
    assert_eq!(written.status, StatusCode::OK);
    let keys = ["revision", "applied", "instances", "waited_ms"].map(|key| written.number(key));
    assert_eq!(&keys[..3], &[2, 3, 3]);
    assert!(keys[3] < 5_000, "{written:?}");
    assert_eq!((one.revision(), two.revision()), (2, 2));
    control.stop().await;
}

#[tokio::test]
async fn every_write_is_recorded_before_and_after() {
    let world = World::new();
    let control = world.control("control").await;
    let added = control
        .ask(Method::POST, RANGES, r#"{"ranges":["10.9.0.0/16"]}"#)
        .await;
    let request = added.headers["x-request-id"].to_str().unwrap().to_owned();
    control.stop().await;
    let path = world.folder.path().join("control").join(AUDIT_FILE);
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let stages: Vec<&Value> = lines.iter().map(|line| &line["stage"]).collect();
    assert_eq!(stages, ["proposed", "published", "proposed", "published"]);
    assert_eq!(lines[0]["who"], "control");
    for line in &lines[2..] {
        assert_eq!(line["who"], "admin-token");
        assert_eq!(line["from"], "127.0.0.1");
        assert_eq!(line["request"], request.as_str());
        assert_eq!(line["revision"], 2);
        assert!(
            line["words"][0].as_str().unwrap().contains("10.9.0.0/16"),
            "{line}"
        );
    }
    assert!(!text.contains(
        &std::fs::read_to_string(world.folder.path().join("control/admin-token")).unwrap()
    ));
}

fn everything_below(folder: &std::path::Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(everything_below(&path));
        } else {
            found.push(std::fs::read(&path).unwrap());
        }
    }
    found
}

fn contains(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}
