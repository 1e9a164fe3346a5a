use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;
use crate::random::{SeededRandomness, SystemRandomness};

fn manifest(revision: u64) -> Manifest {
    Manifest {
        revision,
        parent: None,
        created_at: 1_000,
        author: "test".into(),
        reason: "test".into(),
        blobs: [("a".to_owned(), BlobReference::of(b"content"))].into(),
        critical: Vec::new(),
    }
}

#[test]
fn digests_are_read_as_they_are_written_and_no_other_way() {
    let digest = Digest::of(b"abc");
    assert_eq!(
        digest.to_string(),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(digest.to_string().parse(), Ok(digest));
    for wrong in [
        String::new(),
        digest.to_string().to_uppercase(),
        digest.to_string()[1..].to_owned(),
        format!("{digest}0"),
        "../../../../../../../../../../../../../../../../../../../../pass".into(),
    ] {
        assert_eq!(wrong.parse::<Digest>(), Err(NotADigest), "{wrong}");
    }
}

#[test]
fn keys_survive_their_files_and_are_never_shown() {
    let key = SigningKey::generate(&SystemRandomness::new()).unwrap();
    let read = SigningKey::from_pem(key.to_pem().as_bytes()).unwrap();
    assert_eq!(read.id(), key.id());
    let pem = key.to_pem();
    let secret = pem.lines().nth(1).unwrap();
    assert!(!format!("{key:?}").contains(secret));
    let trusted = TrustedKeys::from_pem(key.public_pem().as_bytes()).unwrap();
    let signed = read.sign(Purpose::Manifest, b"x".to_vec()).to_bytes();
    assert_eq!(trusted.open(Purpose::Manifest, &signed).unwrap(), b"x");
}

#[test]
fn two_public_keys_are_read_and_three_or_none_are_refused() {
    let pem = |seed| {
        let key = SigningKey::generate(&SeededRandomness::new(seed)).unwrap();
        key.public_pem()
    };
    let two = pem(1) + &pem(2);
    assert!(TrustedKeys::from_pem(two.as_bytes()).is_ok());
    let three = two + &pem(3);
    for wrong in ["", three.as_str()] {
        let refused = TrustedKeys::from_pem(wrong.as_bytes());
        assert!(matches!(refused, Err(KeyInvalid::Count { .. })));
    }
}

#[test]
fn a_signature_holds_for_its_purpose_key_and_bytes_only() {
    let key = SigningKey::generate(&SeededRandomness::new(1)).unwrap();
    let other = SigningKey::generate(&SeededRandomness::new(2)).unwrap();
    let trusted = TrustedKeys::of(&key);
    let signed = key.sign(Purpose::Freshness, b"payload".to_vec());
    let bytes = signed.to_bytes();
    assert!(trusted.open(Purpose::Freshness, &bytes).is_ok());
    let other_purpose = trusted.open(Purpose::Manifest, &bytes);
    assert!(matches!(other_purpose, Err(NotTrusted::BadSignature)));
    let stranger = other.sign(Purpose::Freshness, b"payload".to_vec());
    let stranger = trusted.open(Purpose::Freshness, &stranger.to_bytes());
    assert!(matches!(stranger, Err(NotTrusted::UnknownKey)));
    let posing = Signed {
        key_id: key.id().to_owned(),
        ..other.sign(Purpose::Freshness, b"payload".to_vec())
    };
    let posing = trusted.open(Purpose::Freshness, &posing.to_bytes());
    assert!(matches!(posing, Err(NotTrusted::BadSignature)));
    let changed = Signed {
        payload: b"Payload".to_vec(),
        ..signed
    };
    let changed = trusted.open(Purpose::Freshness, &changed.to_bytes());
    assert!(matches!(changed, Err(NotTrusted::BadSignature)));
}

#[test]
fn manifests_past_a_bound_are_not_signed() {
    let key = SigningKey::generate(&SeededRandomness::new(1)).unwrap();
    assert!(SignedManifest::sign(&manifest(1), &key).is_ok());
    let large = BlobReference {
        size: (64 << 20) + 1,
        ..BlobReference::of(b"")
    };
    let blob = |at: usize| (format!("{at:05}"), BlobReference::of(b""));
    let wrong = [
        manifest(0),
        Manifest {
            blobs: [("large".to_owned(), large)].into(),
            ..manifest(1)
        },
        Manifest {
            blobs: (0..=MANIFEST_BLOBS).map(blob).collect(),
            ..manifest(1)
        },
        Manifest {
            reason: "r".repeat(MANIFEST_LIMIT),
            ..manifest(1)
        },
        Manifest {
            author: "a".repeat(257),
            ..manifest(1)
        },
    ];
    for manifest in wrong {
        assert!(SignedManifest::sign(&manifest, &key).is_err());
    }
}

#[test]
fn a_freshness_is_believed_between_its_times_only() {
    let key = SigningKey::generate(&SeededRandomness::new(1)).unwrap();
    let keys = TrustedKeys::of(&key);
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    let said = Freshness::at(1, Digest::of(b""), at(1_000_000));
    let bytes = said.sign(&key).to_bytes();
    let open = |now: SystemTime| Freshness::open(&bytes, &keys, now);
    assert_eq!(open(at(1_000_000)), Some(said));
    assert_eq!(open(at(1_000_000 - 300)), Some(said));
    assert_eq!(open(at(1_000_000 - 301)), None);
    assert_eq!(open(at(1_000_000 + 86_399)), Some(said));
    assert_eq!(open(at(1_000_000 + 86_400)), None);
}

#[tokio::test(start_paused = true)]
async fn readers_wait_for_a_revision_and_not_for_ever() {
    let live = Live::<&str>::empty();
    let behind = live.at_least(0, LONGEST_WAIT).await.unwrap_err();
    assert_eq!(behind, Behind { wanted: 0, have: 0 });
    let live = Live::fixed("view", 3, UNIX_EPOCH);
    assert_eq!(live.at_least(3, Duration::ZERO).await.unwrap().view, "view");
    let began = tokio::time::Instant::now();
    let behind = live.at_least(4, Duration::from_secs(60)).await;
    assert_eq!(behind.unwrap_err(), Behind { wanted: 4, have: 3 });
    assert_eq!(began.elapsed(), LONGEST_WAIT);
}
