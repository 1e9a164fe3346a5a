use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{
    PRIVATE, PUBLIC, PrivateFileError, create_folder, read, read_as, read_public, write_atomically,
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

const SOMEBODY: u32 = 65532;

#[test]
fn what_root_hands_to_a_process_of_another_user_is_read() {
    let Some(mounted) = Mounted::make() else {
        return;
    };
    for mode in [0o440, 0o400, 0o640, 0o600] {
        mounted.set(mode, 0o3777);
        let secret = read_as(&mounted.path(), 100, SOMEBODY);
        assert_eq!(secret.unwrap().as_slice(), b"secret", "{mode:o}");
    }
    // Without `fsGroup`, and a folder of root's that only root may write.
    for folder in [0o1777, 0o755, 0o711] {
        mounted.set(0o440, folder);
        assert!(
            read_as(&mounted.path(), 100, SOMEBODY).is_ok(),
            "{folder:o}"
        );
    }
    assert!(matches!(
        read_as(&mounted.path(), 5, SOMEBODY),
        Err(PrivateFileError::TooLarge { .. })
    ));
}

#[test]
fn a_process_of_root_gets_no_exception() {
    let Some(mounted) = Mounted::make() else {
        return;
    };
    mounted.set(0o440, 0o3777);
    assert!(matches!(
        read_as(&mounted.path(), 100, super::ROOT),
        Err(PrivateFileError::FolderTooOpen { .. })
    ));
    mounted.set(0o440, 0o700);
    assert!(matches!(
        read_as(&mounted.path(), 100, super::ROOT),
        Err(PrivateFileError::FileTooOpen { .. })
    ));
}

#[test]
fn what_others_can_read_or_change_is_refused_though_it_is_roots() {
    let Some(mounted) = Mounted::make() else {
        return;
    };
    for mode in [0o444, 0o460, 0o450, 0o404, 0o402, 0o540, 0o660] {
        mounted.set(mode, 0o3777);
        assert!(read_as(&mounted.path(), 100, SOMEBODY).is_err(), "{mode:o}");
    }
    for folder in [0o777, 0o775, 0o2775, 0o757] {
        mounted.set(0o440, folder);
        assert!(
            read_as(&mounted.path(), 100, SOMEBODY).is_err(),
            "{folder:o}"
        );
    }
}

#[test]
fn what_somebody_else_put_into_roots_folder_is_refused() {
    let belongs_to_somebody: [fn(&Mounted) -> PathBuf; 5] = [
        |mounted| mounted.file(),
        |mounted| mounted.version(),
        |mounted| mounted.path(),
        |mounted| mounted.volume(),
        // A file of somebody's own beside root's, as in /tmp.
        |mounted| {
            fs::remove_file(mounted.path()).unwrap();
            fs::write(mounted.path(), b"planted").unwrap();
            fs::set_permissions(mounted.path(), Permissions::from_mode(0o600)).unwrap();
            mounted.path()
        },
    ];
    for belongs in belongs_to_somebody {
        let Some(mounted) = Mounted::make() else {
            return;
        };
        mounted.set(0o440, 0o3777);
        assert!(read_as(&mounted.path(), 100, SOMEBODY).is_ok());
        let taken = belongs(&mounted);
        lchown(&taken, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
        assert!(
            read_as(&mounted.path(), 100, SOMEBODY).is_err(),
            "{} belongs to somebody",
            taken.display()
        );
    }
}

/// A Secret as the kubelet mounts it: `volume/secret.key` is a link to
/// `..data/secret.key`, and `..data` one to the folder of this version.
struct Mounted(TempDir);

impl Mounted {
    /// Nothing where the test may not make files of root.
    fn make() -> Option<Self> {
        let mounted = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(mounted.version()).unwrap();
        if chown(mounted.volume(), Some(super::ROOT), Some(SOMEBODY)).is_err() {
            println!("skipped: files that root hands to others, because this is not root");
            return None;
        }
        fs::write(mounted.file(), b"secret").unwrap();
        chown(mounted.file(), Some(super::ROOT), Some(SOMEBODY)).unwrap();
        fs::set_permissions(mounted.version(), Permissions::from_mode(0o2755)).unwrap();
        symlink("..2026_11_24", mounted.volume().join("..data")).unwrap();
        symlink("..data/secret.key", mounted.path()).unwrap();
        Some(mounted)
    }

    fn set(&self, file: u32, volume: u32) {
        fs::set_permissions(self.file(), Permissions::from_mode(file)).unwrap();
        fs::set_permissions(self.volume(), Permissions::from_mode(volume)).unwrap();
    }

    fn volume(&self) -> PathBuf {
        self.0.path().join("volume")
    }

    fn version(&self) -> PathBuf {
        self.volume().join("..2026_11_24")
    }

    fn file(&self) -> PathBuf {
        self.version().join("secret.key")
    }

    fn path(&self) -> PathBuf {
        self.volume().join("secret.key")
    }
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
