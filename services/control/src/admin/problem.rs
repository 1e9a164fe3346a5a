//! What the admin API says when it does not do what it was asked: `application/problem+json` (RFC 9457).
//!
//! **Invariant:** every answer that is no success is one of these, with what to do.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::change::{Kind, Refusal};
use crate::writer::WriteFailure;

/// A problem document.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// A stable URN of the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, in this case.
    pub detail: String,
    /// What to do about it.
    pub what_to_do: String,
    /// The header that belongs to it.
    #[serde(skip)]
    header: Option<Extra>,
}

/// A problem as it is sent.
#[derive(Serialize)]
struct Named<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    /// The id of the request, which finds its trace, its log lines and its record.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

/// A header that only one kind of problem has.
#[derive(Debug, Clone, Copy)]
enum Extra {
    /// How to authenticate (RFC 6750 section 3).
    Authenticate,
    /// Seconds to wait (RFC 9110 section 10.2.3).
    RetryAfter(u64),
}

/// What comes before the last word of a kind.
const URN: &str = "urn:postern:problem:";

impl Problem {
    /// A problem. `kind` is the last word of its URN.
    #[must_use]
    pub fn new(
        status: StatusCode,
        kind: &str,
        title: &'static str,
        detail: impl Into<String>,
        what_to_do: impl Into<String>,
    ) -> Self {
        Self {
            kind: format!("{URN}{kind}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            what_to_do: what_to_do.into(),
            header: None,
        }
    }

    /// Names the request in an answer, if that is a problem. Answers the last word of its kind.
    pub(super) fn named(response: &mut Response, request: &str) -> Option<String> {
        let problem = response.extensions_mut().remove::<Self>()?;
        *response.body_mut() = problem.body(Some(request)).into();
        let kind = problem.kind.strip_prefix(URN).unwrap_or_default();
        Some(kind.to_owned())
    }

    fn body(&self, request_id: Option<&str>) -> Vec<u8> {
        let named = Named {
            problem: self,
            request_id,
        };
        serde_json::to_vec(&named).unwrap_or_default()
    }

    /// No token, or a wrong one.
    #[must_use]
    pub fn unauthenticated(detail: &str) -> Self {
        let what_to_do = "send `Authorization: Bearer TOKEN`; control wrote the token to `admin-token` in its data folder at its first start";
        let mut problem = Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "Not authenticated",
            detail,
            what_to_do,
        );
        problem.header = Some(Extra::Authenticate);
        problem
    }

    /// Too many wrong tokens from one address.
    #[must_use]
    pub fn throttled(wait_s: u64) -> Self {
        let mut problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "throttled",
            "Too many wrong tokens",
            "too many wrong tokens came from this address",
            format!("wait {wait_s} seconds; the right token is taken at any time"),
        );
        problem.header = Some(Extra::RetryAfter(wait_s));
        problem
    }

    /// A request that cannot be understood.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad-request",
            "The request cannot be understood",
            detail,
            what_to_do,
        )
    }

    /// Something of ours is away.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Not available now",
            detail,
            what_to_do,
        )
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, kind, title) = match refusal.kind {
            Kind::UnknownConnection => (
                StatusCode::NOT_FOUND,
                "unknown-connection",
                "Unknown connection",
            ),
            Kind::UnknownAuthority => (
                StatusCode::NOT_FOUND,
                "unknown-authority",
                "Unknown authority",
            ),
            Kind::UnknownRange => (StatusCode::NOT_FOUND, "unknown-range", "Unknown range"),
            Kind::AlreadyThere => (StatusCode::CONFLICT, "already-there", "Already there"),
            Kind::AmbiguousFingerprint => (
                StatusCode::CONFLICT,
                "ambiguous-fingerprint",
                "Ambiguous fingerprint",
            ),
            Kind::ConfirmationNeeded => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "confirmation-needed",
                "Confirmation needed",
            ),
            Kind::UnusableCertificate => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "unusable-certificate",
                "The certificate cannot be used",
            ),
            Kind::PrivateKey => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "private-key",
                "A private key was sent",
            ),
            Kind::Unreadable => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "unreadable",
                "It cannot be read",
            ),
            Kind::InvalidConfiguration => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-configuration",
                "The configuration would not be valid",
            ),
        };
        Self::new(status, kind, title, refusal.detail, refusal.what_to_do)
    }
}

impl From<WriteFailure> for Problem {
    fn from(failure: WriteFailure) -> Self {
        match failure {
            WriteFailure::Refused(refusal) => refusal.into(),
            WriteFailure::Conflict { detail } => Self::new(
                StatusCode::CONFLICT,
                "conflict",
                "Somebody else was faster",
                detail,
                "nothing was changed; look at the configuration as it is now, and send the change again",
            ),
            WriteFailure::Unavailable { detail, what_to_do } => {
                Self::unavailable(detail, what_to_do)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.body(None)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        let extra = self.header.map(|extra| match extra {
            Extra::Authenticate => {
                let scheme = "Bearer realm=\"postern admin API\"";
                (WWW_AUTHENTICATE, HeaderValue::from_static(scheme))
            }
            Extra::RetryAfter(seconds) => (RETRY_AFTER, HeaderValue::from(seconds)),
        });
        response.headers_mut().extend(extra);
        // For who names the request in it.
        response.extensions_mut().insert(self);
        response
    }
}
