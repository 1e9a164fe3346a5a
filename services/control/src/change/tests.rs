use bytes::Bytes;
use domain::authority::Authority;
use domain::configuration::Configuration;
use domain::connection::{Connection, DirectorySource, Methods};
use domain::digest::Digest;
use domain::timestamp::Timestamp;
use proptest::prelude::*;

use super::*;

fn configuration() -> Configuration {
    let connection = |name: &str, ranges: &[&str]| Connection {
        name: name.parse().unwrap(),
        display_name: name.to_owned(),
        methods: Methods {
            certificate: true,
            password: true,
        },
        ranges: ranges
            .iter()
            .map(|range| range.parse().unwrap())
            .collect::<Vec<_>>()
            .into(),
        authorities: vec![authority("Fabrikam Root", 1)],
        directory: DirectorySource::File,
    };
    let connections = [
        connection("FabrikamAD", &["10.1.0.0/16"]),
        connection("ContosoAD", &[]),
    ];
    Configuration {
        connections: connections
            .into_iter()
            .map(|each| (each.name.clone(), each))
            .collect(),
        ..Configuration::default()
    }
}

fn authority(name: &str, key: u16) -> Authority {
    Authority {
        key: Digest::of(&key.to_be_bytes()),
        fingerprint: Digest::of(format!("{name} {key}").as_bytes()),
        certificate: Bytes::from_static(b"der"),
        subject: Bytes::copy_from_slice(name.as_bytes()),
        name: format!("CN={name}"),
        not_after: Timestamp(2_000_000_000),
        added_in: 0,
    }
}

fn fabrikam() -> ConnectionName {
    "FabrikamAD".parse().unwrap()
}

fn ranges(texts: &[&str]) -> Vec<GivenRange> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn add(texts: &[&str], confirmed: bool) -> Change {
    Change::AddRanges {
        connection: fabrikam(),
        ranges: ranges(texts),
        confirmed,
    }
}

fn remove(texts: &[&str]) -> Change {
    Change::RemoveRanges {
        connection: fabrikam(),
        ranges: ranges(texts),
    }
}

fn add_authorities(authorities: &[Authority]) -> Change {
    Change::AddAuthorities {
        connection: fabrikam(),
        authorities: authorities.to_vec(),
    }
}

fn remove_authority(fingerprint: &str) -> Change {
    Change::RemoveAuthority {
        connection: fabrikam(),
        fingerprint: fingerprint.parse().unwrap(),
    }
}

fn words(change: &Change) -> String {
    apply(&configuration(), change, None)
        .unwrap()
        .words
        .join("\n")
}

fn refusal(change: &Change) -> Refusal {
    apply(&configuration(), change, None).unwrap_err()
}

#[test]
fn an_unknown_connection_is_answered_with_the_nearest_name() {
    let refused = refusal(&Change::AddRanges {
        connection: "FabrikmAD".parse().unwrap(),
        ranges: ranges(&["10.0.0.0/8"]),
        confirmed: false,
    });
    assert_eq!(refused.kind, Kind::UnknownConnection);
    assert!(
        refused.what_to_do.contains("did you mean `FabrikamAD`?"),
        "{refused}"
    );
    let stranger = connection(&configuration(), "\u{1b}[31mxyz").unwrap_err();
    assert!(!stranger.to_string().contains('\u{1b}'));
    assert!(!stranger.what_to_do.contains("did you mean"));
}

#[test]
fn ranges_are_normalised_and_that_is_said() {
    let said = words(&add(
        &[
            "10.2.3.4/16",
            "2001:DB8::/32",
            "192.0.2.7",
            "::ffff:10.9.0.0/112",
        ],
        false,
    ));
    assert!(
        said.contains("`10.2.3.4/16` is read as 10.2.0.0/16"),
        "{said}"
    );
    assert!(
        said.contains("`2001:DB8::/32` is read as 2001:db8::/32"),
        "{said}"
    );
    assert!(
        said.contains("`::ffff:10.9.0.0/112` is read as 10.9.0.0/16"),
        "{said}"
    );
    assert!(said.contains("asked for in 192.0.2.7/32 now"), "{said}");
    assert!(!said.contains("`192.0.2.7` is read"), "{said}");
}

