//! Whether a configuration holds together as a whole: asked before anything is stored.
//!
//! **Invariant:** every list an administrator can grow has its limit here.

use std::collections::BTreeSet;

use domain::application::Application;
use domain::configuration::{Configuration, ServerCertificate};
use domain::connection::{ActiveDirectory, Connection, DirectorySource, DirectoryTrust};

/// Most connections.
pub const MOST_CONNECTIONS: usize = 100;
/// Most authorities of one connection.
pub const MOST_AUTHORITIES: usize = 100;
/// Most bytes of all authorities' names: a CertificateRequest has room for 65,535 (RFC 8446 section 4.2.4), and a client
/// address may be in range at every connection.
pub const MOST_NAME_BYTES: usize = 48 << 10;
/// Most ranges of one connection.
pub const MOST_RANGES: usize = 10_000;
/// Most applications.
pub const MOST_APPLICATIONS: usize = 1_000;
/// Most redirect URIs of one application, of each kind.
pub const MOST_URIS: usize = 100;
/// Most characters of a name that people are shown.
pub const LONGEST_NAME: usize = 200;

/// Every reason why `configuration` cannot be used, in words; empty when it can.
#[must_use]
pub fn problems(configuration: &Configuration) -> Vec<String> {
    let mut problems = Vec::new();
    let mut say = |problem: String| problems.push(problem);
    let (connections, applications) = (&configuration.connections, &configuration.applications);
    limit(
        &mut say,
        "",
        "connections",
        connections.len(),
        MOST_CONNECTIONS,
    );
    limit(
        &mut say,
        "",
        "applications",
        applications.len(),
        MOST_APPLICATIONS,
    );
    for (name, each) in connections {
        if *name != each.name {
            say(format!(
                "the connection `{name}` calls itself `{}`",
                each.name
            ));
        }
        connection(&mut say, each);
    }
    let names: BTreeSet<&[u8]> = connections
        .values()
        .flat_map(|connection| &connection.authorities)
        .map(|authority| authority.subject.as_ref())
        .collect();
    // Two bytes of length stand before every name.
    let bytes: usize = names.iter().map(|name| name.len() + 2).sum();
    limit(
        &mut say,
        "",
        "bytes of authorities' names",
        bytes,
        MOST_NAME_BYTES,
    );
    for (id, each) in applications {
        if *id != each.client_id {
            say(format!(
                "the application `{id}` calls itself `{}`",
                each.client_id
            ));
        }
        application(&mut say, each, configuration);
    }
    let mut hosts = BTreeSet::new();
    for each in &configuration.server_certificates {
        server_certificate(&mut say, each, &mut hosts);
    }
    problems
}

fn connection(say: &mut impl FnMut(String), connection: &Connection) {
    let at = format!("connection `{}`: ", connection.name);
    shown_name(say, &at, &connection.display_name);
    limit(
        say,
        &at,
        "authorities",
        connection.authorities.len(),
        MOST_AUTHORITIES,
    );
    limit(
        say,
        &at,
        "ranges",
        connection.ranges.iter().count(),
        MOST_RANGES,
    );
    let mut keys = BTreeSet::new();
    for authority in &connection.authorities {
        if !keys.insert(authority.key) {
            say(format!(
                "{at}two authorities have the key {}",
                authority.key
            ));
        }
    }
    if let DirectorySource::ActiveDirectory(directory) = &connection.directory {
        active_directory(say, &at, directory);
    }
}

fn active_directory(say: &mut impl FnMut(String), at: &str, directory: &ActiveDirectory) {
    if directory.servers.is_empty() {
        say(format!(
            "{at}no domain controller; give at least one, like ldaps://dc1.example.com"
        ));
    }
    for server in &directory.servers {
        let host = server
            .strip_prefix("ldaps://")
            .or_else(|| server.strip_prefix("ldap://"))
            .filter(|host| !host.is_empty() && !host.contains(['/', '@', '?', '#', ' ']));
        if host.is_none() {
            say(format!(
                "{at}`{server}` is no domain controller's address; write ldaps://host[:port], or ldap://host[:port] which always starts TLS"
            ));
        }
    }
    if directory.base.trim().is_empty() {
        say(format!(
            "{at}no search base; give one like DC=example,DC=com"
        ));
    }
    if directory.bind_account.trim().is_empty() {
        say(format!(
            "{at}no bind account; anonymous searches are not made"
        ));
    }
    let nothing = match &directory.trust {
        DirectoryTrust::Authorities { pem } => !pem.contains("-----BEGIN CERTIFICATE-----"),
        DirectoryTrust::PinnedKeys { keys } => keys.is_empty(),
    };
    if nothing {
        say(format!(
            "{at}nothing says which domain controllers are trusted; give the authority of their certificates, or their keys"
        ));
    }
}

