//! What strangers may send: anything.

use domain::certificate::PresentedChain;
use domain::outcome::Verdict;
use domain::reason::Reason;
use proptest::prelude::*;

use super::{accepting, judge, refused};
use crate::oid;
use crate::workshop::{Authority, NOW, Recipe, element};

#[track_caller]
fn leaf(recipe: &Recipe, words: &str) {
    let root = Authority::root("FabrikamRootCA");
    refused(
        &accepting(&[&root]),
        &[&recipe.by(&root)],
        Reason::Malformed,
        words,
    );
}

#[test]
fn only_version_3_is_read() {
    let version = |version| Recipe::leaf("jon").with(|recipe| recipe.version = version);
    leaf(&version(None), "not of version 3");
    leaf(&version(Some(1)), "not of version 3");
    leaf(&version(Some(3)), "not of version 3");
}

#[test]
fn serial_numbers_are_positive_and_at_most_20_bytes() {
    let serial = |bytes: &[u8]| Recipe::leaf("jon").with(|recipe| recipe.serial = bytes.to_vec());
    leaf(&serial(&[0]), "serial number");
    leaf(&serial(&[0x80, 1]), "serial number");
    leaf(&serial(&[1; 21]), "serial number");
    leaf(&serial(&[0, 1]), "shortest form");
    leaf(&serial(&[]), "a number is empty");
}

#[test]
fn extensions_stand_there_once() {
    let twice = Recipe::leaf("jon").with(|recipe| {
        let again = recipe.extensions.first().unwrap().clone();
        recipe.extensions.push(again);
    });
    leaf(&twice, "twice");
}

#[test]
fn dates_have_one_form() {
    let ends = |text| Recipe::leaf("jon").with(|recipe| recipe.not_after = text);
    leaf(&ends("2701010000Z"), "date");
    leaf(&ends("20270101000000.1234567890123Z"), "date");
    leaf(&ends("250101000000Z"), "ends before it begins");
}

#[test]
fn anything_but_one_certificate_is_refused() {
    let root = Authority::root("FabrikamRootCA");
    let jon = Recipe::leaf("jon").by(&root);
    let accepts = accepting(&[&root]);
    let trailing = [&jon[..], &[0]].concat();
    let open = [&[0x30, 0x80][..], &jon[4..], &[0, 0]].concat();
    let long = [&[0x30, 0x83, 0][..], &jon[2..]].concat();
    for bad in [
        &trailing[..],
        &jon[..jon.len() - 1],
        &open,
        &long,
        b"no certificate",
        &[0x30, 0],
    ] {
        refused(
            &accepts,
            &[bad],
            Reason::Malformed,
            "certificate 1 of 1 (the leaf)",
        );
    }
    // An empty one among others too, and one that no path needs.
    refused(
        &accepts,
        &[&jon, &[]],
        Reason::Malformed,
        "certificate 2 of 2",
    );
    refused(
        &accepts,
        &[&jon, &root.der, b"garbage"],
        Reason::Malformed,
        "certificate 3 of 3",
    );
}

#[test]
fn a_malformed_security_identifier_is_no_missing_one() {
    leaf(
        &Recipe::leaf("jon").extension(oid::SECURITY_IDENTIFIER, false, b"S-1-5-21-1".to_vec()),
        "security identifier extension",
    );
    let garbled = element(
        0x30,
        &element(0x86, b"tag:microsoft.com,2022-09-14:sid:S-1-x"),
    );
    leaf(
        &Recipe::leaf("jon").extension(oid::SUBJECT_ALTERNATIVE_NAME, false, garbled),
        "among its alternative names",
    );
}

fn chain(certificates: Vec<Vec<u8>>) -> Option<PresentedChain> {
    PresentedChain::new(certificates.into_iter().map(Into::into).collect()).ok()
}

proptest! {
    #[test]
    fn any_bytes_are_judged(certificates in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..5)) {
        let root = Authority::root("FabrikamRootCA");
        if let Some(chain) = chain(certificates) {
            let judgement = judge(&accepting(&[&root]), &chain, NOW, 1);
            prop_assert!(matches!(judgement.verdict, Verdict::Refused(_)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Whatever is done to a good chain, nobody else comes out of it, and nothing comes out of a changed leaf.
    #[test]
    fn a_changed_certificate_is_never_somebody_else(
        which in 0..2usize,
        place in any::<prop::sample::Index>(),
        change in 1..=255u8,
        operation in 0..3u8,
    ) {
        static GOOD: std::sync::OnceLock<(Authority, Vec<Vec<u8>>)> = std::sync::OnceLock::new();
        let (root, certificates) = GOOD.get_or_init(|| {
            let root = Authority::root("FabrikamRootCA");
            let issuing = root.below("Issuing");
            let jon = Recipe::leaf("jon").by(&issuing);
            (root, vec![jon, issuing.der])
        });
        let mut certificates = certificates.clone();
        let bytes = &mut certificates[which];
        let at = place.index(bytes.len());
        match operation {
            0 => bytes[at] ^= change,
            1 => { bytes.remove(at); }
            _ => bytes.insert(at, change),
        }
        let judgement = judge(&accepting(&[root]), &chain(certificates).unwrap(), NOW, 1);
        prop_assert!(matches!(judgement.verdict, Verdict::Refused(_)), "{judgement:?}");
    }
}
