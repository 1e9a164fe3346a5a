//! Every page there is, in every language, as real requests and every code bring them up.

use std::path::Path;

use axum::http::StatusCode;
use domain::outcome::{Refusal, Unavailable};
use domain::reason::{Fault, Reason};
use domain::timestamp::Timestamp;

use super::super::words::Language;
use super::super::{Back, ICON};
use super::text;
use crate::arrival::{Arrival, Site};
use crate::halt::{Halt, Ways};
use crate::oidc::authorize_request::PageError;
use crate::testing::browser::{INSIDE, OUTSIDE, authorize_url};
use crate::testing::services::PASSWORD;
use crate::testing::{Browser, SERVER, START, World};
use crate::visit::Visit;

const LOGIN: &str = "https://login.example.com";

/// A logo for the one page that shows it.
const LOGO: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 40" width="160" height="40"><rect width="160" height="40" rx="8" fill="#5b2a86"/><path d="M12 30V10h14v4H17v4h8v4h-8v8z" fill="#fff"/></svg>"##;

/// A page.
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) language: Language,
    pub(super) html: String,
}

/// All of them.
pub(super) async fn gallery() -> Vec<Shown> {
    let mut pages = Vec::new();
    for language in Language::ALL {
        let named = requested(language).await.into_iter();
        let named = named.chain(halted(language).await);
        pages.extend(named.map(|(name, html)| Shown {
            name,
            language,
            html,
        }));
    }
    pages
}

/// Writes them so that any server of files shows them.
pub(super) fn write(folder: &Path, pages: &[Shown]) -> std::io::Result<()> {
    let assets = folder.join("assets");
    std::fs::create_dir_all(&assets)?;
    std::fs::write(assets.join("style.css"), super::super::brand::STYLE)?;
    std::fs::write(assets.join("icon.svg"), ICON)?;
    std::fs::write(assets.join("message.js"), crate::oidc::web_message::SCRIPT)?;
    // Servers of files tell the kind by the name.
    std::fs::write(assets.join("logo.svg"), LOGO)?;
    for page in pages {
        let html = page
            .html
            .replace(&format!("{LOGIN}/assets/"), "/assets/")
            .replace("/assets/logo?", "/assets/logo.svg?");
        let name = format!("{}.{}.html", page.name, page.language.tag());
        std::fs::write(folder.join(name), html)?;
    }
    Ok(())
}

/// What real requests bring up.
async fn requested(language: Language) -> Vec<(String, String)> {
    let world = World::new();
    let at = |address: &str| {
        let mut browser = Browser::at(address);
        browser.headers = vec![("accept-language", language.tag().to_owned())];
        browser
    };
    let url = authorize_url(&[]);
    let waiting = authorize_url(&[("prompt", "login")]);
    let mut pages = Vec::new();
    let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));

    let mut inside = at(INSIDE);
    let chooser = inside.get(&world, &url).await;
    let form = format!("{LOGIN}/password?tx={}", chooser.transaction());
    add("choose", chooser.body);
    add("choose-waits", inside.get(&world, &waiting).await.body);
    add("password-in-range", inside.get(&world, &form).await.body);
    let without = format!("{form}&reason=no_certificate");
    add(
        "password-no-certificate",
        inside.get(&world, &without).await.body,
    );
    inside
        .cookies
        .insert("__Host-prefer-password".to_owned(), "1".to_owned());
    add("password-preferred", inside.get(&world, &url).await.body);

    let mut outside = at(OUTSIDE);
    let page = outside.get(&world, &url).await;
    let transaction = page.transaction();
    let typed = [
        ("tx", transaction.as_str()),
        ("user_name", "jon"),
        ("password", "wrong"),
    ];
    add("password", page.body);
    let wrong = outside
        .post(&world, &format!("{LOGIN}/password"), &typed)
        .await;
    add("password-wrong", wrong.body);
    let choice = authorize_url(&[("client_id", SERVER)]);
    add("connections", outside.get(&world, &choice).await.body);
    let unknown = authorize_url(&[("client_id", "nobody")]);
    add("application", outside.get(&world, &unknown).await.body);
    add(
        "not-found",
        outside.get(&world, &format!("{LOGIN}/nothing")).await.body,
    );
    add(
        "rejected",
        outside
            .get(&world, &format!("{LOGIN}/password?tx=%00"))
            .await
            .body,
    );
    let right = typed.map(|(name, value)| match name {
        "password" => (name, PASSWORD),
        _ => (name, value),
    });
    outside
        .post(&world, &format!("{LOGIN}/password"), &right)
        .await
        .code();
    add(
        "sign-out",
        outside.get(&world, &format!("{LOGIN}/signout")).await.body,
    );
    let yes = [("confirmed", "yes")];
    let signed_out = outside
        .post(&world, &format!("{LOGIN}/signout"), &yes)
        .await;
    add("signed-out", signed_out.body);
    for (name, another_certificate) in [
        ("signed-out-certificate", true),
        ("signed-out-certificate-restart", false),
    ] {
        let world = World::set(|settings| settings.another_certificate = another_certificate);
        let mut jon = at(INSIDE);
        jon.certificate = Some("jon".to_owned());
        jon.follow(&world, &url).await.code();
        let page = jon.post(&world, &format!("{LOGIN}/signout"), &yes).await;
        add(name, page.body);
    }

    let silent = authorize_url(&[
        ("prompt", "none"),
        ("response_mode", "web_message"),
        ("redirect_uri", "https://app.example.com"),
    ]);
    add("message", outside.get(&world, &silent).await.body);

    world.clock.advance(std::time::Duration::from_secs(86_401));
    add("password-stale", at(INSIDE).get(&world, &url).await.body);

    let many = World::with(|all| {
        for connection in all.connections.values_mut() {
            let authority = connection.authorities.remove(0);
            connection.authorities = (1..=7)
                .map(|number| domain::authority::Authority {
                    name: format!("CN=Fabrikam Issuing CA {number},O=Fabrikam,C=DE"),
                    ..authority.clone()
                })
                .collect();
        }
    });
    add("choose-many", at(INSIDE).get(&many, &url).await.body);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("logo.svg");
    std::fs::write(&file, LOGO).unwrap();
    let branded = World::set(|settings| {
        settings.logo = file;
        settings.product_name = "Fabrikam".to_owned();
    });
    add("password-logo", at(OUTSIDE).get(&branded, &url).await.body);
    pages
}

