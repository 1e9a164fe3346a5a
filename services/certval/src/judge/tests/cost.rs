//! What a stranger can make a judgement cost.

use std::time::{Duration, Instant};

use domain::certificate::{MAX_INTERMEDIATES, PresentedChain};
use domain::outcome::Verdict;

use super::{accepting, judge};
use crate::workshop::{Authority, Key, NOW, Recipe, named, rsa_key_of};

/// The longest of a few judgements must stay below this, in a build without optimisation and on a busy machine. The
/// signatures themselves are always optimised.
const BOUND: Duration = Duration::from_millis(200);

#[track_caller]
fn is_cheap(what: &str, root: &Authority, chain: &[Vec<u8>]) {
    let chain = chain.iter().map(|der| der.clone().into()).collect();
    let chain = PresentedChain::new(chain).unwrap();
    let accepts = accepting(&[root]);
    let began = Instant::now();
    let judgement = judge(&accepts, &chain, NOW, 1);
    let took = began.elapsed();
    println!("{what}: {took:?}");
    assert!(
        matches!(judgement.verdict, Verdict::Refused(_)),
        "{what}: {judgement:#?}"
    );
    assert!(took < BOUND, "{what} took {took:?}");
}

#[test]
fn many_authorities_of_one_name_are_refused_soon() {
    let ours = Authority::root("X");
    let keys: Vec<Key> = (0..MAX_INTERMEDIATES).map(|_| Key::p256()).collect();
    let of_one_name = |top: &str| -> Vec<Vec<u8>> {
        let mut chain = vec![Recipe::leaf("jon").signed(&named("X"), &keys[0])];
        for (place, key) in keys.iter().enumerate() {
            let above = keys.get(place + 1);
            let issuer = if above.is_some() { "X" } else { top };
            let signer = above.unwrap_or(key);
            chain.push(Recipe::authority("X", key).signed(&named(issuer), signer));
        }
        chain
    };
    is_cheap("all of the authority's name", &ours, &of_one_name("X"));
    let other = Authority::root("Y");
    is_cheap(
        "the last by the authority's name",
        &other,
        &of_one_name("Y"),
    );
    is_cheap(
        "nobody by the authority's name",
        &Authority::root("Z"),
        &of_one_name("X"),
    );
}

#[test]
fn large_keys_are_refused_soon() {
    let ours = Authority::root("X");
    let garbage = Key::rsa();
    let mut chain = vec![Recipe::leaf("jon").signed(&named("X"), &garbage)];
    for last in 0..MAX_INTERMEDIATES {
        let large = Recipe::authority("X", &garbage).with(|recipe| {
            recipe.key_info = rsa_key_of(1024 - last, &[1, 0, 0, 0, 1]);
        });
        chain.push(large.signed(&named("X"), &garbage));
    }
    is_cheap("RSA with 8192 bits", &ours, &chain);
}
