//! Answers to applications: the redirect_uri with parameters added to its query.
//!
//! **Invariant:** every answer carries `iss` (RFC 9207), and `state` exactly as it came.

use super::authorize_request::ErrorAnswer;

#[cfg(test)]
mod tests;

/// Where a browser goes with a code.
#[must_use]
pub fn with_code(redirect_uri: &str, code: &str, state: Option<&str>, issuer: &str) -> String {
    with_query(
        redirect_uri,
        [
            ("code", Some(code)),
            ("state", state),
            ("iss", Some(issuer)),
        ],
    )
}

/// Where a browser goes with an error.
#[must_use]
pub fn with_error(answer: &ErrorAnswer, issuer: &str) -> String {
    with_query(
        &answer.redirect_uri,
        [
            ("error", Some(answer.error.code())),
            ("error_description", Some(&answer.description)),
            ("state", answer.state.as_deref()),
            ("iss", Some(issuer)),
        ],
    )
}

/// `uri` with parameters added to whatever query it has.
#[must_use]
pub fn with_query<'a>(
    uri: &str,
    parameters: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(
            parameters
                .into_iter()
                .filter_map(|(name, value)| value.map(|value| (name, value))),
        )
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

/// What a form may lead to besides our own pages, as a CSP source (CSP 3 section 2.3.1): browsers apply `form-action` to
/// the redirects that follow a form, too.
#[must_use]
pub fn form_target(redirect_uri: &str) -> Option<String> {
    let url = url::Url::parse(redirect_uri).ok()?;
    match url.origin() {
        origin @ url::Origin::Tuple(..) => Some(origin.ascii_serialization()),
        url::Origin::Opaque(_) => Some(format!("{}:", url.scheme())),
    }
}
