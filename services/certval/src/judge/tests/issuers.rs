//! Who may have issued a certificate.

use domain::digest::Digest;
use domain::reason::Reason;

use super::{accepted, accepting, judged_at, refused};
use crate::authorities::Authorities;
use crate::oid;
use crate::workshop::{Authority, Key, NOW, Recipe, configured, element, named};

#[test]
fn a_good_certificate_names_its_person_and_its_authority() {
    let root = Authority::root("FabrikamRootCA");
    let jon = Recipe::leaf("jon").by(&root);
    let certificate = accepted(&accepting(&[&root]), &[&jon]);
    assert_eq!(certificate.identity().account.as_str(), "jon");
    assert_eq!(certificate.identity().sid, None);
    assert_eq!(certificate.leaf(), Digest::of(&jon));
    assert_eq!(certificate.authority(), Digest::of(&root.key.info()));
    assert_eq!(certificate.revision(), 7);
}

#[test]
fn the_checks_are_listed_in_order_and_for_people() {
    let root = Authority::root("FabrikamRootCA");
    let issuing = root.below("Fabrikam Issuing");
    let jon = Recipe::leaf("jon").by(&issuing);
    let judgement = judged_at(&accepting(&[&root]), &[&jon, &issuing.der], NOW);
    let listed: Vec<String> = judgement
        .checks
        .iter()
        .map(|check| format!("{} | {} | {}", check.name, check.certificate, check.detail))
        .collect();
    let expected = [
        "well_formed | leaf CN=jon | read as X.509 version 3".to_owned(),
        "well_formed | intermediate CN=Fabrikam Issuing | read as X.509 version 3".to_owned(),
        "signature_algorithm | leaf CN=jon | signed by ECDSA with SHA-256 (1.2.840.10045.4.3.2)"
            .to_owned(),
        "key | leaf CN=jon | ECDSA P-256".to_owned(),
        "validity | leaf CN=jon | valid from 2026-01-01 00:00:00 UTC to 2027-01-01 00:00:00 UTC"
            .to_owned(),
        "not_an_authority | leaf CN=jon | it is not an authority".to_owned(),
        "critical_extensions | leaf CN=jon | none that is not supported".to_owned(),
        "key_usage | leaf CN=jon | digitalSignature".to_owned(),
        "extended_key_usage | leaf CN=jon | clientAuth (1.3.6.1.5.5.7.3.2)".to_owned(),
        "signature | leaf CN=jon | signed by intermediate CN=Fabrikam Issuing".to_owned(),
        "signature | intermediate CN=Fabrikam Issuing | signed by authority CN=FabrikamRootCA"
            .to_owned(),
        "validity | intermediate CN=Fabrikam Issuing | valid until 2036-01-01 00:00:00 UTC"
            .to_owned(),
        "authority | intermediate CN=Fabrikam Issuing | CA:TRUE, and may sign certificates"
            .to_owned(),
        "validity | authority CN=FabrikamRootCA | valid until 2036-01-01 00:00:00 UTC".to_owned(),
        "authority | authority CN=FabrikamRootCA | CA:TRUE, and may sign certificates".to_owned(),
        format!(
            "issuer | authority CN=FabrikamRootCA | accepted by this connection; its key has the SHA-256 {}",
            Digest::of(&root.key.info())
        ),
        "path_length |  | within every limit on the path".to_owned(),
        "name_constraints |  | none is violated".to_owned(),
        "revocation |  | no revocation list is consulted".to_owned(),
        "common_name | leaf CN=jon | names jon".to_owned(),
        "security_identifier | leaf CN=jon | it holds none".to_owned(),
    ];
    assert_eq!(listed, expected);
}

#[test]
fn a_connection_without_authorities_accepts_nobody() {
    let root = Authority::root("FabrikamRootCA");
    let jon = Recipe::leaf("jon").by(&root);
    let none = Authorities::default();
    refused(&none, &[&jon], Reason::UnknownIssuer, "no authority at all");
    refused(&none, &[&jon, &root.der], Reason::UnknownIssuer, "");
}

