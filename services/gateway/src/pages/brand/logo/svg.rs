//! Whether an SVG is a drawing and nothing else.
//!
//! It is read as XML is written, piece by piece, and not understood: every tag, attribute and text is held against what a
//! drawing needs no script and no network for. Entities and escapes, behind which something else could hide, are refused.

use super::InvalidLogo;

/// Elements that run, embed or load something.
const ELEMENTS: [&str; 14] = [
    "script",
    "foreignobject",
    "iframe",
    "embed",
    "object",
    "audio",
    "video",
    "handler",
    "listener",
    // They could write what may not stand in an attribute.
    "animate",
    "animatemotion",
    "animatetransform",
    "set",
    "discard",
];

/// Attributes that lead somewhere.
const REFERENCES: [&str; 5] = ["href", "src", "action", "base", "from"];

/// Says what is wrong with this text, unless it is a drawing.
pub(super) fn harmless(text: &str) -> Result<(), InvalidLogo> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut is_svg = false;
    while let Some((before, markup)) = rest.split_once('<') {
        content(before)?;
        rest = if let Some(after) = markup.strip_prefix("!--") {
            end_of(after, "-->")?.1
        } else if let Some(after) = markup.strip_prefix("![CDATA[") {
            let (inside, after) = end_of(after, "]]>")?;
            content(inside)?;
            after
        } else if let Some(after) = markup.strip_prefix("?xml ") {
            end_of(after, "?>")?.1
        } else if markup.starts_with(['!', '?']) {
            return refused("a document type or a processing instruction");
        } else if let Some(after) = markup.strip_prefix('/') {
            end_of(after, ">")?.1
        } else {
            let name = local(markup.split(is_end_of_name).next().unwrap_or_default());
            if !is_svg && name != "svg" {
                return Err(InvalidLogo::NotAPicture);
            }
            is_svg = true;
            if ELEMENTS.contains(&name.as_str()) {
                return refused(&format!("a <{name}> element"));
            }
            attributes(markup.trim_start_matches(|each| !is_end_of_name(each)))?
        };
    }
    content(rest)?;
    if is_svg {
        Ok(())
    } else {
        Err(InvalidLogo::NotAPicture)
    }
}

fn is_end_of_name(each: char) -> bool {
    each.is_ascii_whitespace() || each == '>' || each == '/'
}

/// The attributes of a tag; what follows the tag.
fn attributes(mut rest: &str) -> Result<&str, InvalidLogo> {
    loop {
        rest = rest.trim_start_matches(|each: char| each.is_ascii_whitespace() || each == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return Ok(after);
        }
        let Some((name, value)) = rest.split_once('=') else {
            return refused("a tag that does not end");
        };
        let name = name.trim_ascii();
        if name.is_empty()
            || name.contains(|each: char| is_end_of_name(each) || "\"'<".contains(each))
        {
            return refused("an attribute that cannot be read");
        }
        let value = value.trim_ascii_start();
        let quote = match value.chars().next() {
            Some('"') => "\"",
            Some('\'') => "'",
            _ => return refused("an attribute without quotation marks"),
        };
        let (value, after) = end_of(value.get(1..).unwrap_or_default(), quote)?;
        attribute(name, value)?;
        rest = after;
    }
}

fn attribute(whole_name: &str, value: &str) -> Result<(), InvalidLogo> {
    let name = local(whole_name);
    if name.starts_with("on") {
        return refused(&format!("an event attribute ({name})"));
    }
    let is_namespace = name == "xmlns" || whole_name.starts_with("xmlns:");
    if is_namespace {
        return Ok(());
    }
    let inside = |start: &str| value.trim_ascii_start().starts_with(start);
    let is_picture = inside("data:image/png;base64,") || inside("data:image/jpeg;base64,");
    if REFERENCES.contains(&name.as_str()) && !inside("#") && !is_picture {
        return refused(&format!("a reference to something outside of it ({name})"));
    }
    content(value)
}

/// Text, attribute values and styles alike.
fn content(text: &str) -> Result<(), InvalidLogo> {
    let text = text.to_ascii_lowercase();
    let only_letters = ["&amp;", "&lt;", "&gt;", "&quot;", "&apos;"]
        .iter()
        .fold(text.clone(), |text, known| text.replace(known, ""));
    if only_letters.contains('&') || text.contains('\\') {
        return refused("an escape that could hide something else");
    }
    if text.contains("@import") {
        return refused("a style from somewhere else (@import)");
    }
    if text.contains("javascript:") {
        return refused("a script in a link");
    }
    for url in text.split("url(").skip(1) {
        let target = url.trim_ascii_start().trim_start_matches(['"', '\'']);
        if !target.starts_with('#') && !target.starts_with("&quot;#") {
            return refused("a reference to something outside of it (url)");
        }
    }
    if text.contains("image-set(") || text.contains("src(") {
        return refused("a reference to something outside of it (image)");
    }
    Ok(())
}

/// What stands before the `end`, and after it.
fn end_of<'a>(text: &'a str, end: &str) -> Result<(&'a str, &'a str), InvalidLogo> {
    match text.split_once(end) {
        Some(parts) => Ok(parts),
        None => refused("a tag that does not end"),
    }
}

/// A name without its namespace, lower case: HTML parsers do not tell the difference.
fn local(name: &str) -> String {
    name.rsplit(':')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
}

fn refused<T>(what: &str) -> Result<T, InvalidLogo> {
    Err(InvalidLogo::Unsafe(what.to_owned()))
}
