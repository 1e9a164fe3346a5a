//! What an administrator changes is live on every gateway within a second, and trust that was taken away is gone.

#![expect(
    clippy::indexing_slicing,
    reason = "a test may fail by a panic, and JSON yields null for what is missing"
)]

use std::path::PathBuf;
use std::process::{ExitCode, Output};

use anyhow::{Context, Result, ensure};
use end_to_end::program::{Promise, block_on, on_one_system};
use end_to_end::steps::{
    CONTOSO, FABRIKAM, begin, browser_with, code, code_by_certificate, redeem, refused, tokens,
    userinfo,
};
use serde_json::Value;
use testkit::pki::{Authority, Leaf, certificate_pem};
use testkit::system::{DirectoryKind, System};

fn main() -> ExitCode {
    let promises: Vec<Promise<System>> = vec![
        (
            "an authority added while running is used by both gateways within a second",
            added,
        ),
        (
            "an authority removed between handshake and token ends that sign-in",
            removed_before_token,
        ),
        (
            "an authority removed between handshake and return ends that sign-in",
            removed_before_return,
        ),
        (
            "removing an authority ends the sessions and tokens it vouched for",
            removed_after_sign_in,
        ),
        (
            "a range added while running asks, and removed asks no more",
            range,
        ),
        (
            "what is no authority is refused with words, and nothing changes",
            bad_authorities,
        ),
        (
            "ranges are normalised, and everybody is asked only when confirmed",
            bad_ranges,
        ),
        ("many writers at once lose nothing", many_writers),
        ("without the right token nothing is told", tokens_needed),
        (
            "every live process is listed with what it has applied",
            instances,
        ),
    ];
    on_one_system(
        |plan| plan.gateways(2).directory(DirectoryKind::Samba),
        promises,
    )
}

/// An authority of its own for one promise, so that promises do not touch each other's.
struct Added<'a> {
    system: &'a System,
    authority: Authority,
    file: PathBuf,
}

impl<'a> Added<'a> {
    fn new(system: &'a System, name: &str) -> Result<Self> {
        let authority = Authority::named(name).self_signed()?;
        let file = system
            .folder()
            .join(format!("{}.pem", name.replace(' ', "-")));
        std::fs::write(&file, authority.pem())?;
        Ok(Self {
            system,
            authority,
            file,
        })
    }

    fn change(&self, what: &str) -> Result<Value> {
        let file = self.file.display().to_string();
        answer(&postern(
            self.system,
            &[
                "ca",
                what,
                &file,
                "--connection",
                FABRIKAM,
                "--wait",
                "--json",
            ],
        )?)
    }
}

fn added(system: &System) -> Result<()> {
    block_on(async {
        let new = Added::new(system, "Added Root")?;
        let jon = new.authority.issue(&Leaf::named("jon"))?;
        let mut browser = browser_with(system, jon.clone())?;
        let (_, walk) = begin(system, &mut browser, FABRIKAM).await?;
        refused(&browser, &walk, 403, "unknown_issuer")?;
        live_everywhere(&new.change("add")?)?;
        for gateway in 0..2 {
            let mut browser = browser_with(system, jon.clone())?.through(system.gateway(gateway));
            code_by_certificate(system, &mut browser)
                .await
                .with_context(|| format!("gateway {gateway}"))?;
        }
        let again = postern(
            system,
            &[
                "ca",
                "add",
                &new.file.display().to_string(),
                "--connection",
                FABRIKAM,
            ],
        )?;
        ensure!(again.status.code() == Some(1), "added twice: {again:?}");
        Ok(())
    })
}

fn removed_before_token(system: &System) -> Result<()> {
    block_on(async {
        let new = Added::new(system, "Short Lived Root")?;
        new.change("add")?;
        let mut browser = browser_with(system, new.authority.issue(&Leaf::named("jon"))?)?;
        let (request, code) = code_by_certificate(system, &mut browser).await?;
        new.change("remove")?;
        let answer = redeem(system, &mut system.browser()?, &request, &code).await?;
        ensure!(
            answer.status == 400 && answer.json()?["error"] == "invalid_grant",
            "{}",
            answer.body
        );
        let (_, walk) = begin(system, &mut browser, FABRIKAM).await?;
        ensure!(walk.arrived_at.is_none(), "the session lives on");
        Ok(())
    })
}

