//! The authorize request (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2.1), read once.
//!
//! **Invariant:** until the application is known and its redirect_uri compared byte by byte, nothing is sent anywhere;
//! after that, every error goes there.

use std::collections::BTreeMap;

use domain::application::{Application, ClientId};
use domain::connection::ConnectionName;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Says};
use super::error_code::ErrorCode;
use super::parameters::{Parameters, Repeated};
use super::pkce::Challenge;
use super::return_address::ReturnAddress;
use super::scopes::{Scope, Scopes};
use crate::pages::words::Language;

#[cfg(test)]
mod tests;

/// Longest `state` in bytes. It comes back in a URL.
pub const MAX_STATE: usize = 2048;
/// Longest `nonce` in bytes. It comes back in the ID token.
pub const MAX_NONCE: usize = 512;
/// Longest `login_hint` in bytes.
pub const MAX_LOGIN_HINT: usize = 256;

/// What an application asked for, as it travels in the transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizeRequest {
    /// Who asks.
    pub client_id: ClientId,
    /// Where the answer goes, and how.
    pub to: ReturnAddress,
    /// Comes back as it is.
    pub state: Option<String>,
    /// Comes back in the ID token.
    pub nonce: Option<String>,
    /// What is asked for.
    pub scopes: Scopes,
    /// The PKCE challenge.
    pub challenge: Challenge,
    /// The connection asked for.
    pub connection: Option<ConnectionName>,
    /// Whether and how the person may be asked.
    pub prompt: Prompt,
    /// Seconds since the sign-in after which the person signs in again.
    pub max_age: Option<u32>,
    /// A user name for the form.
    pub login_hint: Option<String>,
    /// The language of the pages.
    pub(crate) ui_locale: Option<Language>,
}

/// Whether and how the person may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// As needed.
    Unspecified,
    /// Not at all: a code from a session, or `login_required`.
    None,
    /// In any case, and nothing goes on by itself.
    Login,
}

/// Why there is no [`AuthorizeRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizeError {
    /// The request does not come from an application whose address is known: a page, never a redirect.
    Page(PageError),
    /// The application is told.
    Answer(Answer),
}

/// Why nothing may be sent to the redirect_uri.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// `client_id` is missing, repeated, or of no application.
    #[error("the client_id is missing, repeated, or not registered")]
    UnknownApplication,
    /// `redirect_uri` is missing, repeated, or not one of the application's, byte by byte.
    #[error("the redirect_uri is missing, repeated, or not registered for this application")]
    UnknownRedirectUri,
    /// With `response_mode=web_message`: `redirect_uri` is not one of the application's origins, byte by byte.
    #[error(
        "with response_mode=web_message the redirect_uri must be an origin that is registered for this application, like https://app.example.com"
    )]
    UnknownOrigin,
}

impl AuthorizeRequest {
    /// Reads a request against the registered applications.
    ///
    /// # Errors
    /// [`AuthorizeError`]: as a page, or as an answer to the application.
    pub fn read(
        parameters: &Parameters,
        applications: &BTreeMap<ClientId, Application>,
    ) -> Result<Self, AuthorizeError> {
        let application = application(parameters, applications).map_err(AuthorizeError::Page)?;
        let to = ReturnAddress::read(parameters, application).map_err(AuthorizeError::Page)?;
        // Checked first, so that every later error can carry it.
        let state = parameters
            .only("state")
            .map_err(Problem::from)
            .and_then(|state| printable("state", state, MAX_STATE));
        let answer = |state: Option<String>, problem: Problem| {
            AuthorizeError::Answer(Answer {
                to: to.clone(),
                says: Says::Error(problem.error, problem.description),
                state,
            })
        };
        let state = state.map_err(|problem| answer(None, problem))?;
        Self::of(parameters, application, to.clone(), state.clone())
            .map_err(|problem| answer(state, problem))
    }

    /// The same request as query text, to begin anew with.
    #[must_use]
    pub fn to_query(&self) -> String {
        let mode = match self.to {
            ReturnAddress::Redirect(_) => None,
            ReturnAddress::Message(_) => Some("web_message"),
        };
        let prompt = match self.prompt {
            Prompt::Unspecified => None,
            Prompt::None => Some("none"),
            Prompt::Login => Some("login"),
        };
        let scope = self.scopes.to_string();
        let challenge = self.challenge.to_string();
        let max_age = self.max_age.map(|seconds| seconds.to_string());
        let parameters = [
            ("response_type", Some("code")),
            ("response_mode", mode),
            ("client_id", Some(self.client_id.as_str())),
            ("redirect_uri", Some(self.to.as_str())),
            ("scope", Some(scope.as_str())),
            ("state", self.state.as_deref()),
            ("nonce", self.nonce.as_deref()),
            ("code_challenge", Some(challenge.as_str())),
            ("code_challenge_method", Some("S256")),
            (
                "connection",
                self.connection.as_ref().map(ConnectionName::as_str),
            ),
            ("prompt", prompt),
            ("max_age", max_age.as_deref()),
            ("login_hint", self.login_hint.as_deref()),
            ("ui_locales", self.ui_locale.map(Language::tag)),
        ];
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(
                parameters
                    .into_iter()
                    .filter_map(|(name, value)| value.map(|value| (name, value))),
            )
            .finish()
    }

