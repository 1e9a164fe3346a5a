//! A page that came back.
//!
//! **Invariant:** reading a page changes nothing; only [`super::Browser`] sends.

use http::{HeaderMap, StatusCode, header};
use url::Url;

use super::{Form, Handshake, html};

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its address.
    pub url: Url,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; what is no UTF-8 is replaced.
    pub body: String,
    /// How the handshake of its connection went.
    pub handshake: Handshake,
}

impl Page {
    /// One header as text; empty if absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Where the page sends the browser by itself: `Location` of a redirect, `Refresh`, or
    /// `<meta http-equiv="refresh">`.
    #[must_use]
    pub fn next_address(&self) -> Option<Url> {
        let target = if self.status.is_redirection() {
            self.headers
                .get(header::LOCATION)?
                .to_str()
                .ok()?
                .to_owned()
        } else if let Some(refresh) = self.headers.get("refresh") {
            html::refresh_target(refresh.to_str().ok()?)?
        } else {
            html::meta_refresh(&self.body)?
        };
        self.url.join(&target).ok()
    }

    /// Its forms, in order.
    #[must_use]
    pub fn forms(&self) -> Vec<Form> {
        html::forms(&self.url, &self.body)
    }

    /// Its first form with a field of this name.
    #[must_use]
    pub fn form_with(&self, field: &str) -> Option<Form> {
        self.forms()
            .into_iter()
            .find(|form| form.fields.iter().any(|(name, _)| name == field))
    }

    /// Its links, in order, each with its address.
    #[must_use]
    pub fn links(&self) -> Vec<Url> {
        html::links(&self.body)
            .iter()
            .filter_map(|link| self.url.join(link).ok())
            .collect()
    }

    /// Its body as JSON.
    ///
    /// # Errors
    /// If it is none.
    pub fn json(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::from_str(&self.body)
    }
}

/// The pages of a way, and where it ended.
#[derive(Debug)]
pub struct Walk {
    /// Every page on the way, in order; at least one.
    pub pages: Vec<Page>,
    /// The awaited address, if the way came to it.
    pub arrived_at: Option<Url>,
}

impl Walk {
    /// The last page.
    #[must_use]
    pub fn last(&self) -> Option<&Page> {
        self.pages.last()
    }

    /// A query parameter of the awaited address.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let arrived_at = self.arrived_at.as_ref()?;
        arrived_at
            .query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}
