use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{
    PRIVATE, PUBLIC, PrivateFileError, create_folder, read, read_public, write_atomically,
};

#[test]
fn what_was_written_is_read_and_leaves_no_litter() {
    let (_folder, path) = secret_path();
    write_atomically(&path, b"first", PRIVATE).unwrap();
    write_atomically(&path, b"second", PRIVATE).unwrap();
    assert_eq!(read(&path, 100).unwrap().as_slice(), b"second");
    assert_eq!(mode(&path), 0o600);
    let beside = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(beside, 1);
}

#[test]
fn the_mode_asked_for_is_the_mode_made() {
    let (_folder, path) = secret_path();
    write_atomically(&path, b"certificate", PUBLIC).unwrap();
    assert_eq!(mode(&path), 0o644);
    assert_eq!(read_public(&path, 100).unwrap(), b"certificate");
}

#[test]
fn a_file_that_others_can_open_is_refused_with_the_command_that_mends_it() {
    let (_folder, path) = secret_path();
    for open in [0o640, 0o604, 0o660, 0o700, 0o644] {
        fs::write(&path, b"secret").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(open)).unwrap();
        let refused = read(&path, 100).unwrap_err().to_string();
        assert!(refused.contains(&format!("chmod 600 {}", path.display())));
        assert!(refused.contains(&format!("{open:04o}")), "{refused}");
    }
    for closed in [0o400, 0o600] {
        fs::set_permissions(&path, Permissions::from_mode(closed)).unwrap();
        assert_eq!(read(&path, 100).unwrap().as_slice(), b"secret");
    }
}

#[test]
fn a_folder_that_others_can_open_is_refused() {
    let (_folder, path) = secret_path();
    write_atomically(&path, b"secret", PRIVATE).unwrap();
    let folder = path.parent().unwrap();
    fs::set_permissions(folder, Permissions::from_mode(0o750)).unwrap();
    let refused = read(&path, 100).unwrap_err().to_string();
    assert!(refused.contains("chmod 700"), "{refused}");
    assert!(create_folder(folder).is_err());
}

#[test]
fn what_is_too_large_or_no_file_is_refused() {
    let (folder, path) = secret_path();
    write_atomically(&path, b"12345", PRIVATE).unwrap();
    assert_eq!(read(&path, 5).unwrap().len(), 5);
    assert!(matches!(
        read(&path, 4),
        Err(PrivateFileError::TooLarge { limit: 4, .. })
    ));
    assert!(matches!(
        read(folder.path(), 4),
        Err(PrivateFileError::FolderTooOpen { .. } | PrivateFileError::WrongKind { .. })
    ));
    assert!(matches!(
        read(&path.with_file_name("absent"), 4),
        Err(PrivateFileError::Io { .. })
    ));
}

#[test]
fn a_made_folder_is_private_and_making_it_again_is_fine() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b");
    create_folder(&path).unwrap();
    create_folder(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&folder.path().join("a")), 0o700);
}

fn secret_path() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let secrets = folder.path().join("secrets");
    create_folder(&secrets).unwrap();
    let path = secrets.join("secret.key");
    (folder, path)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
