use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use domain::reason::{Fault, Reason};

use super::Language;

fn accepted(lines: &[&str]) -> Option<Language> {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(ACCEPT_LANGUAGE, line.parse().unwrap());
    }
    Language::accepted(&headers)
}

#[test]
fn the_browsers_best_language_that_we_have_is_taken() {
    use Language::{English, German};
    for (line, expected) in [
        ("de", Some(German)),
        ("de-CH,fr;q=0.9", Some(German)),
        ("DE-at", Some(German)),
        ("en-GB,en;q=0.9,de;q=0.8", Some(English)),
        ("de;q=0.8, en;q=0.9", Some(English)),
        ("fr-FR, fr;q=0.9, de;q=0.5, en;q=0.4", Some(German)),
        ("en;q=0.5,de;q=0.5", Some(English)),
        ("de;q=0.51,en;q=0.5", Some(German)),
        ("en;q=0,de;q=0.001", Some(German)),
        ("de;q=0", None),
        ("fr, ja;q=0.9", None),
        ("*", None),
        ("", None),
        // Nonsense counts for nothing, and what is good beside it counts.
        ("de;q=2, en;q=0.1", Some(English)),
        ("de;q=0.1234, en;q=0.1", Some(English)),
        ("de;q=-1, de;q=x, de;q=, de;r=1", None),
        (";;;,,,q=1;de", None),
        ("denmark, english", None),
        (" de ; q=0.7 ", Some(German)),
        ("de;Q=1.000", Some(German)),
    ] {
        assert_eq!(accepted(&[line]), expected, "{line}");
    }
    assert_eq!(accepted(&["fr", "de"]), Some(German));
    assert_eq!(accepted(&[]), None);
}

#[test]
fn a_long_list_is_looked_at_up_to_its_limits() {
    assert_eq!(accepted(&[&"fr,".repeat(3500)]), None);
    assert_eq!(accepted(&[&format!("{}de", "x".repeat(10_240))]), None);
    assert_eq!(
        accepted(&[&format!("de,{}", "fr,".repeat(3500))]),
        Some(Language::German)
    );
    assert_eq!(accepted(&[&format!("{}de", "fr,".repeat(32))]), None);
    assert_eq!(Language::asked_for(&"fr ".repeat(4000)), None);
}

#[test]
fn an_application_asks_in_its_order() {
    for (list, expected) in [
        ("de en", Some(Language::German)),
        ("fr-CA de-DE en", Some(Language::German)),
        ("en de", Some(Language::English)),
        ("fr", None),
        ("", None),
        ("  de", Some(Language::German)),
        ("de,en", None),
    ] {
        assert_eq!(Language::asked_for(list), expected, "{list}");
    }
}

#[test]
fn every_language_has_its_own_sentences_for_every_code() {
    let refusals = Reason::ALL.iter().map(|reason| {
        (
            reason.code(),
            Language::ALL.map(|each| each.refusal(*reason)),
        )
    });
    let faults = Fault::ALL
        .iter()
        .map(|fault| (fault.code(), Language::ALL.map(|each| each.fault(*fault))));
    for (code, [english, german]) in refusals.chain(faults) {
        for (english, german) in [
            (english.user, german.user),
            (english.help_desk, german.help_desk),
            (english.remedy, german.remedy),
        ] {
            assert_ne!(english, german, "{code}");
            assert!(
                german.ends_with('.') && german.len() > 10,
                "{code}: {german}"
            );
            // Commands and examples are the same in every language, but for a placeholder.
            let commands = |text: &str| -> Vec<String> {
                text.split('`')
                    .skip(1)
                    .step_by(2)
                    .map(|each| each.split('<').next().unwrap_or_default().to_owned())
                    .collect()
            };
            assert_eq!(commands(english), commands(german), "{code}");
        }
    }
}

#[test]
fn every_language_is_sealed_as_its_tag() {
    for language in Language::ALL {
        assert_eq!(serde_json::to_value(language).unwrap(), language.tag());
    }
}
