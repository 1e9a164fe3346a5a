use http::{Request, StatusCode, Version};

use super::check;

fn h1(target: &str, hosts: &[&str]) -> Result<(), StatusCode> {
    let mut request = Request::builder().uri(target);
    for host in hosts {
        request = request.header("host", *host);
    }
    check(&request.body(()).unwrap(), "login.example.com")
}

#[test]
fn the_same_name_passes_in_any_case_and_with_any_port() {
    for host in [
        "login.example.com",
        "LOGIN.Example.com",
        "login.example.com:8443",
    ] {
        assert_eq!(h1("/", &[host]), Ok(()), "{host}");
    }
    assert_eq!(
        h1("https://login.example.com/", &["login.example.com"]),
        Ok(())
    );
}

#[test]
fn another_name_is_misdirected_wherever_it_stands() {
    for host in [
        "cert.example.com",
        "login.example.com.",
        "login.example.com.evil.example",
        "xn--login-example.com",
        "[::1]:8443",
        "10.0.0.1",
    ] {
        assert_eq!(
            h1("/", &[host]),
            Err(StatusCode::MISDIRECTED_REQUEST),
            "{host}"
        );
        let target = format!("https://{host}/");
        let both = h1(&target, &["login.example.com"]);
        assert_eq!(
            both,
            Err(StatusCode::MISDIRECTED_REQUEST),
            "{host} as the target"
        );
    }
    let both = h1("https://login.example.com/", &["cert.example.com"]);
    assert_eq!(both, Err(StatusCode::MISDIRECTED_REQUEST));
}

#[test]
fn no_name_several_or_an_unreadable_one_is_a_bad_request() {
    for hosts in [
        &[][..],
        &["login.example.com", "login.example.com"],
        &["login.example.com", "cert.example.com"],
        &["login.example.com/"],
        &["user@login.example.com"],
        &["login.example.com, cert.example.com"],
        &[""],
    ] {
        assert_eq!(h1("/", hosts), Err(StatusCode::BAD_REQUEST), "{hosts:?}");
    }
    let absolute = h1("https://login.example.com/", &[]);
    assert_eq!(absolute, Err(StatusCode::BAD_REQUEST));
}

#[test]
fn http2_names_its_host_in_the_authority() {
    let h2 = |target: &str| {
        let request = Request::builder().version(Version::HTTP_2).uri(target);
        check(&request.body(()).unwrap(), "login.example.com")
    };
    assert_eq!(h2("https://login.example.com:8443/"), Ok(()));
    assert_eq!(
        h2("https://cert.example.com/"),
        Err(StatusCode::MISDIRECTED_REQUEST)
    );
    assert_eq!(h2("/"), Err(StatusCode::BAD_REQUEST));
}
