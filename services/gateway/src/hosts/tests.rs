use super::{Hosts, InvalidHosts};
use crate::testing::settings;

fn hosts(issuer: &str, certificate_host: &str) -> Result<Hosts, InvalidHosts> {
    Hosts::new(&crate::settings::Settings {
        issuer: issuer.to_owned(),
        certificate_host: certificate_host.to_owned(),
        ..settings()
    })
}

#[test]
fn the_port_is_in_urls_only_where_it_is_not_443() {
    let plain = hosts("https://login.example.com", "").unwrap();
    assert_eq!(
        plain.certificate_url("T"),
        "https://cert.login.example.com/?tx=T"
    );
    assert_eq!(
        plain.login_url("/resume"),
        "https://login.example.com/resume"
    );
    let demo = hosts("https://login.localhost:8443", "cert.localhost").unwrap();
    assert_eq!(
        demo.certificate_url("T"),
        "https://cert.localhost:8443/?tx=T"
    );
    assert_eq!(
        demo.another_certificate_url("a1", "T").as_deref(),
        Some("https://a1.cert.localhost:8443/?tx=T")
    );
    assert_eq!(demo.login(), "login.localhost");
}

#[test]
fn an_issuer_that_applications_would_compare_differently_is_refused() {
    for issuer in [
        "http://login.example.com",
        "https://login.example.com/",
        "https://login.example.com/oidc",
        "https://LOGIN.example.com",
        "https://login.example.com:443",
        "https://user@login.example.com",
        "https://10.0.0.1",
        "login.example.com",
        "",
    ] {
        assert!(
            matches!(hosts(issuer, ""), Err(InvalidHosts::Issuer(_))),
            "{issuer}"
        );
    }
}

#[test]
fn the_certificate_host_is_a_name_of_its_own() {
    for name in [
        "login.example.com",
        "cert.example.com/x",
        "cert.example.com:1",
        "CERT.example.com",
        "10.0.0.1",
    ] {
        assert!(
            matches!(
                hosts("https://login.example.com", name),
                Err(InvalidHosts::Certificate(_))
            ),
            "{name}"
        );
    }
}
