//! Words for whoever sits at the terminal.
//!
//! **Invariant:** a reader that went away, or a disk that is full, is no reason to panic: what cannot be written is left
//! unsaid, and the exit code says what happened.

use std::fmt;
use std::io::{self, Write};

/// Writes to standard output, as `print!` does, but never panics.
macro_rules! say {
    () => { $crate::terminal::write(&mut std::io::stdout(), format_args!("\n")) };
    ($($text:tt)*) => {
        $crate::terminal::write(&mut std::io::stdout(), format_args!("{}\n", format_args!($($text)*)))
    };
}

/// Writes to standard error, as `eprintln!` does, but never panics.
macro_rules! complain {
    ($($text:tt)*) => {
        $crate::terminal::write(&mut std::io::stderr(), format_args!("{}\n", format_args!($($text)*)))
    };
}

pub(crate) use {complain, say};

/// The one place that writes.
pub(crate) fn write(to: &mut dyn Write, text: fmt::Arguments<'_>) {
    // Nobody is left to be told.
    let _unsaid: io::Result<()> = to.write_fmt(text).and_then(|()| to.flush());
}
