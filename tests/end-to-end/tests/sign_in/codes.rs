//! A code works once, for who it was made for, whichever gateway is asked.

use anyhow::{Result, ensure};
use end_to_end::program::{Promise, block_on};
use end_to_end::steps::{
    FABRIKAM, begin, browser_with, code, code_by_certificate, redeem, tokens, userinfo,
};
use testkit::client::Page;
use testkit::system::System;

pub(crate) const PROMISES: &[Promise<System>] = &[
    (
        "a code is redeemed through the other gateway",
        other_gateway,
    ),
    (
        "a replayed code is refused, and ends the session it came from",
        replayed,
    ),
    (
        "a code is worth nothing without its verifier",
        without_verifier,
    ),
    (
        "a session gives a code at once, and signing out ends it on every gateway",
        session,
    ),
];

fn other_gateway(system: &System) -> Result<()> {
    block_on(async {
        let mut browser = browser_with(system, system.certificate_of("jon")?)?;
        let (request, code) = code_by_certificate(system, &mut browser).await?;
        let mut application = system.browser()?.through(system.gateway(1));
        let tokens = tokens(&redeem(system, &mut application, &request, &code).await?)?;
        ensure!(userinfo(system, &mut application, &tokens).await?.status == 200);
        Ok(())
    })
}

fn replayed(system: &System) -> Result<()> {
    block_on(async {
        let mut browser = browser_with(system, system.certificate_of("jon")?)?;
        let (request, code) = code_by_certificate(system, &mut browser).await?;
        let mut application = system.browser()?;
        let first = tokens(&redeem(system, &mut application, &request, &code).await?)?;
        ensure!(userinfo(system, &mut application, &first).await?.status == 200);
        let mut thief = system.browser()?.through(system.gateway(1));
        invalid_grant(&redeem(system, &mut thief, &request, &code).await?)?;
        ensure!(
            userinfo(system, &mut application, &first).await?.status == 401,
            "the tokens live on"
        );
        let (_, walk) = begin(system, &mut browser, FABRIKAM).await?;
        ensure!(walk.pages.len() > 1, "the session lives on");
        Ok(())
    })
}

fn without_verifier(system: &System) -> Result<()> {
    block_on(async {
        let mut browser = browser_with(system, system.certificate_of("jon")?)?;
        let (_, code) = code_by_certificate(system, &mut browser).await?;
        let other = system.authorize(FABRIKAM)?;
        invalid_grant(&redeem(system, &mut browser, &other, &code).await?)
    })
}

fn session(system: &System) -> Result<()> {
    block_on(async {
        let mut browser = browser_with(system, system.certificate_of("jon")?)?;
        code_by_certificate(system, &mut browser).await?;
        let mut second = browser.clone().through(system.gateway(1));
        let (_, walk) = begin(system, &mut second, FABRIKAM).await?;
        code(&walk)?;
        ensure!(
            walk.pages.len() == 1,
            "a page came in between: {}",
            end_to_end::steps::quoted(&walk)
        );

        let signed_in = browser.clone();
        let page = browser
            .open(&format!("{}/signout", system.issuer()))
            .await?;
        let page = match page.forms().first() {
            Some(confirm) => browser.submit(confirm).await?,
            None => page,
        };
        ensure!(page.status == 200, "{} {}", page.status, page.body);
        // The very cookies of before, at the other gateway: they must be worth nothing there, soon.
        let mut again = signed_in.through(system.gateway(1));
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        loop {
            let (_, walk) = begin(system, &mut again.clone(), FABRIKAM).await?;
            if walk.pages.len() > 1 {
                break;
            }
            ensure!(
                std::time::Instant::now() < deadline,
                "the session lives on at the other gateway"
            );
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        // After signing out there is no silent way back in: the page waits for a click.
        let (_, walk) = begin(system, &mut browser, FABRIKAM).await?;
        ensure!(walk.arrived_at.is_none(), "signed in again without a click");
        again.cookies.clear();
        Ok(())
    })
}

fn invalid_grant(answer: &Page) -> Result<()> {
    ensure!(answer.status == 400, "{} {}", answer.status, answer.body);
    ensure!(
        answer.json()?["error"] == "invalid_grant",
        "{}",
        answer.body
    );
    Ok(())
}
