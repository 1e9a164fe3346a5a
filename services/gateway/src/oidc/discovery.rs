//! What clients read first: the provider's metadata (OpenID Connect Discovery section 3) and its keys.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::application::SigningAlgorithm;
use serde_json::json;

use super::error_code::ErrorCode;
use super::json;
use super::scopes::Scope;
use super::tokens::{ACR_CERTIFICATE, ACR_PASSWORD};
use crate::desk::Desk;
use crate::pages::words::Language;

/// `/.well-known/openid-configuration`.
pub(crate) async fn metadata(State(desk): State<Arc<Desk>>) -> Response {
    let Ok(snapshot) = desk.live() else {
        return json::error(ErrorCode::TemporarilyUnavailable, "no configuration yet");
    };
    let at = |path: &str| desk.hosts.login_url(path);
    let algorithms: Vec<SigningAlgorithm> = [SigningAlgorithm::ES256, SigningAlgorithm::RS256]
        .into_iter()
        .filter(|algorithm| snapshot.view.token_keys.can_sign(*algorithm))
        .collect();
    json::public(json!({
        "issuer": desk.hosts.issuer(),
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "jwks_uri": at("/jwks"),
        "end_session_endpoint": at("/signout"),
        "scopes_supported": Scope::ALL.map(Scope::name),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "web_message"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
        "acr_values_supported": [ACR_CERTIFICATE, ACR_PASSWORD],
        "prompt_values_supported": ["none", "login", "select_account", "consent"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid",
            "name", "given_name", "family_name", "preferred_username", "email", "groups",
        ],
        "ui_locales_supported": Language::ALL.map(Language::tag),
        "authorization_response_iss_parameter_supported": true,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    }))
}

/// `/jwks`.
pub(crate) async fn keys(State(desk): State<Arc<Desk>>) -> Response {
    let published = desk
        .live()
        .ok()
        .and_then(|snapshot| serde_json::to_value(snapshot.view.token_keys.published()).ok());
    match published {
        Some(keys) => json::public(keys),
        None => json::error(ErrorCode::TemporarilyUnavailable, "no configuration yet"),
    }
}
