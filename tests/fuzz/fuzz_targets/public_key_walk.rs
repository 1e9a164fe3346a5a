//! Any bytes as a certificate: the key that is found lies inside them.

#![no_main]

use domain::public_key;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(key) = public_key::of_certificate(input) {
        assert!(key.len() < input.len());
        assert!(input.windows(key.len()).any(|window| window == key));
    }
});