fn removed_before_return(system: &System) -> Result<()> {
    block_on(async {
        let new = Added::new(system, "Shorter Lived Root")?;
        new.change("add")?;
        let mut browser = browser_with(system, new.authority.issue(&Leaf::named("jon"))?)?;
        let page = browser
            .open(system.authorize(FABRIKAM)?.url.as_str())
            .await?;
        let judged = browser
            .follow(&page)
            .await?
            .context("the page does not go on")?;
        let resume = judged
            .next_address()
            .context("the certificate host does not lead back")?;
        new.change("remove")?;
        let walk = browser
            .walk(resume.as_str(), &system.redirect_uri())
            .await?;
        refused(&browser, &walk, 403, "unknown_issuer")
    })
}

fn removed_after_sign_in(system: &System) -> Result<()> {
    block_on(async {
        let new = Added::new(system, "Distrusted Root")?;
        new.change("add")?;
        let mut browser = browser_with(system, new.authority.issue(&Leaf::named("jane"))?)?;
        let (request, code) = code_by_certificate(system, &mut browser).await?;
        let tokens = tokens(&redeem(system, &mut browser, &request, &code).await?)?;
        ensure!(userinfo(system, &mut browser, &tokens).await?.status == 200);
        new.change("remove")?;
        for gateway in 0..2 {
            let mut browser = browser.clone().through(system.gateway(gateway));
            ensure!(
                userinfo(system, &mut browser, &tokens).await?.status == 401,
                "userinfo at gateway {gateway}"
            );
            let (_, walk) = begin(system, &mut browser, FABRIKAM).await?;
            ensure!(
                walk.arrived_at.is_none(),
                "the session lives on at gateway {gateway}"
            );
        }
        Ok(())
    })
}

fn range(system: &System) -> Result<()> {
    block_on(async {
        let address = "127.0.0.88";
        let mut browser = system
            .browser()?
            .from(address.parse()?)
            .with_certificate(system.certificate_of("jon")?);
        let change = |what: &str| {
            postern(
                system,
                &[
                    "range",
                    what,
                    address,
                    "--connection",
                    FABRIKAM,
                    "--wait",
                    "--json",
                ],
            )
        };
        let (_, walk) = begin(system, &mut browser, FABRIKAM).await?;
        ensure!(
            walk.last()
                .is_some_and(|page| page.form_with("password").is_some()),
            "asked before"
        );
        live_everywhere(&answer(&change("add")?)?)?;
        for gateway in 0..2 {
            let (_, walk) = begin(
                system,
                &mut browser.clone().through(system.gateway(gateway)),
                FABRIKAM,
            )
            .await?;
            code(&walk)?;
        }
        live_everywhere(&answer(&change("remove")?)?)?;
        for gateway in 0..2 {
            let (_, walk) = begin(
                system,
                &mut browser.clone().through(system.gateway(gateway)),
                FABRIKAM,
            )
            .await?;
            ensure!(
                walk.last()
                    .is_some_and(|page| page.form_with("password").is_some()),
                "asked after"
            );
        }
        Ok(())
    })
}

fn bad_authorities(system: &System) -> Result<()> {
    // No other promise changes the authorities of this connection.
    let list = ["ca", "list", "--connection", CONTOSO, "--json"];
    let before = answer(&postern(system, &list)?)?;
    let leaf = system.certificate_of("jon")?;
    let cases: [(&str, Vec<u8>, &str); 5] = [
        ("empty", Vec::new(), "certificate"),
        ("garbage", b"hello".to_vec(), "certificate"),
        ("key", leaf.key_pem().into_bytes(), "private key"),
        (
            "leaf",
            certificate_pem(&leaf.certificate).into_bytes(),
            "authority",
        ),
        (
            "both",
            [
                system.people().pem().into_bytes(),
                leaf.key_pem().into_bytes(),
            ]
            .concat(),
            "private key",
        ),
    ];
    for (name, content, said) in cases {
        let file = system.folder().join(format!("bad-{name}"));
        std::fs::write(&file, content)?;
        let output = postern(
            system,
            &[
                "ca",
                "add",
                &file.display().to_string(),
                "--connection",
                CONTOSO,
            ],
        )?;
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.code() == Some(1), "{name}: {words}");
        ensure!(words.to_lowercase().contains(said), "{name}: {words}");
    }
    let after = answer(&postern(system, &list)?)?;
    ensure!(before == after, "{after}");
    Ok(())
}

