//! Every certificate that does not lead to a sign-in leads to a page that says why, and never to a TLS alert.

use anyhow::{Result, ensure};
use end_to_end::program::{Promise, block_on};
use end_to_end::steps::{FABRIKAM, begin, browser_with, refused};
use testkit::pki::{
    Authority, ExtendedKeyUsagePurpose, Identity, KeyKind, Leaf, Sha1Oid, Validity, makecert_chain,
};
use testkit::system::System;

pub(crate) const PROMISES: &[Promise<System>] = &[
    ("no certificate leads to the password form", no_certificate),
    (
        "an authority of the same name with another key is unknown",
        foreign_authority,
    ),
    ("an expired certificate is refused", |system| {
        issued(
            system,
            &Leaf::named("jon").validity(Validity::expired()),
            "expired",
        )
    }),
    ("a certificate that is not valid yet is refused", |system| {
        issued(
            system,
            &Leaf::named("jon").validity(Validity::not_yet()),
            "not_yet_valid",
        )
    }),
    ("a certificate for servers only is refused", |system| {
        issued(
            system,
            &Leaf::named("jon").extended_key_usages(&[ExtendedKeyUsagePurpose::ServerAuth]),
            "wrong_key_usage",
        )
    }),
    ("a certificate without purpose is refused", |system| {
        issued(
            system,
            &Leaf::named("jon").extended_key_usages(&[]),
            "wrong_key_usage",
        )
    }),
    ("two common names are refused", |system| {
        issued(
            system,
            &Leaf::named("jon").second_common_name("jane"),
            "ambiguous_cn",
        )
    }),
    ("no common name is refused", |system| {
        issued(system, &Leaf::named("jon").without_common_name(), "no_cn")
    }),
    ("a name with a domain is refused", |system| {
        issued(system, &Leaf::named("FABRIKAM\\jon"), "malformed_cn")
    }),
    ("a certificate of an authority is refused", |system| {
        issued(system, &Leaf::named("jon").as_authority(), "bad_chain")
    }),
    ("a malformed chain is refused", malformed),
    (
        "a chain as makecert makes it is refused for its signature",
        makecert,
    ),
    ("an RSA certificate signs in over TLS 1.2 and TLS 1.3", rsa),
];

fn no_certificate(system: &System) -> Result<()> {
    block_on(async {
        let mut browser = system.browser()?;
        let (_, walk) = begin(system, &mut browser, FABRIKAM).await?;
        refused(&browser, &walk, 200, "no_certificate")?;
        ensure!(
            walk.last()
                .is_some_and(|page| page.form_with("password").is_some()),
            "there is no form"
        );
        Ok(())
    })
}

fn foreign_authority(system: &System) -> Result<()> {
    let namesake = Authority::named("Fabrikam Test Root").self_signed()?;
    ensure!(
        namesake.subject_der()? == system.people().subject_der()?,
        "the names differ"
    );
    presented(
        system,
        namesake.issue(&Leaf::named("jon"))?,
        "unknown_issuer",
    )
}

fn malformed(system: &System) -> Result<()> {
    let jon = system.certificate_of("jon")?;
    presented(system, jon.with_garbage_behind(), "malformed")?;
    presented(
        system,
        system.people().issue_garbled(&Leaf::named("jon"))?,
        "malformed",
    )
}

fn makecert(system: &System) -> Result<()> {
    for oid in [Sha1Oid::Pkcs1, Sha1Oid::Oiw] {
        presented(
            system,
            makecert_chain("FabrikamRootCA", "jon", oid)?.identity,
            "sha1_signature",
        )?;
    }
    Ok(())
}

fn rsa(system: &System) -> Result<()> {
    block_on(async {
        let jon = system
            .people()
            .issue(&Leaf::named("jon").key(KeyKind::Rsa2048))?;
        let (_, walk) = begin(system, &mut browser_with(system, jon.clone())?, FABRIKAM).await?;
        end_to_end::steps::code(&walk)?;
        let (_, walk) = begin(
            system,
            &mut browser_with(system, jon)?.with_tls12(),
            FABRIKAM,
        )
        .await?;
        end_to_end::steps::code(&walk).map(|_| ())
    })
}

fn issued(system: &System, leaf: &Leaf, code: &str) -> Result<()> {
    presented(system, system.people().issue(leaf)?, code)
}

fn presented(system: &System, identity: Identity, code: &str) -> Result<()> {
    block_on(async {
        let mut browser = browser_with(system, identity)?;
        let (_, walk) = begin(system, &mut browser, FABRIKAM).await?;
        refused(&browser, &walk, 403, code)?;
        ensure!(
            walk.last()
                .is_some_and(|page| page.handshake.certificate_sent),
            "no certificate was sent"
        );
        Ok(())
    })
}
