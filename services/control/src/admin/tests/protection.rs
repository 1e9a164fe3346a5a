//! Who gets in, and what is refused at the door.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::admin::throttle::ALLOWED;
use crate::inspector::LARGEST_UPLOAD;
use crate::rig::{SOON, World};

const PATHS: [(&str, &str); 13] = [
    ("GET", "/v1/configuration"),
    ("GET", "/v1/connections"),
    ("GET", "/v1/connections/FabrikamAD"),
    ("GET", "/v1/connections/FabrikamAD/authorities"),
    ("POST", "/v1/connections/FabrikamAD/authorities"),
    (
        "DELETE",
        "/v1/connections/FabrikamAD/authorities/00112233445566778899",
    ),
    ("GET", "/v1/connections/FabrikamAD/ranges"),
    ("POST", "/v1/connections/FabrikamAD/ranges"),
    ("DELETE", "/v1/connections/FabrikamAD/ranges"),
    ("PUT", "/v1/connections/FabrikamAD/methods/password"),
    ("GET", "/v1/instances"),
    ("GET", "/v1/revisions"),
    ("GET", "/nowhere"),
];

fn bare(method: &str, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
}

fn empty(request: http::request::Builder) -> Request<Full<Bytes>> {
    request.body(Full::default()).unwrap()
}

#[tokio::test]
async fn without_the_token_no_path_says_anything() {
    let world = World::new();
    let control = world.control("control").await;
    for (method, path) in PATHS {
        let answer = control.send(empty(bare(method, path))).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        assert_eq!(answer.problem(), "unauthenticated");
        assert!(
            answer.headers["www-authenticate"]
                .to_str()
                .unwrap()
                .starts_with("Bearer")
        );
    }
    control.stop().await;
}

#[tokio::test]
async fn wrong_tokens_are_counted_and_the_right_one_is_always_taken() {
    let world = World::new();
    let control = world.control("control").await;
    let right = control.token.clone();
    let wrong = [
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer x".to_owned(),
        format!("Basic {right}"),
        format!("Bearer {}", &right[1..]),
        format!("Bearer {right}x"),
        right.clone(),
    ];
    for sent in &wrong {
        let request = bare("GET", "/v1/connections").header("authorization", sent);
        let answer = control.send(empty(request)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{sent}");
    }
    let twice = bare("GET", "/v1/connections")
        .header("authorization", format!("Bearer {right}"))
        .header("authorization", "Bearer x");
    assert_eq!(
        control.send(empty(twice)).await.status,
        StatusCode::UNAUTHORIZED
    );
    for _ in wrong.len() + 1..usize::try_from(ALLOWED).unwrap() {
        let request = bare("GET", "/v1/connections").header("authorization", "Bearer x");
        assert_eq!(
            control.send(empty(request)).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    let request = bare("GET", "/v1/connections").header("authorization", "Bearer x");
    let answer = control.send(empty(request)).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.problem(), "throttled");
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(control.get("/v1/connections").await.status, StatusCode::OK);
    control.stop().await;
}

#[tokio::test]
async fn other_hosts_and_browsers_are_sent_away() {
    let world = World::new();
    let control = world.control("control").await;
    let token = format!("Bearer {}", control.token);
    let with_host = |host: &str| {
        let request = Request::builder()
            .uri("/v1/connections")
            .header("host", host);
        empty(request.header("authorization", &token))
    };
    for host in ["localhost", "LocalHost:9", "127.0.0.1:8444"] {
        assert_eq!(
            control.send(with_host(host)).await.status,
            StatusCode::OK,
            "{host}"
        );
    }
    for host in ["evil.example", "localhost.evil.example", "127.0.0.2"] {
        let answer = control.send(with_host(host)).await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert_eq!(answer.problem(), "unknown-host");
    }
    for (header, value) in [
        ("origin", "https://localhost:8444"),
        ("origin", "null"),
        ("sec-fetch-site", "same-origin"),
    ] {
        let request = control
            .request(Method::GET, "/v1/connections")
            .header(header, value);
        let answer = control.send(empty(request)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{header}: {value}");
        assert_eq!(answer.problem(), "browser");
    }
    control.stop().await;
}

#[tokio::test]
async fn bodies_are_bounded_and_never_unpacked() {
    let world = World::new();
    let control = world.control("control").await;
    let path = "/v1/connections/FabrikamAD/authorities";
    let answer = control
        .ask(Method::POST, path, vec![b'a'; LARGEST_UPLOAD + 1])
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.problem(), "too-large");
    let packed = control
        .request(Method::POST, path)
        .header("content-encoding", "gzip");
    let answer = control.send(empty(packed)).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(answer.problem(), "content-encoding");
    control.stop().await;
}

#[tokio::test]
async fn unknown_paths_methods_and_parameters_are_problems_too() {
    let world = World::new();
    let control = world.control("control").await;
    for (method, path, status, problem) in [
        (Method::GET, "/", 404, "unknown-path"),
        (Method::GET, "/v1/connections/", 404, "unknown-path"),
        (Method::PATCH, "/v1/connections", 405, "method-not-allowed"),
        (Method::GET, "/v1/connections/%ff", 400, "bad-request"),
        (
            Method::POST,
            "/v1/connections/FabrikamAD/ranges?wiat=3",
            400,
            "bad-request",
        ),
        (
            Method::POST,
            "/v1/connections/FabrikamAD/ranges?wait=-1",
            400,
            "bad-request",
        ),
        (
            Method::PUT,
            "/v1/connections/FabrikamAD/methods/kerberos",
            422,
            "unreadable",
        ),
    ] {
        let answer = control.ask(method.clone(), path, "").await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.problem(), problem, "{method} {path}");
        assert!(answer.headers.contains_key("x-request-id"));
    }
    control.stop().await;
}

#[tokio::test]
async fn plain_http_and_garbage_get_nothing_and_harm_nobody() {
    let world = World::new();
    let control = world.control("control").await;
    for sent in [
        b"GET /v1/configuration HTTP/1.1\r\nhost: localhost\r\n\r\n".as_slice(),
        &[0; 64],
    ] {
        let mut tcp = TcpStream::connect(control.started.admin).await.unwrap();
        tcp.write_all(sent).await.unwrap();
        let mut answer = Vec::new();
        // A reset is an end, too.
        let _ = tokio::time::timeout(SOON, tcp.read_to_end(&mut answer))
            .await
            .unwrap();
        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    }
    // One that says nothing holds up nobody.
    let _silent = TcpStream::connect(control.started.admin).await.unwrap();
    assert_eq!(control.get("/v1/connections").await.status, StatusCode::OK);
    let asked = tokio::time::timeout(Duration::from_secs(5), control.get("/v1/instances"));
    assert_eq!(asked.await.unwrap().status, StatusCode::OK);
    control.tasks.stop();
}
