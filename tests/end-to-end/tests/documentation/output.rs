//! What programs print, without what differs from run to run.

use std::net::SocketAddr;

/// Lines with numbers, times, fingerprints, identifiers, addresses and passwords replaced, and spaces counted once.
pub(crate) fn steady(output: &str) -> Vec<String> {
    let lines = output.lines().map(|line| {
        let mut after = "";
        let words = line.split_whitespace().map(|word| {
            let shown = if after == "(password:" {
                "*".to_owned()
            } else {
                steady_word(word)
            };
            after = word;
            shown
        });
        words.collect::<Vec<_>>().join(" ")
    });
    let mut lines: Vec<String> = lines.collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

fn steady_word(word: &str) -> String {
    let core = word.trim_matches(|each: char| "(),.\"".contains(each));
    let hexadecimal = |text: &str| {
        text.len() >= 8
            && text
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    };
    let is_time = || core.ends_with('Z') && core.contains('T') && core.contains(':');
    if core.parse::<f64>().is_ok() {
        return word.replace(core, "N");
    }
    if hexadecimal(core) || is_time() || core.parse::<SocketAddr>().is_ok() {
        return word.replace(core, "*");
    }
    match core.split_once('-') {
        // The identifier of an instance: its role, and a number.
        Some((role, number)) if hexadecimal(number) => format!("{role}-*"),
        _ => word.to_owned(),
    }
}