#[test]
fn a_foreign_authority_of_the_same_name_is_unknown() {
    let ours = Authority::root("FabrikamRootCA");
    let foreign = Authority::root("FabrikamRootCA");
    let jon = Recipe::leaf("jon").by(&foreign);
    let accepts = accepting(&[&ours]);
    let words = "same name is accepted here, but it has another key";
    refused(&accepts, &[&jon], Reason::UnknownIssuer, words);
    refused(&accepts, &[&jon, &foreign.der], Reason::UnknownIssuer, "");
    let accepts = accepting(&[&ours, &foreign]);
    let certificate = accepted(&accepts, &[&jon]);
    assert_eq!(certificate.authority(), Digest::of(&foreign.key.info()));
}

#[test]
fn an_rsa_authority_of_the_same_name_is_unknown_too() {
    let key = Key::rsa();
    let recipe = Recipe::authority("FabrikamRootCA", &key);
    let ours = Authority {
        der: recipe.signed(&recipe.subject, &key),
        name: recipe.subject,
        key,
    };
    let foreign = Authority::root("FabrikamRootCA");
    let jon = Recipe::leaf("jon").by(&foreign);
    refused(
        &accepting(&[&ours]),
        &[&jon],
        Reason::UnknownIssuer,
        "another key",
    );
    accepted(&accepting(&[&ours]), &[&Recipe::leaf("jon").by(&ours)]);
}

#[test]
fn an_authority_nobody_listed_is_unknown_even_when_it_is_sent() {
    let ours = Authority::root("FabrikamRootCA");
    let other = Authority::root("Contoso");
    let jon = Recipe::leaf("jon").by(&other);
    let accepts = accepting(&[&ours]);
    refused(
        &accepts,
        &[&jon],
        Reason::UnknownIssuer,
        "neither accepted here nor sent",
    );
    refused(
        &accepts,
        &[&jon, &other.der],
        Reason::UnknownIssuer,
        "CN=Contoso",
    );
}

#[test]
fn the_path_is_found_among_what_is_sent_in_any_order() {
    let root = Authority::root("FabrikamRootCA");
    let one = root.below("One");
    let two = one.below("Two");
    let stranger = Authority::root("Stranger");
    let jon = Recipe::leaf("jon").by(&two);
    let accepts = accepting(&[&root]);
    let (one, two, stranger) = (&one.der[..], &two.der[..], &stranger.der[..]);
    accepted(&accepts, &[&jon, two, one]);
    accepted(&accepts, &[&jon, one, two]);
    accepted(&accepts, &[&jon, stranger, one, two, &root.der, one]);
    refused(
        &accepts,
        &[&jon, one],
        Reason::UnknownIssuer,
        "CN=Two, which is neither",
    );
    refused(
        &accepts,
        &[&jon, two],
        Reason::UnknownIssuer,
        "intermediate CN=Two",
    );
}

#[test]
fn an_intermediate_may_be_the_authority() {
    let root = Authority::root("FabrikamRootCA");
    let issuing = root.below("Fabrikam Issuing");
    let jon = Recipe::leaf("jon").by(&issuing);
    accepted(&accepting(&[&issuing]), &[&jon]);
    let other = Recipe::leaf("jon").by(&root.below("Other"));
    refused(
        &accepting(&[&issuing]),
        &[&other],
        Reason::UnknownIssuer,
        "",
    );
}

#[test]
fn a_cross_certificate_leads_to_the_authority_that_is_accepted() {
    let (old, new) = (Authority::root("Old"), Authority::root("New"));
    let issuing = old.below("Issuing");
    let cross = Recipe::authority("Issuing", &issuing.key).by(&new);
    let jon = Recipe::leaf("jon").by(&issuing);
    for (accepts, key) in [(&old, &old.key), (&new, &new.key)] {
        let certificate = accepted(&accepting(&[accepts]), &[&jon, &issuing.der, &cross]);
        assert_eq!(certificate.authority(), Digest::of(&key.info()));
    }
}

