//! A test program: one running system, promises one after the other, and a visible line where it cannot run.

use std::process::ExitCode;

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};

/// One promise: its name as a sentence, and what holds it.
pub type Promise<S> = (&'static str, fn(&S) -> Result<()>);

/// Says visibly that nothing was tested here, and why; a success.
#[must_use]
pub fn skipped(why: &str) -> ExitCode {
    println!("skipped: {why}");
    ExitCode::SUCCESS
}

/// Tries promises on one system, in their order, for some of them take parts of it away and bring them back.
#[must_use]
pub fn in_order<S: Sync>(system: &'static S, promises: Vec<Promise<S>>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trials = promises.into_iter().map(|(name, promise)| {
        Trial::test(name, move || {
            promise(system).map_err(|error| Failed::from(format!("{error:#}")))
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Runs the asynchronous body of a promise.
///
/// # Errors
/// What the body fails with, or if the machine has no thread for it.
pub fn block_on<T>(body: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(body)
}
