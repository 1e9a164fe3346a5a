//! Signs one person in for real, the way a browser would, and shows each step.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{Method, StatusCode, header};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::Value;
use url::Url;

use crate::https::{Answer, Client, Sent};

/// Most redirects that are followed to a code.
const MOST_STEPS: usize = 10;

/// A complete request for a sign-in, and what is needed to redeem its code.
pub(crate) struct Request {
    /// The issuer.
    pub issuer: Url,
    /// The complete authorization request.
    pub authorize_url: Url,
    /// Where the code goes.
    pub redirect_uri: Url,
    /// The client.
    pub client_id: String,
    /// The PKCE verifier (RFC 7636).
    pub code_verifier: String,
    /// The nonce in the request, expected in the ID token.
    pub nonce: String,
}

/// A sign-in that worked.
pub(crate) struct SignedIn {
    /// What was done, and how long each step took.
    pub steps: Vec<(String, Duration)>,
    /// The verified claims of the ID token.
    pub id_token: BTreeMap<String, Value>,
    /// The answer of userinfo.
    pub userinfo: BTreeMap<String, Value>,
}

/// Goes from the authorization request to verified claims.
///
/// # Errors
/// When any step does not lead on: the page that came instead is quoted.
pub(crate) async fn sign_in(client: &Client, request: &Request) -> Result<SignedIn> {
    let mut steps = Vec::new();
    let code = code(client, request, &mut steps).await?;
    let tokens = timed(
        &mut steps,
        "code exchanged for tokens",
        redeem(client, request, &code),
    )
    .await?;
    let id_token = text(&tokens, "id_token")?;
    let claims = timed(
        &mut steps,
        "ID token verified",
        verify(client, request, &id_token),
    )
    .await?;
    let access_token = text(&tokens, "access_token")?;
    let userinfo = timed(
        &mut steps,
        "userinfo read",
        userinfo(client, request, &access_token),
    )
    .await?;
    if claims.get("sub") != userinfo.get("sub") {
        bail!("the ID token and userinfo speak of two different people");
    }
    Ok(SignedIn {
        steps,
        id_token: claims,
        userinfo,
    })
}

/// Follows redirects (`Location`, `Refresh`) with cookies until the code arrives at the redirect URI.
async fn code(
    client: &Client,
    request: &Request,
    steps: &mut Vec<(String, Duration)>,
) -> Result<String> {
    let mut cookies: BTreeMap<String, String> = BTreeMap::new();
    let mut url = request.authorize_url.clone();
    for _ in 0..MOST_STEPS {
        let started = Instant::now();
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut headers = vec![("accept", "text/html".to_owned())];
        if let Some(cookie) = cookies.get(&host) {
            headers.push(("cookie", cookie.clone()));
        }
        let answer = client
            .send(
                Method::GET,
                &url,
                Sent {
                    headers,
                    body: Bytes::new(),
                },
            )
            .await?;
        keep_cookies(&mut cookies, &host, &answer);
        let next = next_location(&url, &answer).with_context(|| {
            format!(
                "{host}{} answered {} and leads nowhere:\n{}",
                url.path(),
                answer.status,
                words(&answer.body)
            )
        })?;
        steps.push((
            format!("{host}{} → {}", url.path(), answer.status.as_u16()),
            started.elapsed(),
        ));
        if next.as_str().starts_with(request.redirect_uri.as_str()) {
            let answered: BTreeMap<_, _> = next.query_pairs().into_owned().collect();
            return match answered.get("code") {
                Some(code) => Ok(code.clone()),
                None => bail!(
                    "the application was told: {}",
                    answered.get("error").map_or("nothing", String::as_str)
                ),
            };
        }
        url = next;
    }
    bail!("more than {MOST_STEPS} redirects without a code")
}

async fn redeem(client: &Client, request: &Request, code: &str) -> Result<BTreeMap<String, Value>> {
    // A public client says who it is in the form; one with a secret says so by it.
    let form = format!(
        "{}&client_id={}",
        redemption(request, code),
        request.client_id
    );
    let headers = vec![(
        "content-type",
        "application/x-www-form-urlencoded".to_owned(),
    )];
    let sent = Sent {
        headers,
        body: form.into(),
    };
    json(
        &client
            .send(Method::POST, &request.issuer.join("/token")?, sent)
            .await?,
    )
}

