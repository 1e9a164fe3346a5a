use runtime::settings::{Section, Settings as Loadable, disagreements};
use serde::{Deserialize, Serialize};

use super::{Settings, StrictTransport};

#[derive(Deserialize, Serialize)]
struct Whole {
    edge: Settings,
}

impl Loadable for Whole {
    fn sections() -> Vec<Section> {
        vec![Settings::SECTION]
    }
}

#[test]
fn the_table_and_the_type_agree() {
    assert_eq!(disagreements::<Whole>(""), Vec::<String>::new());
}

#[test]
fn localhost_is_never_told_to_insist_on_https_by_itself() {
    for (host, told) in [
        ("localhost", false),
        ("login.localhost", false),
        ("a1.cert.localhost", false),
        ("login.example.com", true),
        ("notlocalhost", true),
    ] {
        assert_eq!(StrictTransport::Auto.applies_to(host), told, "{host}");
    }
}
