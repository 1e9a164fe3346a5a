use domain::digest::Digest;
use postern_proto::certval::v1;

use super::{MAX_UPLOAD, inspect};
use crate::oid;
use crate::workshop::{
    Authority, Key, NOW, Recipe, SERVER_AUTHENTICATION, element, object, rsa_key_of, sequence,
};

fn pem(label: &str, der: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in der.chunks(3) {
        let value = group
            .iter()
            .fold(0_u32, |value, byte| value << 8 | u32::from(*byte))
            << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = DIGITS[usize::try_from(value >> (18 - 6 * place) & 63).unwrap()];
            text.push(if place <= group.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

fn one(der: &[u8]) -> v1::Certificate {
    let mut certificates = inspect(der, NOW).unwrap();
    assert_eq!(certificates.len(), 1);
    certificates.remove(0)
}

#[track_caller]
fn refused(upload: &[u8], words: &str) {
    let refusal = inspect(upload, NOW).unwrap_err();
    assert!(
        refusal.contains(words),
        "expected “{words}”, got “{refusal}”"
    );
}

#[test]
fn an_authority_is_described() {
    let root = Authority::root("FabrikamRootCA");
    let found = one(&root.der);
    assert_eq!(found.der, root.der);
    assert_eq!(found.subject_der, root.name);
    assert_eq!(
        (found.subject.as_str(), found.issuer.as_str()),
        ("CN=FabrikamRootCA", "CN=FabrikamRootCA")
    );
    assert_eq!(found.serial, "512233");
    assert_eq!(&found.sha256[..], Digest::of(&root.der).as_bytes());
    assert_eq!(
        &found.key_sha256[..],
        Digest::of(&root.key.info()).as_bytes()
    );
    assert_eq!(found.key, "ECDSA P-256");
    assert_eq!(
        found.signature_algorithm,
        "ECDSA with SHA-256 (1.2.840.10045.4.3.2)"
    );
    assert_eq!(
        (found.not_before, found.not_after),
        (1_735_689_600, 2_082_758_400)
    );
    assert!(found.self_issued && found.dns_names.is_empty());
    assert_eq!(found.authority_problems, [""; 0]);
}

#[test]
fn a_servers_names_are_listed() {
    let root = Authority::root("FabrikamRootCA");
    let names = [
        element(0x82, b"login.fabrikam.test"),
        element(0x82, b"*.cert.fabrikam.test"),
    ]
    .concat();
    let server = Recipe::leaf("login").extension(
        oid::SUBJECT_ALTERNATIVE_NAME,
        false,
        element(0x30, &names),
    );
    let found = one(&server.by(&root));
    assert_eq!(
        found.dns_names,
        ["login.fabrikam.test", "*.cert.fabrikam.test"]
    );
    assert!(!found.self_issued);
}

#[test]
fn everything_against_an_authority_is_said() {
    let root = Authority::root("FabrikamRootCA");
    let problems = |recipe: &Recipe| one(&recipe.by(&root)).authority_problems.join(" | ");
    let good = || Recipe::authority("Issuing", &Key::p256());
    assert_eq!(problems(&good()), "");
    assert!(problems(&Recipe::leaf("jon")).contains("CA:TRUE"));
    assert!(problems(&good().usage(0x80, 7)).contains("keyCertSign"));
    assert!(problems(&good().extension(&[0x2a, 3], true, vec![5, 0])).contains("1.2.3"));
    assert_eq!(
        problems(&good().purposes(&[oid::CLIENT_AUTHENTICATION])),
        ""
    );
    assert!(problems(&good().purposes(&[SERVER_AUTHENTICATION])).contains("lacks clientAuth"));
    assert!(problems(&good().purposes(&[oid::ANY_PURPOSE])).contains("does not count"));
    let weak = good().with(|recipe| recipe.key_info = rsa_key_of(128, &[1, 0, 1]));
    assert!(problems(&weak).contains("RSA with 1024 bits"));
    assert!(
        problems(&good().with(|recipe| recipe.not_after = "260101000000Z"))
            .contains("expired on 2026-01-01")
    );
    assert!(
        problems(&good().with(|recipe| recipe.not_before = "270101000000Z"))
            .contains("valid from 2027-01-01")
    );
    let several = Recipe::leaf("jon").with(|recipe| recipe.not_after = "260201000000Z");
    assert_eq!(one(&several.by(&root)).authority_problems.len(), 3);
}

#[test]
fn pem_text_may_hold_many_certificates_and_words_between() {
    let root = Authority::root("FabrikamRootCA");
    let issuing = root.below("Issuing");
    let text = format!(
        "Subject: CN=FabrikamRootCA\n{}\r\n# next\n{}",
        pem("CERTIFICATE", &root.der),
        pem("CERTIFICATE", &issuing.der)
    );
    let found = inspect(text.as_bytes(), NOW).unwrap();
    assert_eq!(
        found
            .iter()
            .map(|each| each.der.to_vec())
            .collect::<Vec<_>>(),
        [root.der.clone(), issuing.der]
    );
    let many = pem("CERTIFICATE", &root.der).repeat(101);
    refused(many.as_bytes(), "at most 100");
}

#[test]
fn a_private_key_is_refused_unread_in_every_form() {
    let root = Authority::root("FabrikamRootCA");
    let words = "holds a private key";
    for label in [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
    ] {
        let text = pem("CERTIFICATE", &root.der) + &pem(label, b"not even a key");
        refused(text.as_bytes(), words);
    }
    let version = |number| element(0x02, &[number]);
    let algorithm = sequence(&[&object(oid::RSA_KEY), &[5, 0]]);
    refused(
        &sequence(&[&version(0), &algorithm, &element(0x04, &[1, 2])]),
        words,
    ); // PKCS#8
    refused(&sequence(&[&version(0), &version(7)]), words); // PKCS#1
    refused(&sequence(&[&version(1), &element(0x04, &[1])]), words); // SEC 1
    refused(&sequence(&[&algorithm, &element(0x04, &[1])]), words); // encrypted PKCS#8
    refused(&[0x30, 0x82, 0x0a, 0, 0x02, 1, 3, 0x30], words); // PKCS#12
    refused(&[0x30, 0x80, 0x02, 1, 3, 0x30, 0x80], words); // PKCS#12 in BER
    refused(&[0x30, 0x83, 1, 0, 0, 0x02, 1, 3], words); // a large PKCS#12
}

#[test]
fn what_is_no_certificate_is_told_what_it_is() {
    refused(b"", "empty");
    refused(b"hello", "not a certificate");
    refused(&[0; 40], "not a certificate");
    refused(&vec![b'a'; MAX_UPLOAD + 1], "larger than 1024 KiB");
    refused(pem("CERTIFICATE REQUEST", b"x").as_bytes(), "a request");
    refused(pem("X509 CRL", b"x").as_bytes(), "revocation list");
    refused(pem("PKCS7", b"x").as_bytes(), "openssl pkcs7");
    refused(pem("TRUSTED CERTIFICATE", b"x").as_bytes(), "openssl x509");
    refused(pem("PUBLIC KEY", b"x").as_bytes(), "not a certificate");
    refused(&sequence(&[&object(&[0x2a, 3]), &[5, 0]]), "PKCS#7");
    refused(pem("CERTIFICATE", b"x").as_bytes(), "cannot be read");
    refused(b"-----BEGIN CERTIFICATE-----\nAAAA", "damaged");
    refused(
        b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
        "damaged",
    );
    let root = Authority::root("FabrikamRootCA");
    let old = Recipe::leaf("jon")
        .with(|recipe| recipe.version = None)
        .by(&root);
    refused(&old, "not of version 3");
    let text = pem("CERTIFICATE", &root.der) + &pem("CERTIFICATE", &old);
    refused(text.as_bytes(), "certificate 2 cannot be read");
    let large = Recipe::leaf("jon")
        .extension(&[0x2a, 3], false, vec![0; 17_000])
        .by(&root);
    refused(&large, "larger than 16 KiB");
}

proptest::proptest! {
    #[test]
    fn any_upload_is_described_or_refused(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let _ = inspect(&bytes, NOW);
    }
}
