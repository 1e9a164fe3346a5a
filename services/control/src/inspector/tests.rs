use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use testkit::pki::{Authority, KeyKind, Leaf};

use super::{CertificatesOnly, LARGEST_UPLOAD};
use crate::change::Kind;

fn refused(upload: impl AsRef<[u8]>) -> Option<Kind> {
    let refused = CertificatesOnly::new(Bytes::copy_from_slice(upload.as_ref()));
    refused.err().map(|refusal| refusal.kind)
}

#[test]
fn certificates_pass_and_private_keys_in_any_clothes_do_not() {
    let authority = Authority::named("Root").self_signed().unwrap();
    for kind in [KeyKind::P256, KeyKind::Rsa2048] {
        let identity = authority.issue(&Leaf::named("jon").key(kind)).unwrap();
        let (certificate, key) = (identity.chain_pem(), identity.key_pem());
        assert_eq!(refused(&certificate), None);
        assert_eq!(refused(&identity.certificate), None);
        assert_eq!(refused(certificate.replace('\n', "\r\n")), None);

        let der = identity.key.secret_pkcs8_der();
        let bare: String = key.lines().filter(|line| !line.starts_with('-')).collect();
        let utf16: Vec<u8> = key.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for upload in [
            key.clone().into_bytes(),
            format!("{certificate}{key}").into_bytes(),
            format!("# a comment\n{key}").into_bytes(),
            key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")
                .into_bytes(),
            key.replace("PRIVATE KEY", "EC PRIVATE KEY").into_bytes(),
            key.to_lowercase().into_bytes(),
            bare.into_bytes(),
            STANDARD.encode(der).into_bytes(),
            utf16,
            der.to_vec(),
        ] {
            assert_eq!(
                refused(&upload),
                Some(Kind::PrivateKey),
                "{}",
                String::from_utf8_lossy(&upload)
            );
        }
    }
    // The head of a PKCS#12 container.
    assert_eq!(
        refused([0x30, 0x82, 0x09, 0x10, 0x02, 0x01, 0x03, 0x30]),
        Some(Kind::PrivateKey)
    );
}

#[test]
fn nothing_and_too_much_are_refused_before_anybody_is_asked() {
    assert_eq!(refused(""), Some(Kind::Unreadable));
    assert_eq!(refused(" \r\n\t"), Some(Kind::Unreadable));
    assert_eq!(
        refused(vec![b'a'; LARGEST_UPLOAD + 1]),
        Some(Kind::Unreadable)
    );
    assert_eq!(refused(vec![b'a'; LARGEST_UPLOAD]), None);
    assert_eq!(
        refused("garbage"),
        None,
        "what garbage is, is certval's to say"
    );
}
