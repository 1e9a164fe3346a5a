use domain::reason::Reason;
use proptest::prelude::*;

use super::{common_name, security_identifier};
use crate::certificate::Certificate;
use crate::oid;
use crate::workshop::{Attribute, Authority, Recipe, element, name, object, sequence};

const CN: &[u8] = oid::COMMON_NAME;
const OU: &[u8] = &[0x55, 4, 11];

fn read(tag: u8, bytes: &[u8]) -> Result<String, (Reason, String)> {
    read_name(&name(&[&[(OU, 0x0c, b"Users")], &[(CN, tag, bytes)]]))
}

fn read_name(subject: &[u8]) -> Result<String, (Reason, String)> {
    common_name(subject)
        .map(|account| account.to_string())
        .map_err(|refusal| (refusal.reason, refusal.detail))
}

#[track_caller]
fn malformed(tag: u8, bytes: &[u8], words: &str) {
    match read(tag, bytes) {
        Err((Reason::MalformedCn, detail)) if detail.contains(words) => {}
        other => panic!("expected “{words}”, got {other:?}"),
    }
}

#[test]
fn account_names_are_read_from_three_string_types() {
    for tag in [0x0c, 0x13, 0x16] {
        assert_eq!(read(tag, b"jon"), Ok("jon".to_owned()));
        assert_eq!(read(tag, b"Jon-Doe 2"), Ok("Jon-Doe 2".to_owned()));
    }
    assert_eq!(read(0x0c, "jön".as_bytes()), Ok("jön".to_owned()));
    assert_eq!(read(0x16, b"jon_doe"), Ok("jon_doe".to_owned()));
    assert_eq!(read(0x0c, &[b'a'; 64]), Ok("a".repeat(64)));
}

#[test]
fn other_string_types_are_not_guessed_at() {
    malformed(0x1e, b"\0j\0o\0n", "BMPString");
    malformed(0x1e, b"\0j\0", "BMPString");
    malformed(0x14, b"j\xf8n", "T61String");
    malformed(0x1c, b"\0\0\0j", "UniversalString");
    malformed(0x04, b"jon", "not of a string type");
    malformed(0x0c, b"j\xf8n", "not valid UTF-8");
    malformed(0x0c, b"\xed\xa0\x80", "not valid UTF-8");
    malformed(0x13, b"jon_doe", "characters that type does not have");
    malformed(0x13, b"*@jon", "characters that type does not have");
    malformed(0x16, b"j\xf8n", "characters that type does not have");
}

#[test]
fn what_is_no_account_name_is_refused_with_words() {
    malformed(0x0c, b"", "empty");
    malformed(0x0c, b"   ", "space");
    malformed(0x0c, &[b'a'; 65], "longer than 64");
    malformed(0x0c, &vec![b'a'; 60_000], "longer than 64");
    malformed(0x0c, b"jon\0admin", "jon\\00admin");
    for invisible in [
        "jon\r\n",
        "jo\tn",
        "jo\u{200b}n",
        "\u{202e}noj",
        "jon\u{e0041}",
    ] {
        malformed(0x0c, invisible.as_bytes(), "invisible");
    }
    for wrong in [
        "jon ",
        " jon",
        "jon.",
        "FABRIKAM\\jon",
        "jon@fabrikam.com",
        "jon\u{ff20}fabrikam.com",
        "CN=jon",
        "DC01$",
        "*)(objectClass=*",
        "admin)(|(cn=*",
        "\u{212a}arl",
    ] {
        malformed(0x0c, wrong.as_bytes(), "the name");
    }
}

#[test]
fn there_is_one_common_name_alone_in_its_part() {
    let ambiguous = |subject: &[u8]| {
        assert_eq!(read_name(subject).unwrap_err().0, Reason::AmbiguousCn);
    };
    let jon = (CN, 0x0c, &b"jon"[..]);
    let eve = (CN, 0x0c, &b"eve"[..]);
    ambiguous(&name(&[&[jon], &[eve]]));
    ambiguous(&name(&[&[jon], &[jon]]));
    ambiguous(&name(&[&[jon, eve]]));
    ambiguous(&name(&[&[jon, (OU, 0x0c, b"Users")]]));
    ambiguous(&name(&[&[jon], &[(OU, 0x0c, b"Users"), eve]]));
    // A second one that cannot be read is a second one.
    ambiguous(&name(&[&[jon], &[(CN, 0x1e, b"\0")]]));
    let none = |subject: &[u8]| assert_eq!(read_name(subject).unwrap_err().0, Reason::NoCn);
    none(&name(&[]));
    none(&name(&[&[(OU, 0x0c, b"jon")]]));
    assert_eq!(read_name(b"").unwrap_err().0, Reason::Malformed);
    assert_eq!(
        read_name(&[0x30, 2, 0x31, 0]).unwrap_err().0,
        Reason::Malformed
    );
}

const SID: &str = "S-1-5-21-294026126-3378245018-1203103949-1001";

