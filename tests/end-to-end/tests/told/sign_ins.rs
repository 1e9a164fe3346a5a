//! A sign-in is one trace, from the authorize request to the tokens.

use anyhow::{Context, Result, ensure};
use end_to_end::program::{Promise, block_on};
use end_to_end::steps::{
    CONTOSO, FABRIKAM, begin, browser_outside, browser_with, code, fill_in, quoted, redeem, tokens,
};
use testkit::client::{Request, Walk};
use testkit::jaeger::{Span, Trace};
use testkit::system::System;

use crate::jaeger;

pub(crate) const PROMISES: &[Promise<System>] = &[
    (
        "a sign-in by certificate is one trace, found by the request id of every answer",
        by_certificate,
    ),
    (
        "a sign-in by password is one trace, with the attempt that failed",
        by_password,
    ),
    (
        "a code that another gateway redeems stays in its sign-in's trace",
        redeemed_elsewhere,
    ),
    ("a refused sign-in says at which step and why", refused),
    (
        "a stranger's trace is linked, and nothing of ours goes into it",
        stranger,
    ),
    (
        "a transaction that is none of ours begins a trace of its own",
        forged,
    ),
    ("no span says whom it is about", nobody_named),
];

/// A sign-in of jon by his certificate, as far as its tokens, and its request id.
pub(crate) async fn jon(system: &System) -> Result<(Walk, String)> {
    let mut browser = browser_with(system, system.certificate_of("jon")?)?;
    let (request, walk) = begin(system, &mut browser, FABRIKAM).await?;
    let answer = redeem(system, &mut browser, &request, &code(&walk)?).await?;
    tokens(&answer)?;
    let id = request_id(&walk)?;
    ensure!(answer.header("x-request-id") == id, "another id at /token");
    Ok((walk, id))
}

/// The one request id of all pages of a walk.
pub(crate) fn request_id(walk: &Walk) -> Result<String> {
    let mut ids = walk.pages.iter().map(|page| page.header("x-request-id"));
    let first = ids.next().context("no page")?;
    ensure!(
        first.len() == 32 && first.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{first:?} is no trace id"
    );
    ensure!(
        ids.all(|id| id == first),
        "the ids differ: {}",
        quoted(walk)
    );
    Ok(first.to_owned())
}

/// Demands that each span has its parent, both by name.
fn stands(trace: &Trace, expected: &[(&str, &str, Option<&str>)]) -> Result<()> {
    for (name, service, parent) in expected {
        let found = trace.named(name).any(|span| {
            let of = trace.parent_of(span).map(|parent| parent.name.as_str());
            span.service == *service && of == *parent
        });
        ensure!(
            found,
            "no {name:?} of {service} below {parent:?} in\n{}",
            trace.outline()
        );
    }
    Ok(())
}

fn text<'a>(span: &'a Span, tag: &str) -> &'a str {
    span.tags
        .get(tag)
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default()
}

fn has(name: &'static str) -> impl Fn(&Trace) -> bool {
    move |trace| trace.named(name).next().is_some()
}

const GATEWAY: &str = "postern-gateway";
const CERTVAL: &str = "postern-certval";
const DIRECTORY: &str = "postern-directory";
const VALIDATE: &str = "postern.certval.v1.Certval/Validate";
const RESOLVE: &str = "postern.directory.v1.Directory/Resolve";
const AUTHENTICATE: &str = "postern.directory.v1.Directory/Authenticate";

