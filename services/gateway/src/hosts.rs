//! The names this gateway answers to, and the URLs made of them.
//!
//! **Invariant:** every URL begins with a configured name; no request header has a part in it.

use url::Url;

use crate::settings::Settings;

#[cfg(test)]
mod tests;

/// The login host, the certificate host, and their public port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    origin: String,
    login: String,
    certificate: String,
    port: u16,
    another_certificate: bool,
}

/// Settings that do not name two hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHosts {
    /// The issuer is no plain https origin.
    #[error(
        "`gateway.issuer` must look like https://login.example.com or https://login.example.com:8443, without a path: found `{0}`"
    )]
    Issuer(String),
    /// The certificate host is no host name, or the login host's own.
    #[error("`gateway.certificate_host` must be a host name other than the issuer's: found `{0}`")]
    Certificate(String),
}

impl Hosts {
    /// Reads the names out of the settings.
    ///
    /// # Errors
    /// When the issuer is not a plain https origin, or the certificate host is not a name of its own.
    pub fn new(settings: &Settings) -> Result<Self, InvalidHosts> {
        let bad_issuer = || InvalidHosts::Issuer(settings.issuer.clone());
        let url = Url::parse(&settings.issuer).map_err(|_| bad_issuer())?;
        let origin = url.origin().ascii_serialization();
        let login = url.domain().ok_or_else(bad_issuer)?.to_owned();
        // Byte for byte: applications compare the issuer as text (OpenID Connect Discovery section 4.3).
        if url.scheme() != "https" || origin != settings.issuer {
            return Err(bad_issuer());
        }
        let certificate = match settings.certificate_host.as_str() {
            "" => format!("cert.{login}"),
            named => named.to_owned(),
        };
        let is_name = Url::parse(&format!("https://{certificate}"))
            .is_ok_and(|url| url.domain() == Some(certificate.as_str()));
        if !is_name || certificate == login {
            return Err(InvalidHosts::Certificate(certificate));
        }
        Ok(Self {
            origin,
            login,
            certificate,
            port: url.port_or_known_default().unwrap_or(443),
            another_certificate: settings.another_certificate,
        })
    }

    /// The issuer, which is the login host's origin: `https://login.example.com`, with the port where it is not 443.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.origin
    }

    /// The login host's name, lower case, without a port.
    #[must_use]
    pub fn login(&self) -> &str {
        &self.login
    }

    /// The certificate host's name, lower case, without a port.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A URL on the login host. `path` begins with a slash.
    #[must_use]
    pub fn login_url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Where a certificate is asked for in this transaction (sealed text).
    #[must_use]
    pub fn certificate_url(&self, transaction: &str) -> String {
        with_transaction(&self.certificate_origin(), transaction)
    }

    /// The certificate host's origin, for policies that say where a form may lead.
    #[must_use]
    pub fn certificate_origin(&self) -> String {
        self.origin_of(&self.certificate)
    }

    /// Whether there is a place where browsers ask anew ([`Self::another_certificate_url`]).
    #[must_use]
    pub const fn has_another_certificate(&self) -> bool {
        self.another_certificate
    }

    /// Where browsers ask anew although they remember a choice: a name they have not seen. `None` where no wildcard
    /// leads here. `attempt` is one DNS label.
    #[must_use]
    pub fn another_certificate_url(&self, attempt: &str, transaction: &str) -> Option<String> {
        self.another_certificate.then(|| {
            let host = format!("{attempt}.{}", self.certificate);
            with_transaction(&self.origin_of(&host), transaction)
        })
    }

    fn origin_of(&self, host: &str) -> String {
        match self.port {
            443 => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        }
    }
}

fn with_transaction(origin: &str, transaction: &str) -> String {
    format!("{origin}/?tx={transaction}")
}
