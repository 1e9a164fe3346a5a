//! How every Postern process behaves: its settings, its logs, traces and
//! numbers, its tasks and their end, its readiness, its files with secrets,
//! the bus, the live snapshot, and the mesh its roles talk over.
//!
//! **Invariant:** nothing here knows what Postern decides. This crate depends
//! on no other crate of the workspace, and it is the only one that uses the
//! NATS client, OpenTelemetry and the configuration loader.

pub mod bus;
pub mod clock;
pub mod live;
pub mod mesh;
pub mod metrics;
pub mod operations;
pub mod private_files;
pub mod random;
pub mod readiness;
pub mod settings;
pub mod tasks;
pub mod telemetry;
pub mod trace;
