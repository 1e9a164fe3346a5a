//! Any bytes as a PROXY header: what is read lies inside them, within its bound, and does not depend on what follows.

#![no_main]

use gateway::listener::proxy::{MAX_BYTES, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(Some((source, length))) = parse(input) {
        assert!(length <= MAX_BYTES);
        let header = input.get(..length).expect("no longer than the input");
        assert_eq!(parse(header).ok().flatten(), Some((source, length)));
    }
});
