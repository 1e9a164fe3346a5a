use std::time::Duration;

use super::{Metrics, label};

#[test]
fn numbers_are_told_in_prometheus_own_words() {
    let metrics = Metrics::new().unwrap().of_role("gateway");
    let counter = metrics.counter("postern_things", "How many things.");
    counter.add(0, &[label("kind", "odd")]);
    counter.count(&[label("kind", "even")]);
    counter.count(&[label("kind", String::from("even"))]);
    let seconds = metrics.seconds("postern_thing_seconds", "How long.");
    seconds.took(Duration::from_millis(3), &[]);
    metrics.gauge("postern_level", "How high.", |tell| {
        tell(7.0, &[label("place", "here")]);
    });
    let text = metrics.text().unwrap();
    for line in [
        "# HELP postern_things_total How many things.",
        "# TYPE postern_things_total counter",
        r#"postern_things_total{kind="even",role="gateway"} 2"#,
        r#"postern_things_total{kind="odd",role="gateway"} 0"#,
        r#"postern_thing_seconds_bucket{role="gateway",le="0.0025"} 0"#,
        r#"postern_thing_seconds_bucket{role="gateway",le="0.005"} 1"#,
        r#"postern_thing_seconds_count{role="gateway"} 1"#,
        r#"postern_level{place="here",role="gateway"} 7"#,
        "# TYPE process_resident_memory_bytes gauge",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
}

#[test]
fn roles_of_one_process_are_told_apart() {
    let metrics = Metrics::new().unwrap();
    for (role, level) in [("gateway", 1.0), ("certval", 2.0)] {
        let of_role = metrics.of_role(role);
        of_role.gauge("postern_level", "How high.", move |tell| tell(level, &[]));
        of_role.counter("postern_things", "Things.").count(&[]);
    }
    let text = metrics.text().unwrap();
    for line in [
        r#"postern_level{role="gateway"} 1"#,
        r#"postern_level{role="certval"} 2"#,
        r#"postern_things_total{role="gateway"} 1"#,
        r#"postern_things_total{role="certval"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
}

#[test]
fn a_large_configuration_keeps_its_labels() {
    let metrics = Metrics::new().unwrap();
    let counter = metrics.counter("postern_things", "Things.");
    // More than the library keeps by itself (2000), and than most configurations have.
    for connection in 0..25 {
        for code in 0..100 {
            counter.count(&[
                label("connection", format!("c{connection}")),
                label("code", format!("{code}")),
            ]);
        }
    }
    let text = metrics.text().unwrap();
    assert!(!text.contains("overflow"));
    assert!(text.contains(r#"postern_things_total{code="99",connection="c24"} 1"#));
}
