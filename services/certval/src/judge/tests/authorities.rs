//! What is asked of intermediates and of the accepted authorities themselves.

use domain::reason::Reason;
use domain::timestamp::Timestamp;

use super::{accepted, accepting, refused, refused_at};
use crate::authorities::Authorities;
use crate::oid;
use crate::workshop::{
    Authority, ECDSA_WITH_SHA1, Key, NOW, Recipe, SERVER_AUTHENTICATION, configured, element,
    named, object, rsa_key_of, sequence,
};

/// A leaf below an intermediate that was changed.
#[track_caller]
fn intermediate(change: impl FnOnce(&mut Recipe), reason: Reason, words: &str) {
    let root = Authority::root("FabrikamRootCA");
    let issuing = root.below_with("Issuing", change);
    let jon = Recipe::leaf("jon").by(&issuing);
    refused(&accepting(&[&root]), &[&jon, &issuing.der], reason, words);
}

/// A leaf below an accepted authority that was changed.
#[track_caller]
fn authority(change: impl FnOnce(&mut Recipe), reason: Reason, words: &str) {
    let root = Authority::root_with("FabrikamRootCA", change);
    let jon = Recipe::leaf("jon").by(&root);
    refused(&accepting(&[&root]), &[&jon], reason, words);
}

fn edit(recipe: &mut Recipe, change: impl FnOnce(Recipe) -> Recipe) {
    *recipe = change(recipe.clone());
}

#[test]
fn an_intermediate_must_say_that_it_is_an_authority() {
    let plain = |recipe: &mut Recipe| edit(recipe, |recipe| recipe.without(oid::BASIC_CONSTRAINTS));
    intermediate(plain, Reason::BadChain, "does not say CA:TRUE");
    let no = |recipe: &mut Recipe| edit(recipe, |recipe| recipe.constraints(false, None));
    intermediate(no, Reason::BadChain, "does not say CA:TRUE");
}

#[test]
fn an_intermediate_needs_the_right_to_sign_certificates() {
    let no = |recipe: &mut Recipe| edit(recipe, |recipe| recipe.usage(0x80, 7));
    intermediate(
        no,
        Reason::BadChain,
        "intermediate CN=Issuing: it may not sign certificates",
    );
}

#[test]
fn a_leaf_cannot_issue() {
    let root = Authority::root("FabrikamRootCA");
    let key = Key::p256();
    let jane = Recipe::leaf("jane").with(|recipe| recipe.key_info = key.info());
    let jon = Recipe::leaf("jon").signed(&jane.subject, &key);
    refused(
        &accepting(&[&root]),
        &[&jon, &jane.by(&root)],
        Reason::BadChain,
        "does not say CA:TRUE",
    );
}

#[test]
fn an_intermediate_must_be_valid_at_the_time() {
    let old = |recipe: &mut Recipe| recipe.not_after = "260430235959Z";
    intermediate(
        old,
        Reason::Expired,
        "intermediate CN=Issuing: expired on 2026-04-30",
    );
    let young = |recipe: &mut Recipe| recipe.not_before = "260501000001Z";
    intermediate(young, Reason::NotYetValid, "valid from 2026-05-01 00:00:01");
}

#[test]
fn an_intermediate_needs_a_strong_key_and_signature() {
    // Nobody can sign with this key, so the leaf below it is by another; what is told is the key.
    let root = Authority::root("FabrikamRootCA");
    let weak = Recipe::authority("Issuing", &Key::p256())
        .with(|recipe| recipe.key_info = rsa_key_of(128, &[1, 0, 1]));
    let jon = Recipe::leaf("jon").signed(&named("Issuing"), &Key::p256());
    let accepts = accepting(&[&root]);
    let words = "intermediate CN=Issuing: RSA with 1024 bits";
    refused(&accepts, &[&jon, &weak.by(&root)], Reason::WeakKey, words);
    let listed = Authorities::prepare(&[configured(&weak.by(&root), &weak.key_info)]).unwrap();
    refused(
        &listed,
        &[&jon],
        Reason::WeakKey,
        "authority CN=Issuing: RSA with 1024 bits",
    );
    let outdated = |recipe: &mut Recipe| recipe.algorithm = Some(object(ECDSA_WITH_SHA1));
    intermediate(
        outdated,
        Reason::Sha1Signature,
        "intermediate CN=Issuing: signed by ECDSA with SHA-1",
    );
}

