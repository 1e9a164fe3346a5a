//! Any bytes as a value in a search filter: the text has one equality, and its value reads back as those bytes.

#![no_main]

use directory::active_directory::filter::{Attribute, Filter};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let text = Filter::equal(Attribute::SAM_ACCOUNT_NAME, input).to_string();
    let value = text
        .strip_prefix("(sAMAccountName=")
        .and_then(|rest| rest.strip_suffix(")"))
        .expect("one equality");
    assert_eq!(read_back(value.as_bytes()), input);
});

/// RFC 4515 section 3, for values without anything special outside escapes.
fn read_back(mut text: &[u8]) -> Vec<u8> {
    let mut value = Vec::new();
    loop {
        text = match text {
            [] => return value,
            [b'\\', high, low, rest @ ..] => {
                let digit = |each: &u8| char::from(*each).to_digit(16).expect("a digit");
                value.push((digit(high) * 16 + digit(low)) as u8);
                rest
            }
            [b'\\' | b'(' | b')' | b'*' | 0, ..] => panic!("a special character outside an escape"),
            [plain, rest @ ..] => {
                value.push(*plain);
                rest
            }
        };
    }
}
