//! The desk: what the sign-in side of one gateway knows, remembers and asks.
//!
//! **Invariant:** nothing in it is written by a request except bounded memories; all else comes from the settings, the live
//! snapshot, or the other services.

use std::sync::Arc;
use std::time::Duration;

use domain::outcome::Unavailable;
use domain::reason::Fault;
use domain::timestamp::Timestamp;
use runtime::bus::{Bus, BusState};
use runtime::clock::Clock;
use runtime::live::{LONGEST_WAIT, Live, Revisioned};
use runtime::metrics::{Metrics, label};
use runtime::random::{Randomness, RandomnessUnavailable};
use runtime::tasks::Tasks;
use tokio_util::sync::CancellationToken;

use crate::clients::accounts::Accounts;
use crate::clients::{CertvalClient, DirectoryClient, RpcChannel};
use crate::codes::{Codes, Dial, Judgement};
use crate::hosts::{Hosts, InvalidHosts};
use crate::ids::StartId;
use crate::numbers::{Numbers, number, seconds};
use crate::pages::brand::{Brand, InvalidBrand};
use crate::session::signed_out::SignedOut;
use crate::settings::Settings;
use crate::signin::attempts::Attempts;
use crate::view::View;

/// How long a gateway that starts waits for the sign-outs of others.
const CATCHING_UP: Duration = Duration::from_secs(1);

/// What a desk is made of.
pub struct Parts {
    /// The boot settings.
    pub settings: Settings,
    /// Where other gateways reach this one's mesh port (`host:port`); sealed into the codes it issues.
    pub advertise: String,
    /// The live snapshot.
    pub live: Live<View>,
    /// Where sign-outs are announced.
    pub bus: Arc<dyn Bus>,
    /// The way to certval.
    pub certval: RpcChannel,
    /// The way to the directory.
    pub directory: RpcChannel,
    /// The way to another gateway.
    pub dial: Dial,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable bytes.
    pub randomness: Arc<dyn Randomness>,
    /// Where it counts.
    pub metrics: Metrics,
}

/// A desk that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum CannotOpen {
    /// The settings do not name two hosts.
    #[error(transparent)]
    Hosts(#[from] InvalidHosts),
    /// The settings name a logo or a colour that is not accepted.
    #[error(transparent)]
    Brand(#[from] InvalidBrand),
    /// There is no randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessUnavailable),
}

/// The sign-in side of one gateway.
pub struct Desk {
    pub(crate) settings: Settings,
    pub(crate) hosts: Hosts,
    pub(crate) certval: CertvalClient,
    pub(crate) accounts: Accounts,
    pub(crate) codes: Codes,
    pub(crate) signed_out: Arc<SignedOut>,
    pub(crate) attempts: Attempts,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) brand: Brand,
    pub(crate) numbers: Numbers,
    live: Live<View>,
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
}

impl Desk {
    /// Opens the desk; [`Self::start`] starts what it does in the background.
    ///
    /// # Errors
    /// When the settings do not fit, or there is no randomness.
    pub fn open(parts: Parts) -> Result<Arc<Self>, CannotOpen> {
        let settings = parts.settings;
        let hosts = Hosts::new(&settings)?;
        let start = StartId::draw(&*parts.randomness)?;
        let desk = Self {
            certval: CertvalClient::new(
                parts.certval,
                Duration::from_millis(settings.certval_deadline_ms),
            ),
            accounts: Accounts::new(DirectoryClient::new(
                parts.directory,
                Duration::from_millis(settings.directory_deadline_ms),
            )),
            codes: Codes::new(parts.advertise, start, hosts.login().to_owned(), parts.dial),
            signed_out: Arc::new(SignedOut::new()),
            attempts: Attempts::new(&settings),
            randomness: parts.randomness,
            brand: Brand::read(&settings)?,
            live: parts.live,
            bus: parts.bus,
            clock: parts.clock,
            hosts,
            settings,
            numbers: Numbers::new(&parts.metrics),
        };
        desk.told_to(&parts.metrics);
        Ok(Arc::new(desk))
    }