fn sid_extension(sid: &[u8]) -> Vec<u8> {
    let value = element(0xa0, &element(0x04, sid));
    sequence(&[&element(0xa0, &[object(oid::OBJECT_SID), value].concat())])
}

fn sid_of(recipe: &Recipe) -> Result<Option<String>, Reason> {
    let der = recipe.by(&Authority::root("FabrikamRootCA"));
    let certificate = Certificate::read(&der).unwrap();
    security_identifier(&certificate.extensions)
        .map(|sid| sid.map(|sid| sid.to_string()))
        .map_err(|refusal| refusal.reason)
}

fn with_extension(value: Vec<u8>) -> Recipe {
    Recipe::leaf("jon").extension(oid::SECURITY_IDENTIFIER, false, value)
}

fn with_uris(recipe: Recipe, uris: &[&str]) -> Recipe {
    let names: Vec<u8> = uris
        .iter()
        .flat_map(|uri| element(0x86, uri.as_bytes()))
        .collect();
    recipe.extension(oid::SUBJECT_ALTERNATIVE_NAME, false, element(0x30, &names))
}

#[test]
fn the_security_identifier_is_read_as_ad_cs_writes_it() {
    let extension = sid_extension(SID.as_bytes());
    assert!(extension.starts_with(&[0x30, 0x3f, 0xa0, 0x3d, 0x06, 0x0a]));
    assert_eq!(sid_of(&with_extension(extension)), Ok(Some(SID.to_owned())));
    assert_eq!(sid_of(&Recipe::leaf("jon")), Ok(None));
}

#[test]
fn a_security_identifier_in_another_shape_is_malformed() {
    let good = sid_extension(SID.as_bytes());
    let one = element(
        0xa0,
        &[
            object(oid::OBJECT_SID),
            element(0xa0, &element(0x04, SID.as_bytes())),
        ]
        .concat(),
    );
    let other_kind = element(
        0xa0,
        &[
            object(&[0x2a, 3]),
            element(0xa0, &element(0x04, SID.as_bytes())),
        ]
        .concat(),
    );
    for bad in [
        Vec::new(),
        SID.as_bytes().to_vec(),
        element(0x30, &[]),
        sequence(&[&one, &one]),
        sequence(&[&other_kind]),
        [&good[..], &[0]].concat(),
        sid_extension(b""),
        sid_extension(b"S-1-5-21-"),
        sid_extension(b"s-1-5-21-1"),
        sid_extension(b"S-1-5-21-01"),
        sid_extension(b"S-1-5-21-1\0"),
        sid_extension(b" S-1-5-21-1"),
        sid_extension(b"\xff"),
    ] {
        assert_eq!(
            sid_of(&with_extension(bad.clone())),
            Err(Reason::Malformed),
            "{bad:02x?}"
        );
    }
}

#[test]
fn the_uri_form_is_read_and_both_must_agree() {
    let uri = |sid: &str| format!("tag:microsoft.com,2022-09-14:sid:{sid}");
    let plain = Recipe::leaf("jon");
    let both = with_extension(sid_extension(SID.as_bytes()));
    let good = uri(SID);
    let other = uri("S-1-5-21-1-2-3-500");
    assert_eq!(
        sid_of(&with_uris(plain.clone(), &["https://a.test", &good])),
        Ok(Some(SID.to_owned()))
    );
    assert_eq!(
        sid_of(&with_uris(both.clone(), &[&good, &good])),
        Ok(Some(SID.to_owned()))
    );
    assert_eq!(
        sid_of(&with_uris(both, &[&other])),
        Err(Reason::SidMismatch)
    );
    assert_eq!(
        sid_of(&with_uris(plain.clone(), &[&good, &other])),
        Err(Reason::SidMismatch)
    );
    assert_eq!(
        sid_of(&with_uris(plain.clone(), &[&uri("S-1-")])),
        Err(Reason::Malformed)
    );
    assert_eq!(
        sid_of(&with_uris(plain, &["tag:example.com,2022:sid:x"])),
        Ok(None)
    );
}

proptest! {
    #[test]
    fn any_bytes_are_a_subject_or_not(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = common_name(&bytes);
    }

    /// Whatever name comes out is, byte for byte (but for composing), the one value that stands there.
    #[test]
    fn nothing_but_what_stands_there_comes_out(
        values in prop::collection::vec((prop::sample::select(vec![0x0c_u8, 0x13, 0x16, 0x1e, 0x14]), ".{0,12}"), 0..3),
    ) {
        let attributes: Vec<[Attribute<'_>; 1]> =
            values.iter().map(|(tag, text)| [(CN, *tag, text.as_bytes())]).collect();
        let parts: Vec<&[Attribute<'_>]> = attributes.iter().map(|part| &part[..]).collect();
        match (common_name(&name(&parts)), values.as_slice()) {
            (Ok(account), [(_, text)]) => prop_assert!(account.is_exactly(text)),
            (Ok(account), _) => prop_assert!(false, "{account} from {values:?}"),
            (Err(_), _) => {}
        }
    }
}
