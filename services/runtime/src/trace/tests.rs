use http::{HeaderMap, HeaderValue};

use super::{TRACEPARENT, TraceContext, incoming};

const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn a_traceparent_is_read_and_written_as_it_was() {
    let context: TraceContext = GIVEN.parse().unwrap();
    assert_eq!(context.to_string(), GIVEN);
    assert_eq!(
        context.trace_id().to_string(),
        "4bf92f3577b34da6a3ce929d0e0e4736"
    );
    let json = serde_json::to_string(&context).unwrap();
    assert_eq!(json, format!("{GIVEN:?}"));
    assert_eq!(
        serde_json::from_str::<TraceContext>(&json).unwrap(),
        context
    );
}

#[test]
fn what_is_no_traceparent_is_none() {
    for text in [
        "",
        "00",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-zzf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ] {
        assert!(text.parse::<TraceContext>().is_err(), "{text:?}");
    }
    let long = format!("{GIVEN}-{}", "x".repeat(1 << 16));
    assert!(long.parse::<TraceContext>().is_err());
}

#[test]
fn of_two_headers_none_is_taken() {
    let mut headers = HeaderMap::new();
    headers.append(TRACEPARENT, HeaderValue::from_static(GIVEN));
    assert!(incoming(&headers).is_some());
    headers.append(TRACEPARENT, HeaderValue::from_static(GIVEN));
    assert_eq!(incoming(&headers), None);
}
