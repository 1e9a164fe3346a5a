//! The documentation page of a settings type.
//!
//! **Invariant:** the page says nothing that the table does not.

use super::Settings;
use super::key::variable;

/// A page of Markdown that documents every key of `T`, under this title.
pub fn page<T: Settings>(title: &str) -> String {
    let mut page = format!("# {title}\n");
    for section in T::sections() {
        let head = match section.name {
            "" => "At the top".to_owned(),
            name => format!("`[{name}]`"),
        };
        page.push_str(&format!("\n## {head}\n\n{}\n", section.doc));
        for key in section.keys {
            let dotted = section.dotted(key);
            let default = match key.default {
                "" => "none".to_owned(),
                default => format!("`{default}`"),
            };
            page.push_str(&format!(
                "\n### `{dotted}`\n\n{}\n\nDefault: {default}. Variable: `{}`.\n",
                key.doc,
                variable(&dotted)
            ));
        }
    }
    page
}
