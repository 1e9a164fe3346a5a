//! deploy/kubernetes as it is shipped, on a real cluster. docs/kubernetes.md promises what is tried here.
//!
//! **Invariant:** a machine without a cluster says so in one line, and nothing was tested there.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use deploy_tests::docker::Docker;
use deploy_tests::jaeger::Trace;
use deploy_tests::kubernetes::cluster::Cluster;
use deploy_tests::kubernetes::demonstration::Demonstration;
use deploy_tests::kubernetes::outside::Outside;
use deploy_tests::kubernetes::strangers::{Door, Strangers, doors};
use deploy_tests::kubernetes::{losses, production};
use deploy_tests::program::{self, Promise, block_on, in_order};

const SPANS: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let rig = match Cluster::rig() {
        Ok(rig) => rig,
        Err(why) => return program::skipped(&format!("deploy/kubernetes: {why:#}")),
    };
    match tried(rig) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("deploy/kubernetes: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn tried(rig: PathBuf) -> Result<ExitCode> {
    let work = tempfile::tempdir()?;
    let docker = Docker::find_or_start(&work.path().join("dockerd.log"))?;
    let cluster = Cluster::up(rig)?;
    let system = Demonstration::bring_up(cluster, &docker, work.path())?;
    let system: &'static Demonstration = Box::leak(Box::new(system));
    let promises: Vec<Promise<Demonstration>> = vec![
        (
            "the_api_server_takes_every_overlay_without_a_warning",
            production::overlays,
        ),
        (
            "jon_signs_in_through_the_published_port_and_it_is_one_trace",
            jon_signs_in,
        ),
        (
            "a_client_outside_the_ranges_is_known_as_such",
            a_client_outside,
        ),
        ("rolling_every_role_loses_no_sign_in", losses::rollout),
        (
            "a_pod_of_each_kind_that_goes_loses_no_sign_in",
            losses::pods_that_go,
        ),
        (
            "a_pod_of_each_kind_that_is_killed_loses_no_sign_in",
            losses::pods_that_die,
        ),
        (
            "a_gateway_that_is_killed_loses_only_what_it_was_doing",
            losses::killed_gateway,
        ),
        ("strangers_reach_the_front_door_and_nothing_else", strangers),
        // The last, for it replaces the demonstration's secrets.
        (
            "production_secrets_give_each_role_its_own_and_no_more",
            production::secrets,
        ),
    ];
    let code = in_order(system, promises);
    system.take_away()?;
    system.cluster.down()?;
    docker.stop()?;
    Ok(code)
}

fn jon_signs_in(system: &Demonstration) -> Result<()> {
    let (site, jon) = (system.site()?, system.jon()?);
    let jaeger = system.service("jaeger", 16686)?;
    block_on(async {
        let signed_in = site.sign_in(&jon).await?;
        let id = signed_in.request_ids.last().context("no request id")?;
        let roles = ["postern-gateway", "postern-certval", "postern-directory"];
        let trace = Trace::find(jaeger, id, SPANS, |trace| {
            let services = trace.services();
            roles.iter().all(|role| services.contains(role))
                && trace.has("postern-gateway", "POST /token")
        })
        .await?;
        ensure!(
            signed_in.request_ids.iter().all(|each| each == id),
            "one sign-in, but several traces: {:?}; {}",
            signed_in.request_ids,
            trace.shown()
        );
        Ok(())
    })
}

fn a_client_outside(system: &Demonstration) -> Result<()> {
    let site = system.site()?;
    let outside = Outside::lay()?;
    let root = tempfile::NamedTempFile::new()?;
    std::fs::write(root.path(), &site.root)?;
    let url = format!(
        "{}/authorize?response_type=code&client_id={}&redirect_uri={}&scope=openid&connection={}&state=s&nonce=n\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        site.issuer, site.client_id, site.redirect_uri, site.connection
    );
    let page = outside.page(&site, root.path(), &url)?;
    ensure!(
        page.contains("type=\"password\"") && !page.contains("cert.localhost"),
        "who has an address in no range should be shown the form, and nothing else: {page}"
    );
    Ok(())
}

fn strangers(system: &Demonstration) -> Result<()> {
    let doors = doors(system)?;
    let front = |door: &Door| door.name == "gateway https";
    let strangers = Strangers::arrive(&system.cluster)?;
    let before = strangers.reached_from_elsewhere(&doors)?;
    let closed: Vec<&Door> = doors.iter().filter(|door| !before.contains(door)).collect();
    ensure!(
        closed.is_empty(),
        "without policies everything should be reached; this is not: {closed:?}"
    );

    system.cluster.enforce_policies()?;
    let reached = strangers.reached_from_elsewhere(&doors)?;
    ensure!(
        !reached.is_empty() && reached.iter().all(front),
        "a stranger should reach the gateways' front door alone, not {reached:?}"
    );
    let reached = strangers.reached_from_within(&doors)?;
    ensure!(
        reached.is_empty(),
        "a stranger within should reach nothing, not {reached:?}"
    );
    jon_signs_in(system)?;
    let trickle = deploy_tests::trickle::Trickle::begin(
        &system.site()?,
        &system.jon()?,
        1,
        Duration::from_millis(10),
    );
    trickle.await_more(20, Duration::from_secs(60))?;
    trickle.end()?.none_lost(20)?;
    system.cluster.enforce_no_policies()
}
