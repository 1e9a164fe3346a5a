//! ID tokens (OpenID Connect Core section 2) and access tokens (RFC 9068).
//!
//! **Invariant:** a token says how the person really signed in: `acr` and `amr` come from the session's method and from
//! nothing a request asked for.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::account::{AccountId, Profile};
use domain::application::{Application, ClientId};
use domain::configuration::Configuration;
use domain::connection::ConnectionName;
use domain::digest::Digest;
use domain::timestamp::Timestamp;
use runtime::random::{Randomness, RandomnessUnavailable};
use serde::{Deserialize, Serialize};

use super::keys::{CannotSign, NotOurs, TokenKeys};
use super::scopes::{Scope, Scopes};
use crate::codes::Grant;
use crate::ids::{SessionId, TokenId};
use crate::session::signed_out::SignedOut;
use crate::session::{ABSOLUTE, Method, Session, Trusted, stands};

#[cfg(test)]
mod tests;

/// How long ID tokens and access tokens live.
pub const LIFE: Duration = Duration::from_secs(5 * 60);
/// Most groups in an ID token. A person in more gets none there and all of them from userinfo: a list cut short would
/// say something untrue.
pub const MAX_GROUPS: usize = 200;
/// Most bytes of their names together: ID tokens come back in URLs, as hints.
pub const MAX_GROUPS_BYTES: usize = 4096;

const ID_TOKEN: &str = "JWT";
const ACCESS_TOKEN: &str = "at+jwt";

/// `acr` of a sign-in with a certificate.
pub const ACR_CERTIFICATE: &str = "urn:postern:acr:certificate";
/// `acr` of a sign-in with a password.
pub const ACR_PASSWORD: &str = "urn:postern:acr:password";

/// When neither a session nor any token of it can be alive any more.
#[must_use]
pub const fn end(session: &Session) -> Timestamp {
    session.end().plus(LIFE)
}

/// What applications learn about a person, by scope.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PersonClaims {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<String>>,
}

impl PersonClaims {
    /// The claims that `scopes` ask for.
    #[must_use]
    pub fn of(profile: &Profile, scopes: &Scopes) -> Self {
        let named = scopes.contains(Scope::Profile) || scopes.contains(Scope::Name);
        let name = |value: &Option<String>| value.clone().filter(|_| named);
        Self {
            name: named.then(|| profile.display_name.clone()),
            given_name: name(&profile.given_name),
            family_name: name(&profile.family_name),
            preferred_username: named.then(|| profile.account.to_string()),
            email: profile
                .email
                .clone()
                .filter(|_| scopes.contains(Scope::Email)),
            groups: scopes
                .contains(Scope::Groups)
                .then(|| profile.groups.clone()),
        }
    }

    fn for_id_token(mut self) -> Self {
        self.groups = self.groups.filter(|groups| {
            let bytes: usize = groups.iter().map(String::len).sum();
            groups.len() <= MAX_GROUPS && bytes <= MAX_GROUPS_BYTES
        });
        self
    }
}

#[derive(Serialize)]
struct IdToken<'a> {
    iss: &'a str,
    sub: AccountId,
    aud: &'a ClientId,
    exp: u64,
    iat: u64,
    auth_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    acr: &'a str,
    amr: [&'a str; 1],
    at_hash: String,
    sid: SessionId,
    #[serde(flatten)]
    person: PersonClaims,
}

/// What an access token says. It is this issuer's own: applications treat it as opaque.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct AccessToken {
    iss: String,
    sub: AccountId,
    aud: String,
    exp: u64,
    iat: u64,
    jti: TokenId,
    client_id: ClientId,
    scope: String,
    sid: SessionId,
    auth_time: u64,
    acr: String,
    connection: ConnectionName,
    /// The authority a certificate sign-in rests on: removing it ends this token, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    authority: Option<Trusted>,
}

/// The tokens of one redemption.
pub struct Tokens {
    /// The ID token.
    pub id_token: String,
    /// The access token, for userinfo.
    pub access_token: String,
}

