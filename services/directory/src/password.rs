//! A password as somebody typed it.
//!
//! **Invariant:** a [`Password`] is never one that a directory could take for an anonymous bind (RFC 4513 section 5.1.2):
//! not empty, not blank, without a NUL byte. It is wiped when dropped and never printed.

use std::fmt;

use zeroize::Zeroizing;

#[cfg(test)]
mod tests;

/// Most bytes of a password.
pub const MAX_PASSWORD: usize = postern_proto::directory::MAX_PASSWORD;

/// A password that may be sent to a directory.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// The password in these bytes as typed; `None` for what no directory may be asked about: nothing, only white space,
    /// a NUL byte, more than [`MAX_PASSWORD`] bytes, or bytes that are not UTF-8.
    #[must_use]
    pub fn typed(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_PASSWORD {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        let blank = text.chars().all(char::is_whitespace);
        (!blank && !text.contains('\0')).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The password, for the one place that sends or compares it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}
