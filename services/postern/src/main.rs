//! Postern: certificate sign-in for Active Directory, in front of any OpenID Connect application.
//!
//! One binary: the roles, the demonstration, and the command line.

mod cli;
mod compose;
mod demo;
mod https;
mod pki;
mod roles;
mod settings;
mod terminal;

use std::process::ExitCode;
use std::time::SystemTime;

use clap::Parser;

use cli::admin::{self, Failure};
use cli::{AdminArguments, Cli, Command};
use terminal::complain;

fn main() -> ExitCode {
    let arguments = Cli::parse();
    // Several libraries bring a default of their own; there must be one answer to which is used.
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        complain!("postern: another cryptography provider is installed already");
        return ExitCode::from(2);
    }
    match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(run(arguments.command)),
        Err(error) => {
            complain!("postern: the asynchronous runtime cannot start: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(command: Command) -> ExitCode {
    match command {
        Command::Demo(arguments) => ended(demo::run(&arguments).await),
        Command::Gateway(arguments) => ended(roles::gateway(&arguments).await),
        Command::Certval(arguments) => ended(roles::certval(&arguments).await),
        Command::Directory(arguments) => ended(roles::directory(&arguments).await),
        Command::Control(arguments) => ended(roles::control(&arguments).await),
        Command::Sample(arguments) => ended(demo::standalone::run(&arguments).await),
        Command::Health(arguments) => arguments.run().await,
        Command::Settings(arguments) => said(arguments.run()),
        Command::Pki(command) => said(command.run(SystemTime::now())),
        Command::Ca(command) => asked(command.run().await, command.admin()),
        Command::Range(command) => asked(command.run().await, command.admin()),
        Command::Connection(command) => asked(command.run().await, command.admin()),
        Command::Instances(arguments) => asked(arguments.run().await, &arguments.admin),
    }
}

/// The end of a process that runs until it is stopped.
fn ended(end: anyhow::Result<ExitCode>) -> ExitCode {
    end.unwrap_or_else(|error| {
        complain!("postern: {error:#}");
        ExitCode::from(2)
    })
}

/// The end of a command that works on this machine.
fn said(result: anyhow::Result<()>) -> ExitCode {
    ended(result.map(|()| ExitCode::SUCCESS))
}

/// The end of a command that asked the admin API.
fn asked(result: Result<(), Failure>, arguments: &AdminArguments) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => admin::report(&failure, arguments.json),
    }
}
