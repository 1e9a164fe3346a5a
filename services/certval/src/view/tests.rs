use std::collections::BTreeMap;

use bytes::Bytes;
use domain::configuration::{Configuration, part};
use domain::connection::{Connection, DirectorySource, Methods};
use domain::digest::Digest;
use domain::ranges::Ranges;

use super::decode;
use crate::workshop::Authority;

fn parts(authorities: Vec<domain::authority::Authority>) -> BTreeMap<String, Bytes> {
    let connection = Connection {
        name: "FabrikamAD".parse().unwrap(),
        display_name: "Fabrikam".to_owned(),
        methods: Methods {
            certificate: true,
            password: true,
        },
        ranges: Ranges::default(),
        authorities,
        directory: DirectorySource::File,
    };
    let configuration = Configuration {
        connections: [(connection.name.clone(), connection)].into(),
        ..Configuration::default()
    };
    let json = serde_json::to_vec(&configuration).unwrap();
    [(part::CONFIGURATION.to_owned(), json.into())].into()
}

#[test]
fn every_connection_has_its_own_authorities() {
    let root = Authority::root("FabrikamRootCA");
    let view = decode(&parts(vec![root.configured(), root.configured()])).unwrap();
    let known = view.authorities(&"FabrikamAD".parse().unwrap()).unwrap();
    assert_eq!(known.len(), 2);
    assert!(view.authorities(&"ContosoAD".parse().unwrap()).is_none());
    let none = decode(&parts(Vec::new())).unwrap();
    assert!(
        none.authorities(&"FabrikamAD".parse().unwrap())
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_snapshot_that_cannot_be_judged_by_is_refused_as_a_whole() {
    let refused = |parts: &BTreeMap<String, Bytes>| decode(parts).unwrap_err();
    assert!(refused(&BTreeMap::new()).contains("no part `configuration`"));
    let garbled = [(part::CONFIGURATION.to_owned(), Bytes::from_static(b"{"))].into();
    assert!(refused(&garbled).contains("cannot be read"));
    let root = Authority::root("FabrikamRootCA");
    let mut other_key = root.configured();
    other_key.key = Digest::of(b"another");
    assert_eq!(
        refused(&parts(vec![root.configured(), other_key])),
        "connection FabrikamAD cannot be judged by: the certificate of authority an authority does not hold the key it is pinned to"
    );
    let mut garbled = root.configured();
    garbled.certificate = Bytes::from_static(b"no certificate");
    assert!(refused(&parts(vec![garbled])).contains(
        "connection FabrikamAD cannot be judged by: the certificate of authority an authority cannot be read: an element is longer than what holds it"
    ));
}
