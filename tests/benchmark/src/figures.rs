//! Numbers out of several measurements.
//!
//! **Invariant:** a figure always comes with its spread and the number of measurements it is made of.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;

/// The median of several measurements, with the lowest and the highest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Figure {
    pub(crate) median: f64,
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
    pub(crate) measurements: usize,
}

impl Figure {
    /// Of these.
    ///
    /// # Errors
    /// When there are none.
    pub(crate) fn of(mut measurements: Vec<f64>) -> Result<Self> {
        measurements.sort_by(f64::total_cmp);
        let half = measurements.len() / 2;
        let upper = *measurements.get(half).context("no measurements")?;
        let median = match measurements.len() % 2 {
            0 => f64::midpoint(upper, *measurements.get(half - 1).unwrap_or(&upper)),
            _ => upper,
        };
        Ok(Self {
            median,
            lowest: *measurements.first().context("no measurements")?,
            highest: *measurements.last().context("no measurements")?,
            measurements: measurements.len(),
        })
    }
}

/// The time within which `percent` of a hundred were done, in milliseconds.
///
/// # Errors
/// When there are none.
pub(crate) fn percentile(times: &mut [Duration], percent: usize) -> Result<f64> {
    times.sort();
    let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
    let time = times.get(place).context("no measurements")?;
    Ok(time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let odd = Figure::of(vec![3.0, 1.0, 2.0]).unwrap();
        assert_eq!((odd.lowest, odd.median, odd.highest), (1.0, 2.0, 3.0));
        let even = Figure::of(vec![4.0, 1.0, 2.0, 3.0]).unwrap();
        assert_eq!((even.median, even.measurements), (2.5, 4));
        assert!(Figure::of(Vec::new()).is_err());
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let mut times: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&mut times, 50).unwrap(), 100.0);
        assert_eq!(percentile(&mut times, 99).unwrap(), 198.0);
        assert_eq!(percentile(&mut times[..1], 99).unwrap(), 1.0);
        assert!(percentile(&mut [], 50).is_err());
    }
}
