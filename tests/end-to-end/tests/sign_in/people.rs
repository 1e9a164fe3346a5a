//! Who somebody is, and whether they may sign in, is Active Directory's word.

use anyhow::{Context, Result, ensure};
use end_to_end::program::{Promise, block_on};
use end_to_end::steps::{
    CONTOSO, FABRIKAM, begin, browser_outside, browser_with, code, code_by_certificate, fill_in,
    redeem, refused, tokens, userinfo,
};
use serde_json::{Value, json};
use testkit::pki::Leaf;
use testkit::system::System;

pub(crate) const PROMISES: &[Promise<System>] = &[
    (
        "jon signs in with his certificate, and the tokens say who he is and how",
        jon,
    ),
    (
        "jon signs in with his Active Directory password from outside the ranges",
        jon_by_password,
    ),
    (
        "a wrong password, an unknown name and an empty password are one answer",
        wrong_credentials,
    ),
    ("a certificate that names nobody is refused", unknown_user),
    (
        "eve, disabled, is refused by certificate and by password",
        eve,
    ),
    (
        "a certificate with another account's security identifier is refused",
        sid_mismatch,
    ),
];

fn jon(system: &System) -> Result<()> {
    block_on(async {
        let mut browser = browser_with(system, system.certificate_of("jon")?)?;
        let (request, walk) = begin(system, &mut browser, FABRIKAM).await?;
        ensure!(
            walk.parameter("state").as_deref() == Some(&request.state),
            "the state came back changed"
        );
        ensure!(
            walk.parameter("iss").as_deref() == Some(&system.issuer()),
            "RFC 9207: iss"
        );
        let tokens = tokens(&redeem(system, &mut browser, &request, &code(&walk)?).await?)?;
        let claims = tokens.claims()?;
        ensure!(
            claims["iss"] == json!(system.issuer()) && claims["aud"] == "test-script",
            "{claims}"
        );
        ensure!(claims["nonce"] == json!(request.nonce), "{claims}");
        ensure!(
            claims["amr"] == json!(["swk"]) && claims["acr"] == "urn:postern:acr:certificate",
            "{claims}"
        );
        ensure!(claims["auth_time"].is_u64(), "{claims}");
        let info = userinfo(system, &mut browser, &tokens).await?.json()?;
        ensure!(info["sub"] == claims["sub"], "{info}");
        ensure!(
            info["name"] == "Jon Snow" && info["preferred_username"] == "jon",
            "{info}"
        );
        ensure!(info["email"] == "jon@fabrikam.test", "{info}");
        let groups: Vec<&str> = info["groups"]
            .as_array()
            .context("no groups")?
            .iter()
            .filter_map(Value::as_str)
            .collect();
        for nested in ["Staff", "Employees", "Everyone-Fabrikam"] {
            ensure!(
                groups.contains(&nested),
                "{nested} is missing in {groups:?}"
            );
        }
        Ok(())
    })
}

fn jon_by_password(system: &System) -> Result<()> {
    block_on(async {
        for connection in [FABRIKAM, CONTOSO] {
            let mut browser = browser_outside(system)?;
            let (request, walk) = begin(system, &mut browser, connection).await?;
            let walk = fill_in(
                system,
                &mut browser,
                &walk,
                "jon",
                system.password_of("jon"),
            )
            .await?;
            let tokens = tokens(&redeem(system, &mut browser, &request, &code(&walk)?).await?)?;
            ensure!(
                tokens.claims()?["amr"] == json!(["pwd"]),
                "{}",
                tokens.claims()?
            );
        }
        Ok(())
    })
}

fn wrong_credentials(system: &System) -> Result<()> {
    block_on(async {
        for (name, password) in [
            ("jane", "wrong"),
            ("nobody-here", "wrong"),
            ("jane", ""),
            ("*", "x"),
        ] {
            let mut browser = browser_outside(system)?;
            let (_, walk) = begin(system, &mut browser, FABRIKAM).await?;
            let walk = fill_in(system, &mut browser, &walk, name, password).await?;
            refused(&browser, &walk, 403, "wrong_credentials")
                .with_context(|| format!("{name:?}"))?;
        }
        Ok(())
    })
}

fn unknown_user(system: &System) -> Result<()> {
    block_on(async {
        let mut browser = browser_with(system, system.people().issue(&Leaf::named("nobody"))?)?;
        let (_, walk) = begin(system, &mut browser, FABRIKAM).await?;
        refused(&browser, &walk, 403, "not_in_directory")
    })
}

fn eve(system: &System) -> Result<()> {
    block_on(async {
        let mut browser = browser_with(system, system.certificate_of("eve")?)?;
        let (_, walk) = begin(system, &mut browser, FABRIKAM).await?;
        refused(&browser, &walk, 403, "disabled")?;
        let mut browser = browser_outside(system)?;
        let (_, walk) = begin(system, &mut browser, FABRIKAM).await?;
        let walk = fill_in(
            system,
            &mut browser,
            &walk,
            "eve",
            system.password_of("eve"),
        )
        .await?;
        ensure!(walk.arrived_at.is_none(), "eve got in");
        end_to_end::steps::no_session(&browser)
    })
}

fn sid_mismatch(system: &System) -> Result<()> {
    block_on(async {
        let certificate = system
            .people()
            .issue(&Leaf::named("jon").sid("S-1-5-21-1-2-3-1102"))?;
        let mut browser = browser_with(system, certificate)?;
        let (_, walk) = begin(system, &mut browser, FABRIKAM).await?;
        refused(&browser, &walk, 403, "sid_mismatch")?;
        let mut browser = browser_with(system, system.certificate_of("jon")?)?;
        code_by_certificate(system, &mut browser).await.map(|_| ())
    })
}
