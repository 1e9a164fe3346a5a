//! Commands of this machine, each with a deadline.
//!
//! **Invariant:** no command is waited for without end, and a failure quotes what the command said.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use testkit::processes::wait_for;

/// How much of what a command said a message quotes, in bytes.
const QUOTED: usize = 4000;

/// Runs a command to its end, and returns its standard output.
///
/// # Errors
/// If it cannot be started, ends with a failure, or takes longer than `within` (then it is killed, with its children).
pub fn output(command: &mut Command, within: Duration) -> Result<String> {
    let shown = shown(command);
    // Files, not pipes: a command that says much cannot be blocked by a reader that waits for its end.
    let (mut said, complained) = (scratch()?, scratch()?);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(said.try_clone().context("failed to share a file")?)
        .stderr(complained.try_clone().context("failed to share a file")?)
        .process_group(0)
        .spawn()
        .with_context(|| format!("failed to run {shown}"))?;
    let end = wait_for(within, &format!("the end of {shown}"), || {
        child
            .try_wait()
            .context("failed to ask for a child's state")
    });
    let status = match end {
        Ok(status) => status,
        Err(error) => {
            let group = format!("-{}", child.id());
            let _ = Command::new("sh")
                .args(["-c", &format!("kill -s KILL -- {group}")])
                .status();
            let _ = child.wait();
            return Err(error.context(tail(complained)?));
        }
    };
    if !status.success() {
        bail!("{shown}: {status}\n{}{}", tail(said)?, tail(complained)?);
    }
    text(&mut said)
}

/// The command as one would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

fn scratch() -> Result<File> {
    tempfile::tempfile().context("failed to make a temporary file")
}

fn text(file: &mut File) -> Result<String> {
    use std::io::Seek as _;
    file.rewind()?;
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    Ok(String::from_utf8_lossy(&content).into_owned())
}

fn tail(mut file: File) -> Result<String> {
    let text = text(&mut file)?;
    let mut from = text.len().saturating_sub(QUOTED);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    Ok(text.get(from..).unwrap_or_default().to_owned())
}
