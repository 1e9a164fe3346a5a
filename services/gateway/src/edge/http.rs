//! HTTP on a connection whose handshake is done.
//!
//! **Invariant:** the certificate host answers one HTTP/1.1 request per connection; no connection outlives its pace; at the
//! soft stop it ends after the requests in flight.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http::Request;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::rt::{Executor, Read, ReadBufCursor, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use runtime::tasks::Tasks;
use tokio_rustls::server::TlsStream;

use super::pace::{InFlight, Pace};
use super::settings::seconds;
use super::{Door, guard};
use crate::arrival::Arrival;
use crate::handshake::Handshake;
use crate::listener::opened::Opened;

/// How long a connection that is overdue gets to end in good order, and how long the first request of one is waited for
/// after the soft stop.
const GRACE: Duration = Duration::from_secs(1);

/// The smallest buffer hyper allows.
const LEAST_BUFFER: usize = 8192;

/// Flow control windows of HTTP/2 (RFC 9113 section 5.2): one request's whole body, and a few of them.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 256 << 10;

/// Serves the connection to its end.
pub(super) async fn serve(
    door: &Arc<Door>,
    arrival: &Arc<Arrival>,
    handshake: &Arc<Handshake>,
    stream: TlsStream<Opened>,
) {
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let settings = &door.settings;
    let pace = Pace::new(settings);
    let stopping = door.tasks.stopping();
    let certificate_host = arrival.host.is_certificate();
    let service = {
        let (door, pace) = (door.clone(), pace.clone());
        let (arrival, handshake) = (arrival.clone(), handshake.clone());
        service_fn(move |mut request: Request<Incoming>| {
            let (door, arrival, in_flight) = (door.clone(), arrival.clone(), pace.begin());
            handshake.requested();
            request.extensions_mut().insert(handshake.clone());
            async move {
                let response = guard::answer(&door, arrival, request).await;
                Ok::<_, Infallible>(response.map(|body| Answer { body, in_flight }))
            }
        })
    };
    let io = Watched {
        io: TokioIo::new(stream),
        // On HTTP/2 bytes come without any request; there the streams alone count.
        pace: (!http2).then(|| pace.clone()),
    };
    let ended = if http2 {
        let connection = http2::Builder::new(Owned(door.tasks.clone()))
            .timer(TokioTimer::new())
            .max_concurrent_streams(settings.streams)
            .max_header_list_size(u32::try_from(settings.head_bytes).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(Some(20))
            .max_local_error_reset_streams(Some(64))
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(64 << 10)
            .keep_alive_interval(Some(seconds(settings.idle_s)))
            .keep_alive_timeout(seconds(settings.head_s))
            .serve_connection(io, service);
        drive(
            connection,
            http2::Connection::graceful_shutdown,
            &pace,
            || handshake.has_request(),
            stopping,
        )
        .await
    } else {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .keep_alive(!certificate_host)
            .max_buf_size(settings.head_bytes.max(LEAST_BUFFER))
            .max_headers(settings.head_fields)
            // Between requests this also counts the idling; the pace keeps both apart.
            .header_read_timeout(seconds(settings.idle_s) + seconds(settings.head_s))
            .serve_connection(io, service);
        drive(
            connection,
            http1::Connection::graceful_shutdown,
            &pace,
            || handshake.has_request(),
            stopping,
        )
        .await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended badly");
    }
}

/// Drives a connection to its end, which comes at the latest when it is overdue.
async fn drive<C: Future<Output = hyper::Result<()>>>(
    connection: C,
    end: fn(Pin<&mut C>),
    pace: &Pace,
    has_request: impl Fn() -> bool,
    stopping: tokio_util::sync::CancellationToken,
) -> hyper::Result<()> {
    let mut connection = std::pin::pin!(connection);
    let (mut stopped, mut awaited) = (false, false);
    loop {
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = stopping.cancelled(), if !stopped => {
                stopped = true;
                // hyper would end at once what has not had its first request, and that may be on its way.
                if !has_request() {
                    awaited = true;
                    continue;
                }
                end(connection.as_mut());
                if !pace.is_busy() {
                    break;
                }
            }
            () = tokio::time::sleep(GRACE), if awaited => {
                awaited = false;
                end(connection.as_mut());
                if !pace.is_busy() {
                    break;
                }
            }
            what = pace.overdue() => {
                tracing::debug!(what, "connection overdue");
                end(connection.as_mut());
                break;
            }
        }
    }
    match tokio::time::timeout(GRACE, connection).await {
        Ok(ended) => ended,
        Err(_) => Ok(()),
    }
}

/// Runs the streams of HTTP/2 connections as tasks that somebody owns.
#[derive(Debug, Clone)]
struct Owned(Tasks);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Owned {
    fn execute(&self, stream: F) {
        self.0.spawn_work("request", stream);
    }
}

/// An answer's body; the request is in flight until it is gone.
struct Answer {
    body: Body,
    in_flight: InFlight,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let _ = &self.in_flight;
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that tells the pace when bytes come.
struct Watched {
    io: TokioIo<TlsStream<Opened>>,
    pace: Option<Pace>,
}

impl Read for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.io).poll_read(context, into);
        if let (Poll::Ready(Ok(())), Some(pace)) = (&read, &self.pace) {
            pace.bytes_came();
        }
        read
    }
}

impl Write for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, from)
    }
}