#[test]
fn two_authorities_that_vouch_for_each_other_lead_nowhere() {
    let root = Authority::root("FabrikamRootCA");
    let (a, b) = (Key::p256(), Key::p256());
    let one = Recipe::authority("One", &a).signed(&named("Two"), &b);
    let two = Recipe::authority("Two", &b).signed(&named("One"), &a);
    let jon = Recipe::leaf("jon").signed(&named("One"), &a);
    refused(
        &accepting(&[&root]),
        &[&jon, &one, &two],
        Reason::UnknownIssuer,
        "",
    );
}

#[test]
fn a_signature_that_does_not_hold_is_a_bad_chain() {
    let root = Authority::root("FabrikamRootCA");
    let issuing = root.below("Issuing");
    let impostor = Key::p256();
    let jon = Recipe::leaf("jon").signed(&issuing.name, &impostor);
    refused(
        &accepting(&[&root]),
        &[&jon, &issuing.der],
        Reason::BadChain,
        "not made by the key of CN=Issuing",
    );
}

#[test]
fn a_certificate_that_vouches_for_itself_is_refused() {
    let root = Authority::root("FabrikamRootCA");
    let key = Key::p256();
    let mut recipe = Recipe::leaf("jon");
    recipe.key_info = key.info();
    let itself = recipe.signed(&recipe.subject, &key);
    refused(
        &accepting(&[&root]),
        &[&itself],
        Reason::UnknownIssuer,
        "signed by itself",
    );
    // Also when somebody listed it: people and authorities are different keys.
    let listed = Authorities::prepare(&[configured(&itself, &key.info())]).unwrap();
    refused(&listed, &[&itself], Reason::BadChain, "an authority's own");
    refused(
        &accepting(&[&root]),
        &[&root.der],
        Reason::BadChain,
        "it is an authority (CA:TRUE)",
    );
}

#[test]
fn a_leaf_for_the_authoritys_key_is_refused() {
    let root = Authority::root("FabrikamRootCA");
    let recipe = Recipe::leaf("jon").with(|recipe| recipe.key_info = root.key.info());
    let jon = recipe.by(&root);
    refused(
        &accepting(&[&root]),
        &[&jon],
        Reason::BadChain,
        "an authority's own",
    );
}

#[test]
fn key_identifiers_choose_between_intermediates_of_one_name() {
    let root = Authority::root("FabrikamRootCA");
    let identified = |id: u8| {
        root.below_with("Issuing", |recipe| {
            recipe.extensions.push((
                oid::SUBJECT_KEY_IDENTIFIER.to_vec(),
                false,
                element(0x04, &[id]),
            ));
        })
    };
    let (one, two) = (identified(1), identified(2));
    let by_two = |id: u8| {
        let identifier = element(0x30, &element(0x80, &[id]));
        Recipe::leaf("jon")
            .extension(oid::AUTHORITY_KEY_IDENTIFIER, false, identifier)
            .by(&two)
    };
    let accepts = accepting(&[&root]);
    accepted(&accepts, &[&by_two(2), &one.der, &two.der]);
    // A wrong identifier hides the right issuer from the search; it is a fault of the certificate, not a way in.
    let judgement = judged_at(&accepts, &[&by_two(1), &one.der, &two.der], NOW);
    assert!(matches!(
        judgement.verdict,
        domain::outcome::Verdict::Refused(_)
    ));
}

#[test]
fn certificates_of_another_maker_are_judged_alike() {
    use rcgen::{
        BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
        IsCa, Issuer, KeyPair, KeyUsagePurpose,
    };
    let parameters = |name: &str| {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.use_authority_key_identifier_extension = true;
        parameters
    };
    let mut authority = parameters("FabrikamRootCA");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let root = authority.self_signed(&authority_key).unwrap();
    let mut leaf = parameters("jon");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let issuer = Issuer::from_params(&authority, &authority_key);
    let jon = leaf.signed_by(&key, &issuer).unwrap();
    let key_info = domain::public_key::of_certificate(root.der()).unwrap();
    let accepts = Authorities::prepare(&[configured(root.der(), key_info)]).unwrap();
    let certificate = accepted(&accepts, &[jon.der()]);
    assert_eq!(certificate.identity().account.as_str(), "jon");
}