/// What every code and every kind of failure brings up.
async fn halted(language: Language) -> Vec<(String, String)> {
    let world = World::new();
    let mut pages = Vec::new();
    let refused = |reason| Halt::Refused(Refusal::because(reason, "The facts of <this> case."));
    let unavailable = |fault| Halt::Unavailable(Unavailable::new(fault, "for the log only"));
    let mut halts: Vec<(String, Halt, Ways)> = vec![
        (
            "reason-expired-bare".to_owned(),
            Reason::Expired.into(),
            Ways::default(),
        ),
        (
            "fault-directory_unavailable-bare".to_owned(),
            unavailable(Fault::DirectoryUnavailable),
            Ways::default(),
        ),
        (
            "application-origin".to_owned(),
            Halt::Page(PageError::UnknownOrigin),
            Ways::default(),
        ),
        (
            "rejected-form".to_owned(),
            Halt::Rejected(
                StatusCode::FORBIDDEN,
                "the form was not sent by a page of this host",
            ),
            Ways::default(),
        ),
        (
            "broken".to_owned(),
            Halt::Broken("for the log only"),
            Ways::default(),
        ),
    ];
    for reason in Reason::ALL {
        halts.push((format!("reason-{reason}"), refused(*reason), ways()));
    }
    for fault in Fault::ALL {
        halts.push((format!("fault-{fault}"), unavailable(*fault), ways()));
    }
    for (name, halt, ways) in halts {
        // The certificate host's pages come with the login host's assets.
        let visit = visit(Site::Certificate { attempt: None });
        visit.speak(Some(language));
        let response = world.desk.halted(&visit, halt, ways);
        let is_fault = name.starts_with("fault-");
        assert_eq!(response.headers().contains_key("retry-after"), is_fault);
        pages.push((name, text(response).await));
    }
    pages
}

fn visit(host: Site) -> Visit {
    Visit::for_test(Arrival {
        address: INSIDE.parse().unwrap(),
        host,
        server_name: String::new(),
        asked: false,
        chain: None,
        handshake_at: Timestamp(START),
        revision: 7,
    })
}

fn ways() -> Ways {
    Ways {
        again: Some("https://cert.login.example.com/?tx=T".to_owned()),
        another_certificate: Some("https://abc.cert.login.example.com/?tx=T".to_owned()),
        password: Some(format!("{LOGIN}/password?tx=T")),
        back: Some(Back {
            application: "The app & co".to_owned(),
            url: format!("{LOGIN}/cancel?tx=T"),
        }),
    }
}
