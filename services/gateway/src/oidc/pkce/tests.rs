use super::Challenge;

// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[test]
fn the_verifier_of_the_challenge_answers_it_and_no_other() {
    let challenge: Challenge = CHALLENGE.parse().unwrap();
    assert!(challenge.is_answered_by(VERIFIER));
    assert!(!challenge.is_answered_by(&VERIFIER.replace('d', "e")));
    // What `plain` would accept.
    assert!(!challenge.is_answered_by(CHALLENGE));
    assert!(!challenge.is_answered_by(""));
}

#[test]
fn verifiers_outside_the_rfc_are_refused_even_if_their_hash_fits() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use domain::digest::Digest;

    for verifier in [
        "a".repeat(42),
        "a".repeat(129),
        format!("{} ", "a".repeat(43)),
        "ä".repeat(43),
    ] {
        let challenge: Challenge = URL_SAFE_NO_PAD
            .encode(Digest::of(verifier.as_bytes()).as_bytes())
            .parse()
            .unwrap();
        assert!(!challenge.is_answered_by(&verifier), "{verifier}");
    }
}

#[test]
fn challenges_of_other_lengths_or_alphabets_are_refused() {
    for text in [
        &CHALLENGE[..42],
        &format!("{CHALLENGE}A"),
        &"a".repeat(129),
        &CHALLENGE.replace('-', "+"),
        "",
    ] {
        assert!(text.parse::<Challenge>().is_err(), "{text}");
    }
}
