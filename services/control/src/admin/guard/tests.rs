use axum::body::Body;
use axum::extract::Request;

use super::{asked_host, from_browser};

fn host(uri: &str, headers: &[&str]) -> Option<String> {
    let mut request = Request::builder().uri(uri);
    for header in headers {
        request = request.header("host", *header);
    }
    asked_host(&request.body(Body::empty()).unwrap())
}

#[test]
fn the_host_is_said_exactly_once() {
    assert_eq!(host("/", &["LocalHost:8444"]).as_deref(), Some("localhost"));
    assert_eq!(host("/", &["[::1]:8444"]).as_deref(), Some("[::1]"));
    assert_eq!(
        host("https://localhost/", &["other"]).as_deref(),
        Some("localhost")
    );
    assert_eq!(host("/", &[]), None);
    assert_eq!(host("/", &["localhost", "localhost"]), None);
    assert_eq!(host("/", &["a b"]), None);
}

#[test]
fn browsers_are_known_by_what_they_add() {
    let with = |name: &'static str| {
        let request = Request::builder().header(name, "https://evil.example");
        from_browser(request.body(Body::empty()).unwrap().headers())
    };
    assert!(with("origin"));
    assert!(with("sec-fetch-site"));
    assert!(!with("user-agent"));
}
