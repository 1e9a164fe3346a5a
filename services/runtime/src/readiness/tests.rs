use super::Readiness;

#[test]
fn it_takes_every_part_to_be_ready() {
    let readiness = Readiness::new(&["configuration", "certval"]);
    assert_eq!(readiness.state().word(), "starting");
    readiness.complete("configuration");
    readiness.complete("configuration");
    readiness.complete("somebody else");
    assert!(!readiness.is_ready());
    readiness.complete("certval");
    assert!(readiness.is_ready());
}

#[test]
fn dropping_a_handle_makes_nothing_ready() {
    let readiness = Readiness::new(&["configuration"]);
    drop(readiness.clone());
    assert!(!readiness.is_ready());
}

#[test]
fn a_loss_after_the_first_readiness_degrades_only() {
    let readiness = Readiness::new(&["certval"]);
    readiness.complete("certval");
    readiness.degraded("certval", "connection refused");
    assert!(readiness.is_ready());
    assert_eq!(readiness.state().word(), "degraded");
    readiness.recovered("certval");
    assert_eq!(readiness.state().word(), "ready");
}

#[test]
fn a_stopping_process_is_not_ready() {
    let readiness = Readiness::new(&[]);
    assert!(readiness.is_ready());
    readiness.stopping();
    assert!(!readiness.is_ready());
    assert_eq!(readiness.state().word(), "stopping");
}

#[tokio::test]
async fn waiting_ends_with_the_last_part() {
    let readiness = Readiness::new(&["one"]);
    let waiting = tokio::spawn({
        let readiness = readiness.clone();
        async move { readiness.ready().await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    readiness.complete("one");
    waiting.await.unwrap();
}
