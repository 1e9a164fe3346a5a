//! Cookies as browsers keep them (RFC 6265bis): per host, with the `__Host-` and `__Secure-` prefixes
//! and `SameSite`.
//!
//! **Invariant:** a cookie a browser would throw away is not kept here either; it stands in
//! [`Cookies::rejected`], so that a test can say so.

use http::{HeaderMap, Method, header};
use url::Url;

/// When a cookie accompanies a request that another site causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Never.
    Strict,
    /// With a plain navigation (GET); what browsers assume when nothing is said.
    Lax,
    /// Always.
    None,
}

/// One cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
    /// The host that set it.
    pub host: String,
    /// Whether it also goes to the hosts below (`Domain=`).
    pub below: bool,
    /// The path it is for.
    pub path: String,
    /// `HttpOnly`.
    pub http_only: bool,
    /// `Secure`.
    pub secure: bool,
    /// `SameSite`.
    pub same_site: SameSite,
}

/// All cookies of a browser.
#[derive(Debug, Clone, Default)]
pub struct Cookies {
    kept: Vec<Cookie>,
    /// `Set-Cookie` values that were thrown away, as they came.
    pub rejected: Vec<String>,
}

impl Cookies {
    /// The cookie of this name that `host` set.
    #[must_use]
    pub fn find(&self, host: &str, name: &str) -> Option<&Cookie> {
        self.kept
            .iter()
            .find(|cookie| cookie.host == host && cookie.name == name)
    }

    /// Every cookie.
    pub fn iter(&self) -> impl Iterator<Item = &Cookie> {
        self.kept.iter()
    }

    /// Puts a cookie in, instead of one of the same name and host.
    pub fn put(&mut self, cookie: Cookie) {
        self.kept
            .retain(|old| !(old.name == cookie.name && old.host == cookie.host));
        self.kept.push(cookie);
    }

    /// Forgets the cookie of this name that `host` set.
    pub fn forget(&mut self, host: &str, name: &str) {
        self.kept
            .retain(|cookie| !(cookie.host == host && cookie.name == name));
    }

    /// Forgets all, as ending the browser does.
    pub fn clear(&mut self) {
        self.kept.clear();
    }

    pub(super) fn take(&mut self, url: &Url, headers: &HeaderMap) {
        for value in headers.get_all(header::SET_COOKIE) {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            match parse(url, &text) {
                Some((cookie, true)) => self.put(cookie),
                Some((cookie, false)) => self.forget(&cookie.host, &cookie.name),
                None => self.rejected.push(text),
            }
        }
    }

    pub(super) fn header_for(
        &self,
        url: &Url,
        method: &Method,
        initiator: Option<&Url>,
    ) -> Option<String> {
        let foreign = initiator.is_some_and(|page| !same_site(page, url));
        let sent: Vec<String> = self
            .kept
            .iter()
            .filter(|cookie| belongs(cookie, url))
            .filter(|cookie| match cookie.same_site {
                SameSite::None => true,
                SameSite::Lax => !foreign || method == Method::GET,
                SameSite::Strict => !foreign,
            })
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!sent.is_empty()).then(|| sent.join("; "))
    }
}

/// Whether two addresses are of one site: the same last two labels. (`localhost` counts as a public
/// suffix, so `login.localhost` and `cert.localhost` are two sites, in browsers too.)
pub(super) fn same_site(one: &Url, other: &Url) -> bool {
    let site = |url: &Url| {
        let host = url.host_str().unwrap_or_default().to_owned();
        match url.domain() {
            Some(domain) => {
                let labels: Vec<&str> = domain.rsplitn(3, '.').take(2).collect();
                labels.join(".")
            }
            None => host,
        }
    };
    one.scheme() == other.scheme() && site(one) == site(other)
}

fn belongs(cookie: &Cookie, url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host_fits =
        host == cookie.host || (cookie.below && host.ends_with(&format!(".{}", cookie.host)));
    let path_fits = url
        .path()
        .strip_prefix(&cookie.path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie.path.ends_with('/'));
    host_fits && path_fits
}

/// The cookie, and whether it is to live; none if a browser would not take it.
fn parse(url: &Url, text: &str) -> Option<(Cookie, bool)> {
    let mut parts = text.split(';').map(str::trim);
    let (name, value) = parts.next()?.split_once('=')?;
    let host = url.host_str()?.to_owned();
    let mut cookie = Cookie {
        name: name.trim().to_owned(),
        value: value.trim().to_owned(),
        host,
        below: false,
        path: url
            .path()
            .rsplit_once('/')
            .map_or("/", |(folder, _)| folder)
            .to_owned(),
        http_only: false,
        secure: false,
        same_site: SameSite::Lax,
    };
    if cookie.path.is_empty() {
        cookie.path.push('/');
    }
    let mut lives = true;
    for part in parts {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        match key.to_ascii_lowercase().as_str() {
            "path" => value.clone_into(&mut cookie.path),
            "secure" => cookie.secure = true,
            "httponly" => cookie.http_only = true,
            "max-age" => lives = value.parse::<i64>().is_ok_and(|seconds| seconds > 0),
            "expires" => lives = lives && !value.contains(" 1970 "),
            "domain" => {
                let domain = value.trim_start_matches('.');
                if cookie.host != domain && !cookie.host.ends_with(&format!(".{domain}")) {
                    return None;
                }
                domain.clone_into(&mut cookie.host);
                cookie.below = true;
            }
            "samesite" => {
                cookie.same_site = match value.to_ascii_lowercase().as_str() {
                    "strict" => SameSite::Strict,
                    "none" => SameSite::None,
                    _ => SameSite::Lax,
                }
            }
            _ => {}
        }
    }
    let bound_to_host = cookie.secure && cookie.path == "/" && !cookie.below;
    let prefix_holds = match &cookie.name {
        name if name.starts_with("__Host-") => bound_to_host,
        name if name.starts_with("__Secure-") => cookie.secure,
        _ => cookie.same_site != SameSite::None || cookie.secure,
    };
    (prefix_holds && !cookie.name.is_empty()).then_some((cookie, lives))
}
