//! Turn after turn: in every round, each of those that are compared does the same amount of work, one after the other.
//!
//! Whatever else the machine does changes over minutes, so what is compared is compared within a round.
//!
//! **Invariant:** a ratio is one of two turns of the same round.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::amounts::Amounts;
use crate::figures::Figure;
use crate::load::{Again, Done, Handshakes, SignIns, Work, at_a_rate, closed_loop};
use crate::meter::{Groups, Spent};

/// One of those that are compared.
#[derive(Debug)]
pub(crate) struct Subject {
    /// Its name in figures for programs.
    pub(crate) key: &'static str,
    /// Its processes.
    pub(crate) groups: Groups,
    /// What it is made to do.
    pub(crate) load: Load,
    /// The key of the one it is compared with.
    pub(crate) beside: Option<&'static str>,
}

/// What a server is made to do.
#[derive(Debug, Clone)]
pub(crate) enum Load {
    Handshakes(Arc<Handshakes>),
    SignIns(Arc<SignIns>),
    Again(Arc<Again>),
}

impl Subject {
    /// Whether it is made to sign people in.
    pub(crate) const fn is_sign_in(&self) -> bool {
        matches!(self.load, Load::SignIns(_))
    }
}

impl Load {
    async fn turn(&self, amounts: &Amounts) -> Result<(u32, Done)> {
        let at_once = amounts.at_once;
        let (count, done) = match self {
            Self::Handshakes(work) => (
                amounts.handshakes,
                closed_loop(work, amounts.handshakes, at_once).await,
            ),
            Self::SignIns(work) => (
                amounts.sign_ins,
                closed_loop(work, amounts.sign_ins, at_once).await,
            ),
            Self::Again(work) => (
                amounts.sign_ins,
                closed_loop(work, amounts.sign_ins, at_once).await,
            ),
        };
        Ok((count, done?))
    }

    /// The times it takes at a rate.
    ///
    /// # Errors
    /// When one in ten or more fails.
    pub(crate) async fn at_a_rate(&self, per_second: f64, for_how_long: Duration) -> Result<Done> {
        async fn paced<W: Work>(work: &Arc<W>, rate: f64, long: Duration) -> Result<Done> {
            at_a_rate(work, rate, long).await
        }
        match self {
            Self::Handshakes(work) => paced(work, per_second, for_how_long).await,
            Self::SignIns(work) => paced(work, per_second, for_how_long).await,
            Self::Again(work) => paced(work, per_second, for_how_long).await,
        }
    }
}

/// What all rounds say of one subject.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Milliseconds of processor time for each.
    pub(crate) cost: Figure,
    /// The same by process name.
    pub(crate) parts: BTreeMap<String, f64>,
    /// The cost as a multiple of what it is compared with.
    pub(crate) ratio: Option<Figure>,
    /// How many a second, both machines in one.
    pub(crate) rate: f64,
    /// How many of all did not end as they should.
    pub(crate) failed: u32,
}

/// A turn's outcome.
#[derive(Debug)]
struct Turn {
    parts: BTreeMap<String, f64>,
    rate: f64,
    failed: u32,
}

impl Turn {
    fn cost(&self) -> f64 {
        self.parts.values().sum()
    }
}

/// Goes round.
///
/// # Errors
/// When one in ten of a subject's work fails, or one ends.
pub(crate) async fn go(
    subjects: &[Subject],
    amounts: &Amounts,
) -> Result<BTreeMap<&'static str, Measured>> {
    let warm_up = Amounts {
        handshakes: amounts.handshakes.div_ceil(10),
        sign_ins: amounts.sign_ins.div_ceil(10),
        ..amounts.clone()
    };
    for subject in subjects {
        turn(subject, &warm_up).await?;
    }
    let mut turns: BTreeMap<&'static str, Vec<Turn>> = BTreeMap::new();
    for round in 1..=amounts.rounds {
        for subject in subjects {
            eprintln!("  round {round} of {}: {}", amounts.rounds, subject.key);
            let turn = turn(subject, amounts).await?;
            turns.entry(subject.key).or_default().push(turn);
        }
    }
    let summed_up = |subject: &Subject| {
        let own = turns.get(subject.key).context("no turns")?;
        let beside = subject.beside.and_then(|key| turns.get(key));
        Ok((subject.key, Measured::of(own, beside.map(Vec::as_slice))?))
    };
    subjects.iter().map(summed_up).collect()
}

async fn turn(subject: &Subject, amounts: &Amounts) -> Result<Turn> {
    let before = Spent::by(&subject.groups)?;
    let (count, done) = subject
        .load
        .turn(amounts)
        .await
        .with_context(|| subject.key)?;
    let after = Spent::by(&subject.groups)?;
    Ok(Turn {
        parts: after.each_since(&before, f64::from(count)),
        rate: done.rate()?,
        failed: done.failed,
    })
}

impl Measured {
    fn of(own: &[Turn], beside: Option<&[Turn]>) -> Result<Self> {
        let cost = Figure::of(own.iter().map(Turn::cost).collect())?;
        let ratio = beside.map(|beside| {
            let pairs = own.iter().zip(beside);
            // A turn too short for a single tick cannot be divided by.
            let ratios = pairs.map(|(own, other)| own.cost() / other.cost().max(f64::MIN_POSITIVE));
            Figure::of(ratios.collect())
        });
        let mut parts = BTreeMap::new();
        for name in own.first().into_iter().flat_map(|turn| turn.parts.keys()) {
            let of_name = own.iter().filter_map(|turn| turn.parts.get(name).copied());
            parts.insert(name.clone(), Figure::of(of_name.collect())?.median);
        }
        Ok(Self {
            cost,
            parts,
            ratio: ratio.transpose()?,
            rate: Figure::of(own.iter().map(|turn| turn.rate).collect())?.median,
            failed: own.iter().map(|turn| turn.failed).sum(),
        })
    }
}
