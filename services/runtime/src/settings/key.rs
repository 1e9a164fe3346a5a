//! The table of keys.
//!
//! **Invariant:** a key's default is TOML text, so that the table reads like
//! the file an operator writes.

use super::PREFIX;

/// One documented key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its name within its section.
    pub path: &'static str,
    /// Its default as TOML text: `30`, `"127.0.0.1:8443"`, `[]`, `true`.
    /// Empty for a key without a default: the field is an `Option`, or
    /// loading fails where the operator leaves it out.
    pub default: &'static str,
    /// What it is, with its unit, in whole sentences.
    pub doc: &'static str,
    /// Whether its value must not be printed.
    pub secret: bool,
}

/// Keys that stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// Its name, dotted where nested (`mesh.addresses`); empty for keys at the
    /// top of the file.
    pub name: &'static str,
    /// What its keys are about, in a sentence.
    pub doc: &'static str,
    /// Its keys, in the order they are printed.
    pub keys: &'static [Key],
}

impl Section {
    /// The dotted name of one of its keys: `gateway.listen`.
    pub fn dotted(&self, key: &Key) -> String {
        match self.name {
            "" => key.path.to_owned(),
            section => format!("{section}.{}", key.path),
        }
    }
}

/// The variable that sets the key of this dotted name:
/// `POSTERN__EDGE__LISTEN`.
pub(super) fn variable(dotted: &str) -> String {
    format!("{PREFIX}{}", dotted.replace('.', "__").to_uppercase())
}

/// The defaults of a whole table as a TOML document.
pub(super) fn defaults(sections: &[Section]) -> String {
    let mut document = String::new();
    // Keys at the top must come before the first section's head.
    for top in [true, false] {
        for section in sections {
            if section.name.is_empty() != top {
                continue;
            }
            for key in section.keys.iter().filter(|key| !key.default.is_empty()) {
                document.push_str(&format!("{} = {}\n", section.dotted(key), key.default));
            }
        }
    }
    document
}
