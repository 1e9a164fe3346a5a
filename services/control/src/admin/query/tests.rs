use std::time::Duration;

use super::Query;

fn read(query: &str) -> Result<Query, String> {
    let uri = format!("/v1/x?{query}").parse().unwrap();
    Query::of(&uri).map_err(|problem| format!("{}; {}", problem.detail, problem.what_to_do))
}

#[test]
fn every_parameter_is_read() {
    let query =
        read("wait=5&confirm=true&why=new%20site+Berlin&range=10.0.0.0%2F8&range=::1&revision=7")
            .unwrap();
    assert_eq!(query.wait, Duration::from_secs(5));
    assert!(query.confirm);
    assert_eq!(query.why.as_deref(), Some("new site Berlin"));
    assert_eq!(query.ranges, ["10.0.0.0/8", "::1"]);
    assert_eq!(query.seen, Some(7));
    assert_eq!(read("").unwrap(), Query::default());
}

#[test]
fn what_cannot_be_meant_is_refused_in_words() {
    assert!(read("wiat=5").unwrap_err().contains("did you mean `wait`?"));
    for wrong in [
        "wait=-1",
        "wait=61",
        "wait=",
        "wait=soon",
        "confirm=yes",
        "confirm",
        "revision=x",
        "why=%0a",
        "%",
    ] {
        read(wrong).unwrap_err();
    }
    assert!(read(&format!("why={}", "x".repeat(201))).is_err());
}