/// The form that redeems a code, for the client that authenticates by itself.
pub(super) fn redemption(request: &Request, code: &str) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", request.redirect_uri.as_str())
        .append_pair("code_verifier", &request.code_verifier)
        .finish()
}

/// The claims of an ID token, after every check a client owes (OpenID Connect Core section 3.1.3.7).
pub(super) async fn verify(
    client: &Client,
    request: &Request,
    token: &str,
) -> Result<BTreeMap<String, Value>> {
    let discovery = request.issuer.join("/.well-known/openid-configuration")?;
    let discovered = json(
        &client
            .send(Method::GET, &discovery, Sent::default())
            .await?,
    )?;
    let keys = Url::parse(&text(&discovered, "jwks_uri")?)?;
    let keys: JwkSet =
        serde_json::from_slice(&client.send(Method::GET, &keys, Sent::default()).await?.body)?;
    let head = jsonwebtoken::decode_header(token)?;
    let key = head
        .kid
        .as_deref()
        .and_then(|id| keys.find(id))
        .context("the key set lacks the token's key")?;
    let mut rules = Validation::new(head.alg);
    rules.set_issuer(&[text(&discovered, "issuer")?]);
    rules.set_audience(&[&request.client_id]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let token = jsonwebtoken::decode::<BTreeMap<String, Value>>(
        token,
        &DecodingKey::from_jwk(key)?,
        &rules,
    )?;
    if token.claims.get("nonce").and_then(Value::as_str) != Some(&request.nonce) {
        bail!("the ID token answers another request: its nonce differs");
    }
    Ok(token.claims)
}

async fn userinfo(
    client: &Client,
    request: &Request,
    token: &str,
) -> Result<BTreeMap<String, Value>> {
    let headers = vec![("authorization", format!("Bearer {token}"))];
    let sent = Sent {
        headers,
        body: Bytes::new(),
    };
    json(
        &client
            .send(Method::GET, &request.issuer.join("/userinfo")?, sent)
            .await?,
    )
}

async fn timed<T>(
    steps: &mut Vec<(String, Duration)>,
    name: &str,
    step: impl Future<Output = Result<T>>,
) -> Result<T> {
    let started = Instant::now();
    let done = step.await.with_context(|| format!("failed at: {name}"))?;
    steps.push((name.to_owned(), started.elapsed()));
    Ok(done)
}

fn keep_cookies(cookies: &mut BTreeMap<String, String>, host: &str, answer: &Answer) {
    for cookie in answer
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
    {
        let pair = cookie.split(';').next().unwrap_or_default();
        let name = pair.split('=').next().unwrap_or_default();
        let kept = cookies.entry(host.to_owned()).or_default();
        let others = kept
            .split("; ")
            .filter(|other| !other.is_empty() && other.split('=').next() != Some(name));
        *kept = others.chain([pair]).collect::<Vec<_>>().join("; ");
    }
}

/// Where an answer leads: `Location`, or the URL of a `Refresh` header.
fn next_location(base: &Url, answer: &Answer) -> Option<Url> {
    let header = |name| {
        answer
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    if answer.status.is_redirection() {
        return base.join(header(header::LOCATION.as_str())?).ok();
    }
    let (_, target) = header("refresh")?.split_once(';')?;
    base.join(target.trim().strip_prefix("url=")?).ok()
}

pub(super) fn json(answer: &Answer) -> Result<BTreeMap<String, Value>> {
    if answer.status != StatusCode::OK {
        bail!("answered {}: {}", answer.status, words(&answer.body));
    }
    serde_json::from_slice(&answer.body).context("the answer is not a JSON object")
}

pub(super) fn text(object: &BTreeMap<String, Value>, key: &str) -> Result<String> {
    object
        .get(key)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .with_context(|| format!("the answer lacks `{key}`"))
}

/// The readable words of a page, for an error message.
fn words(page: &[u8]) -> String {
    let page = String::from_utf8_lossy(page);
    // Text stands before the first tag and after each tag's end.
    let texts =
        page.split('<')
            .enumerate()
            .map(|(index, piece)| match (index, piece.split_once('>')) {
                (0, _) => piece,
                (_, Some((_, text))) => text,
                (_, None) => "",
            });
    let text: String = texts.collect::<Vec<_>>().join(" ");
    text.split_whitespace()
        .take(300)
        .collect::<Vec<_>>()
        .join(" ")
}
