//! HTTP/1.1 over one connection, as long as both sides keep it.
//!
//! **Invariant:** an answer is read to its end before the next request goes out.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use url::Url;

const LARGEST_ANSWER: usize = 1 << 20;

/// What a browser sends with every navigation.
const BROWSER: [(HeaderName, &str); 6] = [
    (
        header::USER_AGENT,
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36",
    ),
    (
        header::ACCEPT,
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ),
    (header::ACCEPT_LANGUAGE, "en-GB,en;q=0.9,de;q=0.8"),
    (header::ACCEPT_ENCODING, "gzip, deflate, br, zstd"),
    (header::UPGRADE_INSECURE_REQUESTS, "1"),
    (HeaderName::from_static("sec-fetch-mode"), "navigate"),
];

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    requests: SendRequest<Full<Bytes>>,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Connection {
    pub(super) async fn over(stream: TlsStream<TcpStream>) -> Result<Self> {
        let (requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the connection, which ends when `requests` is dropped.
        tokio::spawn(async move {
            // What goes wrong is told to the request that waits for its answer.
            let _ = connection.await;
        });
        Ok(Self { requests })
    }

    /// Whether another request can go out.
    pub(super) fn is_open(&self) -> bool {
        !self.requests.is_closed()
    }

    /// A navigation of a browser.
    pub(super) async fn navigate(&mut self, url: &Url, cookies: &str) -> Result<Answer> {
        let mut request = begin(Method::GET, url);
        for (name, value) in BROWSER {
            request = request.header(name, value);
        }
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies);
        }
        self.send(request.body(Full::default())?).await
    }

    /// A form, as an application posts it.
    pub(super) async fn post(&mut self, url: &Url, form: String) -> Result<Answer> {
        let request = begin(Method::POST, url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::from(form))?;
        self.send(request).await
    }

    async fn send(&mut self, request: http::Request<Full<Bytes>>) -> Result<Answer> {
        self.requests.ready().await?;
        let (head, body) = self.requests.send_request(request).await?.into_parts();
        let body = Limited::new(body, LARGEST_ANSWER)
            .collect()
            .await
            .map_err(|error| anyhow::anyhow!("an answer could not be read: {error}"))?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    }
}

impl Answer {
    /// Where it sends the browser, by `Location` or `Refresh`.
    pub(super) fn next(&self, from: &Url) -> Result<Url> {
        let text = |name: HeaderName| self.headers.get(name).and_then(|value| value.to_str().ok());
        let refresh = || text(header::REFRESH)?.split_once("url=").map(|(_, to)| to);
        let next = text(header::LOCATION)
            .or_else(refresh)
            .with_context(|| format!("{} leads nowhere: {}", from.path(), self.status))?;
        Ok(from.join(next)?)
    }

    /// The cookies it sets, as they are sent back.
    pub(super) fn cookies(&self) -> impl Iterator<Item = &str> {
        let all = self.headers.get_all(header::SET_COOKIE).iter();
        all.filter_map(|value| value.to_str().ok()?.split(';').next())
    }
}

fn begin(method: Method, url: &Url) -> http::request::Builder {
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    };
    http::Request::builder()
        .method(method)
        .uri(target)
        .header(header::HOST, host)
}
