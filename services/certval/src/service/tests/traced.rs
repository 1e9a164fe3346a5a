//! What a judgement shows in traces, logs and numbers, and what not.

use std::collections::BTreeSet;

use domain::digest::Digest;
use testkit::spans::{Recording, Span};

use super::*;
use crate::certificate::Certificate;

const SERVER: &str = "postern.certval.v1.Certval/Validate";

/// All that spans of certval may say.
const FIELDS: [&str; 6] = [
    "authorities",
    "certificates",
    "code",
    "intermediates",
    "outcome",
    "revision",
];

/// The steps with their outcomes and codes.
fn steps(spans: &[Span]) -> Vec<(&str, &str, &str)> {
    let steps = spans.iter();
    steps
        .map(|span| (&*span.name, span.field("outcome"), span.field("code")))
        .collect()
}

#[tokio::test]
async fn every_step_is_a_span_below_the_call_and_names_nobody() {
    let (recording, _guard) = Recording::start();
    let root = Authority::root("FabrikamRootCA");
    let rig = Rig::start(&root, 42).await;
    let jon = Recipe::leaf("jon").by(&root);
    rig.judged(question(&[&jon])).await;
    let spans = recording.spans(&["certval"]);
    assert_eq!(
        steps(&spans),
        [
            ("parse chain", "accepted", ""),
            ("check leaf", "accepted", ""),
            ("find path", "accepted", ""),
            ("read identity", "accepted", ""),
        ]
    );
    let counts = |span: &Span| {
        let of = |name| span.field(name).to_owned();
        (of("certificates"), of("intermediates"), of("authorities"))
    };
    assert_eq!(
        counts(&spans[0]),
        ("1".into(), String::new(), String::new())
    );
    assert_eq!(counts(&spans[2]), (String::new(), "0".into(), "1".into()));
    assert_eq!(spans[0].field("revision"), "42");
    let allowed = BTreeSet::from(FIELDS);
    for span in &spans {
        assert_eq!(span.parent.as_deref(), Some(SERVER), "{span:?}");
        for (field, value) in &span.fields {
            assert!(allowed.contains(&**field), "{field} in {span:?}");
            let telling = ["jon", "Fabrikam", "CN="]
                .iter()
                .any(|word| value.contains(word));
            assert!(!telling, "{span:?}");
        }
    }
    rig.end().await;
}

#[tokio::test]
async fn the_step_that_refuses_says_why() {
    let (recording, _guard) = Recording::start();
    let (root, other) = (Authority::root("FabrikamRootCA"), Authority::root("Other"));
    let rig = Rig::start(&root, 1).await;
    rig.judged(question(&[&Recipe::leaf("jon").by(&other)]))
        .await;
    rig.judged(question(&[b"x"])).await;
    rig.judged(question(&[])).await;
    assert_eq!(
        steps(&recording.spans(&["certval"])),
        [
            ("parse chain", "accepted", ""),
            ("check leaf", "accepted", ""),
            ("find path", "refused", "unknown_issuer"),
            ("read identity", "accepted", ""),
            ("parse chain", "refused", "malformed"),
            ("parse chain", "refused", "no_certificate"),
        ]
    );
    rig.end().await;
}

#[tokio::test]
async fn verdicts_are_counted_and_ends_of_authorities_told() {
    let root = Authority::root("FabrikamRootCA");
    let rig = Rig::start(&root, 1).await;
    let says = |line: &str| {
        let text = rig.metrics.text().unwrap();
        assert!(text.lines().any(|said| said == line), "{line}\n{text}");
    };
    let verdicts = |outcome: &str, code: &str, count: u32| {
        says(&format!(
            "postern_verdicts_total{{code=\"{code}\",outcome=\"{outcome}\",role=\"certval\"}} {count}"
        ));
    };
    verdicts("accepted", "", 0);
    verdicts("refused", "expired", 0);
    rig.judged(question(&[&Recipe::leaf("jon").by(&root)]))
        .await;
    rig.judged(question(&[b"x"])).await;
    // Explaining is no sign-in.
    let explanation = v1::ExplainRequest {
        question: Some(question(&[b"x"])),
        at: NOW.0,
    };
    let mut control = rig.client(&Peer::role("control"));
    control.explain(explanation).await.unwrap();
    verdicts("accepted", "", 1);
    verdicts("refused", "malformed", 1);
    says("postern_judgement_seconds_count{role=\"certval\"} 2");
    let fingerprint = Digest::of(&root.der).to_string();
    let certificate = Certificate::read(&root.der).unwrap();
    let end = certificate.validity.not_after.timestamp().0;
    says(&format!(
        "postern_certificate_expiry_timestamp_seconds{{kind=\"authority\",name=\"FabrikamAD/{}\",role=\"certval\"}} {end}",
        &fingerprint[..16]
    ));
    rig.end().await;
}
