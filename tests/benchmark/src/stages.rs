//! What is measured, in the order in which it is: four systems, one after the other, each beside its own nginx.
//!
//! | stage | system | compared |
//! |---|---|---|
//! | active directory | the roles as processes with Samba | sign-ins |
//! | traced | the roles as processes with a directory file, every trace sent to Jaeger | sign-ins |
//! | files | the roles as processes with a directory file, and the demonstration | handshakes, sign-ins; memory, starts |
//! | rsa | the roles as processes, every key RSA-2048 | handshakes |
//!
//! **Invariant:** a stage that cannot be had is named in the report, and the others are measured all the same.

use std::collections::BTreeMap;
use std::fs;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use testkit::jaeger::Jaeger;
use testkit::pki::KeyKind;
use testkit::processes::wait_for;
use testkit::system::{DirectoryKind, Plan, Role, System};
use tokio::runtime::Runtime;

use crate::amounts::Amounts;
use crate::catalogue;
use crate::demo::Demo;
use crate::figures::{Figure, percentile};
use crate::meter::{Groups, resident_mb};
use crate::nginx::{self, Nginx};
use crate::report::{Report, Row, Table};
use crate::rounds::{self, Subject};
use crate::subjects::{self, P256, RSA};
use crate::system::{memory_per_waiting, place, start_to_ready};

/// Where Samba looks for ports first.
const SAMBA: RangeInclusive<u16> = 49_152..=49_163;
/// 127.0.0.1 as the kernel writes it.
const LOOPBACK: &str = "0100007F";
/// Longer than a closed connection keeps its port.
const LINGERING: Duration = Duration::from_secs(70);

/// A part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Stage {
    /// Sign-ins with Samba.
    ActiveDirectory,
    /// Sign-ins whose traces are sent to Jaeger.
    Traced,
    /// Handshakes, sign-ins with a directory file, memory, starts.
    Files,
    /// Handshakes with RSA keys.
    Rsa,
}

/// A run that is under way.
pub(crate) struct Run<'a> {
    pub(crate) runtime: &'a Runtime,
    /// The program that is measured.
    pub(crate) postern: PathBuf,
    /// Of everything that is started.
    pub(crate) folder: PathBuf,
    /// What it consists of, in this order.
    pub(crate) stages: Vec<Stage>,
    pub(crate) amounts: Amounts,
    pub(crate) report: Report,
    /// How many a second each subject reached.
    pub(crate) rates: BTreeMap<&'static str, f64>,
}

