//! Any bytes as a subject, and any bytes as a common name: a name comes out or a reason.

#![no_main]

use certval::identity::common_name;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let _ = common_name(input);
    let Some((tag, text)) = input.split_first() else {
        return;
    };
    let Ok(length) = u8::try_from(text.len()) else {
        return;
    };
    if length > 100 {
        return;
    }
    // SEQUENCE { SET { SEQUENCE { 2.5.4.3, tag "…" } } }
    let mut subject = vec![
        0x30,
        length + 11,
        0x31,
        length + 9,
        0x30,
        length + 7,
        0x06,
        3,
        0x55,
        4,
        3,
        *tag,
        length,
    ];
    subject.extend_from_slice(text);
    if let Ok(account) = common_name(&subject) {
        assert!(account.is_exactly(std::str::from_utf8(text).expect("a name that is not UTF-8")));
    }
});
