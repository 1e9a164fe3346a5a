//! The contract between gateways. Its payload is the gateway's own type, so there is nothing to convert here.

/// The generated messages and services.
#[expect(
    missing_docs,
    reason = "generated from proto/postern/gateway/v1, documented there"
)]
pub mod v1 {
    tonic::include_proto!("postern.gateway.v1");
}
