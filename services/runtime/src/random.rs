//! Unpredictable bytes, as an argument.
//!
//! **Invariant:** a source that fails yields an error and no bytes; callers
//! treat that as "unavailable" and never go on with what was there before.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// Where unpredictable bytes come from.
pub trait Randomness: Debug + Send + Sync + 'static {
    /// Fills `bytes` whole.
    ///
    /// # Errors
    /// When the source cannot give any; `bytes` must not be used then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable>;
}

/// `N` bytes from `source`: `random::bytes::<16>(&*randomness)?`.
///
/// # Errors
/// When the source cannot give any.
pub fn bytes<const N: usize>(
    source: &(impl Randomness + ?Sized),
) -> Result<[u8; N], RandomnessUnavailable> {
    let mut bytes = [0; N];
    source.fill(&mut bytes)?;
    Ok(bytes)
}

/// The system's source gave no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system's source of randomness gave no bytes")]
pub struct RandomnessUnavailable;

/// The operating system's source, by way of aws-lc.
#[derive(Debug, Clone, Default)]
pub struct SystemRandomness(SystemRandom);

impl SystemRandomness {
    /// The system's source.
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
        self.0.fill(bytes).map_err(|_| RandomnessUnavailable)
    }
}

/// A repeatable source for tests: the same seed gives the same bytes.
/// **Not** a source for keys.
#[derive(Debug, Default)]
pub struct SeededRandomness {
    seed: u64,
    drawn: AtomicU64,
}

impl SeededRandomness {
    /// The source that `seed` names.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            drawn: AtomicU64::new(0),
        }
    }
}

impl Randomness for SeededRandomness {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
        for chunk in bytes.chunks_mut(digest::SHA256_OUTPUT_LEN) {
            let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
            let mut input = self.seed.to_be_bytes().to_vec();
            input.extend(drawn.to_be_bytes());
            let block = digest::digest(&digest::SHA256, &input);
            for (to, from) in chunk.iter_mut().zip(block.as_ref()) {
                *to = *from;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_two_draws_differ() {
        let first = SeededRandomness::new(7);
        let again = SeededRandomness::new(7);
        let drawn: [u8; 40] = bytes(&first).unwrap();
        assert_eq!(drawn, bytes::<40>(&again).unwrap());
        assert_ne!(drawn, bytes::<40>(&first).unwrap());
    }

    #[test]
    fn the_system_does_not_repeat_itself() {
        let source = SystemRandomness::new();
        assert_ne!(bytes::<16>(&source).unwrap(), bytes::<16>(&source).unwrap());
    }
}
