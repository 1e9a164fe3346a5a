//! A browser as far as signing in needs one: HTTPS with a client certificate, cookies, redirects and
//! forms, one step at a time, so that a test sees every page on the way.
//!
//! Names are not resolved: `login.localhost` and its like go to one given address, while SNI and `Host`
//! say the name. Each request makes a connection of its own, and a page tells what its handshake was
//! like: whether a certificate was asked for, with which authorities, and whether one was sent.
//!
//! **Invariant:** nothing is followed or sent that the caller did not ask for, and nothing waits longer
//! than ten seconds or reads more than four megabytes.

mod connection;
mod cookies;
mod error;
mod hello;
mod html;
mod page;
mod request;

#[cfg(test)]
mod tests;

pub use connection::{CertificateRequest, Handshake};
pub use cookies::{Cookie, Cookies, SameSite};
pub use error::ClientError;
pub use hello::say_hello;
pub use html::Form;
pub use page::{Page, Walk};
pub use request::Request;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::pki::Identity;

/// More steps than any sign-in takes.
const STEPS: usize = 20;

/// A browser with its cookies, its certificate and its place in the network.
#[derive(Debug, Clone)]
pub struct Browser {
    roots: RootCertStore,
    identity: Option<Identity>,
    place: Place,
    tls12: bool,
    /// The cookies it holds.
    pub cookies: Cookies,
}

/// Where connections go and where they come from.
#[derive(Debug, Clone, Copy)]
struct Place {
    to: IpAddr,
    port: Option<u16>,
    from: Option<IpAddr>,
}

impl Browser {
    /// A browser without a certificate that trusts this one root for servers, and connects to
    /// 127.0.0.1 at the address's port.
    ///
    /// # Errors
    /// If the root is no certificate.
    pub fn trusting(root: &CertificateDer<'_>) -> Result<Self, ClientError> {
        let mut roots = RootCertStore::empty();
        roots
            .add(root.clone().into_owned())
            .map_err(ClientError::Tls)?;
        let place = Place {
            to: Ipv4Addr::LOCALHOST.into(),
            port: None,
            from: None,
        };
        Ok(Self {
            roots,
            identity: None,
            place,
            tls12: false,
            cookies: Cookies::default(),
        })
    }

    /// The same with the root as PEM.
    ///
    /// # Errors
    /// If the text holds no certificate.
    pub fn trusting_pem(root: &str) -> Result<Self, ClientError> {
        let der = CertificateDer::from_pem_slice(root.as_bytes())
            .map_err(|_| ClientError::Wrong("the root is no PEM certificate".into()))?;
        Self::trusting(&der)
    }