fn bad_ranges(system: &System) -> Result<()> {
    for (range, said) in [
        ("10.0.0.0/33", "range"),
        ("localhost", "range"),
        ("0.0.0.0/0", "confirm"),
        ("::/0", "confirm"),
    ] {
        let output = postern(system, &["range", "add", range, "--connection", FABRIKAM])?;
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(
            output.status.code() == Some(1) && words.contains(said),
            "{range}: {words}"
        );
    }
    let output = postern(
        system,
        &["range", "add", "10.7.7.7/16", "--connection", FABRIKAM],
    )?;
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success() && words.contains("10.7.0.0/16"),
        "{words}"
    );
    let output = postern(
        system,
        &[
            "range",
            "test",
            "10.7.200.1",
            "10.8.0.1",
            "--connection",
            FABRIKAM,
            "--json",
        ],
    )?;
    let tested = answer(&output)?;
    ensure!(
        tested[0]["asked"] == true && tested[1]["asked"] == false,
        "{tested}"
    );
    let output = postern(
        system,
        &["range", "add", "10.1.0.0/16", "--connection", "FabricamAD"],
    )?;
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.code() == Some(1) && words.contains("FabrikamAD"),
        "the nearest name is not told: {words}"
    );
    Ok(())
}

fn many_writers(system: &System) -> Result<()> {
    let ranges: Vec<String> = (0..8)
        .map(|number| format!("10.99.{number}.0/24"))
        .collect();
    std::thread::scope(|scope| {
        let writers: Vec<_> = ranges
            .iter()
            .map(|range| {
                scope.spawn(move || {
                    // A conflict is an answer: whoever gets one asks again.
                    for _ in 0..50 {
                        let output = postern(
                            system,
                            &["range", "add", range, "--connection", FABRIKAM, "--json"],
                        )?;
                        match output.status.code() {
                            Some(0) => return Ok(()),
                            Some(1) if String::from_utf8_lossy(&output.stderr).contains("409") => {}
                            _ => anyhow::bail!("{output:?}"),
                        }
                    }
                    anyhow::bail!("never got its turn")
                })
            })
            .collect();
        writers.into_iter().try_for_each(|writer| {
            writer
                .join()
                .map_err(|_| anyhow::anyhow!("a writer panicked"))?
        })
    })?;
    let listed = answer(&postern(
        system,
        &["range", "list", "--connection", FABRIKAM, "--json"],
    )?)?
    .to_string();
    for range in &ranges {
        ensure!(
            listed.contains(range.as_str()),
            "{range} was lost: {listed}"
        );
    }
    Ok(())
}

fn tokens_needed(system: &System) -> Result<()> {
    let wrong = system.folder().join("settings/wrong-token");
    testkit::pki::write_secret(&wrong, b"not-the-token")?;
    let output = system
        .postern(&["connection", "list", "--json"])
        .env("POSTERN_ADMIN_TOKEN_FILE", &wrong)
        .output()?;
    ensure!(
        output.status.code() == Some(1) && output.stdout.is_empty(),
        "{output:?}"
    );
    let problem: Value = serde_json::from_slice(&output.stderr)?;
    ensure!(problem["status"] == 401, "{problem}");
    let output = system
        .postern(&["connection", "list"])
        .env_remove("POSTERN_ADMIN_TOKEN_FILE")
        .output()?;
    ensure!(output.status.code() == Some(2), "{output:?}");
    Ok(())
}

fn instances(system: &System) -> Result<()> {
    let add = [
        "range",
        "add",
        "10.200.0.0/16",
        "--connection",
        FABRIKAM,
        "--wait",
        "--json",
    ];
    let revision = answer(&postern(system, &add)?)?["revision"]
        .as_u64()
        .context("no revision")?;
    let listed = answer(&postern(system, &["instances", "--json"])?)?;
    let listed = listed.as_array().context("not a list")?;
    ensure!(listed.len() == 5, "{listed:?}");
    for instance in listed {
        ensure!(
            instance["revision"]
                .as_u64()
                .is_some_and(|applied| applied >= revision),
            "{instance}"
        );
        ensure!(
            instance["applied_at"].is_string() && instance["state"] == "current",
            "{instance}"
        );
        for key in [
            "id",
            "role",
            "version",
            "address",
            "revision",
            "applied_at",
            "age_s",
            "state",
            "cert_expires_at",
        ] {
            ensure!(instance.get(key).is_some(), "{key} is missing: {instance}");
        }
    }
    Ok(())
}

/// Demands that a write was applied by all, soon.
fn live_everywhere(write: &Value) -> Result<()> {
    ensure!(
        write["applied"] == write["instances"] && write["instances"] == 5,
        "{write}"
    );
    ensure!(
        write["waited_ms"]
            .as_u64()
            .is_some_and(|waited| waited < 1000),
        "{write}"
    );
    Ok(())
}

fn postern(system: &System, arguments: &[&str]) -> Result<Output> {
    system
        .postern(arguments)
        .output()
        .context("postern cannot be run")
}

fn answer(output: &Output) -> Result<Value> {
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{words}");
    serde_json::from_slice(&output.stdout).context("the answer is not JSON")
}