fn by_certificate(system: &System) -> Result<()> {
    block_on(async {
        let (_, id) = jon(system).await?;
        let trace = jaeger()?.trace(&id, |trace| {
            has("sign tokens")(trace) && has("read identity")(trace) && has("ldap search")(trace)
        })?;
        stands(
            &trace,
            &[
                ("GET /authorize", GATEWAY, None),
                ("GET cert /", GATEWAY, Some("GET /authorize")),
                ("handshake", GATEWAY, Some("GET cert /")),
                (VALIDATE, GATEWAY, Some("GET cert /")),
                (VALIDATE, CERTVAL, Some(VALIDATE)),
                ("parse chain", CERTVAL, Some(VALIDATE)),
                ("check leaf", CERTVAL, Some(VALIDATE)),
                ("find path", CERTVAL, Some(VALIDATE)),
                ("read identity", CERTVAL, Some(VALIDATE)),
                (RESOLVE, GATEWAY, Some("GET cert /")),
                (RESOLVE, DIRECTORY, Some(RESOLVE)),
                ("ldap search", DIRECTORY, Some(RESOLVE)),
                ("GET /resume", GATEWAY, Some("GET /authorize")),
                ("issue code", GATEWAY, Some("GET /resume")),
                ("POST /token", GATEWAY, None),
                ("redeem code", GATEWAY, Some("POST /token")),
                ("sign tokens", GATEWAY, Some("POST /token")),
            ]
            .map(|(name, service, parent)| match name {
                // Below whichever step issued the code.
                "POST /token" => (name, service, Some("issue code")),
                _ => (name, service, parent),
            }),
        )?;
        let roots = trace.spans.iter().filter(|span| span.parent.is_none());
        ensure!(
            roots.count() == 1,
            "more than one root:\n{}",
            trace.outline()
        );
        Ok(())
    })
}

fn by_password(system: &System) -> Result<()> {
    block_on(async {
        let mut browser = browser_outside(system)?;
        let (request, walk) = begin(system, &mut browser, CONTOSO).await?;
        let wrong = fill_in(system, &mut browser, &walk, "jon", "wrong").await?;
        let right = fill_in(
            system,
            &mut browser,
            &wrong,
            "jon",
            system.password_of("jon"),
        )
        .await?;
        tokens(&redeem(system, &mut browser, &request, &code(&right)?).await?)?;
        let id = request_id(&walk)?;
        ensure!(
            request_id(&wrong)? == id && request_id(&right)? == id,
            "another id"
        );
        let trace = jaeger()?.trace(&id, |trace| {
            trace.named("POST /password").count() == 2
                && has("sign tokens")(trace)
                && trace.named("ldap bind").count() >= 2
        })?;
        stands(
            &trace,
            &[
                ("GET /authorize", GATEWAY, None),
                ("POST /password", GATEWAY, Some("GET /authorize")),
                (AUTHENTICATE, GATEWAY, Some("POST /password")),
                (AUTHENTICATE, DIRECTORY, Some(AUTHENTICATE)),
                ("ldap bind", DIRECTORY, Some(AUTHENTICATE)),
            ],
        )?;
        let codes: Vec<&str> = trace
            .named("POST /password")
            .map(|span| text(span, "postern.code"))
            .collect();
        ensure!(
            codes.contains(&"wrong_credentials") && codes.len() == 2,
            "{codes:?}"
        );
        Ok(())
    })
}

fn redeemed_elsewhere(system: &System) -> Result<()> {
    block_on(async {
        let mut browser = browser_with(system, system.certificate_of("jon")?)?;
        let (request, walk) = begin(system, &mut browser, FABRIKAM).await?;
        let mut application = system.browser()?.through(system.gateway(1));
        let answer = redeem(system, &mut application, &request, &code(&walk)?).await?;
        tokens(&answer)?;
        let id = request_id(&walk)?;
        ensure!(answer.header("x-request-id") == id, "another id at /token");
        let redeem = "postern.gateway.v1.Codes/Redeem";
        let settle = "postern.gateway.v1.Codes/Settle";
        let trace = jaeger()?.trace(&id, |trace| {
            trace.named(redeem).count() == 2 && trace.named(settle).count() == 2
        })?;
        for name in [redeem, settle] {
            let answered = trace
                .named(name)
                .find(|span| text(span, "span.kind") == "server");
            let asked = answered.and_then(|span| trace.parent_of(span));
            ensure!(
                asked.is_some_and(|span| text(span, "span.kind") == "client" && span.name == name),
                "{name} is not answered below its question:\n{}",
                trace.outline()
            );
        }
        Ok(())
    })
}

