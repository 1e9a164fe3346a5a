//! OpenID Connect: what applications see of Postern.
//!
//! Authorization code with PKCE only (RFC 6749, RFC 7636, RFC 9700, OpenID Connect Core 1.0).
//!
//! **Invariant:** the issuer and every endpoint come from the settings, never from a request.

pub mod answer;
pub mod authorize_request;
pub mod client_authentication;
pub(crate) mod cross_origin;
pub(crate) mod discovery;
pub mod error_code;
pub(crate) mod json;
pub mod keys;
pub mod parameters;
pub mod pkce;
pub mod return_address;
pub mod scopes;
pub(crate) mod sign_out;
pub(crate) mod token;
pub mod tokens;
pub(crate) mod userinfo;
pub(crate) mod web_message;
