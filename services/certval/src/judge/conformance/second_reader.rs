//! Our reader of certificates beside another one: whatever ours takes, the other takes, and both see the same.

use proptest::prelude::*;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::limbo;
use crate::certificate::Certificate;
use crate::identity::common_name;
use crate::oid;
use crate::workshop::{Authority, Recipe, element};

/// Compares the two; whether ours takes it.
#[track_caller]
fn agree(bytes: &[u8]) -> bool {
    let Ok(ours) = Certificate::read(bytes) else {
        return false;
    };
    let (rest, other) = X509Certificate::from_der(bytes).expect("only our reader takes it");
    assert!(rest.is_empty());
    assert_eq!(ours.subject, other.subject().as_raw());
    assert_eq!(ours.issuer, other.issuer().as_raw());
    assert_eq!(ours.key_info, other.public_key().raw);
    assert_eq!(ours.serial, other.raw_serial());
    let until = other.validity().not_after.to_datetime();
    assert!(
        ours.validity
            .not_after
            .words()
            .starts_with(&until.date().to_string())
    );
    if let Ok(purposes) = other.extended_key_usage() {
        let client = ours
            .extensions
            .purposes
            .as_ref()
            .is_some_and(|purposes| purposes.contains(&oid::CLIENT_AUTHENTICATION));
        assert_eq!(
            client,
            purposes.is_some_and(|purposes| purposes.value.client_auth)
        );
    }
    if let Ok(Some(constraints)) = other.basic_constraints() {
        assert_eq!(ours.extensions.authority(), constraints.value.ca);
    }
    if let Ok(account) = common_name(ours.subject) {
        let names: Vec<_> = other.subject().iter_common_name().collect();
        assert_eq!(names.len(), 1);
        assert!(account.is_exactly(names[0].as_str().unwrap()));
    }
    true
}

#[test]
fn both_readers_see_the_same_in_every_certificate_of_limbo() {
    let all = limbo::every_certificate();
    if all.is_empty() {
        // Said where the suite was looked for.
        return;
    }
    let taken = all.iter().filter(|der| agree(der)).count();
    println!("{taken} of {} certificates are read", all.len());
    assert!(taken * 10 >= all.len() * 9);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn both_readers_see_the_same_in_changed_certificates(
        place in any::<prop::sample::Index>(),
        change in any::<u8>(),
        operation in 0..3u8,
    ) {
        static GOOD: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let good = GOOD.get_or_init(|| {
            let names = element(0x30, &element(0x82, b"pc1.fabrikam.test"));
            Recipe::leaf("jon")
                .constraints(false, None)
                .extension(oid::SUBJECT_ALTERNATIVE_NAME, false, names)
                .by(&Authority::root("FabrikamRootCA"))
        });
        let mut bytes = good.clone();
        let at = place.index(bytes.len());
        match operation {
            0 => bytes[at] = change,
            1 => { bytes.remove(at); }
            _ => bytes.insert(at, change),
        }
        agree(&bytes);
    }
}
