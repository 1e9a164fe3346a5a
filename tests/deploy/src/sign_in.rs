//! Whole sign-ins with a certificate through a published port, as a browser and an application take them.
//!
//! **Invariant:** a sign-in counts only with verified outcome: tokens whose ID token names the person and carries the
//! request's nonce, over TLS that trusts the deployment's own root alone.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use testkit::client::{Browser, Page, Request};
use testkit::pki::Identity;
use url::Url;

/// Where people sign in, and as which application.
#[derive(Debug, Clone)]
pub struct Site {
    /// The issuer, such as `https://login.localhost:8443`.
    pub issuer: String,
    /// Where its hosts are reached.
    pub address: SocketAddr,
    /// The root (PEM) of its server certificates.
    pub root: String,
    /// A public client.
    pub client_id: String,
    /// Where its codes go; nobody needs to listen there.
    pub redirect_uri: String,
    /// The connection.
    pub connection: String,
}

/// Somebody with a certificate.
#[derive(Debug, Clone)]
pub struct Person {
    /// The account name.
    pub name: String,
    /// The certificate with its key.
    pub identity: Identity,
}

/// A sign-in that worked.
#[derive(Debug)]
pub struct SignedIn {
    /// The request ids of its pages, in order, the token endpoint's last.
    pub request_ids: Vec<String>,
    /// The claims of the ID token.
    pub claims: Value,
    /// From the first request to the tokens.
    pub took: Duration,
}

impl Site {
    /// Signs a person in with the certificate, in a browser of its own.
    ///
    /// # Errors
    /// If any step does not lead on: the page that came instead is quoted.
    pub async fn sign_in(&self, person: &Person) -> Result<SignedIn> {
        let began = Instant::now();
        let mut browser = Browser::trusting_pem(&self.root)?
            .through(self.address)
            .with_certificate(person.identity.clone());
        let asked = self.authorize()?;
        let walk = browser.walk(asked.url.as_str(), &self.redirect_uri).await?;
        let code = walk.parameter("code");
        let code = code.with_context(|| {
            let page = walk.last().map_or_else(String::new, quoted);
            format!("no code, but {page}")
        })?;
        ensure!(
            walk.parameter("state").as_ref() == Some(&asked.state),
            "the answer has another state"
        );
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", &self.client_id),
            ("code", &code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", &asked.code_verifier),
        ];
        let answer = browser
            .send(Request::post_form(
                &format!("{}/token", self.issuer),
                &fields,
            )?)
            .await?;
        ensure!(
            answer.status == 200,
            "the code was not redeemed: {} {}",
            answer.status,
            answer.body
        );
        let pages = walk.pages.iter().chain([&answer]);
        let request_ids = pages
            .map(|page| page.header("x-request-id").to_owned())
            .collect();
        let claims = claims(&answer.json()?)?;
        let said = |claim: &str| {
            claims
                .get(claim)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        ensure!(
            said("nonce") == asked.nonce,
            "the ID token answers another request"
        );
        ensure!(
            said("preferred_username").eq_ignore_ascii_case(&person.name),
            "the ID token is not about {}: {claims}",
            person.name
        );
        Ok(SignedIn {
            request_ids,
            claims,
            took: began.elapsed(),
        })
    }

    fn authorize(&self) -> Result<Asked> {
        let (code_verifier, state, nonce) = (random_text()?, random_text()?, random_text()?);
        let mut url = Url::parse(&self.issuer)?.join("/authorize")?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", "openid profile email groups")
            .append_pair("connection", &self.connection)
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair(
                "code_challenge",
                &URL_SAFE_NO_PAD.encode(digest(&SHA256, code_verifier.as_bytes())),
            )
            .append_pair("code_challenge_method", "S256");
        Ok(Asked {
            url,
            code_verifier,
            state,
            nonce,
        })
    }
}

/// One authorization request (RFC 6749 4.1.1, RFC 7636), and what its sender keeps.
struct Asked {
    url: Url,
    code_verifier: String,
    state: String,
    nonce: String,
}

/// A page in short, with the codes on it, for messages.
fn quoted(page: &Page) -> String {
    let codes = page.body.split("<code>").skip(1);
    let codes: Vec<&str> = codes.filter_map(|rest| rest.split('<').next()).collect();
    let host = page.url.host_str().unwrap_or_default();
    format!("{host}{} {} {codes:?}", page.url.path(), page.status)
}

/// The claims of the ID token. Its signature is openid-client's to verify, in another test: here TLS vouches for it.
fn claims(answer: &Value) -> Result<Value> {
    let token = answer
        .get("id_token")
        .and_then(Value::as_str)
        .context("no id_token")?;
    let payload = token
        .split('.')
        .nth(1)
        .context("the ID token has no payload")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?)
}

fn random_text() -> Result<String> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes)
        .ok()
        .context("no randomness")?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
