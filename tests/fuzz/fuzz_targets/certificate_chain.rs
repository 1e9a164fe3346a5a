//! Any bytes as a chain, its first certificate being the accepted authority: judged, refused, or accepted, never a panic.

#![no_main]

use certval::authorities::Authorities;
use certval::judge::judge;
use domain::authority::Authority;
use domain::certificate::PresentedChain;
use domain::digest::Digest;
use domain::public_key;
use domain::timestamp::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let certificates = split(input);
    let authorities = certificates
        .first()
        .and_then(|der| prepared(der))
        .unwrap_or_default();
    let chain = certificates.iter().skip(1).map(|der| der.to_vec().into());
    if let Ok(chain) = PresentedChain::new(chain.collect()) {
        let _ = judge(&authorities, &chain, Timestamp(1_777_593_600), 1);
    }
});

fn prepared(der: &[u8]) -> Option<Authorities> {
    let authority = Authority {
        key: Digest::of(public_key::of_certificate(der).ok()?),
        fingerprint: Digest::of(der),
        certificate: der.to_vec().into(),
        subject: Vec::new().into(),
        name: String::new(),
        not_after: Timestamp(0),
        added_in: 0,
    };
    Authorities::prepare(&[authority]).ok()
}

/// Pieces, each behind its length in two bytes.
fn split(mut input: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while let Some((length, rest)) = input.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (piece, rest) = rest.split_at(length);
        pieces.push(piece);
        input = rest;
    }
    pieces
}