fn refused(system: &System) -> Result<()> {
    block_on(async {
        let eve = system.certificate_of("eve")?;
        let mut browser = browser_with(system, eve)?;
        let (_, walk) = begin(system, &mut browser, FABRIKAM).await?;
        let id = request_id(&walk)?;
        let trace = jaeger()?.trace(&id, has("GET cert /"))?;
        let step = trace.only("GET cert /")?;
        ensure!(
            text(step, "postern.outcome") == "refused",
            "{:?}",
            step.tags
        );
        ensure!(text(step, "postern.code") == "disabled", "{:?}", step.tags);
        Ok(())
    })
}

const STRANGE: &str = "0af7651916cd43dd8448eb211c80319c";

fn stranger(system: &System) -> Result<()> {
    block_on(async {
        let request = system.authorize(FABRIKAM)?;
        let asked = Request::get(request.url.as_str())?
            .header("traceparent", &format!("00-{STRANGE}-b7ad6b7169203331-01"));
        let mut browser = browser_with(system, system.certificate_of("jon")?)?;
        let page = browser.send(asked).await?;
        let id = page.header("x-request-id").to_owned();
        ensure!(id != STRANGE, "the stranger's trace was believed");
        let trace = jaeger()?.trace(&id, has("GET /authorize"))?;
        let first = trace.only("GET /authorize")?;
        ensure!(first.parent.is_none(), "it has a parent");
        ensure!(
            first.linked.iter().any(|linked| linked == STRANGE),
            "not linked: {:?}",
            first.linked
        );
        // It came in the same batch as what would be in the other trace.
        let other = jaeger()?.look_up(STRANGE)?;
        ensure!(other.is_none(), "something went into the stranger's trace");
        Ok(())
    })
}

fn forged(system: &System) -> Result<()> {
    block_on(async {
        let mut browser = system.browser()?;
        let url = format!("{}/password?tx=forged", system.issuer());
        let one = browser.open(&url).await?;
        let two = browser.open(&url).await?;
        let (one, two) = (one.header("x-request-id"), two.header("x-request-id"));
        ensure!(
            one.len() == 32 && two.len() == 32 && one != two,
            "{one} {two}"
        );
        let trace = jaeger()?.trace(one, has("GET /password"))?;
        ensure!(trace.only("GET /password")?.parent.is_none(), "a parent");
        Ok(())
    })
}

fn nobody_named(system: &System) -> Result<()> {
    block_on(async {
        // The address tells clients apart from the processes, which are at 127.0.0.1.
        let mut browser = browser_outside(system)?;
        let (request, walk) = begin(system, &mut browser, CONTOSO).await?;
        let password = system.password_of("jon");
        let right = fill_in(system, &mut browser, &walk, "jon", password).await?;
        let answer = redeem(system, &mut browser, &request, &code(&right)?).await?;
        let claims = tokens(&answer)?.claims()?;
        let (_, by_certificate) = jon(system).await?;
        let subject = claims
            .get("sub")
            .and_then(serde_json::Value::as_str)
            .context("no subject")?;
        for id in [request_id(&walk)?, by_certificate] {
            let trace = jaeger()?.trace(&id, |trace| {
                has("sign tokens")(trace) && has("ldap search")(trace)
            })?;
            for span in &trace.spans {
                for (key, value) in &span.tags {
                    let said = value.to_string().to_ascii_lowercase();
                    for personal in ["jon", "snow", "127.0.0.99", "cn=", "s-1-5-", subject] {
                        ensure!(
                            !said.contains(personal),
                            "{key} of {} says {said}",
                            span.name
                        );
                    }
                }
            }
        }
        Ok(())
    })
}
