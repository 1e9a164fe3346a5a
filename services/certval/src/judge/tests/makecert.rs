//! The chain that the old makecert lines make: SHA-1 signatures, a root without basicConstraints, a leaf without purposes.
//!
//! The files were put together byte by byte in that shape and signed with `openssl dgst -sha1`; nobody has the keys.

use domain::reason::Reason;

use super::refused_at;
use crate::authorities::Authorities;
use crate::certificate::Certificate;
use crate::inspect::inspect;
use crate::workshop::{NOW, configured};

/// With the object identifier of PKCS #1, and with the older one of the OIW that makecert writes.
const CHAINS: [(&[u8], &[u8], &str); 2] = [
    (
        include_bytes!("../../../tests/fixtures/makecert-pkcs1-root.der"),
        include_bytes!("../../../tests/fixtures/makecert-pkcs1-leaf.der"),
        "1.2.840.113549.1.1.5",
    ),
    (
        include_bytes!("../../../tests/fixtures/makecert-oiw-root.der"),
        include_bytes!("../../../tests/fixtures/makecert-oiw-leaf.der"),
        "1.3.14.3.2.29",
    ),
];

#[test]
fn it_is_refused_for_its_signature_with_the_command_that_makes_a_good_one() {
    for (root, leaf, algorithm) in CHAINS {
        let key_info = Certificate::read(root).unwrap().key_info;
        let accepts = Authorities::prepare(&[configured(root, key_info)]).unwrap();
        let words = format!("leaf CN=jon: signed by RSA with SHA-1 ({algorithm})");
        for chain in [&[leaf][..], &[leaf, root]] {
            refused_at(&accepts, chain, NOW, Reason::Sha1Signature, &words);
        }
        // The same without its root being accepted: the signature is what its owner can do something about.
        refused_at(
            &Authorities::default(),
            &[leaf],
            NOW,
            Reason::Sha1Signature,
            &words,
        );
    }
}

#[test]
fn its_root_is_no_authority() {
    for (root, _, _) in CHAINS {
        let inspected = inspect(root, NOW).unwrap();
        let problems = &inspected.first().unwrap().authority_problems;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains("CA:TRUE"), "{problems:?}");
    }
}
