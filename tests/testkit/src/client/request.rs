//! A request to be sent.
//!
//! **Invariant:** it goes to an absolute `https` address; what the caller sets is what is sent.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use super::ClientError;

/// A request to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The page that causes it: decides on cookies and on the `Origin` and `Sec-Fetch-Site` headers.
    pub(super) initiator: Option<Url>,
    pub(super) server_name: Option<String>,
    pub(super) bare: Vec<HeaderName>,
}

impl Request {
    /// Any method.
    ///
    /// # Errors
    /// If the address is not an absolute `https` URL.
    pub fn new(method: Method, url: &str) -> Result<Self, ClientError> {
        let url = Url::parse(url).map_err(|error| ClientError::Wrong(format!("{url}: {error}")))?;
        if url.scheme() != "https" || url.host_str().is_none() {
            return Err(ClientError::Wrong(format!("{url} is no https address")));
        }
        Ok(Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            initiator: None,
            server_name: None,
            bare: Vec::new(),
        })
    }

    /// GET.
    ///
    /// # Errors
    /// If the address is not an absolute `https` URL.
    pub fn get(url: &str) -> Result<Self, ClientError> {
        Self::new(Method::GET, url)
    }

    /// POST of form fields, as a program sends them: without a page that causes it.
    ///
    /// # Errors
    /// If the address is not an absolute `https` URL.
    pub fn post_form(url: &str, fields: &[(&str, &str)]) -> Result<Self, ClientError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        Ok(Self::new(Method::POST, url)?
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body))
    }

    /// One header, instead of what would be sent under that name. A name or value that HTTP does not
    /// allow is left out.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Without a header that would be sent by itself, such as `origin`.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.bare.extend(HeaderName::try_from(name).ok());
        self
    }

    /// The body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Caused by this page.
    #[must_use]
    pub fn from_page(mut self, page: &Url) -> Self {
        self.initiator = Some(page.clone());
        self
    }

    /// Another name in the TLS handshake than in the URL. The certificate has to fit it.
    #[must_use]
    pub fn server_name(mut self, name: &str) -> Self {
        self.server_name = Some(name.to_owned());
        self
    }
}
