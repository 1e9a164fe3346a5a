use axum::http::HeaderMap;
use axum::http::header::COOKIE;

use super::{PREFER_PASSWORD, SESSION, lasting, read, removed, set};

fn headers(lines: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(COOKIE, line.parse().unwrap());
    }
    headers
}

#[test]
fn one_cookie_is_read_among_others() {
    assert_eq!(
        read(&headers(&["a=1; __Host-session=xyz; b=2"]), SESSION),
        Some("xyz")
    );
    assert_eq!(
        read(&headers(&["a=1", "__Host-session=xyz"]), SESSION),
        Some("xyz")
    );
}

#[test]
fn a_cookie_that_comes_twice_counts_as_absent() {
    assert_eq!(
        read(&headers(&["__Host-session=a; __Host-session=b"]), SESSION),
        None
    );
    assert_eq!(
        read(&headers(&["__Host-session=a", "__Host-session=b"]), SESSION),
        None
    );
    assert_eq!(
        read(&headers(&["x__Host-session=a; __host-session=b"]), SESSION),
        None
    );
}

#[test]
fn cookies_stay_on_the_login_host_and_away_from_scripts_and_other_sites() {
    let value = set(SESSION, "xyz").unwrap();
    assert_eq!(
        value,
        "__Host-session=xyz; Path=/; Secure; HttpOnly; SameSite=Lax"
    );
    assert!(
        removed(SESSION)
            .unwrap()
            .to_str()
            .unwrap()
            .ends_with("; Max-Age=0")
    );
    assert_eq!(set(SESSION, "a\r\nSet-Cookie: b=c"), None);
    assert_eq!(
        lasting(PREFER_PASSWORD).unwrap(),
        "__Host-prefer-password=1; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=2592000"
    );
}
