//! Answers to applications (RFC 6749 sections 4.1.2 and 4.1.2.1).
//!
//! **Invariant:** every answer carries `iss` (RFC 9207), and `state` exactly as it came.

use super::error_code::ErrorCode;
use super::return_address::ReturnAddress;

#[cfg(test)]
mod tests;

/// What an application is told, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Where, and how.
    pub to: ReturnAddress,
    /// What.
    pub says: Says,
    /// The request's `state`, where it had a usable one.
    pub state: Option<String>,
}

/// A code, or why there is none.
#[derive(Clone, PartialEq, Eq)]
pub enum Says {
    /// The code, sealed.
    Code(String),
    /// The protocol's code, and words for the application's developer.
    Error(ErrorCode, String),
}

impl Answer {
    /// The answer's parameters, for whoever reads it to check the issuer by.
    pub fn parameters<'a>(&'a self, issuer: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let says = match &self.says {
            Says::Code(code) => [Some(("code", code.as_str())), None],
            Says::Error(error, description) => [
                Some(("error", error.code())),
                Some(("error_description", description.as_str())),
            ],
        };
        says.into_iter()
            .chain([
                self.state.as_deref().map(|state| ("state", state)),
                Some(("iss", issuer)),
            ])
            .flatten()
    }
}

impl std::fmt::Debug for Says {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(_) => formatter.write_str("Code([redacted])"),
            Self::Error(error, description) => formatter
                .debug_tuple("Error")
                .field(error)
                .field(description)
                .finish(),
        }
    }
}

/// `uri` with parameters added to whatever query it has.
#[must_use]
pub fn with_query<'a>(
    uri: &str,
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    let joint = match uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some((_, before)) if before.ends_with('&') => "",
        Some(_) => "&",
    };
    if query.is_empty() {
        uri.to_owned()
    } else {
        format!("{uri}{joint}{query}")
    }
}
