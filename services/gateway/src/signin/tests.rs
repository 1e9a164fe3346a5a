use std::time::Duration;

use domain::certificate::{CertificateIdentity, IdentityRule, VerifiedCertificate};
use domain::digest::Digest;
use domain::reason::Reason;
use domain::seal::SealKeys;
use domain::timestamp::Timestamp;
use runtime::random::SystemRandomness;
use runtime::trace::TraceContext;

use super::binding::Binding;
use super::certificate_result::{self, CertificateResult};
use super::transaction::{self, OwnTransaction, Transaction};
use crate::ids::TransactionId;
use crate::oidc::authorize_request::AuthorizeRequest;
use crate::oidc::parameters::Parameters;
use crate::seals::seal;
use crate::testing::browser::authorize_url;
use crate::testing::{START, authority_key, configuration, person};

const HOST: &str = "login.example.com";
const NOW: Timestamp = Timestamp(START);

fn keys() -> SealKeys {
    SealKeys::new([[7; 32].as_slice()]).unwrap()
}

fn begun_in(browser: Binding) -> Transaction {
    let url = authorize_url(&[]);
    let parameters = Parameters::parse(url.split_once('?').unwrap().1.as_bytes()).unwrap();
    Transaction {
        id: TransactionId::draw(&SystemRandomness::new()).unwrap(),
        request: AuthorizeRequest::read(&parameters, &configuration().applications).unwrap(),
        connection: "FabrikamAD".parse().unwrap(),
        address: "10.1.2.3".parse().unwrap(),
        revision: 7,
        binding: browser.hash(),
        created: NOW,
        about: None,
        trace: None,
    }
}

fn browser() -> Binding {
    Binding::draw(&SystemRandomness::new()).unwrap()
}

fn own(browser: Binding) -> OwnTransaction {
    begun_in(browser).in_browser(Some(browser)).unwrap()
}

fn result(transaction: &Transaction) -> CertificateResult {
    let certificate = VerifiedCertificate::assertion(
        CertificateIdentity {
            rule: IdentityRule::CommonName,
            account: "jon".parse().unwrap(),
            sid: None,
        },
        Digest::of(b"leaf"),
        authority_key(),
        7,
    );
    CertificateResult::new(
        transaction.id,
        &certificate,
        &person("jon"),
        "10.1.2.3".parse().unwrap(),
        NOW,
    )
}

#[test]
fn a_transaction_lives_ten_minutes() {
    let transaction = begun_in(browser());
    let text = seal(&keys(), HOST, &transaction, &SystemRandomness::new()).unwrap();
    let open = |after: u64| Transaction::open(&keys(), HOST, &text, Timestamp(START + after));
    assert_eq!(open(0), Ok(transaction));
    assert!(open(599).is_ok());
    assert_eq!(open(600), Err(Reason::TransactionExpired));
    assert_eq!(transaction::LIFE, Duration::from_secs(600));
    let other = if &text[20..21] == "A" { "B" } else { "A" };
    let changed = format!("{}{other}{}", &text[..20], &text[21..]);
    assert_eq!(
        Transaction::open(&keys(), HOST, &changed, NOW).err(),
        Some(Reason::TransactionUnknown)
    );
}

#[test]
fn older_and_newer_gateways_read_one_anothers_transactions() {
    let traced: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        .parse()
        .unwrap();
    let transaction = Transaction {
        trace: Some(traced),
        ..begun_in(browser())
    };
    let mut json = serde_json::to_value(&transaction).unwrap();
    json["of_a_later_version"] = true.into();
    let read = serde_json::from_value::<Transaction>(json.clone()).unwrap();
    assert_eq!(read, transaction);
    json.as_object_mut().unwrap().remove("trace");
    let older = serde_json::from_value::<Transaction>(json).unwrap();
    assert_eq!(older.trace, None);
}

#[test]
fn a_transaction_is_finished_in_the_browser_that_began_it() {
    let (ours, theirs) = (browser(), browser());
    assert!(begun_in(ours).in_browser(Some(ours)).is_ok());
    assert_eq!(
        begun_in(ours).in_browser(Some(theirs)).err(),
        Some(Reason::TransactionUnknown)
    );
    assert_eq!(
        begun_in(ours).in_browser(None).err(),
        Some(Reason::TransactionUnknown)
    );
}

#[test]
fn a_certificate_result_lives_sixty_seconds_in_its_own_transaction() {
    let transaction = own(browser());
    let text = seal(
        &keys(),
        HOST,
        &result(&transaction),
        &SystemRandomness::new(),
    )
    .unwrap();
    let open = |transaction: &OwnTransaction, after: u64| {
        CertificateResult::open(&keys(), HOST, &text, transaction, Timestamp(START + after))
    };
    assert_eq!(
        open(&transaction, 59).unwrap().account(),
        person("jon").profile().id
    );
    assert_eq!(
        open(&transaction, 60).err(),
        Some(Reason::TransactionExpired)
    );
    assert_eq!(
        open(&own(browser()), 0).err(),
        Some(Reason::TransactionUnknown)
    );
    assert_eq!(certificate_result::LIFE, Duration::from_secs(60));
}

#[test]
fn a_value_of_one_kind_is_none_of_another() {
    let transaction = own(browser());
    let as_transaction = seal(&keys(), HOST, &*transaction, &SystemRandomness::new()).unwrap();
    let as_result = seal(
        &keys(),
        HOST,
        &result(&transaction),
        &SystemRandomness::new(),
    )
    .unwrap();
    assert!(Transaction::open(&keys(), HOST, &as_result, NOW).is_err());
    assert!(CertificateResult::open(&keys(), HOST, &as_transaction, &transaction, NOW).is_err());
    assert!(Transaction::open(&keys(), "cert.login.example.com", &as_transaction, NOW).is_err());
}
