//! What the end-to-end tests share: a system of real processes, and the steps of a sign-in over it.
//!
//! **Invariant:** a test sees only what a browser, an application or an administrator sees.

pub mod curl;
pub mod program;
pub mod steps;
