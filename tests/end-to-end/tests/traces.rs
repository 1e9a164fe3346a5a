//! Every sign-in and every change is one trace in a real Jaeger, and every process tells its numbers; neither tells a
//! secret, nor a trace whom it is about.

use std::process::ExitCode;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use end_to_end::program::{Promise, on_one_system};
use testkit::jaeger::Jaeger;
use testkit::system::{DirectoryKind, System};

mod told {
    pub(crate) mod changes;
    pub(crate) mod handshakes;
    pub(crate) mod numbers;
    pub(crate) mod secrets;
    pub(crate) mod sign_ins;
}

/// Where the system's traces are. Set before it starts.
static JAEGER: OnceLock<Jaeger> = OnceLock::new();

fn main() -> ExitCode {
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => return failed(&error.into()),
    };
    let jaeger = match Jaeger::start(folder.path()) {
        Ok(Some(jaeger)) => jaeger,
        Ok(None) => {
            println!("skipped: no jaeger on the search path; tests/install builds it");
            return ExitCode::SUCCESS;
        }
        Err(error) => return failed(&error),
    };
    let endpoint = JAEGER.get_or_init(|| jaeger).endpoint();
    let promises: Vec<Promise<System>> = [
        told::sign_ins::PROMISES,
        told::changes::PROMISES,
        told::numbers::PROMISES,
        told::handshakes::PROMISES,
        told::secrets::PROMISES,
    ]
    .concat();
    on_one_system(
        |plan| {
            plan.gateways(2)
                .directory(DirectoryKind::Samba)
                .logging("trace")
                .choosing(3)
                .traces_to(&endpoint)
        },
        promises,
    )
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("Jaeger did not start: {error:#}");
    ExitCode::FAILURE
}

/// The Jaeger that the system sends its traces to.
pub(crate) fn jaeger() -> Result<&'static Jaeger> {
    JAEGER.get().context("no Jaeger")
}

/// The log of every process that has one, by name.
pub(crate) fn logs(system: &System) -> Result<Vec<(String, String)>> {
    let mut logs = Vec::new();
    for entry in std::fs::read_dir(system.folder().join("logs"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = String::from_utf8_lossy(&std::fs::read(entry.path())?).into_owned();
        logs.push((name, text));
    }
    ensure!(logs.len() > 3, "there are no logs");
    Ok(logs)
}
