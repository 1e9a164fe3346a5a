use runtime::settings::disagreements;

use super::{Certval, Control, Directory, Gateway};

#[test]
fn every_key_of_every_role_is_documented_and_every_documented_key_exists() {
    let required = "";
    assert_eq!(disagreements::<Gateway>(required), Vec::<String>::new());
    assert_eq!(disagreements::<Certval>(required), Vec::<String>::new());
    assert_eq!(disagreements::<Directory>(required), Vec::<String>::new());
    assert_eq!(disagreements::<Control>(required), Vec::<String>::new());
}
