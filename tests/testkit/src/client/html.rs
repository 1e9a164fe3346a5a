//! As much of HTML as our own pages use: tags with attributes, character references.
//!
//! **Invariant:** whatever the text, reading it ends, and nothing is found that a browser would not see
//! as a tag in the page's body (comments and scripts are skipped).

use http::Method;
use url::Url;

/// A form, filled as it came.
#[derive(Debug, Clone)]
pub struct Form {
    /// The page it stands on.
    pub page: Url,
    /// Where it goes.
    pub action: Url,
    /// GET or POST.
    pub method: Method,
    /// Its fields in order, hidden ones with their values.
    pub fields: Vec<(String, String)>,
}

impl Form {
    /// Fills a field in, or adds it.
    #[must_use]
    pub fn fill(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(field, _)| field == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// The value of a field; empty if absent.
    #[must_use]
    pub fn value(&self, name: &str) -> &str {
        self.fields
            .iter()
            .find(|(field, _)| field == name)
            .map_or("", |(_, value)| value)
    }
}

pub(super) fn forms(page: &Url, html: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    let mut open: Option<Form> = None;
    for tag in tags(html) {
        match tag.name.as_str() {
            "form" => {
                let post = tag
                    .value("method")
                    .is_some_and(|method| method.eq_ignore_ascii_case("post"));
                let action = tag.value("action").unwrap_or_default();
                open = page.join(action).ok().map(|action| Form {
                    page: page.clone(),
                    action,
                    method: if post { Method::POST } else { Method::GET },
                    fields: Vec::new(),
                });
            }
            "/form" => forms.extend(open.take()),
            "input" | "textarea" | "select" => {
                let unsent = tag.value("type").is_some_and(|kind| {
                    matches!(kind, "submit" | "button" | "checkbox" | "radio" | "reset")
                });
                if let (Some(form), Some(name), false) = (&mut open, tag.value("name"), unsent) {
                    let value = tag.value("value").unwrap_or_default();
                    form.fields.push((name.to_owned(), value.to_owned()));
                }
            }
            _ => {}
        }
    }
    forms.extend(open);
    forms
}

pub(super) fn links(html: &str) -> Vec<String> {
    tags(html)
        .into_iter()
        .filter(|tag| tag.name == "a")
        .filter_map(|tag| tag.value("href").map(str::to_owned))
        .collect()
}

pub(super) fn meta_refresh(html: &str) -> Option<String> {
    tags(html)
        .into_iter()
        .filter(|tag| tag.name == "meta")
        .find(|tag| {
            tag.value("http-equiv")
                .is_some_and(|kind| kind.eq_ignore_ascii_case("refresh"))
        })
        .and_then(|tag| refresh_target(tag.value("content")?))
}

/// The address in `0; url=…`.
pub(super) fn refresh_target(value: &str) -> Option<String> {
    let (_, rest) = value.split_once([';', ','])?;
    let (key, target) = rest.split_once('=')?;
    if !key.trim().eq_ignore_ascii_case("url") {
        return None;
    }
    Some(target.trim().trim_matches(['"', '\'']).to_owned())
}

struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn value(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

fn tags(html: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let (tag, after) = read_tag(after);
        rest = after;
        if matches!(tag.name.as_str(), "script" | "style") {
            let end = format!("</{}", tag.name);
            rest = rest.split_once(&end).map_or("", |(_, after)| after);
        }
        found.push(tag);
    }
    found
}

/// Reads what stands behind a `<`, and returns what stands behind the `>`.
fn read_tag(text: &str) -> (Tag, &str) {
    let name_ends = |c: char| c.is_whitespace() || c == '>';
    let (name, mut rest) = text.split_at(text.find(name_ends).unwrap_or(text.len()));
    let mut tag = Tag {
        name: name.to_ascii_lowercase(),
        attributes: Vec::new(),
    };
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() {
            return (tag, rest);
        }
        if let Some(after) = rest.strip_prefix('>') {
            return (tag, after);
        }
        let key_ends = |c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/');
        // A stray `=` is part of the name, so that every turn goes forward.
        let end = rest.char_indices().skip(1).find(|(_, c)| key_ends(*c));
        let (key, after) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
        let (value, after) = match after.trim_start().strip_prefix('=') {
            Some(after) => read_value(after.trim_start()),
            None => (String::new(), after),
        };
        tag.attributes.push((key.to_ascii_lowercase(), value));
        rest = after;
    }
}

fn read_value(text: &str) -> (String, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            let (value, after) = quoted.split_once(quote).unwrap_or((quoted, ""));
            return (decode(value), after);
        }
    }
    let end = text
        .find(|c: char| c.is_whitespace() || c == '>')
        .unwrap_or(text.len());
    let (value, after) = text.split_at(end);
    (decode(value), after)
}

fn decode(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let reference = after.split_once(';').filter(|(name, _)| name.len() <= 8);
        match reference.and_then(|(name, after)| Some((character(name)?, after))) {
            Some((character, after)) => {
                out.push(character);
                rest = after;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<char> {
    let number = name.strip_prefix('#');
    match (name, number) {
        ("amp", _) => Some('&'),
        ("lt", _) => Some('<'),
        ("gt", _) => Some('>'),
        ("quot", _) => Some('"'),
        ("apos", _) => Some('\''),
        (_, Some(number)) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
                None => number.parse(),
            };
            code.ok().and_then(char::from_u32)
        }
        _ => None,
    }
}
