use std::time::Duration;

use domain::certificate::PresentedChain;
use domain::outcome::Verdict;
use domain::reason::{Fault, Reason};
use postern_proto::directory::{Method, Resolve, Who};

use super::{CertvalClient, DirectoryClient};
use crate::testing::{TestCertval, TestDirectory};

const DEADLINE: Duration = Duration::from_millis(200);

fn chain(leaf: &'static str) -> PresentedChain {
    PresentedChain::new(vec![leaf.as_bytes().into()]).unwrap()
}

fn who(name: &str) -> Resolve {
    Resolve {
        connection: "FabrikamAD".parse().unwrap(),
        min_revision: 7,
        who: Who::Certificate {
            account: name.parse().unwrap(),
            sid: None,
        },
        method: Method::Certificate,
    }
}

#[tokio::test]
async fn a_judgement_is_taken_as_it_is() {
    let certval = TestCertval::default();
    let client = CertvalClient::new(certval.channel(), DEADLINE);
    let connection = "FabrikamAD".parse().unwrap();
    let Verdict::Accepted(certificate) = client
        .validate(&chain("jon"), &connection, 7)
        .await
        .unwrap()
    else {
        panic!("refused");
    };
    assert_eq!(certificate.identity().account.as_str(), "jon");
    let Verdict::Refused(refusal) = client
        .validate(&chain("!revoked"), &connection, 7)
        .await
        .unwrap()
    else {
        panic!("accepted");
    };
    assert_eq!(refusal.reason, Reason::Revoked);
}

#[tokio::test]
async fn anything_but_a_complete_new_enough_answer_to_this_question_is_unavailable() {
    let connection = "FabrikamAD".parse().unwrap();
    let certval = TestCertval::default();
    let client = CertvalClient::new(certval.channel(), DEADLINE);
    let fault = || async {
        client
            .validate(&chain("jon"), &connection, 7)
            .await
            .unwrap_err()
            .fault
    };
    certval.set_away(true);
    assert_eq!(fault().await, Fault::CertvalUnavailable);
    assert_eq!(certval.asked(), 1, "asking again is the channel's");
    certval.set_away(false);
    certval.set_behind(1);
    assert_eq!(fault().await, Fault::CertvalUnavailable);
    certval.set_behind(0);
    certval.set_about_others(true);
    assert_eq!(fault().await, Fault::CertvalUnavailable);
    // A reason that this release does not know is not a verdict it can act on.
    certval.set_about_others(false);
    let unknown = client.validate(&chain("!invented"), &connection, 7).await;
    assert_eq!(unknown.unwrap_err().fault, Fault::CertvalUnavailable);

    let directory = TestDirectory::default();
    let client = DirectoryClient::new(directory.channel(), DEADLINE);
    assert!(client.resolve(who("jon")).await.is_ok());
    directory.set_behind(1);
    assert_eq!(
        client.resolve(who("jon")).await.unwrap_err().fault,
        Fault::DirectoryUnavailable
    );
    directory.set_behind(0);
    directory.set_about_others(true);
    assert!(client.resolve(who("jon")).await.is_err());
    directory.set_about_others(false);
    directory.set_away(true);
    assert!(client.resolve(who("jon")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_deadline() {
    let silent = super::channel(tower::service_fn(|_: http::Request<tonic::body::Body>| {
        std::future::pending::<Result<http::Response<tonic::body::Body>, tonic::Status>>()
    }));
    let client = CertvalClient::new(silent.clone(), DEADLINE);
    let connection = "FabrikamAD".parse().unwrap();
    let begun = tokio::time::Instant::now();
    assert!(
        client
            .validate(&chain("jon"), &connection, 7)
            .await
            .is_err()
    );
    assert_eq!(begun.elapsed(), DEADLINE);
    assert!(
        DirectoryClient::new(silent, DEADLINE)
            .resolve(who("jon"))
            .await
            .is_err()
    );
    assert_eq!(begun.elapsed(), 2 * DEADLINE);
}
