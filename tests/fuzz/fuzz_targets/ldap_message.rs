//! Any bytes from a domain controller: measured, passed on or refused, never a panic.

#![no_main]

use directory::active_directory::guard::{Allowance, message_length, operation};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let _ = operation(input);
    let mut allowance = Allowance::one_answer();
    let mut rest = input;
    while let Ok(Some(length)) = message_length(rest) {
        let Some((message, after)) = rest.split_at_checked(length) else {
            return;
        };
        if allowance.spend(message).is_err() {
            return;
        }
        rest = after;
    }
});
