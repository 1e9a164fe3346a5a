//! Parameters of requests, as query or form text.
//!
//! **Invariant:** bounded in bytes and number; a name that comes twice is never answered with one of its values.

/// Most bytes of a query or form.
pub const MAX_BYTES: usize = 12 << 10;
/// Most parameters in it.
pub const MAX_PARAMETERS: usize = 48;

/// Decoded parameters, in order.
#[derive(Clone, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

/// Text that is not looked at any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidParameters {
    /// Over [`MAX_BYTES`] or [`MAX_PARAMETERS`].
    #[error("the request is too large")]
    TooLarge,
    /// Not UTF-8 once decoded, or with a NUL in it.
    #[error("the request is not valid text")]
    NotText,
}

/// A parameter that came more than once (RFC 6749 section 3.1 forbids it).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the parameter `{0}` must not be repeated")]
pub struct Repeated(pub &'static str);

impl Parameters {
    /// Reads `application/x-www-form-urlencoded` text.
    ///
    /// # Errors
    /// When it is over a limit or not text.
    pub fn parse(text: &[u8]) -> Result<Self, InvalidParameters> {
        if text.len() > MAX_BYTES {
            return Err(InvalidParameters::TooLarge);
        }
        let pairs: Vec<(String, String)> = form_urlencoded::parse(text)
            .take(MAX_PARAMETERS + 1)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        if pairs.len() > MAX_PARAMETERS {
            return Err(InvalidParameters::TooLarge);
        }
        // The decoder puts the replacement character where bytes are no UTF-8.
        let is_text = |text: &str| !text.contains(['\u{fffd}', '\0']);
        if pairs
            .iter()
            .all(|(name, value)| is_text(name) && is_text(value))
        {
            Ok(Self(pairs))
        } else {
            Err(InvalidParameters::NotText)
        }
    }

    /// The value of `name`. One without a value counts as left out (RFC 6749 section 3.1).
    ///
    /// # Errors
    /// When it came more than once.
    pub fn only(&self, name: &'static str) -> Result<Option<&str>, Repeated> {
        let mut values = self
            .0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Repeated(name)),
            (value, None) => Ok(value.filter(|value| !value.is_empty())),
        }
    }

    /// All of them with `name` set to `value`, as query text.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> String {
        let kept = self.0.iter().filter(|(key, _)| key != name);
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .append_pair(name, value)
            .finish()
    }

    /// All of them as query text.
    #[must_use]
    pub fn to_query(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.0)
            .finish()
    }
}

impl std::fmt::Debug for Parameters {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values may be passwords, codes or transactions.
        formatter
            .debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}
