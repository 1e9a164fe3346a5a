//! Any bytes as a certificate: the key that is found lies inside them, and its end is a date.

#![no_main]

use domain::{public_key, validity};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(key) = public_key::of_certificate(input) {
        assert!(key.len() < input.len());
        assert!(input.windows(key.len()).any(|window| window == key));
    }
    if let Ok(end) = validity::not_after(input) {
        // The last second of the year 9999.
        assert!(end.0 <= 253_402_300_799);
    }
});