#[test]
fn what_an_intermediate_is_for_binds_those_below_it() {
    let web =
        |recipe: &mut Recipe| edit(recipe, |recipe| recipe.purposes(&[SERVER_AUTHENTICATION]));
    intermediate(
        web,
        Reason::WrongKeyUsage,
        "intermediate CN=Issuing: its extended key usage lacks clientAuth",
    );
}

#[test]
fn what_an_accepted_authority_is_for_binds_it() {
    let restricted_to = |purposes: &'static [&'static [u8]]| {
        move |recipe: &mut Recipe| edit(recipe, |recipe| recipe.purposes(purposes))
    };
    authority(
        restricted_to(&[SERVER_AUTHENTICATION]),
        Reason::WrongKeyUsage,
        "authority CN=FabrikamRootCA: its extended key usage lacks clientAuth",
    );
    authority(
        restricted_to(&[oid::ANY_PURPOSE]),
        Reason::WrongKeyUsage,
        "any purpose does not count",
    );
    let good = restricted_to(&[SERVER_AUTHENTICATION, oid::CLIENT_AUTHENTICATION]);
    let root = Authority::root_with("FabrikamRootCA", good);
    accepted(&accepting(&[&root]), &[&Recipe::leaf("jon").by(&root)]);
    // An issuing authority that is accepted itself is asked the same as below its root.
    let root = Authority::root("FabrikamRootCA");
    let issuing = root.below_with("Issuing", restricted_to(&[SERVER_AUTHENTICATION]));
    let jon = Recipe::leaf("jon").by(&issuing);
    for chain in [&[&jon[..]][..], &[&jon, &issuing.der]] {
        refused(
            &accepting(&[&issuing]),
            chain,
            Reason::WrongKeyUsage,
            "authority CN=Issuing",
        );
    }
}

#[test]
fn critical_extensions_of_an_intermediate_must_be_supported() {
    let policy = |recipe: &mut Recipe| {
        let constraints = sequence(&[&element(0x80, &[0])]);
        edit(recipe, |recipe| {
            recipe.extension(&[0x55, 0x1d, 0x24], true, constraints)
        });
    };
    intermediate(policy, Reason::BadChain, "policyConstraints (2.5.29.36)");
}

#[test]
fn path_lengths_are_kept() {
    let limited = |length| {
        move |recipe: &mut Recipe| edit(recipe, |recipe| recipe.constraints(true, Some(length)))
    };
    for (root_allows, one_allows, good) in
        [(2, 1, true), (1, 1, false), (2, 0, false), (0, 5, false)]
    {
        let root = Authority::root_with("FabrikamRootCA", limited(root_allows));
        let one = root.below_with("One", limited(one_allows));
        let two = one.below("Two");
        let jon = Recipe::leaf("jon").by(&two);
        let accepts = accepting(&[&root]);
        let chain = [&jon[..], &two.der, &one.der];
        if good {
            accepted(&accepts, &chain);
        } else {
            refused(&accepts, &chain, Reason::BadChain, "");
        }
    }
    let root = Authority::root_with("FabrikamRootCA", limited(0));
    accepted(&accepting(&[&root]), &[&Recipe::leaf("jon").by(&root)]);
    let issuing = root.below("Issuing");
    refused(
        &accepting(&[&root]),
        &[&Recipe::leaf("jon").by(&issuing), &issuing.der],
        Reason::BadChain,
        "authority CN=FabrikamRootCA: 1 intermediates follow it; it allows 0",
    );
}

