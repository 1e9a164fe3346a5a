use std::time::Duration;

use tokio::sync::oneshot;

use super::{Tasks, Unclean};

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_drain_waits_for_what_is_in_flight() {
    let tasks = Tasks::new();
    let (finish, finished) = oneshot::channel::<()>();
    let stopping = tasks.stopping();
    tasks.spawn("accept", async move { stopping.cancelled().await });
    tasks.spawn_work("connection", async move {
        finished.await.unwrap();
    });
    tasks.stop();
    let drain = tokio::spawn({
        let tasks = tasks.clone();
        async move { tasks.finish(LONG).await }
    });
    while tasks.running() != ["connection"] {
        tokio::task::yield_now().await;
    }
    assert!(!drain.is_finished());
    finish.send(()).unwrap();
    assert_eq!(drain.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn what_outlasts_the_drain_is_dropped_and_named() {
    let tasks = Tasks::new();
    tasks.spawn_work("stuck", std::future::pending());
    tasks.spawn_work("stuck", std::future::pending());
    tasks.stop();
    let end = tasks.finish(Duration::from_millis(10)).await;
    assert_eq!(end, Err(Unclean::Unfinished(vec!["stuck"])));
    assert!(tasks.running().is_empty());
}

#[tokio::test]
async fn an_essential_task_that_panics_stops_the_process() {
    let tasks = Tasks::new();
    tasks.spawn("loop", async { panic!("no more") });
    let Err(Unclean::Failed(failure)) = tasks.finish(LONG).await else {
        panic!("a panic must not end well");
    };
    assert_eq!(failure.to_string(), "task loop panicked: no more");
}

#[tokio::test]
async fn an_essential_task_that_ends_early_stops_the_process() {
    let tasks = Tasks::new();
    tasks.spawn("loop", async {});
    let Err(Unclean::Failed(failure)) = tasks.finish(LONG).await else {
        panic!("an early end must not end well");
    };
    assert_eq!(failure.to_string(), "task loop ended early");
}

#[tokio::test]
async fn a_panic_in_one_piece_of_work_harms_nobody_else() {
    let tasks = Tasks::new();
    tasks.spawn_work("connection", async { panic!("this one only") });
    while !tasks.running().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(!tasks.stopping().is_cancelled());
    tasks.stop();
    assert_eq!(tasks.finish(LONG).await, Ok(()));
}
