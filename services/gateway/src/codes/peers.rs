//! The other gateways, as codes need them: what they issued is reserved and settled there.
//!
//! **Invariant:** every question has a deadline, and an answer that is not complete is none.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use postern_proto::gateway::v1;
use postern_proto::gateway::v1::codes_client::CodesClient;
use postern_proto::gateway::v1::redeem_response::Outcome;

use super::{Dial, Grant, Invalid, Redemption};
use crate::clients::RpcChannel;

/// Deadline of a reservation at another gateway.
const RESERVE: Duration = Duration::from_secs(2);
/// Deadline of a settlement at another gateway, each time.
const SETTLE: Duration = Duration::from_secs(1);
/// How often it is asked for.
const SETTLE_ATTEMPTS: usize = 2;
/// Most channels to other gateways that are kept open.
const CHANNELS: usize = 64;

/// The gateway that issued the code could not be asked: nobody knows whether the code was good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("gateway {gateway} could not be asked: {why}")]
pub struct IssuerAway {
    gateway: String,
    why: String,
}

/// The ways to the other gateways.
pub(super) struct Peers {
    dial: Dial,
    /// By mesh address.
    channels: Mutex<HashMap<String, RpcChannel>>,
}

impl Peers {
    pub(super) fn new(dial: Dial) -> Self {
        Self {
            dial,
            channels: Mutex::default(),
        }
    }

    /// Reserves a code at the gateway that issued it.
    pub(super) async fn reserve(
        &self,
        gateway: &str,
        redemption: Redemption<'_>,
    ) -> Result<Result<(Grant, u64), Invalid>, IssuerAway> {
        let Some(channel) = self.channel(gateway) else {
            return Ok(Err(Invalid("the code names no gateway")));
        };
        let mut request = tonic::Request::new(v1::RedeemRequest {
            code: redemption.code.to_owned(),
            client_id: redemption.client_id.to_string(),
            redirect_uri: redemption.redirect_uri.to_owned(),
            code_verifier: redemption.verifier.to_owned(),
        });
        request.set_timeout(RESERVE);
        let away = |why: String| IssuerAway::new(gateway, why);
        let mut client = CodesClient::new(channel);
        let answer = answered(RESERVE, client.redeem(request))
            .await
            .map_err(away)?;
        match answer.outcome {
            Some(Outcome::Grant(json)) => serde_json::from_slice(&json)
                .map(|grant| Ok((grant, answer.reservation)))
                .map_err(|error| away(error.to_string())),
            Some(Outcome::Invalid(v1::Invalid {})) => {
                Ok(Err(Invalid("the gateway that issued it refused")))
            }
            None => Err(away("its answer has no outcome".to_owned())),
        }
    }

    /// Settles a reservation there.
    pub(super) async fn settle(
        &self,
        gateway: &str,
        code: &str,
        reservation: u64,
    ) -> Result<bool, IssuerAway> {
        let mut last = "no channel".to_owned();
        for _ in 0..SETTLE_ATTEMPTS {
            let Some(channel) = self.channel(gateway) else {
                break;
            };
            let mut request = tonic::Request::new(v1::SettleRequest {
                code: code.to_owned(),
                reservation,
            });
            request.set_timeout(SETTLE);
            let mut client = CodesClient::new(channel);
            match answered(SETTLE, client.settle(request)).await {
                Ok(answer) => return Ok(answer.settled),
                Err(why) => last = why,
            }
        }
        Err(IssuerAway::new(gateway, last))
    }

    /// The channel to a gateway, kept: a new one costs a handshake.
    fn channel(&self, gateway: &str) -> Option<RpcChannel> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(gateway) {
            return Some(channel.clone());
        }
        let channel = (self.dial)(gateway)?;
        // The addresses come from our own seals: more than these are gateways that are long gone.
        if channels.len() >= CHANNELS {
            channels.clear();
        }
        channels.insert(gateway.to_owned(), channel.clone());
        Some(channel)
    }
}

impl IssuerAway {
    fn new(gateway: &str, why: String) -> Self {
        Self {
            gateway: gateway.to_owned(),
            why,
        }
    }
}

/// An answer within the deadline, or in words why there is none.
async fn answered<A>(
    deadline: Duration,
    asked: impl Future<Output = Result<tonic::Response<A>, tonic::Status>>,
) -> Result<A, String> {
    tokio::time::timeout(deadline, asked)
        .await
        .map_err(|_| "no answer in time".to_owned())?
        .map(tonic::Response::into_inner)
        .map_err(|status| status.to_string())
}
