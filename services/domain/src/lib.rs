//! What is true in Postern: pure types and the decisions made on them.
//!
//! **Invariant:** nothing here does I/O, reads a clock, draws randomness, or knows TLS or X.509 beyond one bounded walk
//! to a certificate's key and its end. Whatever a decision needs is an argument.

pub mod account;
pub mod address;
pub mod application;
pub mod authority;
pub mod certificate;
pub mod check;
pub mod configuration;
pub mod connection;
pub mod digest;
pub mod outcome;
pub mod public_key;
pub mod ranges;
pub mod reason;
pub mod seal;
pub mod timestamp;
pub mod validity;
