//! Where somebody is decides what they are asked; in which browser a sign-in began decides where it ends.

use anyhow::{Context, Result, ensure};
use end_to_end::program::{Promise, block_on};
use end_to_end::steps::{
    CONTOSO, FABRIKAM, address_on, begin, browser_outside, browser_with, code, no_session, refused,
};
use testkit::client::Request;
use testkit::system::System;

pub(crate) const PROMISES: &[Promise<System>] = &[
    (
        "in range a certificate is asked for, by the authorities' names",
        in_range,
    ),
    (
        "outside the ranges no CertificateRequest is on the wire",
        outside,
    ),
    ("a connection without ranges asks nobody", without_ranges),
    (
        "an address that left the ranges is told so",
        address_changed,
    ),
    (
        "jane's certificate does not finish jon's transaction",
        another_person,
    ),
    ("another browser cannot finish a sign-in", another_browser),
    (
        "the certificate host answers documents only, over its own name only",
        guards,
    ),
];

fn in_range(system: &System) -> Result<()> {
    block_on(async {
        let mut browser = browser_with(system, system.certificate_of("jon")?)?;
        let (_, walk) = begin(system, &mut browser, FABRIKAM).await?;
        for page in &walk.pages {
            let asked = page.handshake.certificate_request.as_ref();
            match page.url.host_str() {
                Some("cert.localhost") => {
                    let names = &asked
                        .context("no CertificateRequest on the certificate host")?
                        .authorities;
                    ensure!(
                        names == &[system.people().subject_der()?],
                        "other names were sent"
                    );
                }
                _ => ensure!(asked.is_none(), "a CertificateRequest at {}", page.url),
            }
        }
        ensure!(
            walk.pages
                .iter()
                .any(|page| page.url.host_str() == Some("cert.localhost")),
            "never at the certificate host"
        );
        Ok(())
    })
}

fn outside(system: &System) -> Result<()> {
    block_on(async {
        let mut browser = browser_outside(system)?.with_certificate(system.certificate_of("jon")?);
        let (_, walk) = begin(system, &mut browser, FABRIKAM).await?;
        let page = walk.last().context("no page")?;
        ensure!(page.form_with("password").is_some(), "no form");
        let page = browser
            .open(&system.certificate_url("?tx=anything"))
            .await?;
        ensure!(
            page.handshake.certificate_request.is_none(),
            "a CertificateRequest was sent"
        );
        ensure!(!page.handshake.certificate_sent);
        Ok(())
    })
}

fn without_ranges(system: &System) -> Result<()> {
    block_on(async {
        let mut browser = browser_with(system, system.certificate_of("jon")?)?;
        let (_, walk) = begin(system, &mut browser, CONTOSO).await?;
        ensure!(
            walk.last()
                .is_some_and(|page| page.form_with("password").is_some()),
            "no form"
        );
        ensure!(
            address_on(&walk, "cert.localhost").is_err(),
            "went to the certificate host"
        );
        Ok(())
    })
}

fn address_changed(system: &System) -> Result<()> {
    block_on(async {
        let mut browser = browser_with(system, system.certificate_of("jon")?)?;
        let request = system.authorize(FABRIKAM)?;
        let page = browser.open(request.url.as_str()).await?;
        let mut moved = browser.clone().from("127.0.0.99".parse()?);
        let walk = moved.walk_on(page, &system.redirect_uri()).await?;
        refused(&moved, &walk, 403, "address_changed")
    })
}

fn another_person(system: &System) -> Result<()> {
    block_on(async {
        let mut jon = browser_with(system, system.certificate_of("jon")?)?;
        let request = system.authorize(FABRIKAM)?;
        let begun = jon.open(request.url.as_str()).await?;
        let certificate_url = begun.next_address().context("jon's page does not go on")?;
        // Jane is led to jon's transaction; her browser sends her certificate unasked.
        let mut jane = browser_with(system, system.certificate_of("jane")?)?;
        let walk = jane
            .walk(certificate_url.as_str(), &system.redirect_uri())
            .await?;
        refused(&jane, &walk, 400, "transaction_unknown")?;
        no_session(&jon)
    })
}

fn another_browser(system: &System) -> Result<()> {
    block_on(async {
        let mut first = browser_with(system, system.certificate_of("jon")?)?;
        let request = system.authorize(FABRIKAM)?;
        let page = first.open(request.url.as_str()).await?;
        let judged = first
            .follow(&page)
            .await?
            .context("the page does not go on")?;
        let resume = judged
            .next_address()
            .context("the certificate host does not lead back")?;
        ensure!(resume.path() == "/resume", "{resume}");
        let mut second = browser_with(system, system.certificate_of("jon")?)?;
        let walk = second.walk(resume.as_str(), &system.redirect_uri()).await?;
        refused(&second, &walk, 400, "transaction_unknown")?;
        // With a binding of its own it is no better.
        begin(system, &mut second, CONTOSO).await?;
        let walk = second.walk(resume.as_str(), &system.redirect_uri()).await?;
        refused(&second, &walk, 400, "transaction_unknown")?;
        let walk = first.walk(resume.as_str(), &system.redirect_uri()).await?;
        code(&walk).map(|_| ())
    })
}

fn guards(system: &System) -> Result<()> {
    block_on(async {
        let mut browser = browser_with(system, system.certificate_of("jon")?)?;
        let request = system.authorize(FABRIKAM)?;
        let page = browser.open(request.url.as_str()).await?;
        let url = page.next_address().context("the page does not go on")?;
        for destination in ["empty", "image", "iframe", "script"] {
            let fetched = Request::get(url.as_str())?.header("sec-fetch-dest", destination);
            ensure!(
                browser.send(fetched).await?.status == 403,
                "{destination} was answered"
            );
        }
        let misdirected = Request::get(url.as_str())?.header("host", "login.localhost");
        ensure!(
            browser.send(misdirected).await?.status == 421,
            "another host was answered"
        );
        Ok(())
    })
}