fn application(
    say: &mut impl FnMut(String),
    application: &Application,
    configuration: &Configuration,
) {
    let at = format!("application `{}`: ", application.client_id);
    shown_name(say, &at, &application.name);
    limit(
        say,
        &at,
        "redirect URIs",
        application.redirect_uris.len(),
        MOST_URIS,
    );
    limit(
        say,
        &at,
        "redirect URIs after signing out",
        application.post_logout_redirect_uris.len(),
        MOST_URIS,
    );
    limit(say, &at, "origins", application.origins.len(), MOST_URIS);
    if application.redirect_uris.is_empty() && application.origins.is_empty() {
        say(format!(
            "{at}no redirect URI and no origin; give at least one"
        ));
    }
    let uris = application.redirect_uris.iter();
    for uri in uris.chain(&application.post_logout_redirect_uris) {
        if let Some(problem) = redirect_problem(uri) {
            say(format!(
                "{at}the redirect URI `{}` {problem}",
                super::refusal::shown(uri)
            ));
        }
    }
    for name in &application.connections {
        if !configuration.connections.contains_key(name) {
            let refusal = super::Refusal::unknown_connection(configuration, name.as_str());
            say(format!("{at}{}", refusal.detail));
        }
    }
}

/// What is wrong with a redirect URI (RFC 9700 section 2.1, RFC 8252 section 7.3).
fn redirect_problem(uri: &str) -> Option<&'static str> {
    if uri.len() > 2048 {
        return Some("is longer than 2048 bytes");
    }
    if !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(
            "holds spaces, control characters or letters outside ASCII: write it percent-encoded",
        );
    }
    if uri.contains('#') {
        return Some("has a fragment, which redirect URIs must not have");
    }
    if uri.contains('*') {
        return Some("holds a `*`: redirect URIs are compared byte by byte, so write each one out");
    }
    let Ok(parsed) = uri.parse::<http::Uri>() else {
        return Some("is no absolute URI");
    };
    let loopback = ["localhost", "127.0.0.1", "[::1]"];
    match (parsed.scheme_str(), parsed.host()) {
        (Some("https"), Some(host)) if !host.is_empty() => None,
        (Some("http"), Some(host)) if loopback.contains(&host) => None,
        (Some("http"), Some(_)) => {
            Some("is not https: over http, codes could be read on their way")
        }
        _ => Some("is no absolute https URI"),
    }
}

fn server_certificate<'a>(
    say: &mut impl FnMut(String),
    certificate: &'a ServerCertificate,
    hosts: &mut BTreeSet<&'a str>,
) {
    let at = format!("server certificate {}: ", certificate.fingerprint);
    if certificate.chain.is_empty() {
        say(format!("{at}it has no certificate"));
    }
    if certificate.hosts.is_empty() {
        say(format!("{at}it is for no host name"));
    }
    for host in &certificate.hosts {
        if !hosts.insert(host) {
            say(format!(
                "{at}another server certificate is for `{host}`, too"
            ));
        }
    }
}

fn shown_name(say: &mut impl FnMut(String), at: &str, name: &str) {
    let length = name.chars().count();
    if length == 0 || length > LONGEST_NAME || name.chars().any(char::is_control) {
        say(format!(
            "{at}the name people are shown must have 1 to {LONGEST_NAME} characters, and no control characters"
        ));
    }
}

fn limit(say: &mut impl FnMut(String), at: &str, what: &str, found: usize, most: usize) {
    if found > most {
        say(format!(
            "{at}{found} {what} are more than the {most} allowed"
        ));
    }
}
