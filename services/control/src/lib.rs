//! control: the admin API, and the only writer of the live configuration.
//!
//! A change travels like this: [`admin`] takes it from an authenticated caller, [`inspector`] has certval say what
//! uploaded certificates are, [`change::apply`] makes the next configuration of the present one, [`writer`] records and
//! publishes it, and every instance, control too, follows it on the bus.
//!
//! **Invariant:** nothing else in Postern changes what is live, and no secret that came in here goes out again except
//! sealed, inside a snapshot.

pub mod admin;
pub mod audit;
pub mod change;
pub mod initial;
pub mod inspector;
mod moment;
mod numbers;
pub mod parts;
#[cfg(test)]
mod rig;
pub mod settings;
mod start;
pub mod token;
pub mod writer;

pub use settings::Settings;
pub use start::{Needs, PARTS, PATIENCE, StartError, Started, start};
