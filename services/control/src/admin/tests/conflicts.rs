//! Several writers at once: nothing is lost silently.

use std::collections::BTreeSet;
use std::ops::Range;

use futures::future::join_all;
use http::{Method, StatusCode};
use serde_json::json;

use crate::rig::{Answer, Control, World};

const RANGES: &str = "/v1/connections/FabrikamAD/ranges";

#[tokio::test]
async fn a_change_meant_for_an_older_revision_is_refused() {
    let world = World::new();
    let control = world.control("control").await;
    let first = control
        .ask(
            Method::POST,
            &format!("{RANGES}?revision=1"),
            r#"{"ranges":["10.1.0.0/16"]}"#,
        )
        .await;
    assert_eq!(first.status, StatusCode::OK, "{first:?}");
    let second = control
        .ask(
            Method::POST,
            &format!("{RANGES}?revision=1"),
            r#"{"ranges":["10.2.0.0/16"]}"#,
        )
        .await;
    assert_eq!(
        (second.status, second.problem()),
        (StatusCode::CONFLICT, "conflict")
    );
    assert!(second.text("detail").contains("revision 1"), "{second:?}");
    assert!(
        !control
            .get(RANGES)
            .await
            .body
            .to_string()
            .contains("10.2.0.0")
    );
    control.stop().await;
}

#[tokio::test]
async fn of_many_that_saw_one_revision_exactly_one_wins() {
    let world = World::new();
    let control = world.control("control").await;
    let path = format!("{RANGES}?revision=1");
    let writes = (0..8).map(|number| {
        let body = json!({"ranges": [format!("10.{number}.0.0/16")]}).to_string();
        control.ask(Method::POST, &path, body)
    });
    let answers = join_all(writes).await;
    let won = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::OK)
        .count();
    assert_eq!(won, 1, "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == StatusCode::OK || answer.problem() == "conflict")
    );
    assert_eq!(control.get("/v1/configuration").await.number("revision"), 2);
    control.stop().await;
}

#[tokio::test]
async fn two_controls_write_side_by_side_and_every_yes_is_true() {
    let world = World::new();
    let one = world.control("control").await;
    let two = world
        .started(&world.settings("another"), None)
        .await
        .unwrap();
    two.applied(1).await;
    let send = async |control: &Control, numbers: Range<usize>| {
        let sent = numbers.map(async |number| {
            let body = json!({"ranges": [format!("10.{number}.0.0/16")]}).to_string();
            (number, control.ask(Method::POST, RANGES, body).await)
        });
        join_all(sent).await
    };
    let (ones, twos) = tokio::join!(send(&one, 0..12), send(&two, 100..112));
    let answers: Vec<(usize, Answer)> = ones.into_iter().chain(twos).collect();
    let mut revisions = BTreeSet::new();
    let mut made = BTreeSet::new();
    for (number, answer) in &answers {
        match answer.status {
            StatusCode::OK => {
                assert!(
                    revisions.insert(answer.number("revision")),
                    "two writes made one revision"
                );
                made.insert(format!("10.{number}.0.0/16"));
            }
            _ => assert_eq!(answer.problem(), "conflict", "{answer:?}"),
        }
    }
    assert!(
        made.len() >= 12,
        "hardly any write was made: {}",
        made.len()
    );
    // What was answered with yes is there, and nothing else is.
    let last = *revisions.last().unwrap();
    for control in [&one, &two] {
        control.applied(last).await;
        let current = control.started.live.current().unwrap();
        let there: BTreeSet<String> = current.view.configuration.connections
            [&"FabrikamAD".parse().unwrap()]
            .ranges
            .iter()
            .map(|range| range.to_string())
            .filter(|range| range.starts_with("10."))
            .collect();
        assert_eq!(there, made);
    }
    assert_eq!(
        revisions.len(),
        usize::try_from(last).unwrap() - 1,
        "a revision was made that nobody was told of"
    );
    one.stop().await;
    two.stop().await;
}
