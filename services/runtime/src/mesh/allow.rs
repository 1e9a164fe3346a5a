//! Which peer may call which method.
//!
//! **Invariant:** what is not written here is refused.

use std::collections::{BTreeMap, BTreeSet};

use tonic::Status;

use super::Peer;

/// Health checking, open to every known peer unless its methods are listed.
const HEALTH: &str = "/grpc.health.v1.Health/";

/// The reflection service.
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/";

/// A server's list of methods with the peers that may call each.
#[derive(Debug, Clone, Default)]
pub struct AllowList {
    methods: BTreeMap<String, BTreeSet<Peer>>,
    reflection: BTreeSet<Peer>,
    health: BTreeSet<Peer>,
}

impl AllowList {
    /// A list that allows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets these peers call `method`, given by its path:
    /// `/postern.certval.v1.Certval/Validate`. Adds to what was allowed
    /// before.
    #[must_use]
    pub fn allow(mut self, method: &str, peers: &[Peer]) -> Self {
        let allowed = self.methods.entry(method.to_owned()).or_default();
        allowed.extend(peers.iter().cloned());
        self
    }

    /// Lets these peers ask which services there are.
    #[must_use]
    pub fn reflection(mut self, peers: &[Peer]) -> Self {
        self.reflection.extend(peers.iter().cloned());
        self
    }

    /// Lets these peers ask for this process's health; everybody named
    /// anywhere in the list may anyway.
    #[must_use]
    pub fn health(mut self, peers: &[Peer]) -> Self {
        self.health.extend(peers.iter().cloned());
        self
    }

    /// Everybody the list names.
    pub(super) fn known(&self) -> BTreeSet<Peer> {
        let by_method = self.methods.values().flatten();
        by_method
            .chain(&self.reflection)
            .chain(&self.health)
            .cloned()
            .collect()
    }

    /// Whether `peer` may call the method of this path.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for somebody whose name is not known here,
    /// `PERMISSION_DENIED` for somebody else's method.
    pub(super) fn decide<'p>(
        &self,
        path: &str,
        peer: Option<&'p Peer>,
    ) -> Result<&'p Peer, Status> {
        let Some(peer) = peer else {
            return Err(Status::unauthenticated(
                "this certificate's name is not known here",
            ));
        };
        let allowed = match self.methods.get(path) {
            Some(peers) => peers.contains(peer),
            None if path.starts_with(HEALTH) => true,
            None if path.starts_with(REFLECTION) => self.reflection.contains(peer),
            None => false,
        };
        match allowed {
            true => Ok(peer),
            false => Err(Status::permission_denied(format!(
                "{peer} may not call {path}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn only_what_is_written_is_allowed() {
        let (gateway, control) = (Peer::role("gateway"), Peer::role("control"));
        // Names of roles and of outsiders live apart.
        let impostor = Peer::client("gateway");
        let list = AllowList::new()
            .allow("/a.A/One", std::slice::from_ref(&gateway))
            .allow("/a.A/Two", &[control.clone(), impostor.clone()])
            .reflection(std::slice::from_ref(&control));
        let code = |path, peer| {
            list.decide(path, peer)
                .map_err(|status| status.code())
                .err()
        };
        assert_eq!(code("/a.A/One", Some(&gateway)), None);
        for path in ["/a.A/Two", "/a.A/one", "/a.A/One/", "/a.A/Three", "/", ""] {
            assert_eq!(code(path, Some(&gateway)), Some(Code::PermissionDenied));
        }
        assert_eq!(
            code("/a.A/One", Some(&impostor)),
            Some(Code::PermissionDenied)
        );
        assert_eq!(code("/a.A/One", None), Some(Code::Unauthenticated));
        let reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
        assert_eq!(code(reflection, Some(&control)), None);
        assert_eq!(
            code(reflection, Some(&gateway)),
            Some(Code::PermissionDenied)
        );
        let health = "/grpc.health.v1.Health/Check";
        assert_eq!(code(health, Some(&impostor)), None);
        assert_eq!(code(health, None), Some(Code::Unauthenticated));
    }
}
