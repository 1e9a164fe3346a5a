use std::fs;

use super::{Folder, MARK, MadeFor};

fn at_port(port: u16) -> MadeFor {
    MadeFor { port, origin: None }
}

fn error(path: &std::path::Path, fresh: bool) -> String {
    format!(
        "{:#}",
        Folder::open(path, &at_port(8443), fresh).unwrap_err()
    )
}

#[test]
fn a_folder_is_made_used_again_and_held_by_one_only() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("demo");
    let folder = Folder::open(&path, &at_port(8443), false).unwrap();
    assert!(error(&path, false).contains("another demonstration is running"));
    fs::write(folder.file("kept"), "x").unwrap();
    drop(folder);
    assert!(
        Folder::open(&path, &at_port(8443), false)
            .unwrap()
            .file("kept")
            .exists()
    );
    assert!(
        !Folder::open(&path, &at_port(8443), true)
            .unwrap()
            .file("kept")
            .exists(),
        "--fresh starts over"
    );
}

#[test]
fn somebody_elses_folder_is_left_alone() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("thesis.txt"), "years of work").unwrap();
    for fresh in [false, true] {
        assert!(error(place.path(), fresh).contains("holds files that no demonstration made"));
        assert!(place.path().join("thesis.txt").exists());
    }
}

#[test]
fn a_damaged_or_newer_mark_is_an_error_and_nothing_is_overwritten() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("demo");
    drop(Folder::open(&path, &at_port(8443), false).unwrap());
    for (content, said) in [
        ("{", "is damaged"),
        (
            r#"{"made_by":"postern demo","format":9,"port":8443}"#,
            "another version",
        ),
    ] {
        fs::write(path.join(MARK), content).unwrap();
        assert!(error(&path, true).contains(said));
        assert_eq!(fs::read_to_string(path.join(MARK)).unwrap(), content);
    }
}

#[test]
fn another_port_is_an_error_unless_it_starts_over() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("demo");
    drop(Folder::open(&path, &at_port(8443), false).unwrap());
    assert!(
        format!(
            "{:#}",
            Folder::open(&path, &at_port(9443), false).unwrap_err()
        )
        .contains("--port 8443")
    );
    drop(Folder::open(&path, &at_port(9443), true).unwrap());
    assert!(Folder::open(&path, &at_port(9443), false).is_ok());
}

#[test]
fn an_application_that_it_was_not_made_with_is_an_error_unless_it_starts_over() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("demo");
    let with = MadeFor {
        origin: Some("http://localhost:3000".parse().unwrap()),
        ..at_port(8443)
    };
    drop(Folder::open(&path, &at_port(8443), false).unwrap());
    let error = format!("{:#}", Folder::open(&path, &with, false).unwrap_err());
    assert!(
        error.contains("without an application at http://localhost:3000")
            && error.contains("--fresh")
    );
    drop(Folder::open(&path, &with, true).unwrap());
    for again in [with, at_port(8443)] {
        drop(Folder::open(&path, &again, false).unwrap());
    }
}
