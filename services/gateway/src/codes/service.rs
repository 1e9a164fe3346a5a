//! The mesh side of codes: other gateways bring the codes that were issued here.
//!
//! **Invariant:** a forwarded redemption is judged here or refused; it is never forwarded again.

use std::sync::Arc;

use bytes::Bytes;
use postern_proto::gateway::v1;
use postern_proto::gateway::v1::codes_server::{Codes, CodesServer};
use postern_proto::gateway::v1::redeem_response::Outcome;
use tonic::{Request, Response, Status};

use super::Redemption;
use crate::desk::Desk;

/// The most that one question or answer weighs, in bytes: a grant is far smaller.
const LARGEST: usize = 64 << 10;

/// The methods and the roles that may call them, for the mesh's allow list.
pub const ALLOWED: [(&str, &[&str]); 2] = [
    ("/postern.gateway.v1.Codes/Redeem", &["gateway"]),
    ("/postern.gateway.v1.Codes/Settle", &["gateway"]),
];

/// The service, for the gateway's mesh port.
#[must_use]
pub fn server(desk: Arc<Desk>) -> CodesServer<impl Codes> {
    CodesServer::new(Service(desk))
        .max_decoding_message_size(LARGEST)
        .max_encoding_message_size(LARGEST)
}

struct Service(Arc<Desk>);

#[tonic::async_trait]
impl Codes for Service {
    async fn redeem(
        &self,
        request: Request<v1::RedeemRequest>,
    ) -> Result<Response<v1::RedeemResponse>, Status> {
        let desk = &self.0;
        let asked = request.into_inner();
        let client_id = asked
            .client_id
            .parse()
            .map_err(|_| Status::invalid_argument("client_id is not one"))?;
        let live = desk
            .live()
            .map_err(|fault| Status::unavailable(fault.to_string()))?;
        let redemption = Redemption {
            code: &asked.code,
            client_id: &client_id,
            redirect_uri: &asked.redirect_uri,
            verifier: &asked.code_verifier,
        };
        let reserved = desk
            .codes
            .reserve_forwarded(redemption, &desk.judgement(&live));
        let (outcome, reservation) = match reserved {
            Ok((grant, number)) => {
                let grant = serde_json::to_vec(&grant)
                    .map_err(|error| Status::internal(error.to_string()))?;
                (Outcome::Grant(Bytes::from(grant)), number)
            }
            Err(why) => {
                tracing::debug!(client_id = %client_id, why = why.0, "a forwarded code was refused");
                (Outcome::Invalid(v1::Invalid {}), 0)
            }
        };
        Ok(Response::new(v1::RedeemResponse {
            outcome: Some(outcome),
            reservation,
        }))
    }

    async fn settle(
        &self,
        request: Request<v1::SettleRequest>,
    ) -> Result<Response<v1::SettleResponse>, Status> {
        let desk = &self.0;
        let asked = request.into_inner();
        let live = desk
            .live()
            .map_err(|fault| Status::unavailable(fault.to_string()))?;
        let by = desk.judgement(&live);
        let settled = desk
            .codes
            .settle_forwarded(&asked.code, asked.reservation, &by);
        Ok(Response::new(v1::SettleResponse { settled }))
    }
}
