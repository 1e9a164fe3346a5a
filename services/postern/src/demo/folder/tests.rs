use std::fs;

use super::{Folder, MARK};

fn error(path: &std::path::Path, fresh: bool) -> String {
    format!("{:#}", Folder::open(path, 8443, fresh).unwrap_err())
}

#[test]
fn a_folder_is_made_used_again_and_held_by_one_only() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("demo");
    let folder = Folder::open(&path, 8443, false).unwrap();
    assert!(error(&path, false).contains("another demonstration is running"));
    fs::write(folder.file("kept"), "x").unwrap();
    drop(folder);
    assert!(
        Folder::open(&path, 8443, false)
            .unwrap()
            .file("kept")
            .exists()
    );
    assert!(
        !Folder::open(&path, 8443, true)
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
    drop(Folder::open(&path, 8443, false).unwrap());
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
    drop(Folder::open(&path, 8443, false).unwrap());
    assert!(format!("{:#}", Folder::open(&path, 9443, false).unwrap_err()).contains("--port 8443"));
    drop(Folder::open(&path, 9443, true).unwrap());
    assert!(Folder::open(&path, 9443, false).is_ok());
}
