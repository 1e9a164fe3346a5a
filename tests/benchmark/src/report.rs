//! The figures of one run, and how it was made.
//!
//! **Invariant:** a row says what was measured and how often; what could not be measured is named, not left out.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use crate::amounts::Amounts;
use crate::catalogue;
use crate::figures::Figure;
use crate::machine::Machine;

/// A run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// On what.
    pub(crate) machine: Machine,
    /// How much.
    pub(crate) amounts: Amounts,
    /// The figures.
    pub(crate) rows: Vec<Row>,
    /// What could not be measured, and why.
    pub(crate) missing: Vec<String>,
}

/// What kind of figure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Table {
    /// Processor time of servers.
    Cost,
    /// How long clients wait.
    Latency,
    /// Memory of servers.
    Memory,
    /// How long starts take.
    Start,
}

/// One figure.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) table: Table,
    pub(crate) key: String,
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    pub(crate) figure: Figure,
    /// As a multiple of what nginx needs for the same or, for a sign-in, for one handshake.
    pub(crate) times_nginx: Option<Figure>,
    /// Which processes it is made up of.
    pub(crate) parts: BTreeMap<String, f64>,
    /// What it should be at most, or its ratio where it has one.
    pub(crate) at_most: Option<f64>,
    /// How many tries did not end as they should; they are in no figure of time.
    pub(crate) failed: u32,
}

impl Row {
    /// A figure with nothing beside it.
    pub(crate) fn new(
        table: Table,
        key: &str,
        what: &str,
        unit: &'static str,
        figure: Figure,
    ) -> Self {
        Self {
            table,
            key: key.to_owned(),
            what: what.to_owned(),
            unit,
            figure,
            times_nginx: None,
            parts: BTreeMap::new(),
            at_most: None,
            failed: 0,
        }
    }

    /// The key of what it is of: a latency has its percentile behind that.
    fn of(&self) -> &str {
        let key = self.key.as_str();
        key.strip_suffix("-p50")
            .or_else(|| key.strip_suffix("-p99"))
            .unwrap_or(key)
    }

    /// Whether it is at most what it, or its ratio where it has one, should be.
    fn meets(&self) -> Option<bool> {
        let value = self.times_nginx.unwrap_or(self.figure).median;
        self.at_most.map(|at_most| value <= at_most)
    }
}

impl Report {
    /// The rows in the order of the catalogue.
    pub(crate) fn in_order(mut self) -> Self {
        self.rows
            .sort_by_key(|row| catalogue::place(row.of()).unwrap_or(usize::MAX));
        self
    }

    /// For programs.
    ///
    /// # Errors
    /// Never in practice.
    pub(crate) fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// For people: tables in Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = self.machine.sentences(&self.amounts);
        for missing in &self.missing {
            text.push_str(&format!("\nNot measured: {missing}.\n"));
        }
        for (table, title) in [
            (Table::Cost, "Processor time of the servers, ms each"),
            (Table::Latency, "Latency"),
            (Table::Memory, "Memory, resident"),
            (
                Table::Start,
                "From the start of the process until it is ready",
            ),
        ] {
            let rows: Vec<&Row> = self.rows.iter().filter(|row| row.table == table).collect();
            if !rows.is_empty() {
                text.push('\n');
                text.push_str(&render(title, &rows));
            }
        }
        text
    }
}

/// One table, its columns aligned.
fn render(title: &str, rows: &[&Row]) -> String {
    let with_ratio = rows.iter().any(|row| row.times_nginx.is_some());
    let with_parts = rows.iter().any(|row| row.parts.len() > 1);
    let with_mark = rows.iter().any(|row| row.at_most.is_some());
    let mut lines = vec![columns(
        [title, "median", "lowest to highest"].map(str::to_owned),
        with_ratio.then(|| "÷ nginx".to_owned()),
        with_mark.then(|| "mark".to_owned()),
        with_parts.then(|| "of which".to_owned()),
    )];
    for row in rows {
        let ratio = row.times_nginx.map_or(String::new(), |ratio| {
            format!(
                "{:.2} ({:.2} to {:.2})",
                ratio.median, ratio.lowest, ratio.highest
            )
        });
        let mark = match (row.at_most, row.meets()) {
            (Some(at_most), Some(true)) => format!("≤ {at_most}: met"),
            (Some(at_most), _) => format!("≤ {at_most}: missed"),
            (None, _) => String::new(),
        };
        let parts = match row.parts.len() {
            0 | 1 => String::new(),
            _ => {
                let parts = row.parts.iter();
                let parts: Vec<String> = parts
                    .map(|(name, value)| format!("{name} {}", number(*value)))
                    .collect();
                parts.join(", ")
            }
        };
        let what = match row.failed {
            0 => row.what.clone(),
            failed => format!("{} ({failed} failed)", row.what),
        };
        let Figure {
            median,
            lowest,
            highest,
            measurements,
        } = row.figure;
        let spread = match measurements {
            1 => String::new(),
            _ => format!("{} to {}", number(lowest), number(highest)),
        };
        lines.push(columns(
            [what, format!("{} {}", number(median), row.unit), spread],
            with_ratio.then_some(ratio),
            with_mark.then_some(mark),
            with_parts.then_some(parts),
        ));
    }
    aligned(&lines)
}

fn columns(
    first: [String; 3],
    ratio: Option<String>,
    mark: Option<String>,
    parts: Option<String>,
) -> Vec<String> {
    first
        .into_iter()
        .chain(ratio)
        .chain(mark)
        .chain(parts)
        .collect()
}

fn aligned(lines: &[Vec<String>]) -> String {
    let count = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for (place, line) in lines.iter().enumerate() {
        let cells = line.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
        if place == 0 {
            let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            text.push_str(&format!("| {} |\n", rules.join(" | ")));
        }
    }
    text
}

/// Three digits that mean something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(what: &str, value: f64, at_most: Option<f64>) -> Row {
        let figure = Figure::of(vec![value]).unwrap();
        let row = Row::new(Table::Cost, what, what, "ms", figure);
        Row { at_most, ..row }
    }

    #[test]
    fn a_mark_is_of_the_ratio_where_there_is_one() {
        assert_eq!(row("a", 3.0, Some(3.0)).meets(), Some(true));
        assert_eq!(row("a", 3.1, Some(3.0)).meets(), Some(false));
        let compared = Row {
            times_nginx: Some(Figure::of(vec![0.5]).unwrap()),
            ..row("a", 3.1, Some(0.6))
        };
        assert_eq!(compared.meets(), Some(true));
    }

    #[test]
    fn a_table_is_aligned_markdown() {
        let (one, two) = (row("a", 1.0, Some(2.0)), row("long name", 123.4, None));
        let text = render("each", &[&one, &two]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "| each      | median  | lowest to highest | mark     |"
        );
        assert_eq!(
            lines[2],
            "| a         | 1.00 ms |                   | ≤ 2: met |"
        );
        assert_eq!(
            lines[3],
            "| long name | 123 ms  |                   |          |"
        );
        assert!(lines[1].starts_with("| ---"));
    }
}
