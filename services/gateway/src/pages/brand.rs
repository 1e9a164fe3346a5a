//! How an installation looks: its name, its logo, its colours.
//!
//! Read once when the gateway starts; a colour that people could not read is refused then. Any SVG is taken for the logo:
//! inside `<img>`, and by the policy it is sent with, a drawing does nothing but be looked at.
//!
//! **Invariant:** text in the accent colour, and on it, has a contrast of at least [`colour::READABLE`] in both themes.

use std::path::PathBuf;

use domain::digest::Digest;

use crate::settings::Settings;
use colour::{Colour, InvalidColour};
use logo::{InvalidLogo, Logo};

pub(crate) mod colour;
pub(crate) mod logo;
#[cfg(test)]
mod tests;

/// The stylesheet as it is built in.
pub(crate) const STYLE: &str = include_str!("../../templates/assets/style.css");
/// What text stands on, in the light theme and in the dark one: `--card` of the stylesheet.
pub(crate) const CARDS: [Colour; 2] = [Colour(0xff, 0xff, 0xff), Colour(0x1b, 0x1f, 0x26)];
/// The accent colour that is built in: `--accent`, `--on-accent` of the stylesheet.
pub(crate) const ACCENTS: [Colour; 2] = [Colour(0x1d, 0x56, 0xc4), Colour(0x8f, 0xb8, 0xff)];

/// How an installation looks.
#[derive(Debug, Clone)]
pub(crate) struct Brand {
    /// The product's name.
    pub(crate) name: String,
    /// The logo; `None` for the mark that is built in.
    pub(crate) logo: Option<Logo>,
    /// The whole stylesheet.
    pub(crate) style: String,
    /// Tells browsers' caches these assets from others.
    pub(crate) version: String,
}

/// Settings of the look that are not accepted.
#[derive(Debug, thiserror::Error)]
pub enum InvalidBrand {
    /// A colour.
    #[error("`gateway.{setting}`: {error}")]
    Colour {
        /// Which setting.
        setting: &'static str,
        /// What is wrong with it.
        error: InvalidColour,
    },
    /// The logo.
    #[error("`gateway.logo` ({}): {error}", path.display())]
    Logo {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: InvalidLogo,
    },
}

impl Brand {
    /// Reads what the settings name.
    ///
    /// # Errors
    /// When the logo or a colour is not accepted.
    pub(crate) fn read(settings: &Settings) -> Result<Self, InvalidBrand> {
        let logo = match &settings.logo {
            path if path.as_os_str().is_empty() => None,
            path => Some(Logo::read(path).map_err(|error| InvalidBrand::Logo {
                path: path.clone(),
                error,
            })?),
        };
        let style = style(&settings.colour, &settings.colour_dark)?;
        let looks = [
            style.as_bytes(),
            logo.as_ref().map_or(&[], |logo| &logo.content),
        ];
        Ok(Self {
            name: settings.product_name.clone(),
            version: version(&looks.concat()),
            logo,
            style,
        })
    }
}

/// A short name for this content.
pub(crate) fn version(content: &[u8]) -> String {
    Digest::of(content).to_string().chars().take(8).collect()
}

/// The stylesheet with the colours that are set.
fn style(light: &str, dark: &str) -> Result<String, InvalidBrand> {
    if light.is_empty() && dark.is_empty() {
        return Ok(STYLE.to_owned());
    }
    let [card_light, card_dark] = CARDS;
    let [accent_light, accent_dark] = ACCENTS;
    let light = accent("colour", light, accent_light, card_light)?;
    let dark = accent("colour_dark", dark, accent_dark, card_dark)?;
    let (on_light, on_dark) = (light.text_on(), dark.text_on());
    Ok(format!(
        "{STYLE}\n:root {{\n  --accent: light-dark({light}, {dark});\n  --on-accent: light-dark({on_light}, {on_dark});\n}}\n"
    ))
}

fn accent(
    setting: &'static str,
    text: &str,
    built_in: Colour,
    card: Colour,
) -> Result<Colour, InvalidBrand> {
    if text.is_empty() {
        return Ok(built_in);
    }
    Colour::readable_on(text, card).map_err(|error| InvalidBrand::Colour { setting, error })
}