    fn of(
        parameters: &Parameters,
        application: &Application,
        to: ReturnAddress,
        state: Option<String>,
    ) -> Result<Self, Problem> {
        if parameters.only("request")?.is_some() {
            return Err(Problem::new(
                ErrorCode::RequestNotSupported,
                "request objects are not read here",
            ));
        }
        if parameters.only("request_uri")?.is_some() {
            return Err(Problem::new(
                ErrorCode::RequestUriNotSupported,
                "request objects are not fetched here",
            ));
        }
        match parameters.only("response_type")? {
            Some("code") => {}
            Some(_) => {
                return Err(Problem::new(
                    ErrorCode::UnsupportedResponseType,
                    "response_type must be code",
                ));
            }
            None => return Err(Problem::request("response_type is missing")),
        }
        if !matches!(
            parameters.only("response_mode")?,
            None | Some("query" | "web_message")
        ) {
            return Err(Problem::request(
                "response_mode must be query or web_message",
            ));
        }
        let scopes = Scopes::known(parameters.only("scope")?.unwrap_or_default());
        if !scopes.contains(Scope::Openid) {
            return Err(Problem::new(
                ErrorCode::InvalidScope,
                "scope must contain openid",
            ));
        }
        Ok(Self {
            client_id: application.client_id.clone(),
            to,
            state,
            nonce: printable("nonce", parameters.only("nonce")?, MAX_NONCE)?,
            scopes,
            challenge: challenge(parameters)?,
            connection: connection(parameters, application)?,
            prompt: prompt(parameters.only("prompt")?.unwrap_or_default())?,
            max_age: max_age(parameters.only("max_age")?)?,
            login_hint: login_hint(parameters.only("login_hint")?)?,
            ui_locale: parameters.only("ui_locales")?.and_then(Language::asked_for),
        })
    }
}

/// What is wrong with a request of a known application.
struct Problem {
    error: ErrorCode,
    description: String,
}

impl Problem {
    fn new(error: ErrorCode, description: &str) -> Self {
        Self {
            error,
            description: description.to_owned(),
        }
    }

    fn request(description: &str) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }
}

impl From<Repeated> for Problem {
    fn from(repeated: Repeated) -> Self {
        Self::request(&repeated.to_string())
    }
}

fn application<'a>(
    parameters: &Parameters,
    applications: &'a BTreeMap<ClientId, Application>,
) -> Result<&'a Application, PageError> {
    parameters
        .only("client_id")
        .ok()
        .flatten()
        .and_then(|id| id.parse::<ClientId>().ok())
        .and_then(|id| applications.get(&id))
        .ok_or(PageError::UnknownApplication)
}

/// Values that come back as they are: printable ASCII (RFC 6749 appendix A.5), and not without end.
fn printable(name: &str, value: Option<&str>, limit: usize) -> Result<Option<String>, Problem> {
    match value {
        Some(value)
            if value.len() > limit || !value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) =>
        {
            Err(Problem::request(&format!(
                "{name} must be printable ASCII of at most {limit} bytes"
            )))
        }
        value => Ok(value.map(ToOwned::to_owned)),
    }
}

fn challenge(parameters: &Parameters) -> Result<Challenge, Problem> {
    match (
        parameters.only("code_challenge")?,
        parameters.only("code_challenge_method")?,
    ) {
        (Some(challenge), Some("S256")) => challenge
            .parse()
            .map_err(|error: super::pkce::InvalidChallenge| Problem::request(&error.to_string())),
        (Some(_), _) => Err(Problem::request("code_challenge_method must be S256")),
        (None, _) => Err(Problem::request(
            "code_challenge is missing: PKCE with S256 is required",
        )),
    }
}

fn connection(
    parameters: &Parameters,
    application: &Application,
) -> Result<Option<ConnectionName>, Problem> {
    let Some(asked) = parameters.only("connection")? else {
        return Ok(None);
    };
    // One answer for unknown ones and for those of other applications: names are not told to strangers.
    asked
        .parse()
        .ok()
        .filter(|name| application.connections.contains(name))
        .map(Some)
        .ok_or_else(|| Problem::request("connection is not one of this application's"))
}

fn prompt(text: &str) -> Result<Prompt, Problem> {
    let (mut silent, mut login, mut consent) = (false, false, false);
    for value in text.split(' ').filter(|value| !value.is_empty()) {
        match value {
            "none" => silent = true,
            // Choosing another account means signing in again: a session has one.
            "login" | "select_account" => login = true,
            // There is nothing to consent to: administrators register applications.
            "consent" => consent = true,
            _ => return Err(Problem::request("prompt has a value that is unknown")),
        }
    }
    match (silent, login, consent) {
        (false, false, _) => Ok(Prompt::Unspecified),
        (false, true, _) => Ok(Prompt::Login),
        (true, false, false) => Ok(Prompt::None),
        (true, ..) => Err(Problem::request("prompt none stands alone")),
    }
}

fn max_age(value: Option<&str>) -> Result<Option<u32>, Problem> {
    match value {
        None => Ok(None),
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text
            .parse()
            .map(Some)
            .map_err(|_| Problem::request("max_age is too large")),
        Some(_) => Err(Problem::request("max_age must be a number of seconds")),
    }
}

fn login_hint(value: Option<&str>) -> Result<Option<String>, Problem> {
    match value {
        Some(hint) if hint.len() > MAX_LOGIN_HINT || hint.chars().any(char::is_control) => {
            Err(Problem::request("login_hint is too long or not text"))
        }
        hint => Ok(hint.map(ToOwned::to_owned)),
    }
}