/// No tokens could be made.
#[derive(Debug, thiserror::Error)]
pub enum CannotIssue {
    /// There is no randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessUnavailable),
    /// A token could not be signed.
    #[error(transparent)]
    Sign(#[from] CannotSign),
}

/// Makes the tokens of a grant. `profile` is what the directory says of the person now.
///
/// # Errors
/// When there is no key of the application's algorithm, or no randomness.
pub fn issue(
    grant: &Grant,
    application: &Application,
    profile: &Profile,
    issuer: &str,
    keys: &TokenKeys,
    now: Timestamp,
    randomness: &dyn Randomness,
) -> Result<Tokens, CannotIssue> {
    let session = &grant.session;
    let (acr, amr) = match session.method {
        Method::Certificate { .. } => (ACR_CERTIFICATE, "swk"),
        Method::Password => (ACR_PASSWORD, "pwd"),
    };
    let algorithm = application.id_token_algorithm;
    let exp = now.plus(LIFE).0;
    let access_token = keys.sign(
        algorithm,
        ACCESS_TOKEN,
        &AccessToken {
            iss: issuer.to_owned(),
            sub: session.account,
            aud: issuer.to_owned(),
            exp,
            iat: now.0,
            jti: TokenId::draw(randomness)?,
            client_id: grant.client_id.clone(),
            scope: grant.scopes.to_string(),
            sid: session.id,
            auth_time: session.auth_time.0,
            acr: acr.to_owned(),
            connection: session.connection.clone(),
            authority: session.method.authority(),
        },
    )?;
    let id_token = keys.sign(
        algorithm,
        ID_TOKEN,
        &IdToken {
            iss: issuer,
            sub: session.account,
            aud: &grant.client_id,
            exp,
            iat: now.0,
            auth_time: session.auth_time.0,
            nonce: grant.nonce.as_deref(),
            acr,
            amr: [amr],
            at_hash: at_hash(&access_token),
            sid: session.id,
            person: PersonClaims::of(profile, &grant.scopes).for_id_token(),
        },
    )?;
    Ok(Tokens {
        id_token,
        access_token,
    })
}

/// What a valid access token allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Whom to ask the directory about.
    pub account: AccountId,
    /// At which connection.
    pub connection: ConnectionName,
    /// How they signed in.
    pub method: postern_proto::directory::Method,
    /// What may be told.
    pub scopes: Scopes,
}

/// Judges an access token by everything but the account's own state.
///
/// # Errors
/// [`NotOurs`], whatever is wrong with it.
pub fn access(
    token: &str,
    issuer: &str,
    keys: &TokenKeys,
    configuration: &Configuration,
    signed_out: &SignedOut,
    now: Timestamp,
) -> Result<Access, NotOurs> {
    let claims: AccessToken = keys.verify(ACCESS_TOKEN, token)?;
    let method = match (claims.acr.as_str(), claims.authority) {
        (ACR_CERTIFICATE, Some(_)) => postern_proto::directory::Method::Certificate,
        (ACR_PASSWORD, None) => postern_proto::directory::Method::Password,
        _ => return Err(NotOurs),
    };
    let standing = claims.iss == issuer
        && claims.aud == issuer
        && Timestamp(claims.iat).is_alive(LIFE, now)
        && now.0 < claims.exp
        && configuration.applications.contains_key(&claims.client_id)
        && stands(&claims.connection, claims.authority, configuration).is_ok()
        && !signed_out.ends(claims.sid, Timestamp(claims.auth_time));
    if !standing {
        return Err(NotOurs);
    }
    Ok(Access {
        account: claims.sub,
        connection: claims.connection,
        method,
        scopes: Scopes::known(&claims.scope),
    })
}

/// What an ID token that comes back as a hint says. Its age does not matter (RP-Initiated Logout section 2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Hint {
    iss: String,
    /// Which application it was for.
    pub aud: ClientId,
    /// Whom it is about.
    pub sub: AccountId,
    /// The session it was issued in.
    pub sid: SessionId,
    /// When that session began, in seconds since 1970.
    auth_time: u64,
}

impl Hint {
    /// Reads an ID token of ours.
    ///
    /// # Errors
    /// [`NotOurs`], whatever is wrong with it.
    pub fn read(token: &str, issuer: &str, keys: &TokenKeys) -> Result<Self, NotOurs> {
        let hint: Self = keys.verify(ID_TOKEN, token)?;
        if hint.iss == issuer {
            Ok(hint)
        } else {
            Err(NotOurs)
        }
    }

    /// When nothing of its session can be alive any more.
    #[must_use]
    pub const fn end(&self) -> Timestamp {
        Timestamp(self.auth_time).plus(ABSOLUTE).plus(LIFE)
    }
}

/// The left half of the access token's hash (OpenID Connect Core section 3.1.3.6); both our algorithms hash with SHA-256.
fn at_hash(access_token: &str) -> String {
    let [left @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
        *Digest::of(access_token.as_bytes()).as_bytes();
    let left: [u8; 16] = left;
    URL_SAFE_NO_PAD.encode(left)
}