    /// Tells how things stand, whenever the numbers are read.
    fn told_to(&self, metrics: &Metrics) {
        let open = self.codes.open();
        metrics.gauge(
            "postern_open_codes",
            "Authorization codes that were issued here and not redeemed yet.",
            move |tell| tell(number(open()), &[]),
        );
        let live = self.live.clone();
        metrics.gauge(
            "postern_certificate_expiry_timestamp_seconds",
            "When a certificate ends, in seconds since 1970.",
            move |tell| {
                let Some(now) = live.current() else { return };
                for (host, end) in now.view.tls.ends() {
                    let labels = [label("kind", "server"), label("name", host.to_owned())];
                    tell(seconds(end), &labels);
                }
            },
        );
    }

    /// Starts exchanging sign-outs with other gateways. That goes on through a drain, until nothing holds the desk any
    /// more: requests in flight and forwarded codes may end sessions to the last.
    pub fn start(&self, tasks: &Tasks) {
        let follow = Arc::clone(&self.signed_out).follow(
            Arc::clone(&self.bus),
            Arc::clone(&self.clock),
            tasks.stopping(),
        );
        tasks.spawn("signed-out sessions", follow);
        let awaited = await_faults(self.live.clone(), self.numbers.clone(), tasks.stopping());
        tasks.spawn("connections to count", awaited);
    }

    /// Waits until what other gateways signed out is known here: before that a gateway that has just started would take
    /// sessions that have ended. Does not wait for a bus that is away, nor longer than [`CATCHING_UP`] for one that is slow.
    pub async fn caught_up(&self) {
        if *self.bus.state().borrow() == BusState::Away {
            return;
        }
        if tokio::time::timeout(CATCHING_UP, self.signed_out.caught_up())
            .await
            .is_err()
        {
            tracing::warn!("sign-outs of other gateways are not known yet");
        }
    }

    /// The names this gateway answers to.
    #[must_use]
    pub const fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Now.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.clock.unix_seconds())
    }

    /// The snapshot in force, for one request.
    pub(crate) fn live(&self) -> Result<Arc<Revisioned<View>>, Unavailable> {
        self.live
            .current()
            .ok_or_else(|| Unavailable::new(Fault::ConfigurationStale, "no configuration yet"))
    }

    /// The same, for a request that goes on with what was judged by `revision`: older trust than that is not used.
    pub(crate) async fn at_least(
        &self,
        revision: u64,
    ) -> Result<Arc<Revisioned<View>>, Unavailable> {
        self.live
            .at_least(revision, LONGEST_WAIT)
            .await
            .map_err(|behind| Unavailable::new(Fault::ConfigurationStale, behind.to_string()))
    }

    /// Refuses to go on with certificates by a configuration that may have been replaced long ago.
    pub(crate) fn fresh(&self) -> Result<(), Unavailable> {
        let limit = Duration::from_secs(self.settings.staleness_limit_s);
        match self.live.age(self.clock.now()) {
            Some(age) if age <= limit => Ok(()),
            age => Err(Unavailable::new(
                Fault::ConfigurationStale,
                format!("the configuration was last confirmed {age:?} ago"),
            )),
        }
    }

    /// What a code is judged by.
    pub(crate) fn judgement<'a>(&'a self, live: &'a Revisioned<View>) -> Judgement<'a> {
        Judgement {
            keys: &live.view.seal_keys,
            configuration: &live.view.configuration,
            signed_out: &self.signed_out,
            now: self.now(),
        }
    }
}

/// Lets the numbers of each connection be there as soon as the connection is.
async fn await_faults(live: Live<View>, numbers: Numbers, stopping: CancellationToken) {
    let mut revisions = live.subscribe();
    loop {
        revisions.mark_unchanged();
        if let Some(now) = live.current() {
            for connection in now.view.configuration.connections.keys() {
                numbers.await_faults(Some(connection));
            }
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            changed = revisions.changed() => if changed.is_err() {
                // The configuration stays as it is.
                stopping.cancelled().await;
                return;
            },
        }
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Desk")
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}
