//! `testkit up`: the whole system as processes, until it is told to end.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use testkit::system::{DirectoryKind, Plan};
use tokio::signal::unix::{SignalKind, signal};

/// Real parts for tests of Postern.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts NATS, a directory and every role of Postern, writes DIR/rig.json, and stays until it gets
    /// SIGINT or SIGTERM.
    Up {
        /// The folder of all state; emptied if it is an earlier rig's.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// How many gateways: number i listens on 127.0.0.i.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=98))]
        gateways: u8,
        /// Where people are looked up.
        #[arg(long, value_enum, default_value_t = DirectoryKind::File)]
        directory: DirectoryKind,
        /// One server certificate for the login host and the certificate host.
        #[arg(long)]
        shared_certificate: bool,
        /// Let gateways wait 10 s for certval and the directory, where browsers need all of the machine.
        #[arg(long)]
        patient: bool,
        /// Where the roles send traces: http://127.0.0.1:4317.
        #[arg(long, value_name = "URL", default_value = "")]
        traces: String,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("testkit: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let Command::Up {
        data,
        gateways,
        directory,
        shared_certificate,
        patient,
        traces,
    } = Arguments::parse().command;
    // Asked for first, so that a signal during the start ends it too.
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let plan = Plan::in_folder(&data)
        .gateways(gateways)
        .directory(directory)
        .shared_certificate(shared_certificate)
        .patient(patient)
        .traces_to(&traces);
    let start = tokio::task::spawn_blocking(move || plan.start());
    let system = tokio::select! {
        system = start => system??,
        // The processes end with this one: see `testkit::processes`.
        _ = interrupt.recv() => std::process::exit(130),
        _ = terminate.recv() => std::process::exit(143),
    };
    let folder = system.folder().to_owned();
    system.describe()?.write(&folder)?;
    println!(
        "up: {} ({})",
        system.issuer(),
        folder.join("rig.json").display()
    );
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    // Gone before anything ends, so that nobody is told of what does not answer any more.
    std::fs::remove_file(folder.join("rig.json"))?;
    tokio::task::spawn_blocking(move || system.stop()).await?
}
