//! A test program: one system, many promises, and an orderly end of all processes.
//!
//! The usual test harness leaves its program by `exit`, which would leave the system's processes behind.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use libtest_mimic::{Arguments, Failed, Trial};
use testkit::system::{Plan, System};

/// One promise: its name as a sentence, and what holds it.
pub type Promise<S> = (&'static str, fn(&S) -> Result<()>);

/// Starts a system, tries the promises side by side, and stops the system.
pub fn on_one_system(plan: impl FnOnce(Plan) -> Plan, promises: Vec<Promise<System>>) -> ExitCode {
    run(promises, || {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let system = plan(Plan::in_folder(folder.path())).start()?;
        Ok((system, folder))
    })
}

/// Tries promises that each start what they need, one after the other.
pub fn each_for_itself(promises: Vec<Promise<()>>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trials = promises.into_iter().map(|(name, promise)| {
        Trial::test(name, move || promise(&()).map_err(|error| failed(&error)))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn run(
    promises: Vec<Promise<System>>,
    start: impl FnOnce() -> Result<(System, tempfile::TempDir)>,
) -> ExitCode {
    let arguments = Arguments::from_args();
    // Listing needs no system.
    let stage = if arguments.list { None } else { Some(start()) };
    let (system, folder) = match stage.transpose() {
        Ok(Some((system, folder))) => (Some(Arc::new(system)), Some(folder)),
        Ok(None) => (None, None),
        Err(error) => {
            eprintln!("the system did not start: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let trials = promises.into_iter().map(|(name, promise)| {
        let system = system.clone();
        Trial::test(name, move || match &system {
            Some(system) => promise(system).map_err(|error| failed(&error)),
            None => Ok(()),
        })
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    // The trials are done with it, so this is the last holder.
    if let Some(Err(error)) = system.and_then(Arc::into_inner).map(System::stop) {
        eprintln!("the system did not end well: {error:#}");
        return ExitCode::FAILURE;
    }
    drop(folder);
    conclusion.exit_code()
}

fn failed(error: &anyhow::Error) -> Failed {
    Failed::from(format!("{error:#}"))
}

/// Runs the asynchronous body of a promise.
///
/// # Errors
/// What the body fails with.
pub fn block_on(body: impl Future<Output = Result<()>>) -> Result<()> {
    block_on_value(body)
}

/// The same for a part of a promise that hands something on.
///
/// # Errors
/// What the body fails with.
pub fn block_on_value<T>(body: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(body)
}
