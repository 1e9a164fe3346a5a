//! The tables in `docs/performance.md`.
//!
//! **Invariant:** nothing outside the two marks is changed.

use std::fs;

use anyhow::{Context as _, Result};

use crate::machine::checkout;
use crate::report::Report;

const PAGE: &str = "docs/performance.md";
const BEGIN: &str = "<!-- figures: begin -->\n";
const END: &str = "<!-- figures: end -->";

/// Puts the tables between the marks.
///
/// # Errors
/// When the page or a mark is missing.
pub(crate) fn write(report: &Report) -> Result<()> {
    let file = checkout().join(PAGE);
    let page = fs::read_to_string(&file).with_context(|| format!("failed to read {PAGE}"))?;
    let page = replaced(&page, &report.markdown())?;
    fs::write(&file, page).with_context(|| format!("failed to write {PAGE}"))
}

fn replaced(page: &str, figures: &str) -> Result<String> {
    let (before, rest) = page.split_once(BEGIN).context("no first mark")?;
    let (_, after) = rest.split_once(END).context("no second mark")?;
    Ok(format!("{before}{BEGIN}\n{figures}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let page = format!("a\n{BEGIN}old\n{END}\nb\n");
        let once = replaced(&page, "new\n").unwrap();
        assert_eq!(once, format!("a\n{BEGIN}\nnew\n\n{END}\nb\n"));
        assert_eq!(replaced(&once, "new\n").unwrap(), once);
        assert!(replaced("a", "new").is_err());
    }
}
