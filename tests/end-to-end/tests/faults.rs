//! Losing a process loses no sign-in that could be served; what cannot be served is said plainly, never weakened.

#![expect(
    clippy::indexing_slicing,
    reason = "a test may fail by a panic, and JSON yields null for what is missing"
)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use end_to_end::program::{Promise, block_on, block_on_value, each_for_itself};
use end_to_end::steps::{
    FABRIKAM, begin, browser_outside, browser_with, code, code_by_certificate, fill_in, redeem,
    refused, tokens,
};
use testkit::processes::Signal;
use testkit::system::{DirectoryKind, Plan, Role, System};

fn main() -> ExitCode {
    let promises: Vec<Promise<()>> = vec![
        ("one gateway killed: the other serves", |()| {
            with_samba(2, gateway_killed)
        }),
        (
            "NATS killed: sign-ins go on, changes wait, and go on when it is back",
            |()| with_samba(2, nats_killed),
        ),
        (
            "without NATS a process starts from its last good configuration",
            |()| with_system(1, start_without_nats),
        ),
        (
            "certval gone: a plain 503 for certificates, and passwords work",
            |()| with_system(1, certval_gone),
        ),
        ("directory gone: a plain 503 for everybody", |()| {
            with_system(1, directory_gone)
        }),
        ("asked to end, every process ends well", |()| {
            with_system(2, System::stop)
        }),
    ];
    each_for_itself(promises)
}

fn with_system(gateways: u8, promise: impl FnOnce(System) -> Result<()>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    promise(Plan::in_folder(folder.path()).gateways(gateways).start()?)
}

/// The same against a real domain controller.
fn with_samba(gateways: u8, promise: impl FnOnce(System) -> Result<()>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let plan = Plan::in_folder(folder.path()).gateways(gateways);
    promise(plan.directory(DirectoryKind::Samba).start()?)
}

/// jon signs in at one gateway, to his tokens.
fn signs_in(system: &System, gateway: usize) -> Result<()> {
    block_on(async {
        let mut browser =
            browser_with(system, system.certificate_of("jon")?)?.through(system.gateway(gateway));
        let (request, code) = code_by_certificate(system, &mut browser).await?;
        tokens(&redeem(system, &mut browser, &request, &code).await?).map(|_| ())
    })
}

/// The same, again and again until it works or the time is over.
fn signs_in_soon(system: &System, gateway: usize) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match signs_in(system, gateway) {
            Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(50)),
            outcome => return outcome,
        }
    }
}

fn gateway_killed(mut system: System) -> Result<()> {
    signs_in(&system, 0)?;
    let orphaned = block_on_value(async {
        let mut browser = browser_with(&system, system.certificate_of("jon")?)?;
        let signed_in = code_by_certificate(&system, &mut browser).await?;
        Ok((browser, signed_in))
    })?;
    system.process(Role::Gateway, 0)?.kill()?;
    for _ in 0..5 {
        signs_in(&system, 1)?;
    }
    let (browser, (request, code)) = orphaned;
    block_on(async {
        // Nobody can redeem the lost gateway's code; the application is told soon, and the session is as good as before.
        let mut other = browser.through(system.gateway(1));
        let begun = Instant::now();
        let answer = redeem(&system, &mut other, &request, &code).await?;
        ensure!(
            answer.status == 503 || answer.status == 400,
            "{} {}",
            answer.status,
            answer.body
        );
        ensure!(
            begun.elapsed() < Duration::from_secs(5),
            "slow to say so: {:?}",
            begun.elapsed()
        );
        let (request, walk) = begin(&system, &mut other, FABRIKAM).await?;
        ensure!(
            walk.pages.len() == 1,
            "the session is gone: {}",
            end_to_end::steps::quoted(&walk)
        );
        tokens(
            &redeem(
                &system,
                &mut other,
                &request,
                &end_to_end::steps::code(&walk)?,
            )
            .await?,
        )
        .map(|_| ())
    })
}

fn nats_killed(mut system: System) -> Result<()> {
    system.nats().kill()?;
    for gateway in [0, 1, 0, 1] {
        signs_in(&system, gateway)?;
    }
    let add = [
        "range",
        "add",
        "10.1.0.0/16",
        "--connection",
        FABRIKAM,
        "--json",
    ];
    let refused = system.postern(&add).output()?;
    ensure!(
        !refused.status.success(),
        "a change was taken without the bus"
    );
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(words.contains("bus"), "{words}");
    system.nats().restart()?;
    let deadline = Instant::now() + Duration::from_secs(20);
    let add = [
        "range",
        "add",
        "10.2.0.0/16",
        "--connection",
        FABRIKAM,
        "--json",
        "--wait",
    ];
    loop {
        let output = system.postern(&add).output()?;
        if output.status.success() {
            let answer: serde_json::Value = serde_json::from_slice(&output.stdout)?;
            if answer["applied"] == answer["instances"] && answer["instances"] == 5 {
                break;
            }
        }
        ensure!(
            Instant::now() < deadline,
            "no change after NATS came back: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    signs_in(&system, 0)
}

fn start_without_nats(mut system: System) -> Result<()> {
    signs_in(&system, 0)?;
    system.nats().kill()?;
    for role in [Role::Certval, Role::Directory, Role::Gateway] {
        system.process(role, 0)?.kill()?;
        system.relaunch(role, 0)?;
    }
    signs_in_soon(&system, 0)
}

fn certval_gone(mut system: System) -> Result<()> {
    system.process(Role::Certval, 0)?.kill()?;
    block_on(async {
        let mut browser = browser_with(&system, system.certificate_of("jon")?)?;
        let begun = Instant::now();
        let (_, walk) = begin(&system, &mut browser, FABRIKAM).await?;
        refused(&browser, &walk, 503, "certval_unavailable")?;
        ensure!(
            begun.elapsed() < Duration::from_secs(3),
            "slow to say so: {:?}",
            begun.elapsed()
        );
        ensure!(
            walk.last()
                .is_some_and(|page| !page.header("retry-after").is_empty()),
            "no Retry-After"
        );
        let mut browser = browser_outside(&system)?;
        let (_, walk) = begin(&system, &mut browser, FABRIKAM).await?;
        let walk = fill_in(
            &system,
            &mut browser,
            &walk,
            "jon",
            system.password_of("jon"),
        )
        .await?;
        code(&walk).map(|_| ())
    })?;
    system.relaunch(Role::Certval, 0)?;
    signs_in_soon(&system, 0)
}

fn directory_gone(mut system: System) -> Result<()> {
    // Frozen, not dead: it accepts and never answers.
    system.process(Role::Directory, 0)?.signal(Signal::Stop)?;
    block_on(async {
        let mut browser = browser_with(&system, system.certificate_of("jon")?)?;
        let (_, walk) = begin(&system, &mut browser, FABRIKAM).await?;
        refused(&browser, &walk, 503, "directory_unavailable")?;
        let mut browser = browser_outside(&system)?;
        let (_, walk) = begin(&system, &mut browser, FABRIKAM).await?;
        let walk = fill_in(
            &system,
            &mut browser,
            &walk,
            "jon",
            system.password_of("jon"),
        )
        .await?;
        refused(&browser, &walk, 503, "directory_unavailable").context("by password")
    })?;
    system
        .process(Role::Directory, 0)?
        .signal(Signal::Continue)?;
    signs_in_soon(&system, 0)
}
