//! What can be read, and that no secret is among it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};

use crate::rig::{BIND_PASSWORD, World};

#[tokio::test]
async fn the_configuration_is_shown_without_its_secrets() {
    let world = World::new();
    let control = world.control("control").await;
    let answer = control.get("/v1/configuration").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.number("revision"), 1);
    let shown = answer.body.to_string();
    assert!(shown.contains("ldaps://dc1.contoso.test"));
    let server_key = std::fs::read_to_string(world.keys().join("login.key")).unwrap();
    let server_key: String = server_key
        .lines()
        .filter(|line| !line.starts_with('-'))
        .take(1)
        .collect();
    let client_secret = std::fs::read_to_string(world.keys().join("app.secret")).unwrap();
    let digest = domain::digest::Digest::of(client_secret.as_bytes()).to_string();
    for secret in [
        BIND_PASSWORD,
        &STANDARD.encode(BIND_PASSWORD),
        &server_key,
        &client_secret,
        &digest,
        &control.token,
    ] {
        assert!(
            !secret.is_empty() && !shown.contains(secret),
            "{secret} is in {shown}"
        );
    }
    let application = &answer.body["applications"][0];
    assert_eq!(application["client"], "confidential");
    assert_eq!(
        answer.body["server_certificates"][0]["hosts"],
        json!(["login.localhost"])
    );
    control.stop().await;
}

#[tokio::test]
async fn connections_authorities_and_ranges_are_listed() {
    let world = World::new();
    let control = world.control("control").await;
    let connections = control.get("/v1/connections").await.body;
    let names: Vec<&Value> = connections
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["name"])
        .collect();
    assert_eq!(names, ["ContosoAD", "FabrikamAD"]);
    assert_eq!(
        connections[1]["methods"],
        json!(["certificate", "password"])
    );
    assert_eq!(connections[1]["authorities"], 1);

    let one = control.get("/v1/connections/ContosoAD").await.body;
    assert_eq!(one["directory"]["kind"], "active_directory");
    assert_eq!(one["display_name"], "ContosoAD");
    let ranges = control.get("/v1/connections/FabrikamAD/ranges").await.body;
    assert_eq!(
        ranges,
        json!([{"range": "127.0.0.1/32"}, {"range": "::1/128"}])
    );
    let authorities = control
        .get("/v1/connections/FabrikamAD/authorities")
        .await
        .body;
    let fingerprint = domain::digest::Digest::of(world.users.der()).to_string();
    assert_eq!(authorities[0]["fingerprint"], fingerprint);
    assert_eq!(authorities[0]["name"], "CN=Fabrikam Root");
    assert_eq!(authorities[0]["not_after"], "2096-10-02T07:06:40Z");
    control.stop().await;
}

#[tokio::test]
async fn an_unknown_connection_is_answered_with_the_nearest() {
    let world = World::new();
    let control = world.control("control").await;
    for path in ["", "/ranges", "/authorities"] {
        let answer = control
            .get(&format!("/v1/connections/FabricamAD{path}"))
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.problem(), "unknown-connection");
        assert!(
            answer
                .text("what_to_do")
                .contains("did you mean `FabrikamAD`?"),
            "{answer:?}"
        );
    }
    control.stop().await;
}

#[tokio::test]
async fn history_and_instances_are_listed() {
    let world = World::new();
    let control = world.control("control").await;
    // Control uses a revision a moment before its own store has it.
    let mut history = Value::Null;
    while history[0].is_null() {
        history = control.get("/v1/revisions").await.body;
    }
    assert_eq!(history[0]["revision"], 1);
    assert_eq!(history[0]["parent"], Value::Null);
    assert_eq!(history[0]["who"], "control");
    assert!(history[0]["at"].as_str().unwrap().ends_with('Z'));
    // Control is an instance like the others, and says what it uses.
    let added = control
        .ask(
            http::Method::POST,
            "/v1/connections/ContosoAD/ranges?wait=20&why=site%20Berlin",
            r#"{"ranges":["10.0.0.0/8"]}"#,
        )
        .await;
    assert_eq!(added.status, StatusCode::OK, "{added:?}");
    let instances = control.get("/v1/instances").await.body;
    assert_eq!(instances[0]["role"], "control");
    assert_eq!(instances[0]["revision"], 2);
    assert_eq!(instances[0]["state"], "current");
    for key in [
        "id",
        "version",
        "address",
        "applied_at",
        "age_s",
        "cert_expires_at",
    ] {
        assert!(instances[0].get(key).is_some(), "no {key}");
    }
    let history = control.get("/v1/revisions").await.body;
    assert_eq!(history[0]["revision"], 2);
    assert_eq!(history[0]["parent"], 1);
    assert_eq!(history[0]["who"], "admin-token");
    assert_eq!(history[0]["why"], "site Berlin");
    control.stop().await;
}
