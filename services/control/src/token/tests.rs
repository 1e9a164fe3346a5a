use std::fs;
use std::os::unix::fs::PermissionsExt;

use runtime::private_files::{self, PrivateFileError};
use runtime::random::SystemRandomness;

use super::{AdminToken, HASH_FILE, TOKEN_FILE, TokenError};

fn folder() -> (tempfile::TempDir, std::path::PathBuf) {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("data");
    private_files::create_folder(&folder).unwrap();
    (outer, folder)
}

#[test]
fn a_token_is_made_once_and_kept() {
    let (_outer, folder) = folder();
    let made = AdminToken::of_folder(&folder, &SystemRandomness::new()).unwrap();
    let path = folder.join(TOKEN_FILE);
    let token = fs::read(&path).unwrap();
    assert!(made.accepts(&token));
    assert!(!made.accepts(b""));
    assert!(!made.accepts(&token[..token.len() - 1]));
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let hash = fs::read_to_string(folder.join(HASH_FILE)).unwrap();
    assert!(!hash.contains(std::str::from_utf8(&token).unwrap()));

    // Put in a safe place and removed here, it goes on being taken.
    fs::remove_file(&path).unwrap();
    let again = AdminToken::of_folder(&folder, &SystemRandomness::new()).unwrap();
    assert!(again.accepts(&token));
    assert!(!path.exists());
}

#[test]
fn a_token_others_can_read_is_refused() {
    let (_outer, folder) = folder();
    let path = folder.join(TOKEN_FILE);
    fs::write(&path, "x".repeat(43)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = AdminToken::of_folder(&folder, &SystemRandomness::new());
    assert!(
        matches!(
            refused,
            Err(TokenError::File(PrivateFileError::FileTooOpen { .. }))
        ),
        "{refused:?}"
    );
}

#[test]
fn a_damaged_file_is_not_overwritten() {
    let (_outer, folder) = folder();
    let path = folder.join(HASH_FILE);
    fs::write(&path, "not a hash").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let refused = AdminToken::of_folder(&folder, &SystemRandomness::new());
    assert!(
        matches!(refused, Err(TokenError::Damaged { .. })),
        "{refused:?}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "not a hash");
    assert!(!folder.join(TOKEN_FILE).exists());
}
