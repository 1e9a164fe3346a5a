//! What a request has to be like to reach a site, and what the site sees of it.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{Recorder, config, connect, exchange, handshake, visit};
use crate::front::{Front, INSIDE, OUTSIDE};

/// One HTTP/1.1 request over a connection to `server_name`: the whole answer.
async fn h1(front: &Front, server_name: &str, request: &str) -> String {
    let config = config(front, &Recorder::without(), None);
    let stream = connect(front, OUTSIDE).await.unwrap();
    let mut stream = handshake(stream, server_name, config).await.unwrap();
    exchange(&mut stream, request).await.unwrap()
}

/// An HTTP/2 connection to `server_name`.
async fn h2(front: &Front, server_name: &str) -> SendRequest<Full<Bytes>> {
    let mut config = config(front, &Recorder::without(), None);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = connect(front, OUTSIDE).await.unwrap();
    let stream = handshake(stream, server_name, config).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    sender
}

async fn over_h2(
    sender: &mut SendRequest<Full<Bytes>>,
    request: http::request::Builder,
) -> (StatusCode, String) {
    let answer = sender
        .send_request(request.body(Full::default()).unwrap())
        .await
        .unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_request_for_another_host_is_misdirected_on_every_site() {
    let front = Front::start().await;
    let hosts = [
        "login.localhost",
        "cert.localhost",
        "app.localhost",
        "a1.cert.localhost",
    ];
    for server_name in hosts {
        for host in hosts.into_iter().filter(|host| *host != server_name) {
            for request in [
                format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"),
                format!("GET https://{host}/ HTTP/1.1\r\nHost: {server_name}\r\n\r\n"),
                format!("GET https://{server_name}/ HTTP/1.1\r\nHost: {host}\r\n\r\n"),
                format!("GET / HTTP/1.1\r\nHost: {host}:8443\r\n\r\n"),
                // Before anything else is looked at.
                format!("TRACE /nowhere HTTP/1.1\r\nHost: {host}\r\n\r\n"),
            ] {
                let answer = h1(&front, server_name, &request).await;
                assert!(
                    answer.starts_with("HTTP/1.1 421 "),
                    "{server_name}: {request}{answer}"
                );
                assert!(answer.contains("connection: close"), "{answer}");
            }
        }
    }
    let dot = h1(
        &front,
        "login.localhost",
        "GET / HTTP/1.1\r\nHost: login.localhost.\r\n\r\n",
    );
    assert!(dot.await.starts_with("HTTP/1.1 421 "));
}

#[tokio::test]
async fn a_request_for_another_host_is_misdirected_over_http_2() {
    let front = Front::start().await;
    let mut sender = h2(&front, "login.localhost").await;
    let to = |uri: &str| Request::get(uri);
    let (status, body) = over_h2(&mut sender, to("https://LOGIN.localhost:8443/")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body.starts_with("login "), "{body}");
    for elsewhere in [
        "https://cert.localhost/",
        "https://app.localhost/",
        "https://login.localhost./",
    ] {
        let (status, body) = over_h2(&mut sender, to(elsewhere)).await;
        assert_eq!(
            status,
            StatusCode::MISDIRECTED_REQUEST,
            "{elsewhere}: {body}"
        );
    }
    let both = to("https://login.localhost/").header("host", "cert.localhost");
    assert_eq!(
        over_h2(&mut sender, both).await.0,
        StatusCode::MISDIRECTED_REQUEST
    );
    // The connection is still good for its own host.
    assert_eq!(
        over_h2(&mut sender, to("https://login.localhost/")).await.0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn case_and_port_of_the_host_do_not_matter_and_none_is_a_bad_request() {
    let front = Front::start().await;
    for (host, status) in [
        ("Host: LOGIN.localhost\r\n", 200),
        ("Host: login.localhost:1\r\n", 200),
        ("", 400),
        ("Host: login.localhost\r\nHost: login.localhost\r\n", 400),
        ("Host:\r\n", 400),
    ] {
        let request = format!("GET / HTTP/1.1\r\n{host}Connection: close\r\n\r\n");
        let answer = h1(&front, "login.localhost", &request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{host}: {answer}"
        );
    }
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let front = Front::start().await;
    for (method, status) in [
        ("GET", 200),
        ("HEAD", 200),
        ("POST", 200),
        ("OPTIONS", 200),
        ("TRACE", 405),
        ("PUT", 405),
        ("DELETE", 405),
        ("PATCH", 405),
        ("PROPFIND", 405),
    ] {
        let request = format!(
            "{method} / HTTP/1.1\r\nHost: login.localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let answer = h1(&front, "login.localhost", &request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{method}: {answer}"
        );
        assert_eq!(
            status == 405,
            answer.contains("allow: GET, HEAD, POST, OPTIONS"),
            "{answer}"
        );
    }
    let connect = "CONNECT login.localhost:443 HTTP/1.1\r\nHost: login.localhost\r\n\r\n";
    let answer = h1(&front, "login.localhost", connect).await;
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
}

#[tokio::test]
async fn headers_that_claim_an_address_or_an_identity_are_not_seen_and_not_believed() {
    let front = Front::start().await;
    let claims = "X-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\n\
        x_forwarded_for: 127.0.0.1\r\nX-SSL-Client-Cert: jon\r\nClient-Cert: :aGVsbG8=:\r\nssl_client_cert: jon\r\n\
        Remote-User: jon\r\nX-Forwarded-Host: evil.example\r\n";
    let ask = |path: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: cert.localhost\r\nCookie: a=b\r\n{claims}\r\n")
    };
    let answer = h1(&front, "cert.localhost", &ask("/headers")).await;
    assert!(answer.ends_with("\r\n\r\nhost;cookie;"), "{answer}");
    let answer = h1(&front, "cert.localhost", &ask("/")).await;
    assert!(
        answer.contains("from=127.0.0.99 asked=false chain=none"),
        "{answer}"
    );
}

#[tokio::test]
async fn bodies_are_bounded() {
    let front = Front::with("body_bytes = 1000\nbody_s = 1").await;
    let post = |headers: &str, body: &str| {
        format!(
            "POST /echo HTTP/1.1\r\nHost: login.localhost\r\nConnection: close\r\n{headers}\r\n{body}"
        )
    };
    let body = "x".repeat(1000);
    let fits = h1(
        &front,
        "login.localhost",
        &post("Content-Length: 1000\r\n", &body),
    )
    .await;
    assert!(
        fits.starts_with("HTTP/1.1 200 ") && fits.ends_with("1000"),
        "{fits}"
    );
    let declared = h1(
        &front,
        "login.localhost",
        &post("Content-Length: 1001\r\n", ""),
    )
    .await;
    assert!(declared.starts_with("HTTP/1.1 413 "), "{declared}");
    let chunked = format!("3e9\r\n{body}x\r\n0\r\n\r\n");
    let chunked = h1(
        &front,
        "login.localhost",
        &post("Transfer-Encoding: chunked\r\n", &chunked),
    )
    .await;
    assert!(chunked.starts_with("HTTP/1.1 413 "), "{chunked}");
    let slow = h1(
        &front,
        "login.localhost",
        &post("Content-Length: 1000\r\n", "x"),
    )
    .await;
    assert!(slow.starts_with("HTTP/1.1 408 "), "{slow}");
}

#[tokio::test]
async fn heads_are_bounded_in_size_number_and_time() {
    let front = Front::with("head_bytes = 9000\nhead_fields = 20\nhead_s = 1").await;
    let with = |fields: &str| {
        format!("GET / HTTP/1.1\r\nHost: login.localhost\r\nConnection: close\r\n{fields}\r\n")
    };
    let many: String = (0..20).map(|number| format!("A{number}: b\r\n")).collect();
    for (fields, status) in [
        (String::new(), 200),
        (format!("A: {}\r\n", "b".repeat(8000)), 200),
        (format!("A: {}\r\n", "b".repeat(20_000)), 431),
        (many, 431),
    ] {
        let answer = h1(&front, "login.localhost", &with(&fields)).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
    let begun = h1(&front, "login.localhost", "GET / HTTP/1.1\r\nHost: lo").await;
    assert_eq!(begun, "", "closed when the time was over");
}

#[tokio::test]
async fn a_site_that_panics_or_never_answers_costs_one_request() {
    let front = Front::with("request_s = 1").await;
    let panicked = visit(&front, INSIDE, "login.localhost", "/panic")
        .await
        .unwrap();
    assert!(panicked.starts_with("HTTP/1.1 500 "), "{panicked}");
    let never = visit(&front, INSIDE, "login.localhost", "/never")
        .await
        .unwrap();
    assert!(never.starts_with("HTTP/1.1 503 "), "{never}");
    let after = visit(&front, INSIDE, "login.localhost", "/").await.unwrap();
    assert!(after.starts_with("HTTP/1.1 200 "), "{after}");
    let mut sender = h2(&front, "login.localhost").await;
    let request = |path: &str| Request::get(format!("https://login.localhost{path}"));
    assert_eq!(over_h2(&mut sender, request("/panic")).await.0, 500);
    assert_eq!(over_h2(&mut sender, request("/")).await.0, 200);
}

#[tokio::test]
async fn strict_transport_security_is_not_for_localhost_by_itself() {
    for (settings, sent) in [
        ("", false),
        ("strict_transport_security = \"always\"", true),
    ] {
        let front = Front::with(settings).await;
        for path in ["/", "/nowhere"] {
            let answer = visit(&front, INSIDE, "login.localhost", path)
                .await
                .unwrap();
            assert_eq!(
                answer.contains("strict-transport-security: max-age="),
                sent,
                "{answer}"
            );
        }
    }
}

#[tokio::test]
async fn requests_that_two_parsers_could_read_differently_are_refused() {
    let front = Front::start().await;
    for request in [
        "POST /echo HTTP/1.1\r\nHost: login.localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        "POST /echo HTTP/1.1\r\nHost: login.localhost\r\nContent-Length: +1\r\n\r\nx",
        "POST /echo HTTP/1.1\r\nHost: login.localhost\r\nTransfer-Encoding: gzip\r\n\r\nx",
        "GET / HTTP/1.1\r\nHost: login.localhost\r\nA: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : login.localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: login.localhost\r\nA: b\rc\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: login.localhost\r\n\r\n",
    ] {
        let answer = h1(&front, "login.localhost", request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{request:?}: {answer}");
    }
}

#[tokio::test]
async fn connections_are_kept_between_requests_except_on_the_certificate_host() {
    let front = Front::start().await;
    for (host, kept) in [("login.localhost", true), ("cert.localhost", false)] {
        let config = config(&front, &Recorder::without(), None);
        let stream = connect(&front, OUTSIDE).await.unwrap();
        let mut stream = handshake(stream, host, config).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut first = vec![0; 4096];
        let length = stream.read(&mut first).await.unwrap();
        let first = String::from_utf8_lossy(&first[..length]).into_owned();
        assert_eq!(first.contains("connection: close"), !kept, "{first}");
        if kept {
            let again = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            let second = exchange(&mut stream, &again).await.unwrap();
            assert!(second.starts_with("HTTP/1.1 200 "), "{second}");
        }
    }
}
