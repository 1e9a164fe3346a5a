//! The steps of a sign-in, as a browser and an application take them.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use testkit::client::{Browser, Page, Request, Walk};
use testkit::pki::Identity;
use testkit::system::{AuthorizeRequest, System};
use url::Url;

/// The connection with certificates.
pub const FABRIKAM: &str = "FabrikamAD";
/// The connection with the form only.
pub const CONTOSO: &str = "ContosoAD";

/// A browser in range that holds this certificate.
///
/// # Errors
/// Never in practice.
pub fn browser_with(system: &System, identity: Identity) -> Result<Browser> {
    Ok(system.browser()?.with_certificate(identity))
}

/// A browser outside every range.
///
/// # Errors
/// Never in practice.
pub fn browser_outside(system: &System) -> Result<Browser> {
    Ok(system.browser()?.from("127.0.0.99".parse()?))
}

/// Begins a sign-in and follows it until a page stands or a code arrives.
///
/// # Errors
/// When no answer comes; a TLS alert is one such case.
pub async fn begin(
    system: &System,
    browser: &mut Browser,
    connection: &str,
) -> Result<(AuthorizeRequest, Walk)> {
    let request = system.authorize(connection)?;
    let walk = browser
        .walk(request.url.as_str(), &system.redirect_uri())
        .await?;
    Ok((request, walk))
}

/// The code a walk arrived with; otherwise the page it ended at is quoted.
///
/// # Errors
/// When there is none.
pub fn code(walk: &Walk) -> Result<String> {
    walk.parameter("code")
        .with_context(|| format!("no code: {}", quoted(walk)))
}

/// A whole sign-in of a browser with a certificate, to its code.
///
/// # Errors
/// When it does not end with a code.
pub async fn code_by_certificate(
    system: &System,
    browser: &mut Browser,
) -> Result<(AuthorizeRequest, String)> {
    let (request, walk) = begin(system, browser, FABRIKAM).await?;
    let code = code(&walk)?;
    Ok((request, code))
}

/// Fills in the password form that a walk ended at, and follows on.
///
/// # Errors
/// When there is no form.
pub async fn fill_in(
    system: &System,
    browser: &mut Browser,
    walk: &Walk,
    name: &str,
    password: &str,
) -> Result<Walk> {
    let page = walk.last().context("no page")?;
    let form = page
        .form_with("password")
        .with_context(|| format!("no password form: {}", quoted(walk)))?;
    let answer = browser
        .submit(&form.fill("user_name", name).fill("password", password))
        .await?;
    Ok(browser.walk_on(answer, &system.redirect_uri()).await?)
}

/// Redeems a code at the token endpoint of the gateway that `browser` reaches.
///
/// # Errors
/// When no answer comes.
pub async fn redeem(
    system: &System,
    browser: &mut Browser,
    request: &AuthorizeRequest,
    code: &str,
) -> Result<Page> {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &system.redirect_uri()),
        ("client_id", "test-script"),
        ("code_verifier", &request.code_verifier),
    ];
    let request = Request::post_form(&format!("{}/token", system.issuer()), &fields)?;
    Ok(browser.send(request).await?)
}

/// The tokens of a redemption that worked.
///
/// # Errors
/// When it did not.
pub fn tokens(answer: &Page) -> Result<Tokens> {
    ensure!(
        answer.status == 200,
        "the code was not redeemed: {} {}",
        answer.status,
        answer.body
    );
    let answer = answer.json()?;
    let text = |key: &str| {
        answer
            .get(key)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .with_context(|| format!("no {key}"))
    };
    Ok(Tokens {
        id_token: text("id_token")?,
        access_token: text("access_token")?,
    })
}

/// What a redemption gives.
#[derive(Debug)]
pub struct Tokens {
    /// The ID token.
    pub id_token: String,
    /// The access token.
    pub access_token: String,
}

impl Tokens {
    /// The claims of the ID token, unverified: openid-client and the demonstration verify them.
    ///
    /// # Errors
    /// When it is no token.
    pub fn claims(&self) -> Result<Value> {
        let payload = self.id_token.split('.').nth(1).context("no payload")?;
        Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?)
    }
}

/// Asks who the access token is about.
///
/// # Errors
/// When no answer comes.
pub async fn userinfo(system: &System, browser: &mut Browser, tokens: &Tokens) -> Result<Page> {
    let request = Request::get(&format!("{}/userinfo", system.issuer()))?
        .header("authorization", &format!("Bearer {}", tokens.access_token));
    Ok(browser.send(request).await?)
}

/// Demands that a walk ended at a page with this status and code, without code for the application and without session.
///
/// # Errors
/// When it did not.
pub fn refused(browser: &Browser, walk: &Walk, status: u16, code: &str) -> Result<()> {
    let page = walk.last().context("no page")?;
    ensure!(
        page.status == status,
        "{status} was expected: {}",
        quoted(walk)
    );
    ensure!(
        page.body.contains(&format!("<code>{code}</code>")),
        "{code} was expected: {}",
        quoted(walk)
    );
    ensure!(
        !page.header("x-request-id").is_empty(),
        "the page has no request id"
    );
    ensure!(walk.arrived_at.is_none(), "the application got an answer");
    no_session(browser)
}

/// Demands that a browser holds no session.
///
/// # Errors
/// When it does.
pub fn no_session(browser: &Browser) -> Result<()> {
    ensure!(
        !browser
            .cookies
            .iter()
            .any(|cookie| cookie.name == "__Host-session"),
        "there is a session"
    );
    Ok(())
}

/// The address on the way of a walk whose path and host these are.
///
/// # Errors
/// When the walk did not go there.
pub fn address_on(walk: &Walk, host: &str) -> Result<Url> {
    let visited = walk.pages.iter().map(|page| &page.url);
    visited
        .into_iter()
        .find(|url| url.host_str() == Some(host))
        .cloned()
        .with_context(|| format!("not at {host}: {}", quoted(walk)))
}

/// The pages of a walk in short, for messages.
#[must_use]
pub fn quoted(walk: &Walk) -> String {
    let pages = walk.pages.iter().map(|page| {
        let codes: Vec<&str> = page
            .body
            .split("<code>")
            .skip(1)
            .filter_map(|rest| rest.split('<').next())
            .collect();
        format!(
            "{}{} {} {codes:?}",
            page.url.host_str().unwrap_or_default(),
            page.url.path(),
            page.status
        )
    });
    pages.collect::<Vec<_>>().join(" → ")
}
