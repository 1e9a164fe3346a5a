//! What a stranger can make a judgement cost.

use std::time::{Duration, Instant};

use domain::certificate::{MAX_INTERMEDIATES, PresentedChain};
use domain::outcome::Verdict;

use super::{accepting, judge};
use crate::workshop::{Authority, Key, NOW, Recipe, named, rsa_key_of};

/// A judgement must stay below this in a build without optimisation. The signatures themselves are always optimised.
const BOUND: Duration = Duration::from_millis(200);
/// So many judgements, of which the shortest counts: the work is always the same, so what the others took longer is what
/// else the machine did. Webpki does not tell how many signatures it checked, so time is all there is to bound.
const RUNS: usize = 5;

#[track_caller]
fn is_cheap(what: &str, root: &Authority, chain: &[Vec<u8>]) {
    let chain = chain.iter().map(|der| der.clone().into()).collect();
    let chain = PresentedChain::new(chain).unwrap();
    let accepts = accepting(&[root]);
    let run = || {
        let began = Instant::now();
        let judgement = judge(&accepts, &chain, NOW, 1);
        let took = began.elapsed();
        assert!(
            matches!(judgement.verdict, Verdict::Refused(_)),
            "{what}: {judgement:#?}"
        );
        took
    };
    let took = (0..RUNS).map(|_| run()).min().unwrap();
    println!("{what}: {took:?}");
    assert!(took < BOUND, "{what} took {took:?}");
}

#[track_caller]
fn many_authorities_of_one_name(kind: &str, key: impl Fn() -> Key) {
    let keys: Vec<Key> = (0..MAX_INTERMEDIATES).map(|_| key()).collect();
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
    for (what, ours, top) in [
        ("all of the authority's name", "X", "X"),
        ("the last by the authority's name", "Y", "Y"),
        ("nobody by the authority's name", "Z", "X"),
    ] {
        is_cheap(
            &format!("{kind}: {what}"),
            &Authority::root(ours),
            &of_one_name(top),
        );
    }
}

#[test]
fn many_authorities_of_one_name_are_refused_soon() {
    many_authorities_of_one_name("P-256", Key::p256);
    many_authorities_of_one_name("RSA", Key::rsa);
}

/// The slowest signatures that are accepted.
#[test]
fn the_same_with_long_keys_is_refused_soon() {
    many_authorities_of_one_name("P-384", Key::p384);
    many_authorities_of_one_name("P-521", Key::p521);
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
