//! The error codes of the protocol (RFC 6749 sections 4.1.2.1 and 5.2, OpenID Connect Core section 3.1.2.6, RFC 6750).

/// A code that an application understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// A parameter is missing, repeated, or not understood.
    InvalidRequest,
    /// The application could not be authenticated.
    InvalidClient,
    /// The code is used, too old, or not for this application, address or verifier.
    InvalidGrant,
    /// Only authorization codes are redeemed here.
    UnsupportedGrantType,
    /// Only `code` is answered.
    UnsupportedResponseType,
    /// `openid` is not among the scopes.
    InvalidScope,
    /// The person may not use this application.
    AccessDenied,
    /// Nobody is signed in, and nobody may be asked.
    LoginRequired,
    /// Request objects are not read.
    RequestNotSupported,
    /// Request objects are not fetched.
    RequestUriNotSupported,
    /// The access token is not valid (any more).
    InvalidToken,
    /// Something of ours is away; try again.
    TemporarilyUnavailable,
    /// Something of ours is broken.
    ServerError,
}

impl ErrorCode {
    /// The code as the protocol spells it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::InvalidToken => "invalid_token",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
        }
    }
}
