use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::CertificateDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::*;
use crate::pki::{Authority, Leaf, server_root};

/// A small site on two names, so that the client is tried against a real server.
struct Site {
    address: SocketAddr,
    root: CertificateDer<'static>,
    people: Authority,
}

impl Site {
    async fn start(certificate_mandatory: bool) -> Self {
        let root = server_root("Test servers").unwrap();
        let server = root
            .issue_server(&["login.localhost", "cert.localhost"])
            .unwrap();
        let people = Authority::named("FabrikamRootCA").self_signed().unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(people.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider());
        let verifier = if certificate_mandatory {
            verifier
        } else {
            verifier.allow_unauthenticated()
        };
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(server.chain(), server.private_key())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (tcp, peer) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(tls) = acceptor.accept(tcp).await else {
                        return;
                    };
                    let service = service_fn(move |request| answer(request, peer));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(tls), service)
                        .await;
                });
            }
        });
        Self {
            address,
            root: root.der().clone(),
            people,
        }
    }

    fn browser(&self) -> Browser {
        Browser::trusting(&self.root).unwrap().through(self.address)
    }
}

async fn answer(
    request: http::Request<Incoming>,
    peer: SocketAddr,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let seen = |name: &str| {
        request
            .headers()
            .get(name)
            .map_or("-", |value| value.to_str().unwrap())
            .to_owned()
    };
    let page = Response::builder();
    let (page, body) = match request.uri().path() {
        "/start" => (
            page.status(StatusCode::FOUND)
                .header("location", "https://cert.localhost/chosen?a=1&b=2")
                .header(
                    "set-cookie",
                    "__Host-browser=abc; Secure; HttpOnly; Path=/; SameSite=Lax",
                )
                .header(
                    "set-cookie",
                    "__Host-strict=s; Secure; Path=/; SameSite=Strict",
                )
                .header(
                    "set-cookie",
                    "__Host-bad=1; Secure; Path=/; Domain=localhost",
                ),
            String::new(),
        ),
        "/chosen" => (
            page.header("refresh", "0; url=https://login.localhost/meta?q=%26"),
            format!("cookie {}", seen("cookie")),
        ),
        "/meta" => (
            page,
            "<!-- <meta http-equiv=refresh content='0;url=/no'> -->\
             <META HTTP-EQUIV='Refresh' CONTENT=\"1; url=/form?x=1&amp;y=2\">"
                .to_owned(),
        ),
        "/form" => (
            page,
            format!(
                "<p>cookie {} from {}</p><form method=\"post\" action=\"/in?t=1\">\
                 <input type=hidden name=tx value='a&amp;b&#39;'><input name=username>\
                 <input type=password name=password><input type=submit name=go value=Go></form>\
                 <a href='/other?x=1&amp;y=2'>x</a>",
                seen("cookie"),
                peer.ip()
            ),
        ),
        "/in" => {
            let origin = seen("origin");
            let host = seen("host");
            let body = request.into_body().collect().await.unwrap().to_bytes();
            (
                page,
                format!("{origin} {host} {}", String::from_utf8_lossy(&body)),
            )
        }
        "/large" => (page, "x".repeat(5 << 20)),
        "/loop" => (page.status(303).header("location", "/loop"), String::new()),
        _ => (page.status(404), String::new()),
    };
    Ok(page.body(Full::new(body.into())).unwrap())
}

#[tokio::test]
async fn it_walks_step_by_step_and_submits_the_form() {
    let site = Site::start(false).await;
    let mut browser = site.browser().from("127.0.0.99".parse().unwrap());
    let walk = browser
        .walk("https://login.localhost/start", "https://app.")
        .await
        .unwrap();
    let way: Vec<&str> = walk.pages.iter().map(|page| page.url.as_str()).collect();
    assert_eq!(
        way,
        [
            "https://login.localhost/start",
            "https://cert.localhost/chosen?a=1&b=2",
            "https://login.localhost/meta?q=%26",
            "https://login.localhost/form?x=1&y=2",
        ]
    );
    assert_eq!(
        walk.pages[1].body, "cookie -",
        "cookies stay with their host"
    );
    let last = walk.last().unwrap();
    // The form's page is caused by a page of the same site, so the strict cookie comes along.
    assert!(
        last.body
            .contains("cookie __Host-browser=abc; __Host-strict=s from 127.0.0.99"),
        "{}",
        last.body
    );
    assert_eq!(browser.cookies.rejected.len(), 1);
    assert!(
        browser
            .cookies
            .find("login.localhost", "__Host-browser")
            .unwrap()
            .http_only
    );

    let form = last
        .form_with("password")
        .unwrap()
        .fill("username", "jon")
        .fill("password", "p w");
    assert_eq!(form.value("tx"), "a&b'");
    let page = browser.submit(&form).await.unwrap();
    assert_eq!(
        page.body,
        "https://login.localhost login.localhost tx=a%26b%27&username=jon&password=p+w"
    );
    assert_eq!(
        last.links()[0].as_str(),
        "https://login.localhost/other?x=1&y=2"
    );
}

#[tokio::test]
async fn a_strict_cookie_does_not_come_back_from_another_site() {
    let site = Site::start(false).await;
    let mut browser = site.browser();
    browser.open("https://login.localhost/start").await.unwrap();
    let elsewhere = Url::parse("https://cert.localhost/").unwrap();
    let request = Request::get("https://login.localhost/form")
        .unwrap()
        .from_page(&elsewhere);
    let page = browser.send(request).await.unwrap();
    assert!(
        page.body.contains("cookie __Host-browser=abc from"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn the_certificate_request_is_seen() {
    let site = Site::start(false).await;
    let jon = site.people.issue(&Leaf::named("jon")).unwrap();
    for browser in [site.browser(), site.browser().with_tls12()] {
        let page = browser
            .clone()
            .open("https://cert.localhost/form")
            .await
            .unwrap();
        let request = page.handshake.certificate_request.unwrap();
        assert_eq!(request.authorities, [site.people.subject_der().unwrap()]);
        assert!(!page.handshake.certificate_sent);
        let mut browser = browser.with_certificate(jon.clone());
        let page = browser.open("https://cert.localhost/form").await.unwrap();
        assert!(page.handshake.certificate_sent);
    }
}

#[tokio::test]
async fn an_alert_is_told_apart_from_a_page() {
    let site = Site::start(true).await;
    let error = site
        .browser()
        .open("https://cert.localhost/form")
        .await
        .unwrap_err();
    assert_eq!(
        error.alert(),
        Some(rustls::AlertDescription::CertificateRequired)
    );
    let stranger = Authority::named("FabrikamRootCA").self_signed().unwrap();
    let stranger = stranger.issue(&Leaf::named("jon")).unwrap();
    for browser in [site.browser(), site.browser().with_tls12()] {
        let mut browser = browser.with_certificate(stranger.clone());
        assert!(
            browser
                .open("https://cert.localhost/form")
                .await
                .unwrap_err()
                .alert()
                .is_some()
        );
    }
    let error = site
        .browser()
        .open("https://other.localhost/")
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Tls(_)), "{error:?}");
}

#[tokio::test]
async fn it_reads_and_walks_within_bounds() {
    let site = Site::start(false).await;
    let error = site
        .browser()
        .open("https://login.localhost/large")
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::TooLong), "{error:?}");
    let error = site
        .browser()
        .walk("https://login.localhost/loop", "https://app.")
        .await;
    assert!(matches!(error, Err(ClientError::Wrong(_))), "{error:?}");
}
