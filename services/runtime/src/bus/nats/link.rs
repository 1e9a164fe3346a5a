//! The connection: when it is there, which one it is, and what may be asked.
//!
//! One supervising task looks at the client's events. A connection counts as
//! there only after a round trip, a look at the server's version and, where
//! this process creates them, a look at the streams; all three are repeated
//! while it stands, so that a dead link or a lost stream is noticed.
//!
//! **Invariant:** the supervisor alone writes the line's state, and every
//! return of the connection has a new number.

use std::future::Future;
use std::time::Duration;

use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, Event};
use secrecy::ExposeSecret;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::settings::{InvalidNatsSettings, NatsSettings};
use super::{OLDEST_SERVER, streams};
use crate::bus::{BusState, BusUnavailable, Cause, SMALL_OPERATION};
use crate::random::{Randomness, SystemRandomness};

/// How often a standing connection is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What every operation needs. Clones share one connection.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) jetstream: Context,
    pub(super) user: String,
    pub(super) state: watch::Receiver<BusState>,
    pub(super) line: watch::Receiver<Line>,
}

/// Whether the connection is there, and which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) connected: bool,
    /// Grows with every return of the connection.
    pub(super) number: u64,
}

impl Link {
    /// Runs an operation while the connection stands, for at most `limit`.
    pub(super) async fn within<T>(
        &self,
        operation: &'static str,
        limit: Duration,
        doing: impl Future<Output = T>,
    ) -> Result<T, BusUnavailable> {
        let mut line = self.line.clone();
        let began = *line.borrow_and_update();
        if !began.connected {
            return Err(BusUnavailable::new(operation, Cause::Away));
        }
        tokio::select! {
            done = doing => Ok(done),
            _ = line.wait_for(|now| *now != began) => {
                Err(BusUnavailable::new(operation, Cause::Away))
            }
            () = tokio::time::sleep(limit) => Err(BusUnavailable::new(operation, Cause::Deadline)),
        }
    }
}

/// The supervising task; dropping this ends it.
pub(super) struct Supervisor(AbortHandle);

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Opens the connection and starts its supervisor.
pub(super) async fn connect(
    settings: NatsSettings,
) -> Result<(Link, Supervisor), InvalidNatsSettings> {
    let servers = settings.servers()?;
    let user = settings.checked_user()?.to_owned();
    let events = watch::Sender::new(Seen::default());
    let (seen, told) = (events.subscribe(), events);
    let mut options = ConnectOptions::new()
        .name(&settings.name)
        .user_and_password(user.clone(), settings.password.expose_secret().to_owned())
        .custom_inbox_prefix(format!("_INBOX_{user}"))
        .require_tls(true)
        .tls_client_config(settings.tls()?)
        .retry_on_initial_connect()
        .max_reconnects(None)
        .ignore_discovered_servers()
        .connection_timeout(Duration::from_secs(5))
        .ping_interval(Duration::from_secs(10))
        .request_timeout(Some(SMALL_OPERATION))
        .reconnect_delay_callback(reconnect_delay)
        .event_callback(move |event| {
            note(&told, &event);
            async {}
        });
    if settings.handshake_first {
        options = options.tls_first();
    }
    let client = options
        .connect(servers)
        .await
        .map_err(InvalidNatsSettings::Client)?;
    let jetstream = jetstream::new(client.clone());
    let state = watch::Sender::new(BusState::Away);
    let line = watch::Sender::new(Line {
        connected: false,
        number: 0,
    });
    let link = Link {
        client,
        jetstream,
        user,
        state: state.subscribe(),
        line: line.subscribe(),
    };
    let supervision = Supervision {
        link: link.clone(),
        settings,
        seen,
        state,
        line,
    };
    let task = tokio::spawn(supervision.run());
    Ok((link, Supervisor(task.abort_handle())))
}

/// What the client's events said.
#[derive(Debug, Clone, Default)]
struct Seen {
    up: bool,
    connections: u64,
    /// What it complained of last.
    complaint: String,
}

fn note(seen: &watch::Sender<Seen>, event: &Event) {
    match event {
        Event::Connected => seen.send_modify(|seen| {
            seen.up = true;
            seen.connections += 1;
            seen.complaint.clear();
        }),
        Event::Disconnected | Event::Closed => seen.send_modify(|seen| seen.up = false),
        Event::SlowConsumer(_) | Event::ServerError(_) | Event::ClientError(_) => {
            // Permission violations arrive here and nowhere else. While the
            // server is away, the same failure comes with every try.
            let complaint = event.to_string();
            let mut news = true;
            seen.send_if_modified(|seen| {
                news = seen.up || seen.complaint != complaint;
                seen.complaint.clone_from(&complaint);
                false
            });
            if news {
                tracing::warn!(event = complaint, "the bus reports");
            }
        }
        Event::LameDuckMode | Event::Draining => tracing::info!(%event, "the bus reports"),
    }
}

