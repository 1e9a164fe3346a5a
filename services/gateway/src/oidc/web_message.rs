//! `response_mode=web_message`: the answer as a message to the window that opened ours.
//!
//! The page's script posts it with `postMessage` and the application's origin as the target: a browser delivers it to no
//! other, whoever opened the window. Our pages send no Cross-Origin-Opener-Policy, which would cut the windows apart.
//!
//! **Invariant:** the one page with a script; it is ours, from this host, and the values reach it as attributes.

use std::collections::BTreeMap;

use askama::Template;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use domain::application::Origin;
use domain::digest::Digest;

use super::answer::{Answer, Says};
use crate::desk::Desk;
use crate::halt::Halt;
use crate::pages::{self, Forms, Frame};
use crate::visit::Visit;

/// The page's script.
pub(crate) const SCRIPT: &str = include_str!("../../templates/assets/message.js");

/// Nothing but the page's own script, and what every page has.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
);

#[derive(Template)]
#[template(path = "web_message.html")]
struct WebMessage<'a> {
    frame: &'a Frame,
    origin: &'a str,
    answer: String,
    script_version: String,
}

impl Desk {
    /// The page that hands `answer` to `origin`.
    pub(crate) fn message(
        &self,
        visit: &Visit,
        origin: &Origin,
        answer: &Answer,
    ) -> Result<Response, Halt> {
        let request_id = visit.request_id.to_string();
        let mut parameters: BTreeMap<&str, &str> = answer.parameters(self.hosts.issuer()).collect();
        if matches!(answer.says, Says::Error(..)) {
            parameters.insert("request_id", &request_id);
        }
        let frame = self.frame(visit);
        let page = WebMessage {
            frame: &frame,
            origin: origin.as_str(),
            answer: serde_json::to_string(&parameters)
                .map_err(|_| Halt::Broken("an answer could not be written"))?,
            script_version: Digest::of(SCRIPT.as_bytes())
                .to_string()
                .chars()
                .take(8)
                .collect(),
        };
        let mut response = pages::answer(StatusCode::OK, &page, &frame, Forms::None);
        response
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, POLICY);
        Ok(response)
    }
}
