use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::{CertificateDer, UnixTime};

use super::*;

/// What OpenSSL, which shares no code with us, reads in a certificate.
fn openssl_text(der: &[u8]) -> String {
    let mut openssl = Command::new("openssl")
        .args([
            "x509",
            "-inform",
            "DER",
            "-noout",
            "-text",
            "-nameopt",
            "multiline,show_type",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    openssl.stdin.take().unwrap().write_all(der).unwrap();
    let output = openssl.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Whether rustls-webpki accepts a person's chain for this root.
fn accepted(root: &CertificateDer<'static>, identity: &Identity) -> Result<(), rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
        .build()
        .unwrap();
    verifier
        .verify_client_cert(
            &identity.certificate,
            &identity.intermediates,
            UnixTime::now(),
        )
        .map(|_| ())
}

#[test]
fn a_plain_leaf_is_good_and_each_flaw_is_refused() {
    let root = Authority::named("FabrikamRootCA").self_signed().unwrap();
    accepted(root.der(), &root.issue(&Leaf::named("jon")).unwrap()).unwrap();

    let twin = Authority::named("FabrikamRootCA").self_signed().unwrap();
    for (flaw, identity) in [
        ("foreign", twin.issue(&Leaf::named("jon"))),
        (
            "expired",
            root.issue(&Leaf::named("jon").validity(Validity::expired())),
        ),
        (
            "early",
            root.issue(&Leaf::named("jon").validity(Validity::not_yet())),
        ),
        (
            "server only",
            root.issue(
                &Leaf::named("jon").extended_key_usages(&[ExtendedKeyUsagePurpose::ServerAuth]),
            ),
        ),
        ("garbled", root.issue_garbled(&Leaf::named("jon"))),
    ] {
        assert!(accepted(root.der(), &identity.unwrap()).is_err(), "{flaw}");
    }
}

#[test]
fn intermediates_are_sent_along() {
    let root = Authority::named("Root")
        .key(KeyKind::Rsa2048)
        .self_signed()
        .unwrap();
    let middle = Authority::named("Middle")
        .path_length(0)
        .signed_by(&root)
        .unwrap();
    let jon = middle
        .issue(&Leaf::named("jon").key(KeyKind::Rsa2048))
        .unwrap();
    assert_eq!(jon.chain().len(), 2);
    accepted(root.der(), &jon).unwrap();
    assert!(accepted(root.der(), &jon.with_intermediates(vec![])).is_err());
    let unsound = Authority::named("Middle")
        .not_an_authority()
        .signed_by(&root)
        .unwrap();
    assert!(accepted(root.der(), &unsound.issue(&Leaf::named("jon")).unwrap()).is_err());
}

#[test]
fn names_and_extensions_are_what_openssl_reads() {
    let root = Authority::named("Root").self_signed().unwrap();
    let leaf = Leaf::named("jon")
        .second_common_name("admin")
        .smart_card()
        .user_principal_name("jon@fabrikam.test")
        .sid("S-1-5-21-1-2-3-1104");
    let text = openssl_text(&root.issue(&leaf).unwrap().certificate);
    assert_eq!(
        text.matches("commonName").count(),
        3,
        "two in the subject, one in the issuer: {text}"
    );
    for wanted in [
        "UTF8STRING:jon",
        "UTF8STRING:admin",
        "Smartcard",
        "jon@fabrikam.test",
        "1.3.6.1.4.1.311.25.2",
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
}

#[test]
fn the_sid_extension_has_the_bytes_ad_cs_writes() {
    let root = Authority::named("Root").self_signed().unwrap();
    let sid = "S-1-5-21-294026126-3378245018-1203103949-1001";
    let certificate = root
        .issue(&Leaf::named("jon").sid(sid))
        .unwrap()
        .certificate;
    let mut wanted = vec![0x30, 0x3f, 0xa0, 0x3d, 0x06, 0x0a];
    wanted.extend([
        0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x19, 0x02, 0x01, 0xa0, 0x2f, 0x04, 0x2d,
    ]);
    wanted.extend(sid.as_bytes());
    assert!(
        certificate
            .windows(wanted.len())
            .any(|window| window == wanted)
    );
}

#[test]
fn raw_certificates_are_well_signed_with_any_subject() {
    for kind in [KeyKind::P256, KeyKind::Rsa2048] {
        let root = Authority::named("Root")
            .organisation("Fabrikam")
            .key(kind)
            .self_signed()
            .unwrap();
        let both = vec![
            Attribute::common_name(StringKind::Printable, b"jon"),
            Attribute::common_name(StringKind::Bmp, b"\0a\0d\0m\0i\0n"),
        ];
        let odd = RawCertificate::person(vec![both]).signed_by(&root).unwrap();
        accepted(root.der(), &odd).unwrap();
        let text = openssl_text(&odd.certificate);
        assert!(
            text.contains("PRINTABLESTRING:jon") && text.contains("BMPSTRING:admin"),
            "{text}"
        );
    }
}

#[test]
fn a_makecert_chain_is_sha1_without_extensions() {
    for (oid, name) in [
        (Sha1Oid::Pkcs1, "sha1WithRSAEncryption"),
        (Sha1Oid::Oiw, "sha1WithRSA"),
    ] {
        let chain = makecert_chain("FabrikamRootCA", "jon", oid).unwrap();
        let text = openssl_text(&chain.identity.certificate);
        assert!(
            text.contains(&format!("Signature Algorithm: {name}\n")),
            "{text}"
        );
        assert!(text.contains("PRINTABLESTRING:jon"), "{text}");
        assert!(text.contains("PRINTABLESTRING:FabrikamRootCA"), "{text}");
        assert!(
            text.contains("Version: 3") && !text.contains("X509v3 extensions"),
            "{text}"
        );
        assert!(accepted(&chain.root, &chain.identity).is_err());
    }
}

#[test]
fn the_server_root_vouches_for_this_machine_only() {
    let root = server_root("Postern test servers").unwrap();
    let text = openssl_text(root.der());
    assert!(text.contains("X509v3 Name Constraints: critical"), "{text}");
    let mut roots = RootCertStore::empty();
    roots.add(root.der().clone()).unwrap();
    let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(
        roots.into(),
        Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
    )
    .build()
    .unwrap();
    let check = |name: &str| {
        use rustls::client::danger::ServerCertVerifier as _;
        let server = root.issue_server(&[name]).unwrap();
        let name = name.to_owned().try_into().unwrap();
        verifier.verify_server_cert(&server.certificate, &[], &name, &[], UnixTime::now())
    };
    for good in [
        "login.localhost",
        "a.cert.localhost",
        "localhost",
        "127.0.0.5",
        "::1",
    ] {
        check(good).unwrap_or_else(|error| panic!("{good}: {error}"));
    }
    for bad in ["login.example.com", "10.0.0.1"] {
        assert!(check(bad).is_err(), "{bad}");
    }
}
