//! Which sign-in a request belongs to, as far as its trace goes: the one whose transaction or code it brings.
//!
//! **Invariant:** what is read here decides where in which trace the request's span stands, and nothing else; the handlers
//! read and judge everything anew. Only what we sealed ourselves counts.

use std::borrow::Cow;

use runtime::trace::TraceContext;

use super::transaction::Transaction;
use crate::desk::Desk;
use crate::oidc::parameters::{MAX_BYTES, MAX_PARAMETERS};
use crate::seals;

/// Whether what tells the sign-in comes in the form of such a request, not in its query.
pub(crate) fn is_in_form(route: &str, is_post: bool) -> bool {
    is_post && matches!(route, "/password" | "/preference" | "/token")
}

impl Desk {
    /// The place in a trace that a request to `route` goes on from. `parameters` are its query or its form.
    pub(crate) fn goes_on_from(&self, route: &str, parameters: &[u8]) -> Option<TraceContext> {
        let name = match route {
            "/token" => "code",
            _ => "tx",
        };
        let sealed = first(parameters, name)?;
        let snapshot = self.live().ok()?;
        let keys = &snapshot.view.seal_keys;
        match name {
            "code" => self.codes.trace_of(keys, &sealed),
            // Of one that is too old, too: its page belongs to the sign-in that took too long.
            _ => {
                seals::open::<Transaction>(keys, self.hosts.login(), &sealed)
                    .ok()?
                    .trace
            }
        }
    }
}

/// The first parameter of this name, within the bounds that hold for all parameters.
fn first<'a>(parameters: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
    if parameters.len() > MAX_BYTES {
        return None;
    }
    form_urlencoded::parse(parameters)
        .take(MAX_PARAMETERS)
        .find(|(found, _)| found == name)
        .map(|(_, value)| value)
}
