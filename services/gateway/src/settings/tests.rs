use runtime::settings::{Section, Settings as Loadable, disagreements};
use serde::{Deserialize, Serialize};

use super::{SECTION, Settings};

#[derive(Deserialize, Serialize)]
struct Whole {
    gateway: Settings,
}

impl Loadable for Whole {
    fn sections() -> Vec<Section> {
        vec![SECTION]
    }
}

#[test]
fn the_table_and_the_type_agree() {
    assert_eq!(disagreements::<Whole>(""), Vec::<String>::new());
}
