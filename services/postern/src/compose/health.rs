//! Watches whether a peer serves: needed once to be ready, told as "degraded" later.

use std::time::Duration;

use runtime::mesh::MeshChannel;
use runtime::readiness::Readiness;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::Host;

/// How often a peer is asked before it served for the first time.
const EAGERLY: Duration = Duration::from_millis(50);
/// How often afterwards.
const CALMLY: Duration = Duration::from_secs(5);

/// Asks `peer` over `channel` until the process stops, and keeps `readiness` up to date.
pub(super) fn follow(host: &Host, readiness: &Readiness, peer: &'static str, channel: MeshChannel) {
    let (readiness, stopping) = (readiness.clone(), host.tasks.stopping());
    let asking = async move {
        let mut client = HealthClient::new(channel);
        let mut was_ready = false;
        loop {
            if serves(&mut client).await {
                if !was_ready {
                    readiness.complete(peer);
                    was_ready = true;
                }
                readiness.recovered(peer);
            } else if was_ready {
                readiness.degraded(peer, "does not serve");
            }
            tokio::time::sleep(if was_ready { CALMLY } else { EAGERLY }).await;
        }
    };
    host.tasks.spawn("peer health", async move {
        tokio::select! { () = asking => {}, () = stopping.cancelled() => {} }
    });
}

async fn serves(client: &mut HealthClient<MeshChannel>) -> bool {
    let answer = client.check(HealthCheckRequest::default()).await;
    answer.is_ok_and(|answer| answer.into_inner().status() == ServingStatus::Serving)
}