impl Run<'_> {
    /// Measures everything.
    ///
    /// # Errors
    /// When what is there cannot be measured.
    pub(crate) fn all(&mut self) -> Result<()> {
        if nginx::version().is_none() {
            let why = "nginx is not installed (package nginx-light; tests/install brings it), so nothing is beside it";
            self.report.missing.push(why.to_owned());
        }
        for stage in self.stages.clone() {
            match stage {
                Stage::ActiveDirectory => self.active_directory()?,
                Stage::Traced => self.traced()?,
                Stage::Files => self.files()?,
                Stage::Rsa => self.rsa()?,
            }
        }
        Ok(())
    }

    fn files(&mut self) -> Result<()> {
        let mut system = self.start("files", |plan| plan)?;
        self.at_rest(&mut system)?;
        let demo = Demo::start(&self.postern, &self.folder.join("demo"))?;
        self.idle(&demo.place.processes())?;
        let at = place(&system)?;
        let kilobytes = memory_per_waiting(self.runtime, &at, &self.amounts)?;
        self.single("waiting", kilobytes)?;

        let nginx = self.nginx(&system, "files")?;
        let nginx = nginx.as_ref();
        let mut subjects = subjects::handshakes(&at, nginx, P256)?;
        subjects.push(subjects::post_quantum(&at)?);
        subjects.extend(subjects::answers(&at, nginx)?);
        subjects.push(subjects::sign_ins("sign-in-processes-file", &at)?);
        subjects.push(subjects::sign_ins("sign-in-all-in-one-file", &demo.place)?);
        subjects.push(self.runtime.block_on(subjects::again(&at))?);
        self.compare(&subjects)?;
        self.latency(&subjects)?;
        end(system);
        Ok(())
    }

    fn rsa(&mut self) -> Result<()> {
        let system = self.start("rsa", |plan| plan.keys(KeyKind::Rsa2048))?;
        let nginx = self.nginx(&system, "rsa")?;
        let subjects = subjects::handshakes(&place(&system)?, nginx.as_ref(), RSA)?;
        self.compare(&subjects)?;
        end(system);
        Ok(())
    }

    fn active_directory(&mut self) -> Result<()> {
        if let Err(error) = samba_ports_are_free() {
            eprintln!("  {error:#}");
        }
        let with_samba = |plan: Plan| plan.directory(DirectoryKind::Samba);
        let system = match self.start("active-directory", with_samba) {
            Ok(system) => system,
            Err(error) => {
                let why =
                    format!("sign-ins with Active Directory: Samba did not start ({error:#})");
                self.report.missing.push(why);
                return Ok(());
            }
        };
        self.sign_ins_beside_nginx("sign-in-processes-active-directory", system)
    }

    fn traced(&mut self) -> Result<()> {
        let Some(jaeger) = Jaeger::start(&self.folder.join("jaeger"))? else {
            let why = "sign-ins with traces: Jaeger is not installed (tests/install brings it)";
            self.report.missing.push(why.to_owned());
            return Ok(());
        };
        let system = self.start("traced", |plan| plan.traces_to(&jaeger.endpoint()))?;
        self.sign_ins_beside_nginx("sign-in-processes-file-traced", system)
    }

    /// Sign-ins at a system of their own; nginx once more, for they are compared within their rounds.
    fn sign_ins_beside_nginx(&mut self, key: &'static str, system: System) -> Result<()> {
        let at = place(&system)?;
        let nginx = self.nginx(&system, key)?;
        let mut subjects = subjects::nginx_alone(&at, nginx.as_ref())?;
        subjects.push(subjects::sign_ins(key, &at)?);
        self.compare(&subjects)?;
        self.latency(&subjects)?;
        end(system);
        Ok(())
    }

    /// Goes round, and writes down what each costs.
    fn compare(&mut self, subjects: &[Subject]) -> Result<()> {
        let measured = self.runtime.block_on(rounds::go(subjects, &self.amounts))?;
        for (key, measured) in measured {
            self.rates.insert(key, measured.rate);
            let mut row = catalogue::row(key, measured.cost)?;
            row.times_nginx = measured.ratio;
            row.parts = measured.parts;
            row.failed = measured.failed;
            self.write_down(row);
        }
        Ok(())
    }

    /// How long sign-ins take at half the rate that was reached.
    fn latency(&mut self, subjects: &[Subject]) -> Result<()> {
        for subject in subjects.iter().filter(|subject| subject.is_sign_in()) {
            eprintln!("  latency: {}", subject.key);
            let rate = self.rates.get(subject.key).context("no rate")? / 2.0;
            let paced = subject.load.at_a_rate(rate, self.amounts.latency);
            let mut done = self.runtime.block_on(paced)?;
            for percent in [50, 99] {
                let time = percentile(&mut done.times, percent)?;
                let what = catalogue::what(subject.key)?;
                let mut row = Row::new(
                    Table::Latency,
                    &format!("{}-p{percent}", subject.key),
                    &format!("p{percent} of a {what}, at {rate:.0} a second"),
                    "ms",
                    Figure::of(vec![time])?,
                );
                row.failed = done.failed;
                self.write_down(row);
            }
        }
        Ok(())
    }

    /// What a system that nobody has used yet needs, and how fast it starts again.
    fn at_rest(&mut self, system: &mut System) -> Result<()> {
        self.idle(&place(system)?.processes())?;
        for role in Role::ALL {
            eprintln!("  restarting {}", role.name());
            let figure = start_to_ready(system, role, self.amounts.restarts)?;
            self.write_down(catalogue::row(&format!("ready-{}", role.name()), figure)?);
        }
        Ok(())
    }

    fn idle(&mut self, processes: &Groups) -> Result<()> {
        for (name, ids) in processes {
            let all: Result<Vec<f64>> = ids.iter().map(|id| resident_mb(*id)).collect();
            self.single(&format!("idle-{name}"), all?.iter().sum())?;
        }
        Ok(())
    }

    fn single(&mut self, key: &str, value: f64) -> Result<()> {
        self.write_down(catalogue::row(key, Figure::of(vec![value])?)?);
        Ok(())
    }

    /// What a later stage measures again takes the place of what was there.
    fn write_down(&mut self, row: Row) {
        self.report.rows.retain(|each| each.key != row.key);
        self.report.rows.push(row);
    }

    fn start(&self, name: &str, with: impl FnOnce(Plan) -> Plan) -> Result<System> {
        eprintln!("starting the system {name}");
        // Patient, for a machine that is busy must make figures worse, not sign-ins fail.
        let plan = Plan::in_folder(&self.folder.join(name))
            .postern(&self.postern)
            .patient(true);
        with(plan).start()
    }

    fn nginx(&self, system: &System, name: &str) -> Result<Option<Nginx>> {
        if nginx::version().is_none() {
            return Ok(None);
        }
        let folder = self.folder.join(format!("{name}-nginx"));
        Nginx::beside(system, &folder).map(Some)
    }
}

/// Ends a system. Its figures are there already, so one that ends badly is only told.
fn end(system: System) {
    if let Err(error) = system.stop() {
        eprintln!("  {error:#}");
    }
}

/// Waits until no connection of an earlier run lingers on a port that Samba takes: the first ones of those that outgoing
/// connections take, too.
fn samba_ports_are_free() -> Result<()> {
    wait_for(LINGERING, "Samba's ports to be free", || {
        let connections = fs::read_to_string("/proc/net/tcp")?;
        let ports = connections.lines().filter_map(|line| {
            let (address, port) = line.split_ascii_whitespace().nth(1)?.split_once(':')?;
            let port = u16::from_str_radix(port, 16).ok()?;
            (address == LOOPBACK).then_some(port)
        });
        let mut taken = ports.filter(|port| SAMBA.contains(port));
        Ok(taken.next().is_none().then_some(()))
    })
}
