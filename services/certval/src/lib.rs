//! Certificate judgement: is this chain good, and whom does it name?
//!
//! [`judge::judge`] is the heart, a pure function; [`view`] prepares what it judges by; [`inspect`] says what uploaded
//! certificates are; [`service`] puts both on the mesh.
//!
//! **Invariant:** nothing in a certificate ever causes network traffic, and "could not be read" is never "good".

pub mod authorities;
mod certificate;
mod der;
pub mod identity;
pub mod inspect;
pub mod judge;
mod key;
mod moment;
mod name;
mod oid;
mod purposes;
pub mod service;
mod signature;
pub mod view;
#[cfg(test)]
mod workshop;

pub use der::Malformed;
