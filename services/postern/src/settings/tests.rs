use std::path::Path;

use runtime::settings::{disagreements, page};

use super::{Certval, Control, Directory, Gateway};

#[test]
fn every_key_of_every_role_is_documented_and_every_documented_key_exists() {
    let required = "";
    assert_eq!(disagreements::<Gateway>(required), Vec::<String>::new());
    assert_eq!(disagreements::<Certval>(required), Vec::<String>::new());
    assert_eq!(disagreements::<Directory>(required), Vec::<String>::new());
    assert_eq!(disagreements::<Control>(required), Vec::<String>::new());
}

/// `docs/settings.md` is this table and nothing else. With `POSTERN_WRITE_DOCS` set, the test writes it.
#[test]
fn the_settings_page_is_true() {
    let page = [
        page::<Gateway>("Settings of `postern gateway`"),
        page::<Certval>("Settings of `postern certval`"),
        page::<Directory>("Settings of `postern directory`"),
        page::<Control>("Settings of `postern control`"),
    ]
    .join("\n");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/settings.md");
    if std::env::var_os("POSTERN_WRITE_DOCS").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        written, page,
        "run with POSTERN_WRITE_DOCS=1 to bring the page up to date"
    );
}
