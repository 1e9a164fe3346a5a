//! One request as the handlers see it.
//!
//! **Invariant:** the client's address and certificate come from the [`Arrival`] alone, never from a header.

use std::sync::{Arc, OnceLock};

use axum::extract::FromRequestParts;
use axum::http::header::ORIGIN;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use domain::timestamp::Timestamp;

use crate::arrival::Arrival;
use crate::cookies;
use crate::desk::Desk;
use crate::halt::Halt;
use crate::numbers::Numbers;
use crate::pages::words::Language;
use crate::request_id::RequestId;
use crate::signin::binding::Binding;

/// The request's connection, id, headers, and time.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) arrival: Arc<Arrival>,
    pub(crate) request_id: RequestId,
    pub(crate) now: Timestamp,
    pub(crate) numbers: Numbers,
    headers: HeaderMap,
    /// The language an application asked for, once that is read.
    asked: OnceLock<Language>,
}

impl FromRequestParts<Arc<Desk>> for Visit {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, StatusCode> {
        // Without an arrival this router does not stand behind the edge; nothing is decided then.
        let arrival = parts
            .extensions
            .get::<Arc<Arrival>>()
            .cloned()
            .ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
        Ok(Self {
            arrival,
            request_id: parts.extensions.get().copied().unwrap_or_default(),
            now: desk.now(),
            numbers: desk.numbers.clone(),
            headers: parts.headers.clone(),
            asked: OnceLock::new(),
        })
    }
}

#[cfg(test)]
impl Visit {
    /// A visit without headers.
    pub(crate) fn for_test(arrival: Arrival) -> Self {
        Self {
            now: arrival.handshake_at,
            arrival: Arc::new(arrival),
            request_id: RequestId::default(),
            numbers: Numbers::new(&runtime::metrics::Metrics::new().unwrap()),
            headers: HeaderMap::new(),
            asked: OnceLock::new(),
        }
    }
}

impl Visit {
    /// The headers as they came.
    pub(crate) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The browser, if its cookie is one of ours.
    pub(crate) fn browser(&self) -> Option<Binding> {
        cookies::read(&self.headers, cookies::BROWSER).and_then(Binding::parse)
    }

    /// Notes the language an application asked for, if it did. The first one that is noted stays.
    pub(crate) fn speak(&self, asked: Option<Language>) {
        if let Some(language) = asked {
            let _ = self.asked.set(language);
        }
    }

    /// What the pages of this visit are written in: what the application asked for, else what the browser likes best.
    pub(crate) fn language(&self) -> Language {
        self.asked
            .get()
            .copied()
            .or_else(|| Language::accepted(&self.headers))
            .unwrap_or_default()
    }

    /// Whether its person asked to go straight to the password on this device.
    pub(crate) fn prefers_password(&self) -> bool {
        cookies::read(&self.headers, cookies::PREFER_PASSWORD) == Some("1")
    }

    /// Demands that a form was sent by a page of this origin.
    pub(crate) fn demand_form_of(&self, origin: &str) -> Result<(), Halt> {
        if self.is_from(origin) {
            Ok(())
        } else {
            Err(Halt::Rejected(
                StatusCode::FORBIDDEN,
                "the form was not sent by a page of this host",
            ))
        }
    }

    /// Whether a form comes from a page of this origin: browsers say so by themselves, and a request that says nothing is
    /// not believed.
    fn is_from(&self, origin: &str) -> bool {
        let mut origins = self.headers.get_all(ORIGIN).iter();
        let ours = origins
            .next()
            .is_some_and(|value| value.as_bytes() == origin.as_bytes());
        let same = self
            .headers
            .get_all("sec-fetch-site")
            .iter()
            .all(|site| site == "same-origin");
        ours && origins.next().is_none() && same
    }

    /// Whether the browser says that this is something else than a page to be shown: an image, a frame, a script's request.
    pub(crate) fn is_no_document(&self) -> bool {
        self.headers
            .get_all("sec-fetch-dest")
            .iter()
            .any(|destination| destination != "document")
    }
}
