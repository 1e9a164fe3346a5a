use domain::seal::{CannotOpen, Purpose, SealKeys};
use runtime::random::SeededRandomness;
use serde::{Deserialize, Serialize};

use super::{Sealed, open, seal};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    text: String,
}

impl Sealed for Note {
    const PURPOSE: Purpose = Purpose::Code;
}

/// The same shape for another purpose.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Letter {
    text: String,
}

impl Sealed for Letter {
    const PURPOSE: Purpose = Purpose::Session;
}

#[test]
fn a_value_opens_as_its_own_type_on_its_own_host_only() {
    let keys = SealKeys::new([[1; 32].as_slice()]).unwrap();
    let note = Note {
        text: "hello".to_owned(),
    };
    let sealed = seal(&keys, "login", &note, &SeededRandomness::new(1)).unwrap();
    assert_eq!(open::<Note>(&keys, "login", &sealed).unwrap(), note);
    assert_eq!(open::<Letter>(&keys, "login", &sealed), Err(CannotOpen));
    assert_eq!(open::<Note>(&keys, "cert", &sealed), Err(CannotOpen));
    let others = SealKeys::new([[2; 32].as_slice()]).unwrap();
    assert_eq!(open::<Note>(&others, "login", &sealed), Err(CannotOpen));
}
