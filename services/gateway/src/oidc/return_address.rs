//! Where an application's answer goes, and how: by redirect, or as a message to the window that opened ours.
//!
//! **Invariant:** a [`ReturnAddress`] was registered for the application, byte by byte, when it was read; it is asked about
//! again wherever a sign-in goes on.

use domain::application::{Application, Origin};
use serde::{Deserialize, Serialize};

use super::authorize_request::PageError;
use super::parameters::Parameters;

#[cfg(test)]
mod tests;

/// Where and how an application is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnAddress {
    /// A redirect to this redirect_uri, with the answer in its query (`response_mode=query`).
    Redirect(String),
    /// A message to the window that opened ours, for this origin's pages alone (`response_mode=web_message`).
    Message(Origin),
}

impl ReturnAddress {
    /// Reads `redirect_uri` as `response_mode` says.
    ///
    /// # Errors
    /// When it is not one that is registered for this application in this mode.
    pub(super) fn read(
        parameters: &Parameters,
        application: &Application,
    ) -> Result<Self, PageError> {
        let uri = parameters
            .only("redirect_uri")
            .ok()
            .flatten()
            .ok_or(PageError::UnknownRedirectUri)?;
        let address = match parameters.only("response_mode") {
            Ok(Some("web_message")) => uri
                .parse()
                .map(Self::Message)
                .map_err(|_| PageError::UnknownOrigin)?,
            // Other modes are an error that is sent there.
            _ => Self::Redirect(uri.to_owned()),
        };
        match (&address, address.is_registered(application)) {
            (_, true) => Ok(address),
            (Self::Redirect(_), false) => Err(PageError::UnknownRedirectUri),
            (Self::Message(_), false) => Err(PageError::UnknownOrigin),
        }
    }

    /// Whether the application has it registered.
    #[must_use]
    pub fn is_registered(&self, application: &Application) -> bool {
        match self {
            Self::Redirect(uri) => {
                application.redirect_uris.contains(uri)
                    // Registered by mistake, they would still break the answer: fragments hide it, other characters no
                    // header holds.
                    && uri
                        .bytes()
                        .all(|byte| byte.is_ascii_graphic() && byte != b'#')
            }
            Self::Message(origin) => application.origins.contains(origin),
        }
    }

    /// What the application sent as its redirect_uri, and sends again with the code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Redirect(uri) => uri,
            Self::Message(origin) => origin.as_str(),
        }
    }

    /// What a form may lead to besides our own pages, as a CSP source (CSP 3 section 2.3.1): browsers apply `form-action`
    /// to every redirect that follows a form, and where an application sends people on to is its own affair. So it is the
    /// scheme, and not the host.
    #[must_use]
    pub fn form_target(&self) -> Option<String> {
        let Self::Redirect(uri) = self else {
            return None;
        };
        let url = url::Url::parse(uri).ok()?;
        Some(format!("{}:", url.scheme()))
    }
}
