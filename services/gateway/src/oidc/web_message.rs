//! `response_mode=web_message`: the answer as a message to the window that opened ours.
//!
//! The page's script posts it with `postMessage` and the application's origin as the target: a browser delivers it to no
//! other, whoever opened the window. Our pages send no Cross-Origin-Opener-Policy, which would cut the windows apart.
//!
//! **Invariant:** the one page with a script; it is ours, from this host, and the values reach it as attributes.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use domain::application::Origin;
use serde_json::{Map, Value};

use super::answer::{Answer, Says};
use crate::desk::Desk;
use crate::pages::{self, Does, Frame, brand};
use crate::visit::Visit;

/// The page's script.
pub(crate) const SCRIPT: &str = include_str!("../../templates/assets/message.js");

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
    pub(crate) fn message(&self, visit: &Visit, origin: &Origin, answer: &Answer) -> Response {
        let mut response: Map<String, Value> = answer
            .parameters(self.hosts.issuer())
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        if matches!(answer.says, Says::Error(..)) {
            response.insert("request_id".to_owned(), visit.request_id.to_string().into());
        }
        let frame = self.frame(visit);
        let page = WebMessage {
            frame: &frame,
            origin: origin.as_str(),
            answer: Value::Object(response).to_string(),
            script_version: brand::version(SCRIPT.as_bytes()),
        };
        pages::answer(StatusCode::OK, &page, &frame, Does::Script)
    }
}
