//! The spans and log lines of a piece of work, as any collector and any log could get them.
//!
//! **Invariant:** everything is recorded, at every level, of every crate: what is not seen here was not said.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// What was said on this thread. Clones hold the same.
#[derive(Debug, Clone, Default)]
pub struct Recording(Arc<Mutex<Said>>);

/// One span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its name; `otel.name`, where it has one.
    pub name: String,
    /// The crate that it is of.
    pub krate: String,
    /// The name of the span around it.
    pub parent: Option<String>,
    /// Its fields as they were at last.
    pub fields: BTreeMap<String, String>,
}

#[derive(Debug, Default)]
struct Said {
    spans: Vec<Span>,
    /// Each with the crate that said it.
    lines: Vec<(String, String)>,
}

/// The place of a span in [`Said`].
struct Place(usize);

impl Recording {
    /// Records what this thread says until the guard goes: all tasks of a current-thread runtime, too.
    #[must_use]
    pub fn start() -> (Self, DefaultGuard) {
        // With a single subscriber alive, tracing asks that of the thread that comes to a span first whether anybody
        // listens, and believes its no for all others.
        static ANOTHER: OnceLock<Dispatch> = OnceLock::new();
        ANOTHER.get_or_init(|| Dispatch::new(tracing_subscriber::registry()));
        let recording = Self::default();
        let subscriber = tracing_subscriber::registry().with(recording.clone());
        (recording, tracing::subscriber::set_default(subscriber))
    }

    /// The spans of these crates so far, as they began.
    #[must_use]
    pub fn spans(&self, crates: &[&str]) -> Vec<Span> {
        let said = self.said();
        let spans = said.spans.iter();
        let of = spans.filter(|span| crates.contains(&&*span.krate));
        of.cloned().collect()
    }

    /// All that was said so far, but by these crates: log lines, spans and their fields.
    #[must_use]
    pub fn text_without(&self, crates: &[&str]) -> String {
        let said = self.said();
        let heard = |krate: &str| !crates.contains(&krate);
        let lines = said.lines.iter().filter(|(krate, _)| heard(krate));
        let mut text: String = lines.map(|(_, line)| format!("{line}\n")).collect();
        for span in said.spans.iter().filter(|span| heard(&span.krate)) {
            text.push_str(&format!("{span:?}\n"));
        }
        text
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Span {
    /// A field; nothing where it was never recorded.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Recording {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let place_of = |span: &tracing_subscriber::registry::SpanRef<'_, S>| {
            span.extensions().get::<Place>().map(|Place(place)| *place)
        };
        let parent = span.parent().as_ref().and_then(place_of);
        let mut said = self.said();
        let parent = parent.and_then(|place| said.spans.get(place));
        let parent = parent.map(|span| span.name.clone());
        let target = attributes.metadata().target();
        let mut new = Span {
            name: attributes.metadata().name().to_owned(),
            krate: krate(target),
            parent,
            fields: BTreeMap::new(),
        };
        attributes.record(&mut new);
        span.extensions_mut().insert(Place(said.spans.len()));
        said.spans.push(new);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let extensions = span.extensions();
        let Some(Place(place)) = extensions.get::<Place>() else {
            return;
        };
        if let Some(span) = self.said().spans.get_mut(*place) {
            values.record(span);
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut line = format!("{} {}", metadata.level(), metadata.target());
        event.record(&mut Line(&mut line));
        self.said().lines.push((krate(metadata.target()), line));
    }
}

fn krate(target: &str) -> String {
    target.split("::").next().unwrap_or_default().to_owned()
}

impl Visit for Span {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "otel.name" => value.clone_into(&mut self.name),
            name => drop(self.fields.insert(name.to_owned(), value.to_owned())),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a text does not fail.
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}
