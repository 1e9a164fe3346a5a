use super::{InvalidOrigin, Origin};

#[test]
fn origins_are_what_browsers_write() {
    for text in [
        "https://app.example.com",
        "https://app.example.com:8443",
        "https://my_app.intern",
        "https://10.1.2.3",
        "https://[2001:db8::1]:8443",
        "http://localhost:3000",
        "http://app.localhost",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
    ] {
        assert_eq!(text.parse::<Origin>().unwrap().as_str(), text);
    }
}

#[test]
fn everything_else_is_refused() {
    use InvalidOrigin::{NotAnOrigin, NotSecure};
    for (text, why) in [
        ("", NotAnOrigin),
        ("null", NotAnOrigin),
        ("*", NotAnOrigin),
        ("https://*.example.com", NotAnOrigin),
        ("app.example.com", NotAnOrigin),
        ("https://app.example.com/", NotAnOrigin),
        ("https://app.example.com/page", NotAnOrigin),
        ("https://app.example.com:443", NotAnOrigin),
        ("https://App.example.com", NotAnOrigin),
        ("https://jon@app.example.com", NotAnOrigin),
        ("https://app.example.com?", NotAnOrigin),
        ("https://app.example.com#", NotAnOrigin),
        (" https://app.example.com", NotAnOrigin),
        ("https://b\u{fc}cher.example", NotAnOrigin),
        ("file:///", NotAnOrigin),
        ("com.example.app:/", NotAnOrigin),
        ("javascript:alert(1)", NotAnOrigin),
        ("http://app.example.com", NotSecure),
        ("http://localhost.example.com", NotSecure),
        ("http://notlocalhost", NotSecure),
        ("http://10.0.0.1", NotSecure),
    ] {
        assert_eq!(text.parse::<Origin>(), Err(why), "{text}");
    }
    let long = format!("https://{}.example", "a.".repeat(140));
    assert_eq!(long.parse::<Origin>(), Err(NotAnOrigin));
}
