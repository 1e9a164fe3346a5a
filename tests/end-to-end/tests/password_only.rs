//! Without any authority and any range, Postern is a password sign-in like any other.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use end_to_end::program::{Promise, block_on, on_one_system};
use end_to_end::steps::{FABRIKAM, begin, browser_with, code, fill_in, redeem, tokens};
use testkit::system::{Plan, System};

fn main() -> ExitCode {
    let promises: Vec<Promise<System>> = vec![(
        "jon signs in with his password, and no certificate is ever asked for",
        jon,
    )];
    on_one_system(Plan::password_only, promises)
}

fn jon(system: &System) -> Result<()> {
    block_on(async {
        let mut browser = browser_with(system, system.certificate_of("jon")?)?;
        let (request, walk) = begin(system, &mut browser, FABRIKAM).await?;
        let walk = fill_in(
            system,
            &mut browser,
            &walk,
            "jon",
            system.password_of("jon"),
        )
        .await?;
        tokens(&redeem(system, &mut browser, &request, &code(&walk)?).await?)?;
        let page = browser
            .open(&system.certificate_url("?tx=anything"))
            .await?;
        ensure!(
            page.handshake.certificate_request.is_none(),
            "a CertificateRequest was sent"
        );
        Ok(())
    })
}
