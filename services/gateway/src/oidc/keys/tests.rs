use domain::application::SigningAlgorithm;
use domain::configuration::{SecretBytes, TokenKey};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::{CannotSign, InvalidKey, TokenKeys};
use crate::testing::SECRETS;

fn keys() -> TokenKeys {
    TokenKeys::new(&SECRETS.signing_keys).unwrap()
}

#[test]
fn tokens_of_both_algorithms_verify_with_the_key_they_name() {
    let keys = keys();
    for algorithm in [SigningAlgorithm::ES256, SigningAlgorithm::RS256] {
        let token = keys.sign(algorithm, "JWT", &json!({ "a": 1 })).unwrap();
        assert_eq!(keys.verify::<Value>("JWT", &token), Ok(json!({ "a": 1 })));
        assert!(
            keys.verify::<Value>("at+jwt", &token).is_err(),
            "of another kind"
        );
        let changed = token.replacen('.', ".e", 1);
        assert!(keys.verify::<Value>("JWT", &changed).is_err());
    }
}

#[test]
fn only_public_halves_are_published() {
    let published = serde_json::to_value(keys().published()).unwrap();
    let published = published["keys"].as_array().unwrap();
    let names = |key: &Value| key.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&published[0]),
        ["alg", "crv", "kid", "kty", "use", "x", "y"]
    );
    assert_eq!(names(&published[1]), ["alg", "e", "kid", "kty", "n", "use"]);
    assert_eq!(
        (published[0]["kid"].as_str(), published[0]["alg"].as_str()),
        (Some("es"), Some("ES256"))
    );
}

#[test]
fn a_token_does_not_choose_how_it_is_verified() {
    let keys = keys();
    let published = serde_json::to_vec(keys.published()).unwrap();
    let forged = |algorithm: Algorithm, key_id: Option<&str>, key: &EncodingKey| {
        let mut header = Header::new(algorithm);
        header.kid = key_id.map(ToOwned::to_owned);
        jsonwebtoken::encode(&header, &json!({ "a": 1 }), key).unwrap()
    };
    let with_public_key = forged(
        Algorithm::HS256,
        Some("es"),
        &EncodingKey::from_secret(&published),
    );
    let foreign = TokenKeys::new(&[TokenKey {
        key_id: "es".to_owned(),
        ..foreign_key()
    }])
    .unwrap();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIiwia2lkIjoiZXMifQ.eyJhIjoxfQ.";
    let right = keys
        .sign(SigningAlgorithm::ES256, "JWT", &json!({ "a": 1 }))
        .unwrap();
    let other_name = forged(
        Algorithm::ES256,
        Some("../es"),
        &EncodingKey::from_ec_der(SECRETS.signing_keys[0].private_key.expose()),
    );
    let no_name = forged(
        Algorithm::ES256,
        None,
        &EncodingKey::from_ec_der(SECRETS.signing_keys[0].private_key.expose()),
    );
    for token in [
        with_public_key,
        foreign
            .sign(SigningAlgorithm::ES256, "JWT", &json!({ "a": 1 }))
            .unwrap(),
        none.to_owned(),
        other_name,
        no_name,
        String::new(),
        "a.b.c".to_owned(),
        format!("{right}x"),
        right.rsplit_once('.').unwrap().0.to_owned(),
        "x".repeat(100_000),
    ] {
        assert!(keys.verify::<Value>("JWT", &token).is_err(), "{token:.80}");
    }
}

fn foreign_key() -> TokenKey {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    TokenKey {
        key_id: "foreign".to_owned(),
        algorithm: SigningAlgorithm::ES256,
        private_key: SecretBytes::new(key.to_pkcs8v1().unwrap().as_ref().to_vec()),
    }
}

#[test]
fn keys_that_cannot_be_used_are_refused() {
    let swapped = TokenKey {
        algorithm: SigningAlgorithm::RS256,
        ..SECRETS.signing_keys[0].clone()
    };
    assert!(matches!(
        TokenKeys::new(&[swapped]),
        Err(InvalidKey::Key { .. })
    ));
    let twice = [
        SECRETS.signing_keys[0].clone(),
        SECRETS.signing_keys[0].clone(),
    ];
    assert!(matches!(
        TokenKeys::new(&twice),
        Err(InvalidKey::Repeated(_))
    ));
    let only = TokenKeys::new(&SECRETS.signing_keys[..1]).unwrap();
    assert!(matches!(
        only.sign(SigningAlgorithm::RS256, "JWT", &json!({})),
        Err(CannotSign::NoKey(SigningAlgorithm::RS256))
    ));
}
