//! Promises of the mesh, over real TLS and gRPC on loopback.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on should fail, and one service must panic"
)]

mod access;
mod faults;
mod rig;
mod stopping;
