//! The directory service: who is the one live person behind a name, and is this their password?
//!
//! A question arrives at [`service`], is answered by the [`backend`] of its connection out of the current [`view`], and
//! every answer is made of three pure decisions: exactly one entry of exactly this name ([`candidate`]), an account that
//! may sign in now ([`state`]), and a password the directory itself accepted.
//!
//! **Invariant:** the account's state is judged for every method, and what could not be read is `unavailable`, never a
//! yes and never a no. No other crate speaks LDAP.

pub mod active_directory;
pub mod backend;
pub mod candidate;
pub mod file;
pub mod numbers;
pub mod password;
pub mod service;
pub mod settings;
pub mod state;
pub mod view;
