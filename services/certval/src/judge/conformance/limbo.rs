//! x509-limbo: the cases about paths. Those of the public web's own rules and of real sites are left out.

use domain::timestamp::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;

use super::super::Purpose;
use super::{Score, suite, verdict};
use crate::oid;
use crate::workshop::{NOW, SERVER_AUTHENTICATION};

const AUTHORITY_AS_LEAF: &str = "an authority does not sign in";
const KEY_IDENTIFIERS: &str = "authorities are obliged to write key identifiers (RFC 5280 section 4.2.1.1); validation (section 6) does not need them";
const NAME_CONSTRAINTS: &str =
    "constraints on directory names, addresses of mail and URIs are not supported, and refused";
const NOT_CRITICAL: &str =
    "an authority is obliged to mark it critical; it is obeyed without the mark, too";
const PURPOSE: &str = "a certificate for signing in must say so";
const SELF_ISSUED: &str = "webpki does not follow an authority's certificate for its own next key, or counts it into the path length";
const SERVER_NAMES: &str = "the form of a server's DNS name; nobody signs in by one";
const TOO_MANY: &str = "more than 8 certificates above the leaf";

/// Accepted here, though the suite demands a refusal.
const ACCEPTED: &[(&str, &str)] = &[
    (
        "rfc5280::aki::cross-signed-root-missing-aki",
        KEY_IDENTIFIERS,
    ),
    ("rfc5280::aki::intermediate-missing-aki", KEY_IDENTIFIERS),
    ("rfc5280::aki::leaf-missing-aki", KEY_IDENTIFIERS),
    ("rfc5280::nc::invalid-dnsname-leading-period", SERVER_NAMES),
    ("rfc5280::nc::permitted-dns-match-noncritical", NOT_CRITICAL),
    ("rfc5280::pc::ica-noncritical-pc", NOT_CRITICAL),
    ("rfc5280::root-non-critical-basic-constraints", NOT_CRITICAL),
    ("rfc5280::san::underscore-dns", SERVER_NAMES),
    ("rfc5280::ski::intermediate-missing-ski", KEY_IDENTIFIERS),
    ("rfc5280::ski::root-missing-ski", KEY_IDENTIFIERS),
];

/// Refused here, though the suite demands acceptance.
const REFUSED: &[(&str, &str)] = &[
    ("cve::cve-2024-0567", TOO_MANY),
    ("pathlen::self-issued-certs-pathlen", SELF_ISSUED),
    (
        "pathlen::validation-ignores-pathlen-in-leaf",
        AUTHORITY_AS_LEAF,
    ),
    ("rfc5280::ca-as-leaf", AUTHORITY_AS_LEAF),
    ("rfc5280::eku::ee-without-eku", PURPOSE),
    ("rfc5280::nc::nc-permits-email-domain", NAME_CONSTRAINTS),
    ("rfc5280::nc::nc-permits-email-exact", NAME_CONSTRAINTS),
    (
        "rfc5280::nc::nc-permits-email-literal-asterisk-exact-match",
        NAME_CONSTRAINTS,
    ),
    (
        "rfc5280::nc::nc-permits-email-literal-double-asterisk",
        NAME_CONSTRAINTS,
    ),
    (
        "rfc5280::nc::nc-permits-email-literal-mid-asterisk",
        NAME_CONSTRAINTS,
    ),
    ("rfc5280::nc::permitted-dn-match", NAME_CONSTRAINTS),
    ("rfc5280::nc::permitted-self-issued", SELF_ISSUED),
];

/// Cases whose verdict depends on the name of a server, which a client's certificate has none of.
const ABOUT_SERVER_NAMES: &[&str] = &["pathological::nc-dos-3", "rfc5280::san::ip-in-dns"];

#[derive(Deserialize)]
struct Suite {
    testcases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    validation_kind: String,
    trusted_certs: Vec<String>,
    untrusted_intermediates: Vec<String>,
    peer_certificate: String,
    validation_time: Option<String>,
    expected_result: String,
    max_chain_depth: Option<u32>,
    crls: Vec<String>,
}

fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes())
        .unwrap()
        .to_vec()
}

fn ders(pem: &[String]) -> Vec<Vec<u8>> {
    pem.iter().map(|pem| der(pem)).collect()
}

impl Case {
    fn at(&self) -> Timestamp {
        self.validation_time.as_ref().map_or(NOW, |text| {
            let format = &time::format_description::well_known::Rfc3339;
            let moment = time::OffsetDateTime::parse(text, format).unwrap();
            Timestamp(moment.unix_timestamp().try_into().unwrap())
        })
    }

    fn purpose(&self) -> Purpose {
        let required = match self.validation_kind.as_str() {
            "SERVER" => SERVER_AUTHENTICATION,
            _ => oid::CLIENT_AUTHENTICATION,
        };
        Purpose {
            required: Some(required),
            ..Purpose::CLIENT
        }
    }

    fn judged(&self) -> Result<(), String> {
        let mut chain = vec![der(&self.peer_certificate)];
        chain.extend(ders(&self.untrusted_intermediates));
        verdict(
            &ders(&self.trusted_certs),
            &chain,
            self.at(),
            self.purpose(),
        )
    }
}

fn cases() -> Vec<Case> {
    let Some(path) = suite("limbo-core.json") else {
        return Vec::new();
    };
    let suite: Suite = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    suite.testcases
}

/// Every certificate of the suite; none where the suite is not there.
pub(super) fn every_certificate() -> Vec<Vec<u8>> {
    let cases = cases();
    let each = cases.iter().flat_map(|case| {
        let pem = case
            .trusted_certs
            .iter()
            .chain(&case.untrusted_intermediates);
        pem.chain([&case.peer_certificate])
    });
    each.map(|pem| der(pem)).collect()
}

#[test]
fn limbo() {
    let cases = cases();
    if cases.is_empty() {
        return;
    }
    let mut score = Score::default();
    let mut left_out = 0;
    for case in &cases {
        if case.id.starts_with("webpki::") || case.id.starts_with("online") {
            continue;
        }
        let about_revocation = !case.crls.is_empty();
        let about_depth = case.max_chain_depth.is_some();
        if about_revocation || about_depth || ABOUT_SERVER_NAMES.contains(&case.id.as_str()) {
            println!("limbo: {} left out", case.id);
            left_out += 1;
            continue;
        }
        let began = std::time::Instant::now();
        score.note(&case.id, case.expected_result == "SUCCESS", case.judged());
        if began.elapsed().as_millis() > 100 {
            println!("SLOW: limbo {} took {:?}", case.id, began.elapsed());
        }
    }
    println!("limbo: {left_out} left out");
    score.settle("limbo", ACCEPTED, REFUSED);
}
