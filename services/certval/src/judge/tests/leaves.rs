//! What is asked of a person's certificate itself.

use domain::reason::Reason;
use domain::timestamp::Timestamp;

use super::{accepted, accepting, judged_at, refused, refused_at};
use crate::oid;
use crate::workshop::{
    Authority, ECDSA_WITH_SHA1, Key, NOW, PKINIT, RSA_WITH_MD5, Recipe, SERVER_AUTHENTICATION,
    SMART_CARD_LOGON, ed25519_key, element, elliptic_curve_key, key_info, named, object,
    rsa_key_of, sequence,
};

#[track_caller]
fn leaf(recipe: &Recipe, reason: Reason, words: &str) {
    let root = Authority::root("FabrikamRootCA");
    refused(&accepting(&[&root]), &[&recipe.by(&root)], reason, words);
}

#[track_caller]
fn good(recipe: &Recipe) {
    let root = Authority::root("FabrikamRootCA");
    accepted(&accepting(&[&root]), &[&recipe.by(&root)]);
}

#[test]
fn the_purpose_must_be_client_authentication_and_said() {
    let usage = |purposes: &[&[u8]]| Recipe::leaf("jon").purposes(purposes);
    good(&usage(&[SERVER_AUTHENTICATION, oid::CLIENT_AUTHENTICATION]));
    good(&usage(&[SMART_CARD_LOGON, oid::CLIENT_AUTHENTICATION]));
    good(&usage(&[oid::ANY_PURPOSE, oid::CLIENT_AUTHENTICATION]));
    let wrong = Reason::WrongKeyUsage;
    leaf(
        &Recipe::leaf("jon").without(oid::EXTENDED_KEY_USAGE),
        wrong,
        "it has no extended key usage",
    );
    leaf(
        &usage(&[SERVER_AUTHENTICATION]),
        wrong,
        "it is for serverAuth",
    );
    leaf(
        &usage(&[SMART_CARD_LOGON]),
        wrong,
        "it is for smart card logon",
    );
    leaf(&usage(&[PKINIT]), wrong, "it is for PKINIT client");
    leaf(
        &usage(&[oid::ANY_PURPOSE]),
        wrong,
        "any purpose does not count",
    );
    leaf(&usage(&[]), Reason::Malformed, "names no purpose");
}

#[test]
fn application_policies_do_not_stand_in_for_the_purpose() {
    let policies = sequence(&[&sequence(&[&object(oid::CLIENT_AUTHENTICATION)])]);
    let application_policies = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x15, 0x0a];
    let recipe = Recipe::leaf("jon")
        .purposes(&[SERVER_AUTHENTICATION])
        .extension(application_policies, false, policies);
    leaf(&recipe, Reason::WrongKeyUsage, "serverAuth");
}

#[test]
fn the_key_must_be_for_signatures() {
    good(&Recipe::leaf("jon").without(oid::KEY_USAGE));
    good(&Recipe::leaf("jon").usage(0xa0, 5));
    leaf(
        &Recipe::leaf("jon").usage(0x20, 5),
        Reason::WrongKeyUsage,
        "lacks digitalSignature",
    );
    leaf(
        &Recipe::leaf("jon").usage(0x84, 2),
        Reason::WrongKeyUsage,
        "keyCertSign",
    );
}

#[test]
fn the_first_and_the_last_second_count() {
    let root = Authority::root("FabrikamRootCA");
    let jon = Recipe::leaf("jon")
        .with(|recipe| {
            recipe.not_before = "260430235950Z";
            recipe.not_after = "20260501000010Z";
        })
        .by(&root);
    let accepts = accepting(&[&root]);
    let at = |offset: i64| Timestamp(NOW.0.checked_add_signed(offset).unwrap());
    for offset in [-10, 0, 10] {
        let judgement = judged_at(&accepts, &[&jon], at(offset));
        assert!(
            matches!(judgement.verdict, domain::outcome::Verdict::Accepted(_)),
            "{offset}"
        );
    }
    refused_at(
        &accepts,
        &[&jon],
        at(11),
        Reason::Expired,
        "leaf CN=jon: expired on 2026-05-01 00:00:10 UTC; judged as of 2026-05-01 00:00:11 UTC",
    );
    refused_at(
        &accepts,
        &[&jon],
        at(-11),
        Reason::NotYetValid,
        "valid from 2026-04-30 23:59:50 UTC",
    );
}

