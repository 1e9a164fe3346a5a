//! The host names behind the front door, and which site each of them is.
//!
//! **Invariant:** a name is found exactly (ASCII case aside) or not at all: no trailing dot, no suffix, no default.

use std::collections::BTreeSet;

use crate::arrival::Site;

#[cfg(test)]
mod tests;

/// The names that are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    login: String,
    certificate: String,
    another_certificate: bool,
    others: BTreeSet<String>,
}

/// Names that cannot be served beside one another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNames {
    /// Not a lower-case DNS name.
    #[error(
        "`{0}` is not a host name: lower-case letters, digits and hyphens, labels separated by dots"
    )]
    NotAName(String),
    /// Two sites of one name, or a site where "another certificate" leads.
    #[error("the host name `{0}` is used twice")]
    Twice(String),
}

impl Names {
    /// Takes the names of the login host, of the certificate host and of all others. With `another_certificate`, any one
    /// label before the certificate host's name leads to the certificate host, too.
    ///
    /// # Errors
    /// When one is no lower-case DNS name, or two of them are the same.
    pub fn new(
        login: &str,
        certificate: &str,
        another_certificate: bool,
        others: impl IntoIterator<Item = String>,
    ) -> Result<Self, InvalidNames> {
        let others: BTreeSet<String> = others.into_iter().collect();
        let names = Self {
            login: login.to_owned(),
            certificate: certificate.to_owned(),
            another_certificate,
            others,
        };
        for name in names.all() {
            if !is_host_name(name) {
                return Err(InvalidNames::NotAName(name.to_owned()));
            }
        }
        let again = |name: &str| matches!(names.attempt(name), Some(Some(_) | None));
        if names.login == names.certificate || again(&names.login) {
            return Err(InvalidNames::Twice(names.login));
        }
        if let Some(twice) = names
            .others
            .iter()
            .find(|name| **name == names.login || again(name))
        {
            return Err(InvalidNames::Twice(twice.clone()));
        }
        Ok(names)
    }

    /// The site of a server name (in any case), if it is one of ours.
    #[must_use]
    pub fn site(&self, server_name: &str) -> Option<Site> {
        let name = server_name.to_ascii_lowercase();
        if name == self.login {
            Some(Site::Login)
        } else if let Some(attempt) = self.attempt(&name) {
            Some(Site::Certificate { attempt })
        } else if self.others.contains(&name) {
            Some(Site::Other(name))
        } else {
            None
        }
    }

    /// The certificate host's name.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The names of the hosts that never ask for a certificate.
    pub fn without_certificates(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.login.as_str()).chain(self.others.iter().map(String::as_str))
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        self.without_certificates()
            .chain(std::iter::once(self.certificate.as_str()))
    }

    /// `Some` on the certificate host, with the label before its name if there is one.
    fn attempt(&self, name: &str) -> Option<Option<String>> {
        match name.strip_suffix(self.certificate.as_str())? {
            "" => Some(None),
            before if self.another_certificate => before
                .strip_suffix('.')
                .filter(|label| is_label(label))
                .map(|label| Some(label.to_owned())),
            _ => None,
        }
    }
}

/// Whether `pattern` (a host name, or `*.` before one for exactly one label) is for `name`. Both are lower case.
pub(crate) fn covers(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix("*.") {
        None => pattern == name,
        Some(parent) => name
            .strip_suffix(parent)
            .and_then(|before| before.strip_suffix('.'))
            .is_some_and(is_label),
    }
}

fn is_host_name(name: &str) -> bool {
    // A name whose last label is all digits is read as an IPv4 address by browsers.
    let last_is_number = name
        .rsplit('.')
        .next()
        .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    name.len() <= 253 && !last_is_number && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(good)
        && !label.starts_with('-')
        && !label.ends_with('-')
}
