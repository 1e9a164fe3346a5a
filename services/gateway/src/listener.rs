//! Where connections come in: the sockets, the loop that accepts, the PROXY headers, and how many there may be.
//!
//! **Invariant:** no error of one connection, and no lack of descriptors, ends an accept loop; nothing a peer does or leaves
//! undone keeps another peer from being accepted.

mod accept;
mod bind;
pub(crate) mod opened;
pub(crate) mod places;
pub mod proxy;

pub(crate) use accept::accept;
pub use bind::CannotListen;
pub(crate) use bind::bind;
