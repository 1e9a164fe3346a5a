//! The time a call may take, from its header to the last byte of its answer.
//!
//! **Invariant:** an answer that does not end in time ends with
//! `DEADLINE_EXCEEDED`, not with silence.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tonic::body::Body;

/// The header a caller says its deadline in.
pub(super) const TIMEOUT: &str = "grpc-timeout";

/// What `tonic::Request::set_timeout` asked for, if anything: up to eight
/// digits and a unit.
pub(super) fn asked_for(headers: &http::HeaderMap) -> Option<Duration> {
    let text = headers.get(TIMEOUT)?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if number.len() > 8 {
        return None;
    }
    let number: u64 = number.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// The status of a call that took too long.
pub(super) fn exceeded(role: &str) -> Status {
    Status::deadline_exceeded(format!("{role} did not answer in time"))
}

/// The body of an answer that must be whole at a set moment.
pub(super) struct TimelyBody {
    body: Body,
    end: Pin<Box<Sleep>>,
    late: Status,
}

impl TimelyBody {
    pub(super) fn new(body: Body, deadline: Instant, late: Status) -> Self {
        let end = Box::pin(sleep_until(deadline));
        Self { body, end, late }
    }
}

impl HttpBody for TimelyBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        // What is there is taken, even at the last moment.
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(frame),
            Poll::Pending if self.end.is_elapsed() => Poll::Ready(Some(Err(self.late.clone()))),
            Poll::Pending => match self.end.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(Some(Err(self.late.clone()))),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tonic_writes_is_read() {
        for (asked, milliseconds) in [
            (Duration::from_millis(1500), Some(1500)),
            (Duration::from_secs(7), Some(7000)),
            (Duration::from_secs(3600), Some(3_600_000)),
        ] {
            let mut request = tonic::Request::new(());
            request.set_timeout(asked);
            let headers = request.metadata().clone().into_headers();
            let read = asked_for(&headers).map(|read| read.as_millis());
            assert_eq!(read, milliseconds);
        }
        for text in ["", "S", "5", "123456789S", "-1S", "5x", "é"] {
            let mut headers = http::HeaderMap::new();
            headers.insert(
                TIMEOUT,
                http::HeaderValue::from_bytes(text.as_bytes()).unwrap(),
            );
            assert_eq!(asked_for(&headers), None, "{text}");
        }
    }
}
