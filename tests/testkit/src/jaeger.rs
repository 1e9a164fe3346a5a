//! A real Jaeger, and what it says about a trace.
//!
//! It listens on free ports of loopback and keeps what it gets in memory. The program is found on the
//! search path; `tests/install` builds it. Without it a test has nothing to ask, and says so.
//!
//! **Invariant:** a trace is what Jaeger's own API tells, not what a process meant to send.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::plain_http;
use crate::processes::{Process, Program, find_program, wait_for};

const READY: Duration = Duration::from_secs(20);
/// Spans leave a process in batches, every few seconds.
const ARRIVAL: Duration = Duration::from_secs(30);

/// A running Jaeger.
#[derive(Debug)]
pub struct Jaeger {
    _process: Process,
    query: SocketAddr,
    otlp: SocketAddr,
}

/// One trace, as Jaeger has it.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Its spans, the earliest first.
    pub spans: Vec<Span>,
}

/// One span of a trace.
#[derive(Debug, Clone)]
pub struct Span {
    /// What was done.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The id of the span it was done for, if any.
    pub parent: Option<String>,
    /// Traces it is linked to, without belonging to them.
    pub linked: Vec<String>,
    /// The process's kind: `postern-gateway`.
    pub service: String,
    /// What else is said about it.
    pub tags: BTreeMap<String, Value>,
    /// When it began, in microseconds since 1970.
    pub began: u64,
    /// How long it took, in microseconds.
    pub took: u64,
}

impl Jaeger {
    /// Starts one in `folder` (made if absent); none where the program is absent.
    ///
    /// # Errors
    /// If it does not come up.
    pub fn start(folder: &Path) -> anyhow::Result<Option<Self>> {
        let Ok(program) = find_program("jaeger") else {
            return Ok(None);
        };
        fs::create_dir_all(folder)?;
        let (query, otlp, grpc) = (free()?, free()?, free()?);
        let settings = folder.join("jaeger.yaml");
        // YAML has JSON in it.
        fs::write(&settings, configuration(query, grpc, otlp).to_string())?;
        let mut process = Program::new(program)
            .named("jaeger")
            .arg("--config")
            .arg(&settings)
            .log(folder.join("jaeger.log"))
            .start()?;
        process.wait_until(READY, "Jaeger to answer", || {
            let answered = plain_http::get(query, "/api/services").is_ok();
            Ok((answered && TcpStream::connect(otlp).is_ok()).then_some(()))
        })?;
        Ok(Some(Self {
            _process: process,
            query,
            otlp,
        }))
    }

    /// Where traces are sent, by OTLP over gRPC.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.otlp)
    }

    /// The trace of this id, once it is as `whole` wants it.
    ///
    /// # Errors
    /// If it is not in time; the spans that are there are named.
    pub fn trace(&self, id: &str, whole: impl Fn(&Trace) -> bool) -> anyhow::Result<Trace> {
        let mut last = None;
        let found = wait_for(ARRIVAL, &format!("the trace {id} to be whole"), || {
            last = self.look_up(id)?;
            Ok(last.clone().filter(&whole))
        });
        found.with_context(|| match &last {
            Some(trace) => format!("it has\n{}", trace.outline()),
            None => "Jaeger does not know it".to_owned(),
        })
    }

    /// The trace of this id as far as it is there.
    ///
    /// # Errors
    /// If Jaeger does not answer.
    pub fn look_up(&self, id: &str) -> anyhow::Result<Option<Trace>> {
        let (status, answer) = plain_http::get(self.query, &format!("/api/traces/{id}"))?;
        match status {
            200 => Trace::read(&answer).map(Some),
            404 => Ok(None),
            _ => bail!("Jaeger answered {status}: {answer}"),
        }
    }

    /// The ids of the newest traces of a service that have a span of this name.
    ///
    /// # Errors
    /// If Jaeger does not answer.
    pub fn traces_with(&self, service: &str, span: &str) -> anyhow::Result<Vec<String>> {
        let span: String = url::form_urlencoded::byte_serialize(span.as_bytes()).collect();
        let path = format!("/api/traces?service={service}&operation={span}&limit=100&lookback=1h");
        let (status, answer) = plain_http::get(self.query, &path)?;
        if status != 200 {
            bail!("Jaeger answered {status}: {answer}");
        }
        let answer: Answer = serde_json::from_str(&answer)?;
        Ok(answer.data.into_iter().map(|trace| trace.id).collect())
    }
}

