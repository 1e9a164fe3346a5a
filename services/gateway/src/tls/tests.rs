use std::sync::Arc;

use bytes::Bytes;
use domain::authority::Authority;
use domain::configuration::{
    CertificateBytes, Configuration, GatewaySecrets, SecretBytes, ServerCertificate,
};
use domain::connection::{Connection, DirectorySource, Methods};
use domain::digest::Digest;
use domain::timestamp::Timestamp;
use rcgen::{CertificateParams, KeyPair};

use super::{Choice, InvalidTls, TlsConfigurations, Unserved};
use crate::arrival::Site;
use crate::edge::names::Names;

/// A server certificate for these hosts, and its private key.
fn certificate(hosts: &[&str]) -> (ServerCertificate, SecretBytes) {
    certificate_with(hosts, |_| {})
}

fn certificate_with(
    hosts: &[&str],
    change: impl FnOnce(&mut CertificateParams),
) -> (ServerCertificate, SecretBytes) {
    let names: Vec<String> = hosts.iter().copied().map(str::to_owned).collect();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(names.clone()).unwrap();
    change(&mut params);
    let der = params.self_signed(&key).unwrap().der().to_vec();
    let certificate = ServerCertificate {
        fingerprint: Digest::of(&der),
        hosts: names,
        chain: vec![CertificateBytes(Bytes::from(der))],
    };
    (certificate, SecretBytes::new(key.serialize_der()))
}

fn names() -> Names {
    let others = ["app.example".to_owned()];
    Names::new("login.example", "cert.example", true, others).unwrap()
}

fn prepared(
    certificates: Vec<(ServerCertificate, SecretBytes)>,
) -> Result<TlsConfigurations, InvalidTls> {
    let mut configuration = Configuration::default();
    let mut secrets = GatewaySecrets::default();
    for (certificate, key) in certificates {
        secrets.server_keys.insert(certificate.fingerprint, key);
        configuration.server_certificates.push(certificate);
    }
    TlsConfigurations::new(&configuration, &secrets, &names())
}

#[test]
fn the_end_of_each_hosts_certificate_is_known() {
    // What rcgen makes by itself ends in the year 4096.
    let far = Timestamp(67_090_118_400);
    let near = certificate_with(&["login.example"], |params| {
        params.not_after = rcgen::date_time_ymd(2027, 1, 2);
    });
    let hosts = ["login.example", "cert.example", "*.cert.example"];
    let tls = prepared(vec![near, certificate(&hosts)]).unwrap();
    let ends = [
        ("*.cert.example", far),
        ("cert.example", far),
        // The one that is served for it.
        ("login.example", Timestamp(1_798_848_000)),
    ];
    assert_eq!(tls.ends().into_iter().collect::<Vec<_>>(), ends);
}

fn choice(tls: &TlsConfigurations, name: &str) -> Result<Choice, Unserved> {
    let site = names().site(name).unwrap();
    tls.choose(&site, name, "10.0.0.1".parse().unwrap())
}

fn speaks_http2(tls: &TlsConfigurations, name: &str) -> bool {
    let config = choice(tls, name).unwrap().config;
    config.alpn_protocols.contains(&b"h2".to_vec())
}

#[test]
fn a_certificate_that_also_covers_the_certificate_host_costs_http_2() {
    let own = prepared(vec![
        certificate(&["login.example"]),
        certificate(&["cert.example", "*.cert.example"]),
        certificate(&["app.example"]),
    ])
    .unwrap();
    assert!(speaks_http2(&own, "login.example"));
    assert!(speaks_http2(&own, "app.example"));
    assert!(!speaks_http2(&own, "cert.example"));
    let shared = prepared(vec![certificate(&["*.example", "*.cert.example"])]).unwrap();
    for name in [
        "login.example",
        "app.example",
        "cert.example",
        "a1.cert.example",
    ] {
        assert!(!speaks_http2(&shared, name), "{name}");
    }
}

