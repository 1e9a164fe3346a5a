//! A browser, as far as the sites can tell: cookies, an address, perhaps a certificate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, Request, StatusCode};
use domain::certificate::PresentedChain;
use domain::timestamp::Timestamp;
use http_body_util::BodyExt;
use runtime::clock::Clock;
use tower::ServiceExt;
use url::Url;

use super::{APP, CALLBACK, CHALLENGE, World};
use crate::arrival::{Arrival, Site};
use crate::handshake::Handshake;

/// Inside the ranges.
pub(crate) const INSIDE: &str = "10.1.2.3";
/// Outside of all.
pub(crate) const OUTSIDE: &str = "192.0.2.1";

/// A person's browser.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    pub(crate) cookies: BTreeMap<String, String>,
    /// Those of the cookies that end with the browser.
    passing: BTreeSet<String>,
    pub(crate) address: String,
    /// What it sends when asked: the leaf's bytes.
    pub(crate) certificate: Option<String>,
    /// Further headers of every request.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The handshake of the connection it keeps, if a test looks at that.
    pub(crate) handshake: Option<Arc<Handshake>>,
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn at(address: &str) -> Self {
        Self {
            cookies: BTreeMap::new(),
            passing: BTreeSet::new(),
            address: address.to_owned(),
            certificate: None,
            headers: Vec::new(),
            handshake: None,
        }
    }

    /// Inside the ranges, with a certificate whose leaf has these bytes.
    pub(crate) fn with_certificate(leaf: &str) -> Self {
        Self {
            certificate: Some(leaf.to_owned()),
            ..Self::at(INSIDE)
        }
    }

    /// Ends the browser and starts it again: what it should not keep is gone.
    pub(crate) fn restart(&mut self) {
        for name in std::mem::take(&mut self.passing) {
            self.cookies.remove(&name);
        }
    }

    pub(crate) async fn get(&mut self, world: &World, url: &str) -> Page {
        self.request(world, url, Request::get(url), String::new())
            .await
    }

    /// Sends a form from a page of the login host.
    pub(crate) async fn post(&mut self, world: &World, url: &str, form: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let mut request =
            Request::post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if !self.headers.iter().any(|(name, _)| *name == "origin") {
            request = request.header(ORIGIN, "https://login.example.com");
        }
        self.request(world, url, request, body).await
    }

    /// Sends any request.
    pub(crate) async fn request(
        &mut self,
        world: &World,
        url: &str,
        mut request: axum::http::request::Builder,
        body: String,
    ) -> Page {
        let url = Url::parse(url).unwrap();
        let host = url.host_str().unwrap().to_owned();
        let site = match host.as_str() {
            "login.example.com" => Site::Login,
            "cert.login.example.com" => Site::Certificate { attempt: None },
            other => Site::Certificate {
                attempt: Some(
                    other
                        .strip_suffix(".cert.login.example.com")
                        .unwrap()
                        .to_owned(),
                ),
            },
        };
        let on_login = site == Site::Login;
        if on_login && !self.cookies.is_empty() {
            let line: Vec<String> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request = request.header(COOKIE, line.join("; "));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let chain = self
            .certificate
            .clone()
            .filter(|_| !on_login)
            .map(|leaf| PresentedChain::new(vec![leaf.into_bytes().into()]).unwrap());
        let arrival = Arrival {
            address: self.address.parse().unwrap(),
            host: site,
            server_name: host,
            asked: !on_login,
            chain,
            handshake_at: Timestamp(world.clock.unix_seconds()),
            revision: 7,
        };
        if let Some(handshake) = &self.handshake {
            request = request.extension(Arc::clone(handshake));
        }
        let path = url[url::Position::BeforePath..].to_owned();
        let request = request
            .uri(path)
            .extension(Arc::new(arrival))
            .body(Body::from(body))
            .unwrap();
        let router = match on_login {
            true => world.sites.login.clone(),
            false => world.sites.certificate.clone(),
        };
        let response = router.oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        if !on_login {
            assert_eq!(
                head.headers.get(SET_COOKIE),
                None,
                "a cookie of the certificate host"
            );
        }
        for cookie in head.headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            let (value, attributes) = rest.split_once(';').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
                if attributes.contains("Max-Age=") {
                    self.passing.remove(name);
                } else {
                    self.passing.insert(name.to_owned());
                }
            }
        }
        let body = body.collect().await.unwrap().to_bytes();
        Page {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// Follows `Location` and `Refresh` over our hosts until a page stays, or the application is reached.
    pub(crate) async fn follow(&mut self, world: &World, url: &str) -> Page {
        let mut url = url.to_owned();
        for _ in 0..8 {
            let page = self.get(world, &url).await;
            match page.next() {
                Some(next) if next.contains(".example.com/") && !next.starts_with(CALLBACK) => {
                    url = next;
                }
                _ => return page,
            }
        }
        panic!("still going on at {url}");
    }
}

impl Page {
    /// Where the browser goes by itself.
    pub(crate) fn next(&self) -> Option<String> {
        let header = |name: &str| Some(self.headers.get(name)?.to_str().unwrap().to_owned());
        header(LOCATION.as_str())
            .or_else(|| header("refresh").map(|text| text.split_once("url=").unwrap().1.to_owned()))
    }

    /// A parameter of where it goes.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let next = Url::parse(&self.next()?).unwrap();
        next.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// The code the application gets.
    pub(crate) fn code(&self) -> String {
        let next = self
            .next()
            .unwrap_or_else(|| panic!("no redirect: {} {}", self.status, self.body));
        assert!(next.starts_with(CALLBACK), "{next}");
        self.parameter("code")
            .unwrap_or_else(|| panic!("no code: {next}"))
    }

    /// The sealed transaction of a form or chooser page.
    pub(crate) fn transaction(&self) -> String {
        let marks = ["name=\"tx\" value=\"", "?tx="];
        let after = marks
            .iter()
            .find_map(|mark| self.body.split_once(mark).map(|(_, after)| after))
            .unwrap_or_else(|| panic!("no transaction: {} {}", self.status, self.body));
        after.split(['"', '&']).next().unwrap().to_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Whether the page shows this reason code.
    pub(crate) fn shows(&self, code: &str) -> bool {
        self.body.contains(&format!("<code>{code}</code>"))
    }
}

/// An authorize URL of the public application, with these parameters set or, without a value, left out.
pub(crate) fn authorize_url(changes: &[(&str, &str)]) -> String {
    let mut parameters: Vec<(&str, &str)> = vec![
        ("client_id", APP),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid profile email groups"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "the state"),
        ("nonce", "n-\"1\""),
    ];
    for (name, value) in changes {
        parameters.retain(|(key, _)| key != name);
        if !value.is_empty() {
            parameters.push((name, value));
        }
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    format!("https://login.example.com/authorize?{query}")
}