#[test]
fn everybody_is_asked_only_when_that_was_confirmed() {
    for everybody in ["0.0.0.0/0", "::/0", "10.0.0.0/0", "::ffff:0:0/96"] {
        assert_eq!(
            refusal(&add(&[everybody], false)).kind,
            Kind::ConfirmationNeeded,
            "{everybody}"
        );
        assert!(apply(&configuration(), &add(&[everybody], true), None).is_ok());
    }
}

#[test]
fn ranges_inside_others_are_told_apart_and_twice_is_refused() {
    assert!(words(&add(&["10.1.5.0/24"], false)).contains("10.1.5.0/24 lies inside 10.1.0.0/16"));
    let again = refusal(&add(&["10.1.9.9/16"], false));
    assert_eq!(again.kind, Kind::AlreadyThere);
    let partly = words(&add(&["10.1.0.0/16", "10.7.0.0/16"], false));
    assert!(partly.contains("10.1.0.0/16 was already there"), "{partly}");
    assert_eq!(refusal(&add(&[], false)).kind, Kind::Unreadable);
}

#[test]
fn removing_a_range_says_who_is_concerned() {
    let caller = Some("10.1.2.3".parse().unwrap());
    let applied = apply(&configuration(), &remove(&["10.1.0.0/16"]), caller).unwrap();
    let said = applied.words.join("\n");
    assert!(
        said.contains("your own address 10.1.2.3 is in no range"),
        "{said}"
    );
    assert!(said.contains("the last range of FabrikamAD"), "{said}");
    let unknown = refusal(&remove(&["10.1.7.0/24"]));
    assert_eq!(unknown.kind, Kind::UnknownRange);
    assert!(
        unknown.what_to_do.contains("inside 10.1.0.0/16"),
        "{unknown}"
    );
    // All or nothing.
    assert_eq!(
        refusal(&remove(&["10.1.0.0/16", "10.2.0.0/16"])).kind,
        Kind::UnknownRange
    );
}

#[test]
fn an_authority_is_known_by_its_key() {
    let again = refusal(&add_authorities(&[authority("Fabrikam Root", 1)]));
    assert_eq!(again.kind, Kind::AlreadyThere);
    assert!(again.detail.contains("is already there"), "{again}");
    let same_key = refusal(&add_authorities(&[authority("Renewed Root", 1)]));
    assert!(
        same_key
            .detail
            .contains("has the key of \"CN=Fabrikam Root\""),
        "{same_key}"
    );
    // Two authorities of one name are two authorities.
    assert!(
        apply(
            &configuration(),
            &add_authorities(&[authority("Fabrikam Root", 2)]),
            None
        )
        .is_ok()
    );
    let twice = words(&add_authorities(&[
        authority("New", 3),
        authority("New", 3),
    ]));
    assert!(twice.contains("sent more than once"), "{twice}");
    assert_eq!(refusal(&add_authorities(&[])).kind, Kind::Unreadable);
}

#[test]
fn authorities_are_removed_by_certificate_key_or_their_beginning() {
    let root = authority("Fabrikam Root", 1);
    let colons = |digest: Digest| {
        let text = digest.to_string().to_uppercase();
        let pairs: Vec<&str> = (0..32).map(|at| &text[2 * at..2 * at + 2]).collect();
        pairs.join(":")
    };
    for fingerprint in [
        root.fingerprint.to_string(),
        root.key.to_string(),
        colons(root.key),
        root.fingerprint.to_string()[..16].to_owned(),
    ] {
        let said = words(&remove_authority(&fingerprint));
        assert!(said.contains("the last authority of FabrikamAD"), "{said}");
    }
    let unknown = refusal(&remove_authority("00112233445566778899"));
    assert_eq!(unknown.kind, Kind::UnknownAuthority);
    assert!(unknown.what_to_do.contains("CN=Fabrikam Root"), "{unknown}");
    for short in ["", "0011223344556", "xx112233445566778899", &"0".repeat(65)] {
        assert!(short.parse::<FingerprintPrefix>().is_err(), "{short}");
    }
}