impl Trace {
    /// The spans of this name.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Span> {
        self.spans.iter().filter(move |span| span.name == name)
    }

    /// The one span of this name.
    ///
    /// # Errors
    /// If there is none, or more than one.
    pub fn only(&self, name: &str) -> anyhow::Result<&Span> {
        let mut found = self.spans.iter().filter(|span| span.name == name);
        match (found.next(), found.next()) {
            (Some(span), None) => Ok(span),
            (None, _) => bail!("no span {name:?} in\n{}", self.outline()),
            (Some(_), Some(_)) => bail!("more than one span {name:?} in\n{}", self.outline()),
        }
    }

    /// The span that another one was done for.
    #[must_use]
    pub fn parent_of(&self, span: &Span) -> Option<&Span> {
        let parent = span.parent.as_ref()?;
        self.spans.iter().find(|other| other.id == *parent)
    }

    /// The spans as a tree, for people.
    #[must_use]
    pub fn outline(&self) -> String {
        let mut lines = String::new();
        let known = |id: &String| self.spans.iter().any(|span| span.id == *id);
        for root in &self.spans {
            if !root.parent.as_ref().is_some_and(known) {
                self.outline_of(root, 0, &mut lines);
            }
        }
        lines
    }

    fn outline_of(&self, span: &Span, depth: usize, lines: &mut String) {
        let (indent, service) = ("  ".repeat(depth), &span.service);
        lines.push_str(&format!(
            "{indent}{} [{service}] {} us\n",
            span.name, span.took
        ));
        for child in &self.spans {
            if child.parent.as_ref() == Some(&span.id) && depth < 30 {
                self.outline_of(child, depth + 1, lines);
            }
        }
    }

    fn read(answer: &str) -> anyhow::Result<Self> {
        let answer: Answer = serde_json::from_str(answer).context("Jaeger's answer")?;
        let told = answer.data.into_iter().next().context("no trace")?;
        let mut spans: Vec<Span> = told
            .spans
            .into_iter()
            .map(|span| {
                let process = told.processes.get(&span.process);
                let service = process.map(|process| process.service.clone());
                let (parents, linked): (Vec<_>, Vec<_>) =
                    span.references.into_iter().partition(|reference| {
                        reference.kind == "CHILD_OF" && reference.trace == told.id
                    });
                Span {
                    name: span.name,
                    id: span.id,
                    parent: parents.into_iter().next().map(|reference| reference.span),
                    linked: linked
                        .into_iter()
                        .map(|reference| reference.trace)
                        .collect(),
                    service: service.unwrap_or_default(),
                    tags: span
                        .tags
                        .into_iter()
                        .map(|tag| (tag.key, tag.value))
                        .collect(),
                    began: span.began,
                    took: span.took,
                }
            })
            .collect();
        spans.sort_by_key(|span| span.began);
        Ok(Self { spans })
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<ToldTrace>,
}

#[derive(Deserialize)]
struct ToldTrace {
    #[serde(rename = "traceID")]
    id: String,
    spans: Vec<ToldSpan>,
    processes: BTreeMap<String, ToldProcess>,
}

#[derive(Deserialize)]
struct ToldSpan {
    #[serde(rename = "spanID")]
    id: String,
    #[serde(rename = "operationName")]
    name: String,
    #[serde(default)]
    references: Vec<Reference>,
    #[serde(rename = "startTime")]
    began: u64,
    #[serde(rename = "duration")]
    took: u64,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(rename = "processID")]
    process: String,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(rename = "refType")]
    kind: String,
    #[serde(rename = "traceID")]
    trace: String,
    #[serde(rename = "spanID")]
    span: String,
}

#[derive(Deserialize)]
struct Tag {
    key: String,
    value: Value,
}

#[derive(Deserialize)]
struct ToldProcess {
    #[serde(rename = "serviceName")]
    service: String,
}

fn configuration(query: SocketAddr, grpc: SocketAddr, otlp: SocketAddr) -> Value {
    json!({
        "service": {
            "extensions": ["jaeger_storage", "jaeger_query"],
            "pipelines": {
                "traces": {"receivers": ["otlp"], "exporters": ["jaeger_storage_exporter"]},
            },
            "telemetry": {"metrics": {"level": "none"}},
        },
        "extensions": {
            "jaeger_storage": {"backends": {"mem": {"memory": {"max_traces": 10_000}}}},
            "jaeger_query": {
                "storage": {"traces": "mem"},
                "http": {"endpoint": query.to_string()},
                "grpc": {"endpoint": grpc.to_string()},
            },
        },
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": otlp.to_string()}}}},
        "exporters": {"jaeger_storage_exporter": {"trace_storage": "mem"}},
    })
}

/// An address nobody listens on now. Jaeger cannot choose for itself.
fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
