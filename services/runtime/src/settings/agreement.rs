//! Whether a table and its type say the same.
//!
//! **Invariant:** used by tests only; loading relies on a table that passed.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use super::{Settings, Sources};

/// What is wrong with the table of `T`, one sentence each, for a test to
/// compare with none. `required` is a TOML text that sets the keys which have
/// no default and must be set.
pub fn disagreements<T: Settings + Serialize>(required: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut documented = BTreeSet::new();
    for section in T::sections() {
        if !section.doc.ends_with('.') {
            wrong.push(format!("section [{}] is not documented", section.name));
        }
        for key in section.keys {
            let dotted = section.dotted(key);
            if !key.doc.ends_with('.') {
                wrong.push(format!("`{dotted}` is not documented in a whole sentence"));
            }
            if !documented.insert(dotted.clone()) {
                wrong.push(format!("`{dotted}` stands in the table twice"));
            }
        }
    }
    let loaded: T = match Sources::given(Path::new("required.toml"), required, []).load() {
        Ok(loaded) => loaded,
        Err(error) => {
            wrong.push(format!("the defaults do not load: {error}: {error:?}"));
            return wrong;
        }
    };
    let value = match serde_json::to_value(&loaded) {
        Ok(value) => value,
        Err(error) => {
            wrong.push(format!("the type does not serialise: {error}"));
            return wrong;
        }
    };
    let mut fields = BTreeSet::new();
    collect("", &value, &documented, &mut fields);
    for missing in fields.difference(&documented) {
        wrong.push(format!("the field `{missing}` is not in the table"));
    }
    for stray in documented.difference(&fields) {
        wrong.push(format!("`{stray}` is in the table, but no field reads it"));
    }
    wrong
}

/// The dotted names of a value's leaves. A documented key is a leaf even when
/// its value is an object.
fn collect(
    at: &str,
    value: &serde_json::Value,
    documented: &BTreeSet<String>,
    fields: &mut BTreeSet<String>,
) {
    match value {
        serde_json::Value::Object(inner) if !documented.contains(at) => {
            for (name, value) in inner {
                let dotted = match at {
                    "" => name.clone(),
                    at => format!("{at}.{name}"),
                };
                collect(&dotted, value, documented, fields);
            }
        }
        _ => {
            fields.insert(at.to_owned());
        }
    }
}