#[test]
fn a_beginning_that_fits_two_is_ambiguous() {
    let mut configuration = configuration();
    let other = Authority {
        // The key of one begins like the certificate of the other.
        key: authority("Fabrikam Root", 1).fingerprint,
        ..authority("Other", 9)
    };
    configuration
        .connections
        .get_mut(&fabrikam())
        .unwrap()
        .authorities
        .push(other);
    let beginning = &authority("Fabrikam Root", 1).fingerprint.to_string()[..20];
    let refused = apply(&configuration, &remove_authority(beginning), None).unwrap_err();
    assert_eq!(refused.kind, Kind::AmbiguousFingerprint);
    assert!(refused.detail.contains("CN=Other"), "{refused}");
}

#[test]
fn methods_are_switched_and_a_locked_door_is_announced() {
    let off = |method| Change::SetMethod {
        connection: fabrikam(),
        method,
        offered: false,
    };
    let password = apply(&configuration(), &off(Method::Password), None).unwrap();
    assert!(!password.words.join(" ").contains("nobody"));
    let both = apply(&password.configuration, &off(Method::Certificate), None).unwrap();
    assert!(
        both.words
            .join(" ")
            .contains("nobody can sign in at FabrikamAD"),
        "{:?}",
        both.words
    );
    let again = apply(&both.configuration, &off(Method::Certificate), None).unwrap_err();
    assert_eq!(again.kind, Kind::AlreadyThere);
}

#[test]
fn the_whole_is_judged_before_it_is_stored() {
    let many: Vec<Authority> = (2..102).map(|key| authority("Authority", key)).collect();
    let refused = refusal(&add_authorities(&many));
    assert_eq!(refused.kind, Kind::InvalidConfiguration);
    assert!(
        refused
            .detail
            .contains("101 authorities are more than the 100 allowed"),
        "{refused}"
    );
    // Their names would not fit a CertificateRequest.
    let long = Authority {
        subject: Bytes::from(vec![b'n'; 49 << 10]),
        ..authority("Long", 9)
    };
    assert!(
        refusal(&add_authorities(&[long]))
            .detail
            .contains("bytes of authorities' names")
    );
}

