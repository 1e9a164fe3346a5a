use super::*;

fn candidate(account: &str) -> Candidate {
    Candidate {
        id: AccountId(uuid::Uuid::from_u128(7)),
        sid: Some("S-1-5-21-1-2-3-1102".parse().unwrap()),
        account: account.to_owned(),
        display_name: None,
        given_name: None,
        family_name: None,
        email: None,
        user_principal_name: None,
        state: AccountState::default(),
    }
}

fn named(account: &str, sid: Option<&str>) -> Who {
    Who::Certificate {
        account: account.parse().unwrap(),
        sid: sid.map(|sid| sid.parse().unwrap()),
    }
}

fn outcome(candidate: Candidate, who: &Who) -> Result<Identified, Reason> {
    match identified(candidate, who) {
        Verdict::Accepted(identified) => Ok(identified),
        Verdict::Refused(refusal) => Err(refusal.reason),
    }
}

#[test]
fn exactly_one_entry_counts() {
    assert_eq!(the_only(vec![1]), Verdict::Accepted(1));
    assert_eq!(
        the_only::<u8>(vec![]),
        Verdict::refused(Reason::NotInDirectory)
    );
    assert_eq!(
        the_only(vec![1, 2]),
        Verdict::refused(Reason::AmbiguousAccount)
    );
}

#[test]
fn a_name_matches_exactly_but_for_case() {
    assert!(outcome(candidate("Jon"), &named("jON", None)).is_ok());
    assert_eq!(
        outcome(candidate("bjorn"), &named("björn", None)),
        Err(Reason::NotInDirectory)
    );
    assert_eq!(
        outcome(candidate("ｊｏｎ"), &named("jon", None)),
        Err(Reason::NotInDirectory)
    );
    assert_eq!(
        outcome(candidate("jon2"), &named("jon", None)),
        Err(Reason::NotInDirectory)
    );
}

#[test]
fn a_promised_identifier_must_be_the_accounts() {
    let right = Some("S-1-5-21-1-2-3-1102");
    let wrong = Some("S-1-5-21-1-2-3-1103");
    assert!(outcome(candidate("jon"), &named("jon", right)).is_ok());
    assert_eq!(
        outcome(candidate("jon"), &named("jon", wrong)),
        Err(Reason::SidMismatch)
    );
    let without = Candidate {
        sid: None,
        ..candidate("jon")
    };
    assert_eq!(
        outcome(without, &named("jon", right)),
        Err(Reason::SidMismatch)
    );
}

#[test]
fn an_identifier_leads_to_its_own_account_only() {
    let other = Who::Account(AccountId(uuid::Uuid::from_u128(8)));
    assert_eq!(
        outcome(candidate("jon"), &other),
        Err(Reason::NotInDirectory)
    );
    let right = Who::Account(AccountId(uuid::Uuid::from_u128(7)));
    assert!(outcome(candidate("jon"), &right).is_ok());
    assert_eq!(
        outcome(candidate("web$"), &right),
        Err(Reason::NotInDirectory)
    );
}

#[test]
fn groups_are_sorted_and_named_once() {
    let Verdict::Accepted(identified) = identified(candidate("jon"), &named("jon", None)) else {
        panic!("jon is jon");
    };
    let Verdict::Accepted(live) = identified.live(Method::Certificate, Timestamp(0)) else {
        panic!("jon lives");
    };
    let person = live.person(vec!["b".into(), "a".into(), "b".into()]);
    assert_eq!(person.profile().groups, ["a", "b"]);
    assert_eq!(person.profile().display_name, "jon");
}
