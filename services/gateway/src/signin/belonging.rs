//! Which sign-in a request belongs to, as far as its trace goes: the one whose transaction or code it brings.
//!
//! **Invariant:** what is read here decides where in which trace the request's span stands, and nothing else; the handlers
//! read and judge everything anew. Only what we sealed ourselves counts.

use std::borrow::Cow;

use runtime::trace::TraceContext;

use super::transaction::{LIFE, Transaction};
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
            "/" | "/password" | "/resume" | "/cancel" | "/preference" => "tx",
            _ => return None,
        };
        let sealed = first(parameters, name)?;
        let snapshot = self.live().ok()?;
        let keys = &snapshot.view.seal_keys;
        match name {
            "code" => self.codes.trace_of(keys, &sealed),
            _ => {
                let transaction: Transaction =
                    seals::open(keys, self.hosts.login(), &sealed).ok()?;
                // The page that says it took too long belongs to its sign-in. After that nobody makes a trace grow.
                let is_of_late = transaction.created.is_alive(2 * LIFE, self.now());
                transaction.trace.filter(|_| is_of_late)
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
