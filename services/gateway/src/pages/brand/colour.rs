//! Colours, and whether people can read one on another (WCAG 2.2 success criterion 1.4.3).

use std::fmt;

#[cfg(test)]
mod tests;

/// The least contrast of text.
pub(crate) const READABLE: f64 = 4.5;

/// Red, green and blue of sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

const BLACK: Colour = Colour(0, 0, 0);
const WHITE: Colour = Colour(0xff, 0xff, 0xff);

/// Text that is no colour, or one that people could not read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvalidColour {
    /// Not `#rrggbb`.
    #[error("expected a colour like #1d56c4, found `{0}`")]
    NotAColour(String),
    /// Too near to what it stands on.
    #[error(
        "{colour} has a contrast of {ratio:.2}:1 against the card ({card}), and text needs at least {READABLE}:1; choose a {advice} tone of it"
    )]
    Unreadable {
        /// The colour.
        colour: Colour,
        /// What it stands on.
        card: Colour,
        /// Its contrast, cut off rather than rounded.
        ratio: f64,
        /// What to look for instead.
        advice: &'static str,
    },
}

impl Colour {
    /// Reads `#rrggbb`, if text in it can be read on `card`.
    ///
    /// # Errors
    /// [`InvalidColour`].
    pub(crate) fn readable_on(text: &str, card: Self) -> Result<Self, InvalidColour> {
        let colour = Self::parse(text).ok_or_else(|| InvalidColour::NotAColour(text.to_owned()))?;
        let contrast = colour.contrast(card);
        if contrast >= READABLE {
            return Ok(colour);
        }
        Err(InvalidColour::Unreadable {
            colour,
            card,
            // 4.499 must not read as 4.50.
            ratio: (contrast * 100.0).floor() / 100.0,
            advice: if card.luminance() > 0.5 {
                "darker"
            } else {
                "lighter"
            },
        })
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self(red, green, blue))
    }

    /// White wherever it can be read on this, else black, which then can. A button is mixed with black in the light theme
    /// and with white in the dark one while the pointer is over it: what is accepted on their cards only gains by that.
    pub(crate) fn text_on(self) -> Self {
        if WHITE.contrast(self) >= READABLE {
            WHITE
        } else {
            BLACK
        }
    }

    /// From 1 (the same) to 21 (black and white).
    pub(crate) fn contrast(self, other: Self) -> f64 {
        let (mine, others) = (self.luminance(), other.luminance());
        (mine.max(others) + 0.05) / (mine.min(others) + 0.05)
    }

    fn luminance(self) -> f64 {
        let linear = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}
