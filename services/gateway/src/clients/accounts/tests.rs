use std::time::Duration;

use domain::account::AccountId;
use domain::outcome::Verdict;
use domain::timestamp::Timestamp;
use postern_proto::directory::Method;

use super::{Accounts, DirectoryClient};
use crate::testing::services::person_id;
use crate::testing::{START, TestDirectory};

async fn is_known(
    accounts: &Accounts,
    connection: &str,
    method: Method,
    revision: u64,
    after: u64,
) -> bool {
    let id = AccountId(person_id("jon"));
    let now = Timestamp(START + after);
    matches!(
        accounts
            .known(&connection.parse().unwrap(), id, method, revision, now)
            .await
            .unwrap(),
        Verdict::Accepted(_)
    )
}

#[tokio::test]
async fn an_answer_is_used_for_thirty_seconds_for_the_same_question() {
    let directory = TestDirectory::default();
    let accounts = Accounts::new(DirectoryClient::new(
        directory.channel(),
        Duration::from_secs(1),
    ));
    for (connection, method, revision, after, asked) in [
        ("FabrikamAD", Method::Certificate, 7, 0, 1),
        ("FabrikamAD", Method::Certificate, 7, 29, 1),
        ("FabrikamAD", Method::Certificate, 7, 30, 2),
        ("FabrikamAD", Method::Password, 7, 31, 3),
        ("ContosoAD", Method::Certificate, 7, 31, 4),
        ("FabrikamAD", Method::Certificate, 8, 31, 5),
    ] {
        assert!(is_known(&accounts, connection, method, revision, after).await);
        assert_eq!(
            directory.asked(),
            asked,
            "{connection} {method:?} {revision} after {after} s"
        );
    }
}

#[tokio::test]
async fn a_refusal_is_asked_about_again() {
    let directory = TestDirectory::default();
    let accounts = Accounts::new(DirectoryClient::new(
        directory.channel(),
        Duration::from_secs(1),
    ));
    directory.refuse("jon", "locked");
    assert!(!is_known(&accounts, "FabrikamAD", Method::Password, 7, 0).await);
    assert!(!is_known(&accounts, "FabrikamAD", Method::Password, 7, 0).await);
    assert_eq!(directory.asked(), 2);
}
