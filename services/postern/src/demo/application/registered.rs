//! Whether an issuer knows the sample page's registration, found out as any application could: by asking it.
//!
//! A demonstration's configuration is made once. A folder that an earlier release made lacks what later releases register.
//!
//! **Invariant:** only an answer from the issuer counts, either way.

use std::sync::OnceLock;
use std::time::Duration;

use axum::http::{Method, StatusCode, header};
use runtime::random::SystemRandomness;
use url::Url;

use super::{Registration, request};
use crate::https::{Answer, Client, Sent};

/// How long a page waits for the issuer's word.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the issuer says about a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Registered {
    /// It knows the application and its address.
    Yes,
    /// It does not.
    No,
    /// It could not be asked.
    Unknown,
}

/// A registration, and what the issuer said about it.
pub(super) struct Inquiry {
    registration: Registration,
    client: Client,
    answered: OnceLock<Registered>,
}

impl Inquiry {
    /// An inquiry that was not made yet.
    pub(super) fn new(registration: Registration, client: Client) -> Self {
        Self {
            registration,
            client: client.within(PATIENCE),
            answered: OnceLock::new(),
        }
    }

    /// What the issuer says: asked until it answered once, for its answer stays what it is as long as this process runs.
    pub(super) async fn answer(&self) -> Registered {
        if let Some(answered) = self.answered.get() {
            return *answered;
        }
        let answer = self.ask().await.unwrap_or_else(|error| {
            tracing::warn!(
                error = format!("{error:#}"),
                "the issuer could not be asked about the sample page's registration"
            );
            Registered::Unknown
        });
        if answer == Registered::Unknown {
            return answer;
        }
        *self.answered.get_or_init(|| answer)
    }

    /// An authorize request that asks nobody anything: whoever is known is told so at the redirect URI.
    async fn ask(&self) -> anyhow::Result<Registered> {
        let home = &self.registration.home;
        let random = SystemRandomness::new();
        let mut url = request(
            &self.registration,
            home.clone(),
            None,
            "registered?",
            &random,
        )?
        .authorize_url;
        url.query_pairs_mut().append_pair("prompt", "none");
        let answer = self.client.send(Method::GET, &url, Sent::default()).await?;
        Ok(reading(&answer, home))
    }
}

/// What an answer to such a request says.
pub(super) fn reading(answer: &Answer, redirect_uri: &Url) -> Registered {
    let location = answer.headers.get(header::LOCATION);
    let location = location.and_then(|value| value.to_str().ok());
    let comes_back = location.is_some_and(|target| target.starts_with(redirect_uri.as_str()));
    if answer.status.is_redirection() && comes_back {
        Registered::Yes
    } else if answer.status == StatusCode::BAD_REQUEST {
        Registered::No
    } else {
        Registered::Unknown
    }
}