/// 50 ms, doubling up to 1 s, of which a random half is waited, so that many
/// instances do not come back in one moment.
fn reconnect_delay(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.min(6)).unwrap_or(6);
    let longest = (Duration::from_millis(50) * 2_u32.pow(doublings)).min(LONGEST_WAIT);
    let mut part = [0_u8; 1];
    if SystemRandomness::new().fill(&mut part).is_err() {
        return longest;
    }
    longest / 2 + longest / 2 * u32::from(part[0]) / 255
}

/// The servers of a setting. It should hold no password, and could.
fn without_passwords(url: &str) -> String {
    let servers = url.split(',').map(|server| match server.rsplit_once('@') {
        Some((_, host)) => host,
        None => server,
    });
    servers.collect::<Vec<_>>().join(",")
}

/// How often it is said that the bus is away.
const COMPLAINT: Duration = Duration::from_secs(30);

struct Supervision {
    link: Link,
    settings: NatsSettings,
    seen: watch::Receiver<Seen>,
    state: watch::Sender<BusState>,
    line: watch::Sender<Line>,
}

impl Supervision {
    async fn run(mut self) {
        let mut wait = Duration::from_millis(50);
        let mut complained = String::new();
        loop {
            let seen = self.seen.borrow_and_update().clone();
            if !seen.up {
                self.set(false);
                match tokio::time::timeout(COMPLAINT, self.seen.changed()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return,
                    Err(_) => self.complain("the bus (NATS) is still away"),
                }
                continue;
            }
            let mut seen = self.seen.clone();
            let looked = tokio::select! {
                looked = self.look() => looked,
                changed = seen.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
            };
            let next = match looked {
                Ok(()) => {
                    wait = Duration::from_millis(50);
                    complained.clear();
                    self.set(true);
                    LOOK
                }
                Err(why) => {
                    if complained != why {
                        tracing::warn!(%why, "the bus is there but not usable");
                        complained = why;
                    }
                    self.set(false);
                    wait = (wait * 2).min(LONGEST_WAIT);
                    wait
                }
            };
            tokio::select! {
                () = tokio::time::sleep(next) => {}
                changed = self.seen.changed() => if changed.is_err() { return },
            }
        }
    }

    fn complain(&self, what: &str) {
        tracing::warn!(
            address = without_passwords(&self.settings.url),
            what_to_do = "see whether NATS runs and can be reached, and whether `bus` in the settings has its address, its authority and this role's password; sign-ins go on with the configuration that is there, changes and sign-outs elsewhere wait",
            "{what}"
        );
    }

    /// Whether the connection can be used; otherwise why not.
    async fn look(&self) -> Result<(), String> {
        match tokio::time::timeout(SMALL_OPERATION, self.link.client.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err("no answer in time".to_owned()),
        }
        let version = self.link.client.server_info().version;
        if !self.settings.allow_old_server && parsed(&version).is_none_or(|at| at < OLDEST_SERVER) {
            let (major, minor, patch) = OLDEST_SERVER;
            return Err(format!(
                "the server's version \"{version}\" is older than {major}.{minor}.{patch}"
            ));
        }
        if self.settings.create_buckets {
            streams::create(&self.link.jetstream, self.settings.replicas).await?;
        }
        Ok(())
    }

    fn set(&self, connected: bool) {
        let changed = self.line.send_if_modified(|line| {
            let changed = line.connected != connected;
            line.connected = connected;
            line.number += u64::from(changed && connected);
            changed
        });
        if changed {
            match connected {
                true => tracing::info!("the bus (NATS) can be used"),
                false => self.complain("the bus (NATS) is away"),
            }
            self.state.send_replace(if connected {
                BusState::Connected
            } else {
                BusState::Away
            });
        }
    }
}

/// The numbers of a version such as `2.12.6` or `2.14.0-RC.1`.
pub(super) fn parsed(version: &str) -> Option<(u64, u64, u64)> {
    let numbers = version.split(['-', '+']).next()?;
    let mut numbers = numbers.split('.').map(str::parse);
    let (major, minor, patch) = (numbers.next()?, numbers.next()?, numbers.next()?);
    Some((major.ok()?, minor.ok()?, patch.ok()?))
}
