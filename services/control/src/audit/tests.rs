use super::*;

fn entry(request: &str) -> Entry {
    Entry {
        at: 1_800_000_000,
        stage: Stage::Proposed,
        author: Author {
            who: "admin-token".to_owned(),
            address: None,
            request: request.to_owned(),
        },
        revision: 2,
        words: vec!["a change".to_owned()],
        problem: None,
    }
}

fn requests(folder: &Path) -> Vec<String> {
    let record = std::fs::read_to_string(folder.join(AUDIT_FILE)).unwrap();
    let line = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(line["request"].as_str()?.to_owned())
    };
    record
        .lines()
        .map(|each| line(each).unwrap_or_else(|| "unreadable".to_owned()))
        .collect()
}

#[test]
fn a_line_that_breaks_off_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let audit = Audit::open(folder.path()).unwrap();
    audit.append(&entry("first")).unwrap();
    let broken = whole_or_nothing(&audit.file.lock().unwrap(), |mut file| {
        file.write_all(b"{\"at\":\"2027")?;
        Err(io::Error::other("the disk is full"))
    });
    assert_eq!(broken.unwrap_err().to_string(), "the disk is full");
    audit.append(&entry("second")).unwrap();
    assert_eq!(requests(folder.path()), ["first", "second"]);
}

#[test]
fn half_a_line_of_a_crash_does_not_take_the_next_one_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let half = b"{\"at\":\"2027";
    std::fs::write(folder.path().join(AUDIT_FILE), half).unwrap();
    let audit = Audit::open(folder.path()).unwrap();
    audit.append(&entry("first")).unwrap();
    drop(audit);
    let audit = Audit::open(folder.path()).unwrap();
    audit.append(&entry("second")).unwrap();
    assert_eq!(requests(folder.path()), ["unreadable", "first", "second"]);
}