    /// Presents this certificate to whoever asks for one.
    #[must_use]
    pub fn with_certificate(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Presents no certificate any more.
    #[must_use]
    pub fn without_certificate(mut self) -> Self {
        self.identity = None;
        self
    }

    /// Connects to this address, at the port of the URL.
    #[must_use]
    pub fn to(mut self, address: IpAddr) -> Self {
        self.place = Place {
            to: address,
            port: None,
            ..self.place
        };
        self
    }

    /// Connects to this address and port, whatever the URL says.
    #[must_use]
    pub fn through(mut self, address: SocketAddr) -> Self {
        self.place = Place {
            to: address.ip(),
            port: Some(address.port()),
            ..self.place
        };
        self
    }

    /// Connects from this local address, such as 127.0.0.99.
    #[must_use]
    pub fn from(mut self, address: IpAddr) -> Self {
        self.place.from = Some(address);
        self
    }

    /// Speaks TLS 1.2 only.
    #[must_use]
    pub fn with_tls12(mut self) -> Self {
        self.tls12 = true;
        self
    }

    /// Opens an address as if typed.
    ///
    /// # Errors
    /// If no answer comes; see [`ClientError`].
    pub async fn open(&mut self, url: &str) -> Result<Page, ClientError> {
        self.send(Request::get(url)?).await
    }

    /// Takes the one step a page asks for by itself (`Location`, `Refresh`, `http-equiv="refresh"`);
    /// none if the page stands.
    ///
    /// # Errors
    /// If no answer comes; see [`ClientError`].
    pub async fn follow(&mut self, page: &Page) -> Result<Option<Page>, ClientError> {
        let Some(next) = page.next_address() else {
            return Ok(None);
        };
        let request = Request::get(next.as_str())?.from_page(&page.url);
        self.send(request).await.map(Some)
    }

    /// Opens an address and follows until a page stands, or until the next address begins with
    /// `until`: that one is not opened, only reported.
    ///
    /// # Errors
    /// If no answer comes, or the way has no end; see [`ClientError`].
    pub async fn walk(&mut self, url: &str, until: &str) -> Result<Walk, ClientError> {
        let first = self.open(url).await?;
        self.walk_on(first, until).await
    }

    /// The same, beginning at a page one has.
    ///
    /// # Errors
    /// As [`Browser::walk`].
    pub async fn walk_on(&mut self, page: Page, until: &str) -> Result<Walk, ClientError> {
        let mut walk = Walk {
            pages: vec![page],
            arrived_at: None,
        };
        while let Some(next) = walk.pages.last().and_then(Page::next_address) {
            if next.as_str().starts_with(until) {
                walk.arrived_at = Some(next);
                break;
            }
            if walk.pages.len() >= STEPS {
                return Err(ClientError::Wrong(format!(
                    "no end after {STEPS} steps: {next}"
                )));
            }
            let Some(page) = walk.pages.last() else { break };
            let Some(page) = self.follow(&page.clone()).await? else {
                break;
            };
            walk.pages.push(page);
        }
        Ok(walk)
    }

    /// Submits a form of a page.
    ///
    /// # Errors
    /// If no answer comes; see [`ClientError`].
    pub async fn submit(&mut self, form: &Form) -> Result<Page, ClientError> {
        let fields = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&form.fields)
            .finish();
        let request = if form.method == Method::POST {
            Request::new(Method::POST, form.action.as_str())?
                .header("content-type", "application/x-www-form-urlencoded")
                .body(fields)
        } else {
            let mut action = form.action.clone();
            action.set_query(Some(&fields));
            Request::get(action.as_str())?
        };
        self.send(request.from_page(&form.page)).await
    }

    /// Sends any request. Cookies are added and taken; what the request sets itself stays as it is.
    ///
    /// # Errors
    /// If no answer comes; see [`ClientError`].
    pub async fn send(&mut self, request: Request) -> Result<Page, ClientError> {
        let request = self.dressed(request);
        let page = connection::exchange(self, &request).await?;
        self.cookies.take(&page.url, &page.headers);
        Ok(page)
    }

    /// The request with what a browser adds to a navigation.
    fn dressed(&self, mut request: Request) -> Request {
        let initiator = request.initiator.as_ref();
        let site = match initiator {
            None => "none",
            Some(page) if page.origin() == request.url.origin() => "same-origin",
            Some(page) if cookies::same_site(page, &request.url) => "same-site",
            Some(_) => "cross-site",
        };
        let cookies = self
            .cookies
            .header_for(&request.url, &request.method, initiator);
        let origin = (request.method != Method::GET)
            .then(|| initiator.map(|page| page.origin().ascii_serialization()))
            .flatten();
        let additions = [
            ("user-agent", Some("testkit".to_owned())),
            (
                "accept",
                Some("text/html,application/xhtml+xml,*/*;q=0.8".to_owned()),
            ),
            ("sec-fetch-dest", Some("document".to_owned())),
            ("sec-fetch-mode", Some("navigate".to_owned())),
            ("sec-fetch-site", Some(site.to_owned())),
            ("upgrade-insecure-requests", Some("1".to_owned())),
            ("cookie", cookies),
            ("origin", origin),
        ];
        for (name, value) in additions {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                request
                    .headers
                    .entry(HeaderName::from_static(name))
                    .or_insert(value);
            }
        }
        request
    }
}

/// The cryptography of every connection; never the default of the process, which a test may have set.
fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
