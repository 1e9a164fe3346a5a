//! The front door over real sockets: what strangers can do, and what they get.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

mod admission;
mod bounds;
mod client;
mod drain;
mod front;
mod pki;
mod possession;
mod proxy;
mod requests;
mod resumption;
mod server_name;
mod told;
