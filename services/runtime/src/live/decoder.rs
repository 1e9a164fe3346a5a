//! What turns a snapshot into the view that one role works with.
//!
//! **Invariant:** a decoder sees only content that was checked against its
//! hash and its signature.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::Manifest;

/// Builds the view of a snapshot. A closure
/// `Fn(&Manifest, &BTreeMap<String, Bytes>) -> Result<V, String>` is one that
/// wants every blob and understands no critical extension.
pub trait Decoder<V>: Send + Sync + 'static {
    /// Builds the view. Runs aside, on a thread that may block; what is
    /// applied stays in use meanwhile.
    ///
    /// # Errors
    /// Why the snapshot cannot be used; it is then refused and what is applied
    /// stays.
    fn decode(&self, manifest: &Manifest, blobs: &BTreeMap<String, Bytes>) -> Result<V, String>;

    /// Whether this role needs the blob of this name. Others are neither
    /// fetched nor kept.
    fn wants(&self, blob: &str) -> bool {
        let _every = blob;
        true
    }

    /// Whether this version understands a critical extension. A snapshot with
    /// one that it does not understand is refused.
    fn understands(&self, critical: &str) -> bool {
        let _none = critical;
        false
    }
}

impl<V, F> Decoder<V> for F
where
    F: Fn(&Manifest, &BTreeMap<String, Bytes>) -> Result<V, String> + Send + Sync + 'static,
{
    fn decode(&self, manifest: &Manifest, blobs: &BTreeMap<String, Bytes>) -> Result<V, String> {
        self(manifest, blobs)
    }
}
