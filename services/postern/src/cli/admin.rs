//! Asks the admin API, and says what came of it.

use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use runtime::private_files;
use serde_json::Value;
use url::Url;

use super::AdminArguments;
use crate::https::{Client, Route, Sent};
use crate::terminal::{complain, say};

/// How a command ended, apart from "done".
#[derive(Debug)]
pub(crate) enum Failure {
    /// The API understood and refused: its problem document (RFC 9457).
    Refused(Value),
    /// The API is there and cannot do it now: its problem document.
    Unavailable(Value),
    /// The change is made, but not every live instance has applied it in time.
    NotEverywhere,
    /// It could not be asked, or the command was wrongly called.
    NotAsked(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::NotAsked(error.into())
    }
}

/// The admin API, ready to be asked.
pub(crate) struct Admin {
    client: Client,
    url: Url,
    token: String,
    /// Whether answers are printed for programs.
    pub json: bool,
}

const FILE_LIMIT: usize = 64 << 10;

impl Admin {
    /// Reads the token and the trusted certificate.
    ///
    /// # Errors
    /// When a file is missing or unreadable: which, and which variable names it.
    pub(crate) fn open(arguments: &AdminArguments) -> Result<Self, Failure> {
        let missing = |what: &str, variable: &str, flag: &str| {
            anyhow::anyhow!("no {what} given: set {variable}, or pass {flag} FILE")
        };
        let token_file = arguments.admin_token_file.as_ref().ok_or_else(|| {
            missing(
                "token file",
                "POSTERN_ADMIN_TOKEN_FILE",
                "--admin-token-file",
            )
        })?;
        let ca = arguments
            .admin_ca
            .as_ref()
            .ok_or_else(|| missing("trusted certificate", "POSTERN_ADMIN_CA", "--admin-ca"))?;
        let token = private_files::read(token_file, FILE_LIMIT)?;
        let token = std::str::from_utf8(&token)?.trim().to_owned();
        if token.is_empty() {
            return Err(anyhow::anyhow!(
                "{} is empty: it should hold the admin token",
                token_file.display()
            )
            .into());
        }
        if arguments.admin_url.scheme() != "https" {
            return Err(anyhow::anyhow!("{} is not an https address", arguments.admin_url).into());
        }
        let roots = private_files::read_public(ca, FILE_LIMIT)?;
        Ok(Self {
            client: Client::new(&roots, None, Route::ByName)?.within(DEADLINE),
            url: arguments.admin_url.clone(),
            token,
            json: arguments.json,
        })
    }

    /// Sends one request; the answer's JSON.
    ///
    /// # Errors
    /// [`Failure::Refused`] with the API's problem, or [`Failure::NotAsked`].
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<(&'static str, Bytes)>,
    ) -> Result<Value, Failure> {
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| anyhow::anyhow!("{} is not an https address", self.url))?
            .pop_if_empty()
            .push("v1")
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut headers = vec![
            ("authorization", format!("Bearer {}", self.token)),
            ("accept", "application/json".into()),
        ];
        let body = match body {
            Some((kind, bytes)) => {
                headers.push(("content-type", kind.to_owned()));
                bytes
            }
            None => Bytes::new(),
        };
        let answer = self
            .client
            .send(method, &url, Sent { headers, body })
            .await?;
        let value: Value = serde_json::from_slice(&answer.body).map_err(|_| {
            anyhow::anyhow!(
                "{} answered {} without JSON: is it Postern's admin API?",
                self.url,
                answer.status
            )
        })?;
        if answer.status.is_success() {
            Ok(value)
        } else if answer.status.is_server_error() {
            Err(Failure::Unavailable(value))
        } else {
            Err(Failure::Refused(value))
        }
    }
}

/// Prints a failure on standard error and gives its exit code.
pub(crate) fn report(failure: &Failure, json: bool) -> ExitCode {
    let code = match failure {
        Failure::Refused(_) | Failure::NotEverywhere => 1,
        Failure::Unavailable(_) | Failure::NotAsked(_) => 2,
    };
    match failure {
        Failure::Refused(problem) | Failure::Unavailable(problem) if json => complain!("{problem}"),
        Failure::Refused(problem) => print_problem("refused", problem),
        Failure::Unavailable(problem) => print_problem("not possible now", problem),
        Failure::NotEverywhere => {
            complain!(
                "the change is made, but not applied everywhere yet; see who is missing: postern instances"
            );
        }
        Failure::NotAsked(error) => complain!("postern: {error:#}"),
    }
    ExitCode::from(code)
}

fn print_problem(word: &str, problem: &Value) {
    let text = |key: &str| problem.get(key).and_then(Value::as_str).unwrap_or_default();
    complain!("{word}: {}", text("title"));
    for line in [text("detail"), text("what_to_do")] {
        if !line.is_empty() {
            complain!("  {line}");
        }
    }
    match text("request_id") {
        "" => {}
        request => complain!("  request {request}"),
    }
}

/// Prints what a write did: the changes in words, and where they are live.
///
/// # Errors
/// With `wait`, when not every live instance has applied it.
pub(crate) fn print_write(answer: &Value, json: bool, wait: bool) -> Result<(), Failure> {
    let number = |key: &str| answer.get(key).and_then(Value::as_u64).unwrap_or_default();
    if json {
        say!("{answer}");
    } else {
        let changes = answer.get("changes").and_then(Value::as_array);
        for change in changes.into_iter().flatten().filter_map(Value::as_str) {
            say!("{change}");
        }
        say!(
            "revision {}, applied by {} of {} instances after {} ms",
            number("revision"),
            number("applied"),
            number("instances"),
            number("waited_ms")
        );
    }
    if wait && number("applied") < number("instances") {
        return Err(Failure::NotEverywhere);
    }
    Ok(())
}

/// Prints rows as a table with headings, or the value as JSON.
pub(crate) fn print_table(value: &Value, columns: &[(&str, &str)], json: bool) {
    if json {
        say!("{value}");
        return;
    }
    let rows: Vec<Vec<String>> = value
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| columns.iter().map(|(key, _)| cell(row.get(key))).collect())
        .collect();
    let headings: Vec<String> = columns
        .iter()
        .map(|(_, heading)| (*heading).to_owned())
        .collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            let cells = rows
                .iter()
                .chain([&headings])
                .filter_map(|row| row.get(column));
            cells
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        })
        .collect();
    for row in [&headings].into_iter().chain(&rows) {
        let line: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        say!("{}", line.join("  ").trim_end());
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| cell(Some(item)))
            .collect::<Vec<_>>()
            .join(", "),
        Some(other) => other.to_string(),
    }
}

/// How long a write with `--wait` waits, in seconds, as the API takes it: longer than a dead instance counts as live.
const WAIT: &str = "20";
/// How long any question may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// The query of a write.
#[must_use]
pub(crate) fn waiting(wait: bool) -> Vec<(&'static str, &'static str)> {
    if wait {
        vec![("wait", WAIT)]
    } else {
        Vec::new()
    }
}
