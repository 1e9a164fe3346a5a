//! A certificate gets through the handshake when its key signed, whatever it says; and not otherwise.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd,
};
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;

use crate::client::{Recorder, VERSIONS, alert, config, get};
use crate::front::{Front, INSIDE};
use crate::pki::{Ca, Person, padding};

async fn presents(
    front: &Front,
    recorder: &Arc<Recorder>,
    version: &'static rustls::SupportedProtocolVersion,
) -> std::io::Result<String> {
    get(
        front,
        INSIDE,
        "cert.localhost",
        "/",
        config(front, recorder, Some(version)),
    )
    .await
}

fn told(person: &Person) -> String {
    format!(
        "asked=true chain={}:{} revision=1",
        person.chain.len(),
        person.fingerprint()
    )
}

#[tokio::test]
async fn good_foreign_and_expired_certificates_all_reach_the_site() {
    let front = Front::start().await;
    let key = || KeyPair::generate().unwrap();
    let expired = front.fabrikam.person_with("jon", &key(), |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
    });
    let foreign = Ca::named("FabrikamRootCA").person("jon");
    let with_intermediate = {
        let mut person = foreign.clone();
        person.chain.push(front.contoso.der.clone());
        person
    };
    for person in [
        front.fabrikam.person("jon"),
        expired,
        foreign,
        with_intermediate,
    ] {
        for version in VERSIONS {
            let answer = presents(&front, &Recorder::of(&person), version)
                .await
                .unwrap();
            assert!(answer.ends_with(&told(&person)), "{version:?}: {answer}");
        }
    }
}

#[tokio::test]
async fn every_kind_of_key_can_prove_its_possession() {
    let front = Front::start().await;
    let keys = [
        KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap(),
        KeyPair::generate_for(&PKCS_ED25519).unwrap(),
        KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap(),
    ];
    for key in keys {
        let kind = format!("{:?}", key.algorithm());
        let person = front.fabrikam.person_with("jon", &key, |_| {});
        for version in VERSIONS {
            let answer = presents(&front, &Recorder::of(&person), version)
                .await
                .unwrap();
            assert!(
                answer.ends_with(&told(&person)),
                "{kind} {version:?}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn a_signature_by_another_key_ends_in_an_alert() {
    let front = Front::start().await;
    let (jon, eve) = (front.fabrikam.person("jon"), front.fabrikam.person("eve"));
    let stolen = Person {
        chain: jon.chain.clone(),
        key: eve.key.clone(),
    };
    for version in VERSIONS {
        let result = presents(&front, &Recorder::of(&stolen), version).await;
        assert_eq!(alert(result), "DecryptError", "{version:?}");
    }
}

#[tokio::test]
async fn a_certificate_without_a_key_to_be_found_ends_in_an_alert() {
    let front = Front::start().await;
    let jon = front.fabrikam.person("jon");
    let signer = jon.certified_key().key.clone();
    let trailing = [jon.chain[0].as_ref(), &[0]].concat();
    for garbage in [trailing, b"\x30\x03abc".to_vec(), vec![0; 300]] {
        let key = CertifiedKey::new(vec![CertificateDer::from(garbage)], signer.clone());
        for version in VERSIONS {
            let recorder = Recorder::with_key(Arc::new(key.clone()), Duration::ZERO);
            let result = presents(&front, &recorder, version).await;
            assert_eq!(alert(result), "BadCertificate", "{version:?}");
        }
    }
}

#[tokio::test]
async fn chains_over_the_limits_end_in_an_alert_and_chains_at_them_do_not() {
    let front = Front::start().await;
    let jon = front.fabrikam.person("jon");
    let chain_of = |length: usize| Person {
        chain: vec![jon.chain[0].clone(); length],
        key: jon.key.clone(),
    };
    let padded = |bytes: usize| {
        let key = KeyPair::generate().unwrap();
        front.fabrikam.person_with("jon", &key, |params| {
            params.custom_extensions.push(padding(bytes));
        })
    };
    let good = [chain_of(9), padded(15 << 10)];
    let over = [chain_of(10), chain_of(100), padded(16 << 10)];
    // No TLS message is as long as this chain; the connection is closed over it.
    let mut endless = padded(12 << 10);
    endless.chain = vec![endless.chain[0].clone(); 6];
    for version in VERSIONS {
        for person in &good {
            let answer = presents(&front, &Recorder::of(person), version)
                .await
                .unwrap();
            assert!(answer.ends_with(&told(person)), "{version:?}: {answer}");
        }
        for (case, person) in over.iter().enumerate() {
            let result = presents(&front, &Recorder::of(person), version).await;
            assert_eq!(
                alert(result),
                "CertificateUnknown",
                "{version:?} case {case}"
            );
        }
        let closed = presents(&front, &Recorder::of(&endless), version).await;
        assert_eq!(closed.unwrap_or_default(), "", "{version:?}");
    }
}
