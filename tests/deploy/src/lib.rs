//! What the tests of the shipped deployments share: commands with a deadline, images, sign-ins through a published
//! port, a trickle of them, and what Jaeger and Prometheus say.
//!
//! **Invariant:** only [`compose`] knows that Docker Compose runs the system; the rest serves any deployment.

pub mod commands;
pub mod compose;
pub mod docker;
pub mod images;
pub mod jaeger;
pub mod kubernetes;
pub mod plain_http;
pub mod program;
pub mod sign_in;
pub mod trickle;
