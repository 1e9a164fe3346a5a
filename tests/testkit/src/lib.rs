//! Real parts for tests: certificates of every kind, a Samba domain controller, a NATS server, a
//! Jaeger, a browser-like client, and the whole system as processes.
//!
//! It depends on no service, so that any crate may use it in its tests.
//!
//! **Invariant:** nothing here is a stand-in. What a test talks to is the real server, started in a
//! folder of the test's own, and it ends with the test.

pub mod client;
pub mod jaeger;
pub mod nats;
pub mod pki;
pub mod plain_http;
pub mod processes;
pub mod samba;
pub mod spans;
pub mod system;
