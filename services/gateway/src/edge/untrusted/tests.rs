use http::{HeaderMap, HeaderName, HeaderValue};

use super::take_off;

#[test]
fn headers_that_claim_something_are_gone_and_all_others_stay() {
    let claims = [
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "x-forwarded-client-cert",
        "X-Forwarded-Uri",
        "Forwarded",
        "X-Real-IP",
        "X_Forwarded_For",
        "x-forwarded_for",
        "CF-Connecting-IP",
        "True-Client-IP",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-SSL-Client-Cert",
        "X-SSL-Client-S-DN",
        "ssl_client_cert",
        "SSL-Client-Cert",
        "Client-Cert",
        "Client-Cert-Chain",
        "X-Client-Cert",
        "X-ARR-ClientCert",
        "Remote-User",
        "REMOTE_USER",
        "X-Remote-User",
        "X-Forwarded-User",
        "X-HTTP-Method-Override",
    ];
    let honest = [
        "host",
        "cookie",
        "origin",
        "referer",
        "authorization",
        "content-type",
        "content-length",
        "user-agent",
        "accept",
        "sec-fetch-dest",
        "sec-fetch-site",
        "traceparent",
        "cache-control",
        "x-requested-with",
    ];
    let mut headers = HeaderMap::new();
    for name in claims.iter().chain(&honest) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name.clone(), HeaderValue::from_static("jon"));
        headers.append(name, HeaderValue::from_static("again"));
    }
    take_off(&mut headers);
    let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
    left.sort_unstable();
    let mut expected = honest.to_vec();
    expected.sort_unstable();
    assert_eq!(left, expected);
}
