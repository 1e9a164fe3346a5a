//! Any text as a range: what is read is written back as itself, and holds its own ends.

#![no_main]

use domain::ranges::{Range, Ranges};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let Ok(range) = input.parse::<Range>() else {
        return;
    };
    let written = range.to_string();
    assert_eq!(written.parse::<Range>().expect("its own text"), range);
    let ranges: Ranges = vec![range].into();
    let first = written
        .split('/')
        .next()
        .and_then(|first| first.parse().ok())
        .expect("an address first");
    assert!(ranges.contains(first));
});