#[test]
fn more_ranges_than_allowed_are_refused_before_they_cost_anything() {
    let many = |number: u32| -> Vec<GivenRange> {
        let address = |index: u32| std::net::Ipv4Addr::from(0x0b00_0000 + index).to_string();
        (0..number)
            .map(|index| address(index).parse().unwrap())
            .collect()
    };
    let add = |number| Change::AddRanges {
        connection: fabrikam(),
        ranges: many(number),
        confirmed: false,
    };
    let remove = |number| Change::RemoveRanges {
        connection: fabrikam(),
        ranges: many(number),
    };
    let began = std::time::Instant::now();
    // As many as fit a request's body.
    for change in [add(100_000), remove(100_000), add(10_000)] {
        let refused = refusal(&change);
        assert_eq!(refused.kind, Kind::InvalidConfiguration);
        assert!(
            refused.detail.contains("more than the 10000 allowed"),
            "{refused}"
        );
    }
    let full = apply(&configuration(), &add(9_999), None).unwrap();
    let empty = apply(&full.configuration, &remove(9_999), None).unwrap();
    assert_eq!(empty.configuration, configuration());
    // One by one into a sorted list, each step of this took minutes.
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn redirect_uris_that_would_leak_codes_are_refused() {
    let with = |uri: &str| {
        let mut configuration = configuration();
        let application = domain::application::Application {
            client_id: "app".parse().unwrap(),
            name: "App".to_owned(),
            secret: None,
            redirect_uris: [uri.to_owned()].into(),
            post_logout_redirect_uris: Default::default(),
            origins: Default::default(),
            connections: [fabrikam()].into(),
            id_token_algorithm: Default::default(),
        };
        configuration
            .applications
            .insert("app".parse().unwrap(), application);
        validity::problems(&configuration)
    };
    for good in [
        "https://app.example.com/cb",
        "https://app.localhost:8443/cb?x=1",
        "http://127.0.0.1:5000/cb",
        "http://[::1]/cb",
    ] {
        assert_eq!(with(good), Vec::<String>::new(), "{good}");
    }
    for bad in [
        "http://app.example.com/cb",
        "/cb",
        "https://*.example.com/cb",
        "https://a/#f",
        "javascript:alert(1)",
        "https://a b/",
        "",
        "https://",
    ] {
        assert_eq!(with(bad).len(), 1, "{bad}: {:?}", with(bad));
    }
}

prop_compose! {
    fn cidr()(v6 in any::<bool>(), bits in any::<u128>(), length in 1_u8..=128) -> String {
        if v6 {
            format!("{}/{length}", std::net::Ipv6Addr::from(bits))
        } else {
            let [a, b, c, d, ..] = bits.to_be_bytes();
            format!("{a}.{b}.{c}.{d}/{}", length.min(32))
        }
    }
}

proptest! {
    #[test]
    fn a_range_added_and_removed_leaves_no_trace(texts in prop::collection::vec(cidr(), 1..6)) {
        let before = configuration();
        let given: Vec<GivenRange> = texts.iter().filter_map(|text| text.parse().ok()).collect();
        let standing = &before.connections[&fabrikam()].ranges;
        let mut new: Vec<GivenRange> = Vec::new();
        for range in given {
            let seen = new.iter().any(|other| other.range == range.range);
            if !seen && standing.iter().all(|other| other != range.range) {
                new.push(range);
            }
        }
        prop_assume!(!new.is_empty());
        let added = Change::AddRanges { connection: fabrikam(), ranges: new.clone(), confirmed: true };
        let after = apply(&before, &added, None).unwrap();
        prop_assert!(after.words.len() >= new.len());
        let removed = Change::RemoveRanges { connection: fabrikam(), ranges: new };
        prop_assert_eq!(apply(&after.configuration, &removed, None).unwrap().configuration, before);
    }

    #[test]
    fn authorities_added_and_removed_leave_no_trace(keys in prop::collection::btree_set(2_u16..500, 1..20)) {
        let before = configuration();
        let new: Vec<Authority> = keys.iter().map(|key| authority("New", *key)).collect();
        let mut after = apply(&before, &add_authorities(&new), None).unwrap().configuration;
        for each in &new {
            after = apply(&after, &remove_authority(&each.key.to_string()), None).unwrap().configuration;
        }
        prop_assert_eq!(after, before);
    }

    #[test]
    fn no_text_upsets_the_readers(text in ".{0,200}") {
        if let Ok(given) = text.parse::<GivenRange>() {
            let _ = given.reading();
            prop_assert_eq!(given.range.to_string().parse::<GivenRange>().unwrap().range, given.range);
        }
        let _ = text.parse::<FingerprintPrefix>();
        let refused = connection(&configuration(), &text).unwrap_err();
        prop_assert!(refused.detail.chars().count() < 110);
    }

    #[test]
    fn what_is_refused_changes_nothing_and_what_is_made_is_valid(texts in prop::collection::vec(cidr(), 0..4), adding in any::<bool>()) {
        let given: Vec<GivenRange> = texts.iter().filter_map(|text| text.parse().ok()).collect();
        let change = if adding {
            Change::AddRanges { connection: fabrikam(), ranges: given, confirmed: false }
        } else {
            Change::RemoveRanges { connection: fabrikam(), ranges: given }
        };
        if let Ok(applied) = apply(&configuration(), &change, None) {
            prop_assert!(validity::problems(&applied.configuration).is_empty());
            prop_assert!(!applied.words.is_empty());
            prop_assert_ne!(applied.configuration, configuration());
        }
    }
}

#[test]
fn an_authority_knows_the_revision_that_added_it_also_when_it_comes_back() {
    let before = configuration();
    let added_in = |configuration: &Configuration, key: u16| {
        let connection = &configuration.connections[&fabrikam()];
        let found = connection.authority(Digest::of(&key.to_be_bytes()));
        found.map(|authority| authority.added_in)
    };
    let next = |before: &Configuration, change: &Change, revision: u64| {
        let mut after = apply(before, change, None).unwrap().configuration;
        authorities::number_added(before, &mut after, revision);
        after
    };
    let added = next(&before, &add_authorities(&[authority("Second", 2)]), 8);
    assert_eq!(
        (added_in(&added, 1), added_in(&added, 2)),
        (Some(0), Some(8))
    );
    let fingerprint = authority("Second", 2).fingerprint.to_string();
    let removed = next(&added, &remove_authority(&fingerprint), 9);
    assert_eq!(added_in(&removed, 2), None);
    let again = next(&removed, &add_authorities(&[authority("Second", 2)]), 10);
    assert_eq!(
        (added_in(&again, 1), added_in(&again, 2)),
        (Some(0), Some(10))
    );
}
