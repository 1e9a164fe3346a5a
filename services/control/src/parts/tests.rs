use domain::configuration::{DirectorySecrets, SecretBytes};
use domain::digest::Digest;
use runtime::random::SystemRandomness;

use super::*;

fn seals(gateway: u8, directory: u8) -> RoleSeals {
    let keys = |byte| SealKeys::new([[byte; 32].as_slice()]).unwrap();
    RoleSeals {
        gateway: keys(gateway),
        directory: keys(directory),
    }
}

fn revision() -> FirstRevision {
    FirstRevision {
        configuration: Configuration::default(),
        gateway: GatewaySecrets {
            server_keys: [(
                Digest::of(b"leaf"),
                SecretBytes::new(b"a server key".to_vec()),
            )]
            .into(),
            ..GatewaySecrets::default()
        },
        directory: DirectorySecrets {
            bind_passwords: [(
                "FabrikamAD".parse().unwrap(),
                SecretBytes::new(b"bind password".to_vec()),
            )]
            .into(),
        },
        words: Vec::new(),
    }
}

#[test]
fn secrets_travel_sealed_and_unchanged_parts_stay_as_they_are() {
    let parts = first(&revision(), &seals(1, 2), &SystemRandomness::new()).unwrap();
    for (name, part) in &parts {
        for secret in [b"a server key".as_slice(), b"bind password", STANDARD_FORM] {
            assert!(
                !part.windows(secret.len()).any(|window| window == secret),
                "{name}"
            );
        }
    }
    let view = decode(&parts, &seals(1, 2)).unwrap();
    let next = view.with(&view.configuration).unwrap();
    assert_eq!(next, parts);
}

/// "a server key" in base64, as it stands inside the JSON before it is sealed.
const STANDARD_FORM: &[u8] = b"YSBzZXJ2ZXIga2V5";

#[test]
fn a_part_sealed_for_another_role_or_moved_is_refused_in_words() {
    let mut parts = first(&revision(), &seals(1, 2), &SystemRandomness::new()).unwrap();
    assert!(
        decode(&parts, &seals(1, 3))
            .unwrap_err()
            .contains("secrets.directory")
    );
    assert!(
        decode(&parts, &seals(3, 2))
            .unwrap_err()
            .contains("secrets.gateway")
    );
    // One role's part in another's place does not open, even with one key for both.
    let same = first(&revision(), &seals(1, 1), &SystemRandomness::new()).unwrap();
    let mut moved = same.clone();
    moved.insert(
        part::DIRECTORY_SECRETS.to_owned(),
        same[part::GATEWAY_SECRETS].clone(),
    );
    assert!(decode(&moved, &seals(1, 1)).is_err());

    parts.remove(part::GATEWAY_SECRETS);
    assert!(
        decode(&parts, &seals(1, 2))
            .unwrap_err()
            .contains("is missing")
    );
    assert!(
        decode(&Parts::new(), &seals(1, 2))
            .unwrap_err()
            .contains("is missing")
    );
    parts.insert(part::CONFIGURATION.to_owned(), Bytes::from_static(b"{"));
    assert!(
        decode(&parts, &seals(1, 2))
            .unwrap_err()
            .contains("cannot be read")
    );
}
