//! Whole sign-ins: from the application's request to its tokens.
//!
//! One sign-in is what one person and one application do: a new connection to the login host (full handshake) for
//! `/authorize` and, kept as browsers do, `/resume`; a new connection to the certificate host (full handshake, with the
//! certificate) for one request; and the application's redemption of the code, over a connection that it has had for a
//! while. A second visit with the session's cookie is a connection to the login host, `/authorize`, and the redemption.
//!
//! **Invariant:** a sign-in counts once an ID token has come.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use url::Url;

use super::connection::{Answer, Connection};
use super::{Dialer, KeyExchange, Work};
use crate::place::Place;

/// Sign-ins with a certificate.
#[derive(Debug)]
pub(crate) struct SignIns {
    place: Place,
    authorize: Url,
    token: Url,
    login: Dialer,
    certificate: Dialer,
    /// Connections of the application that no redemption is using.
    application: Mutex<Vec<Connection>>,
}

/// The second visits of somebody who is signed in.
#[derive(Debug)]
pub(crate) struct Again {
    sign_ins: SignIns,
    /// What the browser remembers.
    cookies: String,
}

impl SignIns {
    /// jon's, at this place.
    ///
    /// # Errors
    /// When a file of the place cannot be read.
    pub(crate) fn at(place: &Place) -> Result<Self> {
        let address = place.address()?;
        let dialer = |host: &str, certificate| {
            Dialer::new(place, address, host, certificate, KeyExchange::Classical)
        };
        let authorize = Url::parse(&place.authorize_url)?;
        let login_host = authorize.host_str().context("no host")?;
        Ok(Self {
            login: dialer(login_host, false)?,
            certificate: dialer(place.certificate_host(), true)?,
            authorize: authorize.clone(),
            token: Url::parse(&place.token_url)?,
            place: place.clone(),
            application: Mutex::default(),
        })
    }

    /// Signs in once and goes on as that browser.
    ///
    /// # Errors
    /// When that sign-in fails.
    pub(crate) async fn again(self) -> Result<Again> {
        let cookies = self.sign_in().await?;
        Ok(Again {
            sign_ins: self,
            cookies,
        })
    }

    /// One sign-in; the cookies that the browser has then.
    async fn sign_in(&self) -> Result<String> {
        let mut cookies = Vec::new();
        let mut login = Connection::over(self.login.dial().await?).await?;
        let page = login.navigate(&self.authorize, "").await?;
        remember(&mut cookies, &page);
        let to_certificate = page.next(&self.authorize)?;

        let mut certificate = Connection::over(self.certificate.dial().await?).await?;
        let judged = certificate.navigate(&to_certificate, "").await?;
        let to_login = judged.next(&to_certificate)?;

        let page = login.navigate(&to_login, &cookies.join("; ")).await?;
        remember(&mut cookies, &page);
        self.redeem(&page.next(&to_login)?).await?;
        Ok(cookies.join("; "))
    }

    /// The application's part.
    async fn redeem(&self, arrived_at: &Url) -> Result<()> {
        let code = arrived_at
            .query_pairs()
            .find(|(name, _)| name == "code")
            .with_context(|| format!("no code came, but {}", arrived_at.path()))?
            .1;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("client_id", &self.place.client_id)
            .append_pair("code", &code)
            .append_pair("redirect_uri", &self.place.redirect_uri)
            .append_pair("code_verifier", &self.place.code_verifier)
            .finish();
        let kept = self.connections().pop().filter(Connection::is_open);
        let mut connection = match kept {
            Some(connection) => connection,
            None => Connection::over(self.login.dial().await?).await?,
        };
        let answer = connection.post(&self.token, form).await?;
        self.connections().push(connection);
        ensure!(
            answer.status == 200,
            "no tokens came, but {}",
            answer.status
        );
        let tokens: serde_json::Value = serde_json::from_slice(&answer.body)?;
        ensure!(tokens.get("id_token").is_some(), "no ID token came");
        Ok(())
    }

    fn connections(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.application
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work for SignIns {
    async fn once(&self) -> Result<()> {
        self.sign_in().await.map(|_| ())
    }
}

impl Work for Again {
    async fn once(&self) -> Result<()> {
        let sign_ins = &self.sign_ins;
        let mut login = Connection::over(sign_ins.login.dial().await?).await?;
        let page = login.navigate(&sign_ins.authorize, &self.cookies).await?;
        sign_ins.redeem(&page.next(&sign_ins.authorize)?).await
    }
}

/// Takes the cookies of an answer, newer ones instead of older ones.
fn remember(cookies: &mut Vec<String>, answer: &Answer) {
    for cookie in answer.cookies() {
        let name = cookie.split_once('=').map(|(name, _)| name);
        cookies.retain(|old| old.split_once('=').map(|(name, _)| name) != name);
        cookies.push(cookie.to_owned());
    }
}
