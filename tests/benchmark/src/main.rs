//! What Postern costs, beside nginx on the same machine in the same run.
//!
//! `cargo run --release -p benchmark` builds `postern` as well, starts whole systems of processes and an nginx beside them,
//! and measures processor time per handshake and per sign-in, latency, memory, and how fast a role starts. How each figure
//! is made is told in `docs/performance.md`.
//!
//! **Invariant:** figures are the servers' alone; those who put them under load are in this process, which nobody measures.

mod amounts;
mod catalogue;
mod demo;
mod documentation;
mod figures;
mod load;
mod machine;
mod meter;
mod nginx;
mod place;
mod report;
mod rounds;
mod stages;
mod subjects;
mod system;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, ValueEnum as _};

use amounts::Amounts;
use machine::{Machine, checkout};
use report::Report;
use stages::{Run, Stage};

/// What Postern costs, beside nginx on the same machine in the same run.
#[derive(Debug, Parser)]
struct Arguments {
    /// A quick run that shows that everything can be measured; its figures mean nothing
    #[arg(long)]
    short: bool,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Write the tables into docs/performance.md as well
    #[arg(long)]
    write_docs: bool,
    /// Only this part; may be repeated
    #[arg(long, value_enum, value_name = "STAGE")]
    only: Vec<Stage>,
    /// Measure this program instead of building one
    #[arg(long, value_name = "FILE")]
    postern: Option<PathBuf>,
    /// How many rounds
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Handshakes in each turn of a round
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    handshakes: Option<u32>,
    /// Sign-ins in each turn of a round
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    sign_ins: Option<u32>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("benchmark: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let short = arguments.short;
    ensure!(
        !(short && arguments.write_docs),
        "the figures of a quick run are not for the documentation: leave out --short"
    );
    let stages = match arguments.only.as_slice() {
        [] => Stage::value_variants().to_vec(),
        only => only.to_vec(),
    };
    ensure!(
        !(arguments.write_docs && stages.len() < Stage::value_variants().len()),
        "the documentation shows all parts: leave out --only"
    );
    let mut amounts = if short {
        Amounts::short()
    } else {
        Amounts::full()
    };
    amounts.rounds = arguments.rounds.unwrap_or(amounts.rounds);
    amounts.handshakes = arguments.handshakes.unwrap_or(amounts.handshakes);
    amounts.sign_ins = arguments.sign_ins.unwrap_or(amounts.sign_ins);
    let postern = match &arguments.postern {
        Some(program) => program.clone(),
        None => build()?,
    };
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let runtime = tokio::runtime::Runtime::new()?;
    let mut run = Run {
        runtime: &runtime,
        postern,
        stages,
        folder: folder.path().to_owned(),
        report: Report {
            machine: Machine::now()?,
            amounts: amounts.clone(),
            rows: Vec::new(),
            missing: Vec::new(),
        },
        amounts,
        rates: BTreeMap::new(),
    };
    run.all()?;
    let report = run.report.in_order();
    match arguments.json {
        true => println!("{}", report.json()?),
        false => print!("{}", report.markdown()),
    }
    if arguments.write_docs {
        documentation::write(&report)?;
    }
    Ok(())
}

/// Builds `postern` as this program was built, so that what is measured is the code that lies there.
fn build() -> Result<PathBuf> {
    let own = std::env::current_exe().context("failed to find the running program")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .current_dir(checkout())
        .args(["build", "-p", "postern"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let status = build
        .status()
        .context("failed to run cargo; name a program with --postern")?;
    ensure!(status.success(), "postern could not be built");
    let program = own.with_file_name("postern");
    ensure!(program.is_file(), "there is no {}", program.display());
    Ok(program)
}
