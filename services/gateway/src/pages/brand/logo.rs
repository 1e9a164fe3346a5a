//! The logo: a file of the operator's.
//!
//! An SVG may have anything in it: in a page browsers neither run it nor load what it names (SVG 2 section 2.7.1), and the
//! policy it is served with forbids both where somebody opens it by itself.
//!
//! **Invariant:** what is served has the media type of what it is.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use bytes::Bytes;

#[cfg(test)]
mod tests;

/// Most bytes of a logo.
const MAX_BYTES: u64 = 64 << 10;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// A logo that may be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Logo {
    /// Its media type.
    pub(crate) kind: &'static str,
    /// The file.
    pub(crate) content: Bytes,
}

/// A file that is not taken for a logo.
#[derive(Debug, thiserror::Error)]
pub enum InvalidLogo {
    /// It could not be read.
    #[error("failed to read the file: {0}")]
    Unreadable(#[from] std::io::Error),
    /// Over the limit.
    #[error("the file has more than 64 KiB; simplify the drawing or use a smaller picture")]
    TooLarge,
    /// Neither of the two.
    #[error("the file is neither an SVG nor a PNG picture; export the logo as one of these")]
    NotAPicture,
}

impl Logo {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// [`InvalidLogo`].
    pub(crate) fn read(path: &Path) -> Result<Self, InvalidLogo> {
        let mut content = Vec::new();
        File::open(path)?
            .take(MAX_BYTES + 1)
            .read_to_end(&mut content)?;
        Self::of(content)
    }

    fn of(content: Vec<u8>) -> Result<Self, InvalidLogo> {
        if u64::try_from(content.len()).is_ok_and(|length| length > MAX_BYTES) {
            return Err(InvalidLogo::TooLarge);
        }
        let kind = if content.starts_with(PNG) {
            "image/png"
        } else {
            let text = std::str::from_utf8(&content).map_err(|_| InvalidLogo::NotAPicture)?;
            let text = text.trim_start_matches('\u{feff}').trim_ascii_start();
            let is_xml =
                text.starts_with("<svg") || text.starts_with("<?xml") || text.starts_with("<!--");
            if !is_xml || !text.contains("<svg") {
                return Err(InvalidLogo::NotAPicture);
            }
            "image/svg+xml"
        };
        Ok(Self {
            kind,
            content: content.into(),
        })
    }
}