#[test]
fn keys_are_of_a_listed_kind_and_size() {
    let with = |key: Vec<u8>| Recipe::leaf("jon").with(|recipe| recipe.key_info = key);
    let exponent = &[1, 0, 1];
    good(&with(Key::rsa().info()));
    good(&with(rsa_key_of(1024, exponent)));
    good(&with(ed25519_key()));
    let point = |bytes: usize| [&[4][..], &vec![7; bytes]].concat();
    good(&with(elliptic_curve_key(oid::P384, &point(96))));
    good(&with(elliptic_curve_key(oid::P521, &point(132))));
    let weak = Reason::WeakKey;
    leaf(&with(rsa_key_of(128, exponent)), weak, "RSA with 1024 bits");
    leaf(&with(rsa_key_of(255, exponent)), weak, "RSA with 2040 bits");
    leaf(
        &with(rsa_key_of(2048, exponent)),
        weak,
        "RSA with 16384 bits; at most 8192",
    );
    leaf(&with(rsa_key_of(256, &[3])), weak, "the public exponent 3");
    leaf(
        &with(rsa_key_of(256, &[1, 0, 2])),
        weak,
        "the public exponent 65538",
    );
    let p192 = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01];
    leaf(&with(elliptic_curve_key(p192, &point(48))), weak, "P-192");
    let own_parameters = [object(oid::ELLIPTIC_CURVE_KEY), element(0x30, &[2, 1, 1])].concat();
    leaf(
        &with(key_info(&own_parameters, &point(64))),
        weak,
        "parameters of its own",
    );
    let dsa = object(&[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01]);
    leaf(&with(key_info(&dsa, &[2, 1, 1])), weak, "DSA");
    let malformed = Reason::Malformed;
    leaf(
        &with(elliptic_curve_key(oid::P256, &point(63))),
        malformed,
        "point",
    );
    leaf(
        &with(elliptic_curve_key(
            oid::P256,
            &[&[2][..], &[7; 32]].concat(),
        )),
        malformed,
        "point",
    );
}

#[test]
fn outdated_signatures_are_told_apart() {
    let by =
        |algorithm: Vec<u8>| Recipe::leaf("jon").with(|recipe| recipe.algorithm = Some(algorithm));
    leaf(
        &by(object(ECDSA_WITH_SHA1)),
        Reason::Sha1Signature,
        "ECDSA with SHA-1",
    );
    let md5 = [object(RSA_WITH_MD5), vec![5, 0]].concat();
    leaf(&by(md5), Reason::Sha1Signature, "RSA with MD5");
    // RSASSA-PSS without parameters means SHA-1 (RFC 4055 section 3.1).
    let pss = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
    let bare = [object(pss), element(0x30, &[])].concat();
    leaf(&by(bare), Reason::Sha1Signature, "RSASSA-PSS");
    let gost = object(&[0x2a, 0x85, 0x03, 0x07, 0x01, 0x01, 0x03, 0x02]);
    leaf(
        &by(gost),
        Reason::BadChain,
        "1.2.643.7.1.1.3.2, which is not accepted",
    );
    let good = Reason::Sha1Signature.explanation().remedy;
    assert!(
        good.contains("postern pki user") && good.contains("sha256"),
        "{good}"
    );
}

#[test]
fn authorities_do_not_sign_in() {
    leaf(
        &Recipe::leaf("jon").constraints(true, None),
        Reason::BadChain,
        "it is an authority (CA:TRUE)",
    );
    good(&Recipe::leaf("jon").constraints(false, None));
    let names = element(
        0x30,
        &element(0xa0, &element(0x30, &element(0x82, b"a.test"))),
    );
    leaf(
        &Recipe::leaf("jon").extension(oid::NAME_CONSTRAINTS, true, names),
        Reason::BadChain,
        "name constraints",
    );
}

#[test]
fn critical_extensions_must_be_supported() {
    let policy = sequence(&[&sequence(&[&object(&[0x2a, 0x03, 0x04])])]);
    for (kind, words) in [
        (&[0x2a, 0x03, 0x04][..], "1.2.3.4"),
        (&[0x55, 0x1d, 0x20], "certificatePolicies (2.5.29.32)"),
    ] {
        let recipe = Recipe::leaf("jon");
        good(&recipe.clone().extension(kind, false, policy.clone()));
        leaf(
            &recipe.extension(kind, true, policy.clone()),
            Reason::BadChain,
            words,
        );
    }
}

#[test]
fn every_fault_of_the_leaf_is_listed_and_the_first_is_the_reason() {
    let root = Authority::root("FabrikamRootCA");
    let jon = Recipe::leaf("jon")
        .purposes(&[SERVER_AUTHENTICATION])
        .with(|recipe| {
            recipe.not_after = "260201000000Z";
            recipe.subject = crate::workshop::name(&[]);
        })
        .by(&root);
    let judgement = judged_at(&accepting(&[&root]), &[&jon], NOW);
    let failed: Vec<&str> = judgement
        .checks
        .iter()
        .filter(|check| check.result == domain::check::CheckResult::Failed)
        .map(|check| check.name.as_str())
        .collect();
    assert_eq!(failed, ["validity", "extended_key_usage", "common_name"]);
    refused(&accepting(&[&root]), &[&jon], Reason::Expired, "");
}

#[test]
fn what_a_certificate_names_is_asked_after_the_path() {
    let named_by = |subject: Vec<u8>| Recipe::leaf("jon").with(|recipe| recipe.subject = subject);
    leaf(
        &named_by(named("FABRIKAM\\jon")),
        Reason::MalformedCn,
        "leaf CN=FABRIKAM\\\\jon",
    );
    let two = crate::workshop::name(&[
        &[(oid::COMMON_NAME, 0x0c, b"jon")],
        &[(oid::COMMON_NAME, 0x0c, b"eve")],
    ]);
    leaf(&named_by(two), Reason::AmbiguousCn, "2 common names");
    leaf(
        &named_by(crate::workshop::name(&[])),
        Reason::NoCn,
        "(no name)",
    );
}
