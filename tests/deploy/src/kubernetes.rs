//! A real cluster, and the demonstration of `deploy/kubernetes` in it.
//!
//! **Invariant:** in the cluster nothing is touched but the namespaces of the demonstration and of its strangers.

pub mod cluster;
pub mod demonstration;
pub mod losses;
pub mod outside;
pub mod production;
pub mod strangers;
