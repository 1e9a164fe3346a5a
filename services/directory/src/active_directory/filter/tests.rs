use ldap3::asn1::{ASNTag, PL, StructureTag};
use ldap3::parse_filter;
use proptest::prelude::*;

use super::*;

/// What the text means to the very parser that builds the request: the tree, in our own type.
fn read_back(text: &str) -> Tree {
    tree(parse_filter(text).expect("it parses").into_structure())
}

#[derive(Debug, PartialEq)]
enum Tree {
    And(Vec<Tree>),
    Or(Vec<Tree>),
    Equal(String, Vec<u8>),
    Present(String),
    Other(u64),
}

fn tree(tag: StructureTag) -> Tree {
    match (tag.id, tag.payload) {
        (0, PL::C(parts)) => Tree::And(parts.into_iter().map(tree).collect()),
        (1, PL::C(parts)) => Tree::Or(parts.into_iter().map(tree).collect()),
        (3, PL::C(parts)) => {
            let mut parts = parts.into_iter().map(|part| match part.payload {
                PL::P(bytes) => bytes,
                PL::C(_) => panic!("a structured assertion"),
            });
            let name = String::from_utf8(parts.next().unwrap()).unwrap();
            Tree::Equal(name, parts.next().unwrap())
        }
        (7, PL::P(name)) => Tree::Present(String::from_utf8(name).unwrap()),
        (id, _) => Tree::Other(id),
    }
}

fn meant(filter: &Filter) -> Tree {
    match filter {
        Filter::And(parts) => Tree::And(parts.iter().map(meant).collect()),
        Filter::Or(parts) => Tree::Or(parts.iter().map(meant).collect()),
        Filter::Equal(attribute, value) => {
            Tree::Equal(attribute.as_str().to_owned(), value.clone())
        }
        Filter::Present(attribute) => Tree::Present(attribute.as_str().to_owned()),
    }
}

#[test]
fn the_text_is_that_of_rfc_4515() {
    let filter = Filter::person(Filter::equal(Attribute::SAM_ACCOUNT_NAME, "björn (x)*"));
    assert_eq!(
        filter.to_string(),
        r"(&(objectCategory=person)(objectClass=user)(sAMAccountName=bj\c3\b6rn\20\28x\29\2a))"
    );
    let either = Filter::Or(vec![
        Filter::Present(Attribute::MAIL),
        Filter::equal(Attribute::OBJECT_GUID, [0xb9, 0]),
    ]);
    assert_eq!(either.to_string(), r"(|(mail=*)(objectGUID=\b9\00))");
}

#[test]
fn known_injections_stay_one_literal_value() {
    for hostile in [
        "*",
        "(",
        ")",
        r"\2a",
        "a)(&",
        "jon)(|(cn=*",
        "*)(uid=*))(|(uid=*",
        "a\r\nb",
        "\0",
    ] {
        let filter = Filter::equal(Attribute::SAM_ACCOUNT_NAME, hostile);
        assert_eq!(
            read_back(&filter.to_string()),
            Tree::Equal("sAMAccountName".into(), hostile.into())
        );
    }
}

fn filters() -> impl Strategy<Value = Filter> {
    let attribute = prop::sample::select(vec![
        Attribute::SAM_ACCOUNT_NAME,
        Attribute::OBJECT_GUID,
        Attribute::USER_ACCOUNT_CONTROL_COMPUTED,
    ]);
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..60),
        "[()*\\\\&|=!<>~:a0 ]{1,20}".prop_map(String::into_bytes),
    ];
    let leaf = prop_oneof![
        (attribute.clone(), value).prop_map(|(attribute, value)| Filter::Equal(attribute, value)),
        attribute.prop_map(Filter::Present),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Filter::And),
            prop::collection::vec(inner, 1..4).prop_map(Filter::Or),
        ]
    })
}

proptest! {
    #[test]
    fn any_filter_reads_back_as_itself(filter in filters()) {
        prop_assert_eq!(read_back(&filter.to_string()), meant(&filter));
    }
}
