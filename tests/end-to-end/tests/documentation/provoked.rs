//! The errors of docs/applications.md, provoked on a running system.

use anyhow::{Context, Result, ensure};
use end_to_end::program::block_on;
use testkit::client::{Page as Answer, Request};
use testkit::system::System;
use url::Url;

use super::page::Page;

/// A request that is good but for what is changed in it.
const AUTHORIZE: [(&str, &str); 6] = [
    ("response_type", "code"),
    ("client_id", "intranet"),
    ("redirect_uri", "https://intranet.example.com/callback"),
    ("scope", "openid"),
    (
        "code_challenge",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    ),
    ("code_challenge_method", "S256"),
];

/// What is changed in it, and the error that comes of it.
const AT_AUTHORIZE: [(&str, &str, &str); 9] = [
    ("scope", "email", "invalid_scope"),
    ("response_type", "token", "unsupported_response_type"),
    ("request", "eyJ", "request_not_supported"),
    ("request_uri", "urn:x", "request_uri_not_supported"),
    ("prompt", "none", "login_required"),
    ("code_challenge", "", "invalid_request"),
    ("code_challenge_method", "plain", "invalid_request"),
    ("connection", "Unknown", "invalid_request"),
    ("max_age", "soon", "invalid_request"),
];

/// What is changed in a redemption, and what comes of it.
const AT_TOKEN: [(&str, &str, u16, &str); 5] = [
    ("code", "nonsense", 400, "invalid_grant"),
    ("code", "", 400, "invalid_request"),
    ("grant_type", "password", 400, "unsupported_grant_type"),
    ("client_id", "nobody", 401, "invalid_client"),
    ("client_secret", "of-a-public-one", 401, "invalid_client"),
];

/// Provokes them all.
pub(crate) fn answers_are_as_told(system: &System, page: &Page) -> Result<()> {
    block_on(async {
        at_authorize(system, page).await?;
        at_token(system, page).await?;
        at_userinfo(system, page).await?;
        at_signout(system).await
    })
}

async fn at_authorize(system: &System, page: &Page) -> Result<()> {
    for (name, value, error) in AT_AUTHORIZE {
        let answer = get(system, "/authorize", &changed(&AUTHORIZE, name, value)).await?;
        let target = answer
            .next_address()
            .with_context(|| format!("{name}={value}: {}", answer.status))?;
        let told: Vec<_> = target
            .query_pairs()
            .filter(|(key, _)| key == "error")
            .collect();
        ensure!(
            told.first().is_some_and(|(_, told)| told == error),
            "{name}={value} led to {target}"
        );
        ensure!(
            target
                .as_str()
                .starts_with("https://intranet.example.com/callback?"),
            "{target}"
        );
        ensure!(
            target
                .query_pairs()
                .any(|(key, value)| key == "iss" && value == system.issuer()),
            "{target}"
        );
        row(page, &format!("| `{error}` |"))?;
    }
    for (name, value) in [
        ("client_id", "nobody"),
        ("redirect_uri", "https://intranet.example.com/callback/"),
        ("response_mode", "web_message"),
    ] {
        let answer = get(system, "/authorize", &changed(&AUTHORIZE, name, value)).await?;
        ensure!(
            answer.status == 400 && answer.body.contains("This sign-in cannot start"),
            "{name}={value}: {}",
            answer.status
        );
    }
    row(page, "| 400 | This sign-in cannot start |")
}

async fn at_token(system: &System, page: &Page) -> Result<()> {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", "nonsense"),
        ("redirect_uri", "https://app.example.com"),
        ("client_id", "app"),
        (
            "code_verifier",
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        ),
    ];
    let url = format!("{}/token", system.issuer());
    let mut browser = system.browser()?;
    for (name, value, status, error) in AT_TOKEN {
        let answer = browser
            .send(Request::post_form(&url, &changed(&form, name, value))?)
            .await?;
        is_error(&answer, status, error).with_context(|| format!("{name}={value}"))?;
        row(page, &format!("| {status} | `{error}` |"))?;
    }
    let in_url = browser
        .send(Request::post_form(&format!("{url}?code=nonsense"), &form)?)
        .await?;
    is_error(&in_url, 400, "invalid_request")
}

async fn at_userinfo(system: &System, page: &Page) -> Result<()> {
    let url = format!("{}/userinfo", system.issuer());
    let mut browser = system.browser()?;
    let without = browser.send(Request::get(&url)?).await?;
    ensure!(
        without.status == 401 && without.header("www-authenticate") == "Bearer",
        "{}",
        without.status
    );
    row(page, "| 401 | | no token was sent;")?;
    let bad = Request::get(&url)?.header("authorization", "Bearer nonsense");
    is_error(&browser.send(bad).await?, 401, "invalid_token")?;
    row(page, "| 401 | `invalid_token` |")?;
    let twice =
        Request::post_form(&url, &[("access_token", "one")])?.header("authorization", "Bearer two");
    is_error(&browser.send(twice).await?, 400, "invalid_request")
}

async fn at_signout(system: &System) -> Result<()> {
    let question = get(system, "/signout", &[]).await?;
    ensure!(
        question.status == 200 && !question.forms().is_empty(),
        "nobody is asked: {}",
        question.status
    );
    let bad = get(system, "/signout", &[("id_token_hint", "nonsense")]).await?;
    ensure!(bad.status == 400, "{}", bad.status);
    Ok(())
}

fn is_error(answer: &Answer, status: u16, error: &str) -> Result<()> {
    let told = answer.json()?;
    ensure!(
        answer.status == status
            && told.get("error").and_then(serde_json::Value::as_str) == Some(error),
        "{} {told}",
        answer.status
    );
    Ok(())
}

/// The parameters with one of them changed, or added.
fn changed<'a>(
    parameters: &[(&'a str, &'a str)],
    name: &'a str,
    value: &'a str,
) -> Vec<(&'a str, &'a str)> {
    let kept = parameters.iter().copied().filter(|(key, _)| *key != name);
    kept.chain([(name, value)]).collect()
}

async fn get(system: &System, path: &str, parameters: &[(&str, &str)]) -> Result<Answer> {
    let url = Url::parse_with_params(&format!("{}{path}", system.issuer()), parameters)?;
    Ok(system.browser()?.send(Request::get(url.as_str())?).await?)
}

fn row(page: &Page, row: &str) -> Result<()> {
    ensure!(
        page.text.contains(row),
        "{} has no row `{row}`",
        page.path.display()
    );
    Ok(())
}
