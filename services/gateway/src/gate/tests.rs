use bytes::Bytes;
use domain::authority::Authority;
use domain::configuration::Configuration;
use domain::connection::{Connection, DirectorySource, Methods};
use domain::digest::Digest;
use domain::timestamp::Timestamp;

use super::{Gate, MAX_NAMES_BYTES};

fn connection(name: &str, range: &str, subjects: &[&[u8]]) -> Connection {
    Connection {
        name: name.parse().unwrap(),
        display_name: name.to_owned(),
        methods: Methods {
            certificate: true,
            password: true,
        },
        ranges: vec![range.parse().unwrap()].into(),
        authorities: subjects
            .iter()
            .map(|subject| Authority {
                key: Digest::of(subject),
                fingerprint: Digest::of(subject),
                certificate: Bytes::new(),
                subject: Bytes::copy_from_slice(subject),
                name: name.to_owned(),
                not_after: Timestamp(u64::MAX),
                added_in: 0,
            })
            .collect(),
        directory: DirectorySource::File,
    }
}

fn gate(connections: Vec<Connection>) -> Gate {
    let named = connections
        .into_iter()
        .map(|each| (each.name.clone(), each));
    Gate::of(&Configuration {
        connections: named.collect(),
        ..Configuration::default()
    })
}

fn names(gate: &Gate, address: &str) -> Option<Vec<Vec<u8>>> {
    let admitted = gate.admitted(address.parse().unwrap())?;
    let names = gate.authority_names(&admitted);
    Some(names.iter().map(|name| name.as_ref().to_vec()).collect())
}

#[test]
fn an_address_is_shown_the_authorities_of_every_connection_that_has_it_in_range() {
    let gate = gate(vec![
        connection("A", "10.0.0.0/8", &[b"one", b"shared"]),
        connection("B", "10.1.0.0/16", &[b"shared", b"two"]),
    ]);
    let both: Vec<Vec<u8>> = [&b"one"[..], b"shared", b"two"].map(<[u8]>::to_vec).into();
    assert_eq!(names(&gate, "10.1.2.3"), Some(both.clone()));
    assert_eq!(names(&gate, "::ffff:10.1.2.3"), Some(both));
    assert_eq!(
        names(&gate, "10.2.0.1"),
        Some(vec![b"one".to_vec(), b"shared".to_vec()])
    );
    assert_eq!(names(&gate, "11.0.0.1"), None);
    assert_eq!(names(&gate, "2001:db8::1"), None);
}

#[test]
fn without_the_method_or_without_an_authority_nobody_is_asked() {
    let mut off = connection("A", "0.0.0.0/0", &[b"one"]);
    off.methods.certificate = false;
    let without_authority = connection("B", "0.0.0.0/0", &[]);
    let without_range = Connection {
        ranges: Vec::new().into(),
        ..connection("C", "10.0.0.0/8", &[b"one"])
    };
    assert_eq!(
        names(
            &gate(vec![off, without_authority, without_range]),
            "10.0.0.1"
        ),
        None
    );
}

#[test]
fn names_that_no_browser_takes_are_left_out_and_the_certificate_still_asked_for() {
    let long = vec![b'x'; MAX_NAMES_BYTES];
    let gate = gate(vec![connection("A", "10.0.0.0/8", &[&long])]);
    assert_eq!(names(&gate, "10.0.0.1"), Some(Vec::new()));
}
