use std::path::Path;

use runtime::settings::{Settings as _, Sources, disagreements};

use super::*;

#[derive(Debug, Serialize, Deserialize)]
struct Whole {
    directory: Settings,
}

impl runtime::settings::Settings for Whole {
    fn sections() -> Vec<Section> {
        vec![SECTION]
    }
}

#[test]
fn the_table_and_the_type_say_the_same() {
    assert_eq!(disagreements::<Whole>(""), Vec::<String>::new());
    assert_eq!(Whole::sections().len(), 1);
    let loaded: Whole = Sources::given(Path::new("none.toml"), "", [])
        .load()
        .unwrap();
    assert_eq!(loaded.directory, Settings::default());
}
