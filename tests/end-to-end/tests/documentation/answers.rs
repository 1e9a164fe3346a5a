//! Codes and figures in docs/applications.md: those of the source, all of them and no others.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::page::{Page, read};

const PAGE: &str = "docs/applications.md";
const DAY: &str = "docs/first-day.md";

/// Where something is decided, and how a page tells it.
const FIGURES: [(&str, &str, &str, &str); 20] = [
    (
        PAGE,
        "services/gateway/src/codes.rs",
        "LIFE: Duration = Duration::from_secs(60);",
        "| a code | 60 seconds, once |",
    ),
    (
        PAGE,
        "services/gateway/src/oidc/tokens.rs",
        "LIFE: Duration = Duration::from_secs(5 * 60);",
        "| ID token and access token | 5 minutes |",
    ),
    (
        PAGE,
        "services/gateway/src/session.rs",
        "ABSOLUTE: Duration = Duration::from_secs(8 * 3600);",
        "| a session at Postern | 8 hours,",
    ),
    (
        PAGE,
        "services/gateway/src/session.rs",
        "IDLE: Duration = Duration::from_secs(3600);",
        "or 1 hour unused |",
    ),
    (
        PAGE,
        "services/gateway/src/signin/transaction.rs",
        "LIFE: Duration = Duration::from_secs(10 * 60);",
        "| a sign-in under way | 10 minutes |",
    ),
    (
        PAGE,
        "services/gateway/src/oidc/tokens.rs",
        "MAX_GROUPS: usize = 200;",
        "more than 200 groups",
    ),
    (
        PAGE,
        "services/gateway/src/oidc/tokens.rs",
        "\"urn:postern:acr:certificate\"",
        "| `urn:postern:acr:certificate` | `swk` |",
    ),
    (
        PAGE,
        "services/gateway/src/oidc/tokens.rs",
        "\"urn:postern:acr:password\"",
        "| `urn:postern:acr:password` | `pwd` |",
    ),
    (
        PAGE,
        "services/gateway/src/oidc/authorize_request.rs",
        "MAX_STATE: usize = 2048;",
        "up to 2048 bytes",
    ),
    (
        PAGE,
        "services/gateway/src/oidc/authorize_request.rs",
        "MAX_NONCE: usize = 512;",
        "up to 512 bytes",
    ),
    (
        PAGE,
        "services/gateway/src/oidc/authorize_request.rs",
        "MAX_LOGIN_HINT: usize = 256;",
        "up to 256 bytes",
    ),
    (
        PAGE,
        "services/gateway/src/oidc/parameters.rs",
        "MAX_PARAMETERS: usize = 48;",
        "more than 48 parameters",
    ),
    (PAGE, "sdk/js/src/popup.ts", "Width = 600", "600×720"),
    (
        PAGE,
        "sdk/js/src/limit.ts",
        "milliseconds = 300_000",
        "`timeoutMs` is five minutes",
    ),
    (
        DAY,
        "services/gateway/src/pages/words/english.rs",
        "\"Use a password\"",
        "\"Use a password\"",
    ),
    (
        DAY,
        "services/gateway/src/pages/words/english.rs",
        "\"Try another certificate\"",
        "\"Try another certificate\"",
    ),
    (
        DAY,
        "services/gateway/src/pages/words/english.rs",
        "\"Choose your certificate\"",
        "\"Choose your certificate\"",
    ),
    (
        DAY,
        "services/gateway/src/pages/words/german.rs",
        "\"Passwort verwenden\"",
        "„Passwort verwenden“",
    ),
    (
        DAY,
        "services/gateway/src/pages/words/german.rs",
        "\"Anfrage-ID\"",
        "die Anfrage-ID",
    ),
    (
        DAY,
        "services/domain/src/reason.rs",
        "\"Your browser did not send a certificate.\"",
        "\"Your browser did not send a certificate.\"",
    ),
];

pub(crate) fn errors_are_complete() -> Result<()> {
    let page = Page::open(PAGE)?;
    let provider = quoted_after(
        &read("services/gateway/src/oidc/error_code.rs")?,
        "=> \"",
        '"',
    );
    let script = quoted_after(&read("sdk/js/src/error.ts")?, "| '", '\'');
    ensure!(
        provider.len() >= 13 && script.len() >= 9,
        "{provider:?} {script:?}"
    );
    let explained = in_tables(&page, "`error`");
    ensure!(
        explained == provider,
        "errors of the provider that are not explained: {:?}; explained, but not there: {:?}",
        provider.difference(&explained).collect::<Vec<_>>(),
        explained.difference(&provider).collect::<Vec<_>>()
    );
    // The SDK hands on the provider's codes, and its type names some of them; one it uses itself as well.
    let explained = in_tables(&page, "`code`");
    let own: BTreeSet<String> = script.difference(&provider).cloned().collect();
    ensure!(
        own.is_subset(&explained) && explained.is_subset(&script),
        "errors of the SDK that are not explained: {:?}; explained, but not there: {:?}",
        own.difference(&explained).collect::<Vec<_>>(),
        explained.difference(&script).collect::<Vec<_>>()
    );
    Ok(())
}

pub(crate) fn figures_are_current() -> Result<()> {
    for (page, file, source, told) in FIGURES {
        ensure!(
            read(file)?.contains(source),
            "{file} no longer has `{source}`: does {page} still say what is true?"
        );
        ensure!(read(page)?.contains(told), "{page} no longer says `{told}`");
    }
    let page = Page::open(PAGE)?;
    let scopes = quoted_after(&read("services/gateway/src/oidc/scopes.rs")?, "=> \"", '"');
    for scope in scopes {
        ensure!(
            page.text.contains(&format!("`{scope}`")),
            "{PAGE} does not explain the scope {scope}"
        );
    }
    Ok(())
}

/// The texts between `opening` and `closing`.
fn quoted_after(source: &str, opening: &str, closing: char) -> BTreeSet<String> {
    let rests = source.split(opening).skip(1);
    rests
        .filter_map(|rest| rest.split(closing).next())
        .map(str::to_owned)
        .collect()
}

/// The codes in the column headed `heading` of every table that has one.
fn in_tables(page: &Page, heading: &str) -> BTreeSet<String> {
    let mut column = None;
    let mut codes = BTreeSet::new();
    for (_, line) in page.prose() {
        let Some(row) = line.strip_prefix('|') else {
            column = None;
            continue;
        };
        let mut cells = row.split('|').map(str::trim);
        match column {
            None => column = Some(cells.position(|cell| cell == heading)),
            Some(None) => {}
            Some(Some(place)) => {
                let code = cells.nth(place).unwrap_or_default();
                codes.extend(
                    code.strip_prefix('`')
                        .and_then(|code| code.strip_suffix('`'))
                        .map(str::to_owned),
                );
            }
        }
    }
    codes
}
