//! The gateway: the front door, sign-in, OpenID Connect.

pub mod arrival;
pub(crate) mod audit;
pub mod clients;
pub mod codes;
pub(crate) mod cookies;
pub mod desk;
pub mod edge;
pub mod gate;
pub(crate) mod halt;
pub(crate) mod handshake;
pub mod hosts;
pub mod ids;
pub mod listener;
pub(crate) mod numbers;
pub mod oidc;
pub(crate) mod pages;
pub(crate) mod request_id;
pub(crate) mod seals;
pub mod session;
pub mod settings;
pub(crate) mod signin;
pub mod sites;
#[cfg(test)]
mod testing;
pub mod tls;
pub mod view;
pub(crate) mod visit;
