//! Operations on a directory as operators see them: a span, a count and a time for each.
//!
//! **Invariant:** what is told are the operation, the domain controller, how it ended and how many entries came: no name,
//! no filter, no value of an attribute. An operation that is given up is told, too.

use std::time::Instant;

use runtime::metrics::{Counter, Metrics, Seconds, label};
use tracing::{Instrument, Span};

/// Something that a directory is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// A connection to a domain controller, with TLS.
    Connect,
    /// A name and a password.
    Bind,
    /// A question for entries.
    Search,
    /// The names of somebody's groups: searches.
    Groups,
    /// A look into a directory file.
    FileLookup,
}

impl Operation {
    const ALL: [Self; 5] = [
        Self::Connect,
        Self::Bind,
        Self::Search,
        Self::Groups,
        Self::FileLookup,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Bind => "bind",
            Self::Search => "search",
            Self::Groups => "groups",
            Self::FileLookup => "file_lookup",
        }
    }
}

/// It was done.
pub(crate) const OK: &str = "ok";
/// The directory answered, with a no.
pub(crate) const REFUSED: &str = "refused";
/// Nobody waited for the end.
const GIVEN_UP: &str = "given_up";

/// Counts operations. Clones count together.
#[derive(Debug, Clone)]
pub struct Numbers {
    operations: Counter,
    seconds: Seconds,
}

impl Numbers {
    /// Nothing was asked yet.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let operations = metrics.counter(
            "postern_directory_operations",
            "Operations on directories, by how they ended.",
        );
        for operation in Operation::ALL {
            let operation = label("operation", operation.word());
            operations.add(0, &[operation, label("outcome", OK)]);
        }
        Self {
            operations,
            seconds: metrics.seconds(
                "postern_directory_operation_seconds",
                "How long operations on directories took.",
            ),
        }
    }

    /// Runs an operation in `span`, which has the fields `outcome` and `otel.status_code`. `outcome` says in one word how
    /// it ended.
    pub(crate) async fn run<T, E>(
        &self,
        operation: Operation,
        span: &Span,
        work: impl Future<Output = Result<T, E>>,
        outcome: impl FnOnce(&Result<T, E>) -> &'static str,
    ) -> Result<T, E> {
        let mut running = Running {
            numbers: self,
            operation,
            span,
            began: Instant::now(),
            outcome: GIVEN_UP,
        };
        // Apart: futures in futures of an LDAP library's would not fit on a small stack.
        let result = Box::pin(work).instrument(span.clone()).await;
        running.outcome = outcome(&result);
        result
    }
}

/// An operation under way; dropped at its end, or when it is given up.
struct Running<'a> {
    numbers: &'a Numbers,
    operation: Operation,
    span: &'a Span,
    began: Instant,
    outcome: &'static str,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.span.record("outcome", self.outcome);
        if ![OK, REFUSED].contains(&self.outcome) {
            self.span.record("otel.status_code", "ERROR");
        }
        let operation = label("operation", self.operation.word());
        let (took, outcome) = (self.began.elapsed(), label("outcome", self.outcome));
        self.numbers
            .seconds
            .took(took, std::slice::from_ref(&operation));
        self.numbers.operations.count(&[operation, outcome]);
    }
}