#[test]
fn an_accepted_authority_must_be_one() {
    authority(
        |recipe| edit(recipe, |recipe| recipe.without(oid::BASIC_CONSTRAINTS)),
        Reason::BadChain,
        "authority CN=FabrikamRootCA: it is not an authority",
    );
    authority(
        |recipe| edit(recipe, |recipe| recipe.usage(0x80, 7)),
        Reason::BadChain,
        "authority CN=FabrikamRootCA: it may not sign certificates",
    );
    authority(
        |recipe| {
            edit(recipe, |recipe| {
                recipe.extension(&[0x2a, 0x03], true, vec![5, 0])
            });
        },
        Reason::BadChain,
        "a critical extension that is not supported: 1.2.3",
    );
    let root = Authority::root_with("FabrikamRootCA", |recipe| {
        edit(recipe, |recipe| recipe.without(oid::KEY_USAGE));
    });
    accepted(&accepting(&[&root]), &[&Recipe::leaf("jon").by(&root)]);
}

#[test]
fn an_accepted_authority_must_be_valid_at_the_time() {
    authority(
        |recipe| recipe.not_after = "260430235959Z",
        Reason::Expired,
        "authority CN=FabrikamRootCA: expired on 2026-04-30 23:59:59 UTC; judged as of 2026-05-01 00:00:00 UTC",
    );
    authority(
        |recipe| recipe.not_before = "260501000001Z",
        Reason::NotYetValid,
        "valid from 2026-05-01 00:00:01 UTC",
    );
}

#[test]
fn a_renewed_authority_with_the_same_key_takes_over() {
    let old = Authority::root_with("FabrikamRootCA", |recipe| {
        recipe.not_after = "260430235959Z";
    });
    let der = Recipe::authority("FabrikamRootCA", &old.key).signed(&old.name, &old.key);
    let jon = Recipe::leaf("jon").by(&old);
    let renewed = Authority {
        name: old.name.clone(),
        der,
        key: old.key,
    };
    let old = configured(&old.der, &renewed.key.info());
    let both = Authorities::prepare(&[old, renewed.configured()]).unwrap();
    accepted(&both, &[&jon]);
}

#[test]
fn the_time_is_the_one_given() {
    let root = Authority::root("FabrikamRootCA");
    let jon = Recipe::leaf("jon").by(&root);
    let accepts = accepting(&[&root]);
    for (at, reason) in [
        (Timestamp(0), Reason::NotYetValid),
        (Timestamp(u64::MAX), Reason::Expired),
        (
            NOW.plus(std::time::Duration::from_secs(366 * 86_400)),
            Reason::Expired,
        ),
    ] {
        refused_at(&accepts, &[&jon], at, reason, "");
    }
}

#[test]
fn name_constraints_are_kept() {
    let only = |domain: &str| {
        let subtree = sequence(&[&element(0x82, domain.as_bytes())]);
        let permitted = element(0xa0, &subtree);
        let value = element(0x30, &permitted);
        move |recipe: &mut Recipe| {
            edit(recipe, |recipe| {
                recipe.extension(oid::NAME_CONSTRAINTS, true, value)
            });
        }
    };
    let alternative = element(0x30, &element(0x82, b"pc1.fabrikam.test"));
    let jon = Recipe::leaf("jon").extension(oid::SUBJECT_ALTERNATIVE_NAME, false, alternative);
    let good = Authority::root_with("FabrikamRootCA", only("fabrikam.test"));
    accepted(&accepting(&[&good]), &[&jon.by(&good)]);
    let bad = Authority::root_with("FabrikamRootCA", only("contoso.test"));
    refused(
        &accepting(&[&bad]),
        &[&jon.by(&bad)],
        Reason::BadChain,
        "a name is outside",
    );
}
