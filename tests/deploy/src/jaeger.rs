//! What Jaeger's query API says about one trace.
//!
//! **Invariant:** only what Jaeger stored and gives back is looked at.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::plain_http;

/// One span of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its id.
    pub id: String,
    /// Its parent's, if that has one.
    pub parent: Option<String>,
    /// The operation.
    pub name: String,
    /// Whose it is, such as `postern-gateway`.
    pub service: String,
}

/// A trace, found by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Its spans, in no order.
    pub spans: Vec<Span>,
}

impl Trace {
    /// Waits until Jaeger has a trace of this id that satisfies, for spans arrive in batches.
    ///
    /// # Errors
    /// If there is none within `within`; the message says what there was.
    pub async fn find(
        jaeger: SocketAddr,
        id: &str,
        within: Duration,
        satisfies: impl Fn(&Self) -> bool,
    ) -> Result<Self> {
        let end = Instant::now() + within;
        loop {
            let found = Self::look(jaeger, id).await?;
            match found {
                Some(trace) if satisfies(&trace) => return Ok(trace),
                _ if Instant::now() < end => tokio::time::sleep(Duration::from_millis(200)).await,
                Some(trace) => bail!("trace {id} lacks something; it has {}", trace.shown()),
                None => bail!("Jaeger has no trace {id}"),
            }
        }
    }

    async fn look(jaeger: SocketAddr, id: &str) -> Result<Option<Self>> {
        let answer = plain_http::get(jaeger, &format!("/api/traces/{id}")).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let answer = answer.json()?;
        let spans = answer.pointer("/data/0/spans").and_then(Value::as_array);
        let processes = answer
            .pointer("/data/0/processes")
            .context("no processes")?;
        let spans = spans
            .context("no spans")?
            .iter()
            .map(|span| Span::read(span, processes));
        Ok(Some(Self {
            spans: spans.collect::<Result<_>>()?,
        }))
    }

    /// Whether a service has a span of this name.
    #[must_use]
    pub fn has(&self, service: &str, name: &str) -> bool {
        self.spans
            .iter()
            .any(|span| span.service == service && span.name == name)
    }

    /// Every service with a span, once.
    #[must_use]
    pub fn services(&self) -> Vec<&str> {
        let mut services: Vec<&str> = self
            .spans
            .iter()
            .map(|span| span.service.as_str())
            .collect();
        services.sort_unstable();
        services.dedup();
        services
    }

    /// The spans in short, for messages.
    #[must_use]
    pub fn shown(&self) -> String {
        let spans = self
            .spans
            .iter()
            .map(|span| format!("{}: {}", span.service, span.name));
        spans.collect::<Vec<_>>().join("; ")
    }
}

impl Span {
    fn read(span: &Value, processes: &Value) -> Result<Self> {
        let text = |key: &str| span.get(key).and_then(Value::as_str).map(str::to_owned);
        let process = text("processID").and_then(|id| {
            processes
                .get(id)?
                .get("serviceName")?
                .as_str()
                .map(str::to_owned)
        });
        let references = span.get("references").and_then(Value::as_array);
        let parent = references
            .into_iter()
            .flatten()
            .find(|reference| reference.get("refType").and_then(Value::as_str) == Some("CHILD_OF"));
        Ok(Self {
            id: text("spanID").context("a span without id")?,
            parent: parent.and_then(|parent| parent.get("spanID")?.as_str().map(str::to_owned)),
            name: text("operationName").context("a span without name")?,
            service: process.context("a span of nobody")?,
        })
    }
}
