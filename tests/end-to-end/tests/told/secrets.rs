//! No secret is in any log, whatever is logged: these processes log all they can.

use anyhow::{Context, Result, ensure};
use end_to_end::program::{Promise, block_on};
use end_to_end::steps::{
    CONTOSO, FABRIKAM, begin, browser_outside, browser_with, code, fill_in, redeem, tokens,
    userinfo,
};
use testkit::client::{Browser, Walk};
use testkit::system::System;

use crate::logs;

pub(crate) const PROMISES: &[Promise<System>] = &[(
    "no secret of a sign-in, and none of the system's own, is in any log at trace level",
    nothing_secret,
)];

/// What nobody may read in a log, each with its name.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn add(&mut self, name: &'static str, secret: impl Into<String>) -> Result<()> {
        let secret = secret.into();
        ensure!(secret.len() >= 8, "{name} is too short to look for");
        self.0.push((name, secret));
        Ok(())
    }

    /// The sealed values in the addresses of a walk.
    fn add_walk(&mut self, walk: &Walk) -> Result<()> {
        let mut found = 0;
        let on_the_way = walk.pages.iter().map(|page| &page.url);
        for url in on_the_way.chain(&walk.arrived_at) {
            for (key, value) in url.query_pairs() {
                let name = match &*key {
                    "tx" => "a transaction",
                    "r" => "a certificate result",
                    "code" => "a code",
                    _ => continue,
                };
                found += 1;
                // Whole values get wrapped and escaped; their beginnings do not.
                self.add(name, value.chars().take(40).collect::<String>())?;
            }
        }
        ensure!(found > 0, "the walk had no sealed value");
        Ok(())
    }

    fn add_cookies(&mut self, browser: &Browser) -> Result<()> {
        let mut sealed = browser.cookies.iter().filter(|it| it.value.len() > 20);
        let first = sealed.next().context("no cookie")?;
        self.add("a cookie", first.value.clone())?;
        sealed.try_for_each(|cookie| self.add("a cookie", cookie.value.clone()))
    }
}

fn nothing_secret(system: &System) -> Result<()> {
    block_on(async {
        let mut secrets = Secrets::default();
        let mut browser = browser_with(system, system.certificate_of("jon")?)?;
        let (request, walk) = begin(system, &mut browser, FABRIKAM).await?;
        secrets.add_walk(&walk)?;
        let answer = redeem(system, &mut browser, &request, &code(&walk)?).await?;
        let given = tokens(&answer)?;
        ensure!(
            userinfo(system, &mut browser, &given).await?.status == 200,
            "userinfo"
        );
        secrets.add("an ID token", given.id_token)?;
        secrets.add("an access token", given.access_token)?;
        secrets.add("a verifier", request.code_verifier.clone())?;
        secrets.add_cookies(&browser)?;

        let mut outside = browser_outside(system)?;
        let (_, form) = begin(system, &mut outside, CONTOSO).await?;
        let wrong = "never-in-a-log-1";
        let page = fill_in(system, &mut outside, &form, "jon", wrong).await?;
        let password = system.password_of("jon");
        let right = fill_in(system, &mut outside, &page, "jon", password).await?;
        code(&right)?;
        secrets.add_walk(&right)?;
        secrets.add_cookies(&outside)?;
        secrets.add("a wrong password", wrong)?;
        secrets.add("a password", password)?;

        for (name, file) in [
            ("the admin token", "control/admin-token"),
            ("a client secret", "settings/server-secret"),
            ("the bind password", "settings/bind-password"),
        ] {
            let secret = std::fs::read_to_string(system.folder().join(file))?;
            secrets.add(name, secret.trim())?;
        }
        for role in testkit::nats::ROLES {
            let file = system.folder().join(format!("nats/{role}.password"));
            secrets.add("a bus password", std::fs::read_to_string(file)?.trim())?;
        }

        let logs = logs(system)?;
        let of_debugging = |(_, log): &(String, String)| log.contains(r#""level":"DEBUG""#);
        ensure!(logs.iter().any(of_debugging), "nothing is logged in detail");
        for (process, log) in &logs {
            for (name, secret) in &secrets.0 {
                if let Some(line) = log.lines().find(|line| line.contains(secret.as_str())) {
                    let shown: String = line.chars().take(300).collect();
                    anyhow::bail!("{name} is in {process}: {shown}");
                }
            }
        }
        Ok(())
    })
}
