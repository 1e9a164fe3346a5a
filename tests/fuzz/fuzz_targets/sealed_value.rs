//! Any text as a sealed value: nothing that these keys did not seal opens, whatever it is said to be for.

#![no_main]

use domain::seal::{Purpose, SealKeys};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let keys = SealKeys::new([[7; 32].as_slice(), &[8; 32]]).expect("two keys of the right length");
    let text = String::from_utf8_lossy(input);
    for purpose in [
        Purpose::Transaction,
        Purpose::CertificateResult,
        Purpose::Session,
        Purpose::Code,
        Purpose::Secrets,
    ] {
        assert!(keys.open(purpose, "login.example.com", input).is_err());
        assert!(keys.open_text(purpose, "login.example.com", &text).is_err());
    }
});
