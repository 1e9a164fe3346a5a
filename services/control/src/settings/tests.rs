use runtime::settings::{Section, disagreements};
use serde::{Deserialize, Serialize};

use super::Settings;

#[derive(Serialize, Deserialize)]
struct Whole {
    control: Settings,
}

impl runtime::settings::Settings for Whole {
    fn sections() -> Vec<Section> {
        vec![Settings::SECTION]
    }
}

#[test]
fn every_setting_is_documented_and_has_the_default_it_says() {
    assert_eq!(disagreements::<Whole>(""), Vec::<String>::new());
}
