//! Blocks that are run: on a demonstration, or on a system of processes.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use end_to_end::program::block_on;
use testkit::client::Request;
use testkit::processes::Program;
use testkit::system::{Plan, System};

use super::output::steady;
use super::page::{Block, Held, Page};
use super::provoked;

/// The ports that the handbook shows.
const PORTS: (&str, &str) = ("8443", "8444");

/// The program, beside this one.
pub(crate) fn postern() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let mut beside = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("postern"));
    beside
        .find(|path| path.is_file())
        .context("postern is not built: cargo build -p postern")
}

fn free_ports() -> Result<(String, String)> {
    let (one, two) = (
        TcpListener::bind("127.0.0.1:0")?,
        TcpListener::bind("127.0.0.1:0")?,
    );
    Ok((
        one.local_addr()?.port().to_string(),
        two.local_addr()?.port().to_string(),
    ))
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

pub(crate) fn the_readme_shows_the_demonstration() -> Result<()> {
    let page = Page::open("README.md")?;
    let shown = page.held(&Held::WithDemo);
    let [shown] = shown.as_slice() else {
        anyhow::bail!("README.md shows {} runs of the demonstration", shown.len());
    };
    let (command, expected) = shown.body.split_once('\n').context("only one line")?;
    let arguments = command
        .strip_prefix("$ cargo run --release -- ")
        .context("another command than the demonstration")?;
    let place = tempfile::tempdir()?;
    let (port, admin) = free_ports()?;
    let output = Command::new(postern()?)
        .args(arguments.split_whitespace())
        .args(["--port", &port, "--admin-port", &admin])
        .current_dir(place.path())
        .output()?;
    ensure!(output.status.success(), "{}", words(&output));
    let printed = words(&output)
        .replace(&port, PORTS.0)
        .replace(&admin, PORTS.1);
    compare(&shown.place, command, &printed, expected)
}

pub(crate) fn commands_work_with_the_demonstration() -> Result<()> {
    let place = tempfile::tempdir()?;
    let (port, admin) = free_ports()?;
    let mut demo = Program::new(postern()?)
        .named("demo")
        .args([
            "demo",
            "--data",
            &place.path().join("postern-demo").display().to_string(),
        ])
        .args(["--port", &port, "--admin-port", &admin])
        .start()?;
    demo.wait_for_file(
        &place.path().join("postern-demo/demo.json"),
        Duration::from_secs(60),
    )?;
    let mut seen = 0;
    for name in [
        "docs/applications.md",
        "docs/first-day.md",
        "docs/set-up.md",
    ] {
        for block in Page::open(name)?.held(&Held::WithDemo) {
            let script = block.body.replace(PORTS.0, &port).replace(PORTS.1, &admin);
            let output = Command::new("sh")
                .args(["-euc", &script])
                .current_dir(place.path())
                .output()?;
            ensure!(
                output.status.success(),
                "{}: {}",
                block.place,
                words(&output)
            );
            seen += 1;
        }
    }
    ensure!(seen > 0, "no command for the demonstration was found");
    demo.stop(Duration::from_secs(30))?;
    Ok(())
}

pub(crate) fn a_system_answers_as_shown() -> Result<()> {
    let place = tempfile::tempdir()?;
    let applications = Page::open("docs/applications.md")?;
    let mut plan = Plan::in_folder(&place.path().join("system"));
    for block in applications.held(&Held::InitialConfiguration) {
        plan = plan
            .registering(&block.body)
            .with_context(|| block.place.clone())?;
    }
    let system = plan.start()?;
    for (client_id, parameters) in [
        (
            "app",
            "response_mode=web_message&redirect_uri=https%3A%2F%2Fapp.example.com",
        ),
        (
            "intranet",
            "redirect_uri=https%3A%2F%2Fintranet.example.com%2Fcallback",
        ),
    ] {
        begins(&system, client_id, parameters)?;
    }
    endpoints_are_there(&system, &applications)?;
    provoked::answers_are_as_told(&system, &applications)?;
    let work = place.path().join("work");
    first_day(&system, &work)?;
    system.stop()
}

/// A registered application's sign-in begins.
fn begins(system: &System, client_id: &str, parameters: &str) -> Result<()> {
    let url = format!(
        "{}/authorize?response_type=code&client_id={client_id}&{parameters}&scope=openid+name+email&connection=FabrikamAD\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        system.issuer()
    );
    let mut browser = system.browser()?;
    block_on(async {
        let page = browser.send(Request::get(&url)?).await?;
        ensure!(
            page.status.is_success(),
            "{client_id}: {} {}",
            page.status,
            page.body
        );
        Ok(())
    })
}

/// Every path in the table of endpoints is one.
fn endpoints_are_there(system: &System, page: &Page) -> Result<()> {
    let paths: Vec<&str> = page
        .prose()
        .into_iter()
        .filter_map(|(_, line)| line.strip_prefix("| `/")?.split('`').next())
        .collect();
    ensure!(
        paths.len() >= 7,
        "only these endpoints were found: {paths:?}"
    );
    let mut browser = system.browser()?;
    block_on(async {
        for path in paths {
            let page = browser
                .send(Request::get(&format!("{}/{path}", system.issuer()))?)
                .await?;
            ensure!(page.status != 404, "/{path} is not there");
            ensure!(
                !page.header("x-request-id").is_empty(),
                "/{path} names no request"
            );
        }
        Ok(())
    })
}

/// Runs what docs/first-day.md shows, on a system that is brought to where the page begins.
fn first_day(system: &System, work: &Path) -> Result<()> {
    fs::create_dir(work)?;
    let postern = |arguments: &[&str]| -> Result<String> {
        let output = system.postern(arguments).current_dir(work).output()?;
        ensure!(
            output.status.success(),
            "postern {}: {}",
            arguments.join(" "),
            words(&output)
        );
        Ok(words(&output))
    };
    let people = system
        .folder()
        .join("pki/fabrikam-root.pem")
        .display()
        .to_string();
    postern(&[
        "range",
        "remove",
        "127.0.0.1/32",
        "::1/128",
        "--connection",
        "FabrikamAD",
    ])?;
    postern(&[
        "ca",
        "remove",
        &people,
        "--connection",
        "FabrikamAD",
        "--wait",
    ])?;
    postern(&["pki", "user", "somebody", "--dir", "issuing"])?;
    fs::copy(
        work.join("issuing/fabrikam-root.pem"),
        work.join("fabrikam-issuing.cer"),
    )?;

    let page = Page::open("docs/first-day.md")?;
    let mut seen = 0;
    for block in page.held(&Held::OnSystem) {
        for (command, expected) in commands(block)? {
            let arguments: Vec<&str> = command.split_whitespace().collect();
            let printed = postern(&arguments).with_context(|| block.place.clone())?;
            compare(&block.place, command, &printed, &expected)?;
            seen += 1;
        }
    }
    ensure!(seen >= 8, "only {seen} commands were found");
    Ok(())
}

/// The commands of a console block, each with its output.
fn commands(block: &Block) -> Result<Vec<(&str, String)>> {
    let mut commands: Vec<(&str, String)> = Vec::new();
    for line in block.body.lines() {
        match (line.strip_prefix("$ postern "), commands.last_mut()) {
            (Some(command), _) => commands.push((command, String::new())),
            (None, Some((_, output))) => {
                output.push_str(line);
                output.push('\n');
            }
            (None, None) => anyhow::bail!("{} begins without a command", block.place),
        }
    }
    Ok(commands)
}

fn compare(place: &str, command: &str, printed: &str, expected: &str) -> Result<()> {
    let (printed_lines, expected_lines) = (steady(printed), steady(expected));
    ensure!(
        printed_lines == expected_lines,
        "{place} shows something else for `{command}`. It is now:\n{printed}\nthat is\n{}\nrather than\n{}",
        printed_lines.join("\n"),
        expected_lines.join("\n")
    );
    Ok(())
}
