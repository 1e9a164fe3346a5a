//! What the pages say, in one language per value, and which language that is.
//!
//! An application may ask for one (`ui_locales`); else the browser says what its person reads; else it is English.
//!
//! **Invariant:** reason codes are the same in every language, and a language that is not known is never an error.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use domain::reason::{Explanation, Fault, Reason};
use serde::{Deserialize, Serialize};

pub(crate) mod english;
pub(crate) mod german;
#[cfg(test)]
mod tests;

/// Most languages of one list that are looked at.
const MAX_LANGUAGES: usize = 32;
/// Longest entry of a list, in bytes, that is looked at.
const MAX_ENTRY: usize = 64;

/// A language the pages are written in.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub(crate) enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
}

impl Language {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::German];

    /// BCP 47.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// What the pages say.
    pub(crate) const fn words(self) -> &'static Words {
        match self {
            Self::English => &english::WORDS,
            Self::German => &german::WORDS,
        }
    }

    /// What people are told about a refusal.
    pub(crate) const fn refusal(self, reason: Reason) -> Explanation {
        match self {
            Self::English => reason.explanation(),
            Self::German => german::sentences::refusal(reason),
        }
    }

    /// What people are told about a fault of ours.
    pub(crate) const fn fault(self, fault: Fault) -> Explanation {
        match self {
            Self::English => fault.explanation(),
            Self::German => german::sentences::fault(fault),
        }
    }

    /// The first one we have of `ui_locales` (OpenID Connect Core section 3.1.2.1): tags with spaces between them.
    pub(crate) fn asked_for(ui_locales: &str) -> Option<Self> {
        ui_locales
            .split(' ')
            .take(MAX_LANGUAGES)
            .find_map(Self::of_tag)
    }

    /// The one we have that the browser ranks highest (RFC 9110 section 12.5.4).
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let mut best: Option<(u16, Self)> = None;
        let entries = headers
            .get_all(ACCEPT_LANGUAGE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .take(MAX_LANGUAGES)
            .filter(|entry| entry.len() <= MAX_ENTRY);
        for entry in entries {
            let (tag, weight) = match entry.split_once(';') {
                None => (entry, Some(1000)),
                Some((tag, weight)) => (tag, weight_of(weight.trim())),
            };
            // Of equals the first counts; a weight of 0 means "not this one".
            if let (Some(language), Some(weight @ 1..)) = (Self::of_tag(tag.trim()), weight)
                && best.is_none_or(|(highest, _)| weight > highest)
            {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }

    /// The language of a tag like `de-CH`, whatever its region.
    fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }
}

/// `q=0.8` in thousandths.
fn weight_of(text: &str) -> Option<u16> {
    let number = text
        .strip_prefix("q=")
        .or_else(|| text.strip_prefix("Q="))?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match whole {
        "0" => format!("{part:0<3}").parse().ok(),
        "1" if part.bytes().all(|byte| byte == b'0') => Some(1000),
        _ => None,
    }
}

/// The words before and after a name.
pub(crate) type Around = (&'static str, &'static str);

/// The texts of one language.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) error_prefix: &'static str,
    pub(crate) request_id: &'static str,
    pub(crate) help_desk: &'static str,
    pub(crate) code: &'static str,
    pub(crate) cause: &'static str,
    pub(crate) remedy: &'static str,
    pub(crate) facts: &'static str,
    pub(crate) time: &'static str,
    pub(crate) back: Around,
    pub(crate) or: &'static str,
    pub(crate) signing_in: Around,
    pub(crate) choose_title: &'static str,
    pub(crate) choose_goes_on: &'static str,
    pub(crate) choose_waits: &'static str,
    pub(crate) choose_button: &'static str,
    pub(crate) choose_authority: &'static str,
    pub(crate) choose_authorities: &'static str,
    pub(crate) choose_more: Around,
    pub(crate) choose_here: &'static str,
    pub(crate) use_password: &'static str,
    pub(crate) use_certificate: &'static str,
    pub(crate) another_certificate: &'static str,
    pub(crate) again: &'static str,
    pub(crate) password_title: &'static str,
    pub(crate) password_account: Around,
    pub(crate) user_name: &'static str,
    pub(crate) user_name_alone: &'static str,
    pub(crate) password: &'static str,
    pub(crate) sign_in: &'static str,
    pub(crate) prefer_password: &'static str,
    pub(crate) prefers_password: &'static str,
    pub(crate) ask_again: &'static str,
    pub(crate) connections_title: &'static str,
    pub(crate) connections_explained: Around,
    pub(crate) reason_title: &'static str,
    pub(crate) unavailable_title: &'static str,
    pub(crate) application_title: &'static str,
    pub(crate) application_sentence: &'static str,
    pub(crate) not_found_title: &'static str,
    pub(crate) not_found_sentence: &'static str,
    pub(crate) rejected_title: &'static str,
    pub(crate) rejected_sentence: &'static str,
    pub(crate) broken_title: &'static str,
    pub(crate) broken_sentence: &'static str,
    pub(crate) sign_out_title: &'static str,
    pub(crate) sign_out_question: &'static str,
    pub(crate) sign_out_explained: &'static str,
    pub(crate) sign_out: &'static str,
    pub(crate) signed_out_title: &'static str,
    pub(crate) signed_out_close: &'static str,
    pub(crate) signed_out_certificate: &'static str,
    pub(crate) signed_out_there: &'static str,
    pub(crate) signed_out_restart: &'static str,
    pub(crate) signed_out_applications: &'static str,
    pub(crate) message_title: &'static str,
    pub(crate) message_delivered: &'static str,
    pub(crate) message_alone: &'static str,
}
