//! The server-side way: an OpenID Connect client with a secret, which needs no script in the browser.
//!
//! **Invariant:** a sign-in is finished once, and only in the browser that began it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use askama::Template;
use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::Method;
use runtime::random::{Randomness, SystemRandomness, bytes};
use serde_json::Value;
use url::Url;

use super::{Registration, page};
use crate::demo::walk::{self, Request};
use crate::https::{Client, Sent};

/// Sign-ins that may be under way at once; the oldest gives way.
const MOST_PENDING: usize = 1000;
const COOKIE: &str = "__Host-demo";

struct Application {
    registration: Registration,
    client: Client,
    pending: Mutex<VecDeque<Pending>>,
}

/// One sign-in between its start and its answer.
struct Pending {
    /// In the browser's cookie: only the browser that began may finish.
    browser: String,
    state: String,
    request: Request,
}

#[derive(Template)]
#[template(path = "application.html")]
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    pub(super) text: &'a str,
    pub(super) claims: Vec<(String, String)>,
    pub(super) links: Vec<(String, String)>,
}

impl Page<'_> {
    pub(super) fn answer(&self) -> Response {
        page(self, "")
    }
}

/// The routes of the server-side way. `client` is how it reaches the issuer.
pub(super) fn router(registration: Registration, client: Client) -> Router {
    let application = Application {
        registration,
        client,
        pending: Mutex::default(),
    };
    Router::new()
        .route("/signin", get(sign_in))
        .route("/callback", get(callback))
        .route("/script", get(script))
        .with_state(Arc::new(application))
}

/// Where the script client's codes arrive; the code is for the script, not for this page.
async fn script() -> Response {
    Page {
        title: "Code received",
        text: "The code is in the address of this page.",
        claims: Vec::new(),
        links: Vec::new(),
    }
    .answer()
}

async fn sign_in(
    State(application): State<Arc<Application>>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    match application.begin(query.get("connection").map(String::as_str)) {
        Ok((cookie, target)) => {
            let cookie = format!("{COOKIE}={cookie}; Path=/; Secure; HttpOnly; SameSite=Lax");
            (
                [(header::SET_COOKIE, cookie)],
                Redirect::to(target.as_str()),
            )
                .into_response()
        }
        Err(error) => failed(&error),
    }
}

async fn callback(
    State(application): State<Arc<Application>>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    match application.finish(&headers, &query).await {
        Ok(claims) => Page {
            title: "Signed in",
            text: "Postern told the application who you are. These are the verified claims of the ID token.",
            claims: claims
                .iter()
                .map(|(name, value)| (name.clone(), words(value)))
                .collect(),
            links: vec![
                (
                    application
                        .registration
                        .issuer
                        .join("/signout")
                        .map(String::from)
                        .unwrap_or_default(),
                    "Sign out".into(),
                ),
                ("/".into(), "Back".into()),
            ],
        }
        .answer(),
        Err(error) => failed(&error),
    }
}

impl Application {
    fn begin(&self, connection: Option<&str>) -> Result<(String, Url)> {
        let random = SystemRandomness::new();
        let (browser, state) = (token(&random)?, token(&random)?);
        let registration = &self.registration;
        let redirect_uri = registration.home.join("/callback")?;
        let request = request(registration, redirect_uri, connection, &state, &random)?;
        let target = request.authorize_url.clone();
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.len() >= MOST_PENDING {
            pending.pop_front();
        }
        pending.push_back(Pending {
            browser: browser.clone(),
            state,
            request,
        });
        Ok((browser, target))
    }

    async fn finish(
        &self,
        headers: &HeaderMap,
        query: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, Value>> {
        let browser = cookie(headers).context("this browser began no sign-in here")?;
        let request = self.take(
            &browser,
            query.get("state").context("the answer has no state")?,
        )?;
        // Only now: the words of an answer to nobody's question are nobody's.
        if let Some(error) = query.get("error") {
            bail!(
                "Postern answered: {error} {}",
                query.get("error_description").map_or("", String::as_str)
            );
        }
        let code = query.get("code").context("the answer has no code")?;
        let token = self.redeem(&request, code).await?;
        walk::verify(&self.client, &request, &token).await
    }

    fn take(&self, browser: &str, state: &str) -> Result<Request> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let found = pending
            .iter()
            .position(|each| each.browser == browser && each.state == state);
        let found = found.and_then(|at| pending.remove(at));
        found
            .map(|each| each.request)
            .context("this sign-in was not begun in this browser, or was finished already")
    }

    async fn redeem(&self, request: &Request, code: &str) -> Result<String> {
        let form = walk::redemption(request, code);
        let basic = STANDARD.encode(format!(
            "{}:{}",
            self.registration.client_id, self.registration.client_secret
        ));
        let headers = vec![
            (
                "content-type",
                "application/x-www-form-urlencoded".to_owned(),
            ),
            ("authorization", format!("Basic {basic}")),
        ];
        let url = request.issuer.join("/token")?;
        let answer = self
            .client
            .send(
                Method::POST,
                &url,
                Sent {
                    headers,
                    body: Bytes::from(form),
                },
            )
            .await?;
        let answer = walk::json(&answer)?;
        walk::text(&answer, "id_token")
    }
}

/// An authorization request with fresh nonce and PKCE verifier.
pub(in crate::demo) fn request(
    registration: &Registration,
    redirect_uri: Url,
    connection: Option<&str>,
    state: &str,
    random: &dyn Randomness,
) -> Result<Request> {
    let (nonce, code_verifier) = (token(random)?, token(random)?);
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, code_verifier.as_bytes()));
    let mut authorize_url = registration.issuer.join("/authorize")?;
    authorize_url
        .query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &registration.client_id)
        .append_pair("redirect_uri", redirect_uri.as_str())
        .append_pair("scope", "openid profile email groups")
        .append_pair("state", state)
        .append_pair("nonce", &nonce)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    if let Some(connection) = connection {
        authorize_url
            .query_pairs_mut()
            .append_pair("connection", connection);
    }
    let (issuer, client_id) = (registration.issuer.clone(), registration.client_id.clone());
    Ok(Request {
        issuer,
        authorize_url,
        redirect_uri,
        client_id,
        code_verifier,
        nonce,
    })
}

fn token(random: &dyn Randomness) -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>(random)?))
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = cookies
        .flat_map(|cookies| cookies.split("; "))
        .filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value.to_owned())
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn failed(error: &anyhow::Error) -> Response {
    let text = format!("{error:#}");
    let links = vec![("/".into(), "Back".into())];
    let page = Page {
        title: "Not signed in",
        text: &text,
        claims: Vec::new(),
        links,
    };
    (StatusCode::BAD_REQUEST, page.answer()).into_response()
}
