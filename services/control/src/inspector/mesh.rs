//! The real inspector: certval, over the mesh.
//!
//! **Invariant:** certval's words about a certificate are taken only with digests that are really the certificate's.

#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use domain::digest::Digest;
use domain::timestamp::Timestamp;
use postern_proto::InvalidMessage;
use postern_proto::certval::v1::certval_client::CertvalClient;
use postern_proto::certval::{digest, v1};
use runtime::mesh::{ConnectSettings, MeshChannel, MeshClient, MeshError, MeshIdentity};
use runtime::metrics::Metrics;

use super::{CertificatesOnly, InspectedCertificate, Inspection, Inspector, LARGEST_UPLOAD};

/// The path of the one method of certval that control calls.
pub const INSPECT: &str = "/postern.certval.v1.Certval/Inspect";

/// How long an inspection may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// certval as the inspector of uploads.
#[derive(Debug, Clone)]
pub struct MeshInspector {
    client: CertvalClient<MeshChannel>,
}

impl MeshInspector {
    /// An inspector that asks certval at these addresses (`host:port`). Nothing is connected before the first upload.
    ///
    /// # Errors
    /// When the identity cannot be used.
    pub fn new<A: ToString>(
        identity: &MeshIdentity,
        certval: &[A],
        metrics: &Metrics,
    ) -> Result<Self, MeshError> {
        let settings = ConnectSettings {
            call: DEADLINE,
            // The upload and the message around it.
            largest_request: LARGEST_UPLOAD + 1024,
            ..ConnectSettings::default()
        };
        let channel = MeshClient::new(identity, settings)?
            .counted(metrics)
            .channel("certval", certval)?;
        Ok(Self {
            client: CertvalClient::new(channel.repeatable(&[INSPECT])),
        })
    }
}

#[async_trait]
impl Inspector for MeshInspector {
    async fn inspect(
        &self,
        certificates: &CertificatesOnly,
    ) -> Result<Vec<InspectedCertificate>, Inspection> {
        use v1::inspect_response::Outcome;
        let request = v1::InspectRequest {
            certificates: certificates.bytes().clone(),
        };
        let answer = self.client.clone().inspect(request).await;
        let outcome = match answer {
            Ok(answer) => answer.into_inner().outcome,
            Err(status) => {
                return Err(Inspection::Unavailable(status.message().to_owned()));
            }
        };
        match outcome {
            Some(Outcome::Certificates(listed)) => {
                let read: Result<_, _> = listed.certificates.into_iter().map(read).collect();
                read.map_err(|error| Inspection::Unavailable(error.to_string()))
            }
            Some(Outcome::Refused(why)) => Err(Inspection::Refused(why)),
            None => Err(Inspection::Unavailable("certval gave no answer".to_owned())),
        }
    }
}

fn read(wire: v1::Certificate) -> Result<InspectedCertificate, InvalidMessage> {
    let fingerprint = digest(&wire.sha256)?;
    let key = digest(&wire.key_sha256)?;
    let own_key = domain::public_key::of_certificate(&wire.der).map(Digest::of);
    if fingerprint != Digest::of(&wire.der) || own_key != Ok(key) {
        return Err(InvalidMessage("digests that are not the certificate's"));
    }
    if wire.subject_der.is_empty() {
        return Err(InvalidMessage("no subject"));
    }
    Ok(InspectedCertificate {
        fingerprint,
        key,
        der: wire.der,
        subject_der: wire.subject_der,
        subject: wire.subject,
        issuer: wire.issuer,
        not_before: Timestamp(wire.not_before),
        not_after: Timestamp(wire.not_after),
        dns_names: wire.dns_names,
        authority_problems: wire.authority_problems,
    })
}