#[test]
fn the_name_itself_goes_before_a_wildcard_and_hosts_without_either_are_told() {
    let (own, key) = certificate(&["login.example"]);
    let expected = own.chain.first().unwrap().0.clone();
    let tls = prepared(vec![certificate(&["*.example"]), (own, key)]).unwrap();
    let (place, found) = super::find(&tls.certificates, "login.example").unwrap();
    assert_eq!(
        (place, found.key.cert.first().unwrap().as_ref()),
        (1, expected.as_ref())
    );
    assert!(super::unserved(&names(), &tls.certificates).is_empty());
    // One label, so not a name before the certificate host's.
    assert!(matches!(choice(&tls, "a1.cert.example"), Err(Unserved)));
    let tls = prepared(vec![certificate(&["login.example"])]).unwrap();
    assert_eq!(
        super::unserved(&names(), &tls.certificates),
        ["app.example", "cert.example"]
    );
    assert!(matches!(choice(&tls, "cert.example"), Err(Unserved)));
}

#[test]
fn a_certificate_without_its_own_key_is_refused_by_name() {
    let (one, _) = certificate(&["login.example"]);
    let (_, another) = certificate(&["login.example"]);
    let fingerprint = one.fingerprint;
    let mismatch = prepared(vec![(one.clone(), another)]).unwrap_err();
    assert!(
        matches!(mismatch, InvalidTls::Mismatch { fingerprint: found, .. } if found == fingerprint)
    );
    let garbage = prepared(vec![(one.clone(), SecretBytes::new(vec![1, 2, 3]))]).unwrap_err();
    assert!(matches!(garbage, InvalidTls::Key { .. }));
    let configuration = Configuration {
        server_certificates: vec![one],
        ..Configuration::default()
    };
    let none = TlsConfigurations::new(&configuration, &GatewaySecrets::default(), &names());
    assert!(matches!(none.unwrap_err(), InvalidTls::NoKey(found) if found == fingerprint));
}

#[test]
fn an_asking_configuration_is_built_once_for_those_who_admit() {
    let subject = Bytes::from_static(b"\x30\x00");
    let connection = |name: &str, range: &str| Connection {
        name: name.parse().unwrap(),
        display_name: name.to_owned(),
        methods: Methods {
            certificate: true,
            password: false,
        },
        ranges: vec![range.parse().unwrap()].into(),
        authorities: vec![Authority {
            key: Digest::of(&subject),
            fingerprint: Digest::of(&subject),
            certificate: Bytes::new(),
            subject: subject.clone(),
            name: String::new(),
            not_after: Timestamp(u64::MAX),
            added_in: 0,
        }],
        directory: DirectorySource::File,
    };
    let connections = [
        connection("A", "10.0.0.0/8"),
        connection("B", "10.0.0.0/16"),
    ];
    let (certificate, key) = certificate(&["cert.example"]);
    let secrets = GatewaySecrets {
        server_keys: [(certificate.fingerprint, key)].into(),
        ..GatewaySecrets::default()
    };
    let configuration = Configuration {
        connections: connections
            .into_iter()
            .map(|each| (each.name.clone(), each))
            .collect(),
        server_certificates: vec![certificate],
        ..Configuration::default()
    };
    let tls = TlsConfigurations::new(&configuration, &secrets, &names()).unwrap();
    let chosen = |address: &str| {
        let site = Site::Certificate { attempt: None };
        tls.choose(&site, "cert.example", address.parse().unwrap())
            .unwrap()
    };
    let (both, same, one, none) = (
        chosen("10.0.0.1"),
        chosen("10.0.0.2"),
        chosen("10.1.0.1"),
        chosen("11.0.0.1"),
    );
    assert!(both.asks && same.asks && one.asks && !none.asks);
    assert!(Arc::ptr_eq(&both.config, &same.config));
    assert!(!Arc::ptr_eq(&both.config, &one.config));
    assert!(!Arc::ptr_eq(&both.config, &none.config));
}
