use std::collections::BTreeMap;

use bytes::Bytes;
use domain::application::SigningAlgorithm;
use domain::configuration::{GatewaySecrets, part};
use domain::seal::{Purpose, SealKeys};

use super::{View, decode};
use crate::edge::names::Names;
use crate::testing::{SECRETS, configuration};

fn names() -> Names {
    Names::new("login.example.com", "cert.login.example.com", true, []).unwrap()
}

fn role_key() -> SealKeys {
    SealKeys::new([[9; 32].as_slice()]).unwrap()
}

fn parts() -> BTreeMap<String, Bytes> {
    let secrets = serde_json::to_vec(&*SECRETS).unwrap();
    let sealed = role_key()
        .seal(Purpose::Secrets, part::GATEWAY_SECRETS, &secrets, [1; 12])
        .unwrap();
    [
        (
            part::CONFIGURATION.to_owned(),
            serde_json::to_vec(&configuration()).unwrap().into(),
        ),
        (part::GATEWAY_SECRETS.to_owned(), sealed.into()),
    ]
    .into()
}

#[test]
fn a_whole_snapshot_is_taken() {
    let view = decode(&parts(), &role_key(), &names()).unwrap();
    assert_eq!(view.configuration, configuration());
}

#[test]
fn a_snapshot_with_anything_wrong_is_refused_in_words() {
    let other_key = SealKeys::new([[8; 32].as_slice()]).unwrap();
    let refused = decode(&parts(), &other_key, &names()).unwrap_err();
    assert!(refused.contains("do not open"), "{refused}");
    for name in [part::CONFIGURATION, part::GATEWAY_SECRETS] {
        let mut parts = parts();
        parts.remove(name);
        let refused = decode(&parts, &role_key(), &names()).unwrap_err();
        assert!(refused.contains(name), "{refused}");
        parts.insert(name.to_owned(), Bytes::from_static(b"{}!"));
        assert!(decode(&parts, &role_key(), &names()).is_err());
    }
}

#[test]
fn an_application_without_a_key_for_its_tokens_is_found_before_anybody_signs_in() {
    let secrets = GatewaySecrets {
        signing_keys: SECRETS.signing_keys[..1].to_vec(),
        ..SECRETS.clone()
    };
    let refused = View::new(configuration(), &secrets, &names()).unwrap_err();
    assert!(
        refused.contains("server") && refused.contains("RS256"),
        "{refused}"
    );
    let mut configuration = configuration();
    for application in configuration.applications.values_mut() {
        application.id_token_algorithm = SigningAlgorithm::ES256;
    }
    assert!(View::new(configuration, &secrets, &names()).is_ok());
}
