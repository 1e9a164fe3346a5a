use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use domain::account::AccountId;
use domain::outcome::Refusal;
use runtime::clock::TestClock;
use runtime::metrics::Metrics;
use runtime::private_files::{PRIVATE, write_atomically};
use runtime::random::SeededRandomness;

use testkit::spans::Recording;
use tracing::Instrument;

use super::*;
use crate::state::AccountState;

struct Rig {
    folder: tempfile::TempDir,
    directory: Directory,
    backend: FileDirectory,
    metrics: Metrics,
}

fn password(text: &str) -> Password {
    Password::typed(text.as_bytes()).unwrap()
}

impl Rig {
    /// Jon in Staff in Employees in Everyone in Staff again; Eve disabled.
    fn new() -> Self {
        let randomness = SeededRandomness::new(1);
        let person = |account: &str, id: u128| {
            let account: AccountName = account.parse().unwrap();
            let id = AccountId(uuid::Uuid::from_u128(id));
            FilePerson::new(account, id, &password("winter is coming"), &randomness).unwrap()
        };
        let jon = FilePerson {
            sid: Some("S-1-5-21-1-2-3-4".parse().unwrap()),
            email: Some("jon@fabrikam.test".into()),
            groups: ["Staff".into()].into(),
            ..person("jon", 1)
        };
        let eve = FilePerson {
            state: AccountState {
                disabled: true,
                ..AccountState::default()
            },
            ..person("eve", 2)
        };
        let directory = Directory {
            persons: vec![jon, eve],
            groups: [
                ("Staff".to_owned(), ["Employees".to_owned()].into()),
                ("Employees".to_owned(), ["Everyone".to_owned()].into()),
                ("Everyone".to_owned(), ["Staff".to_owned()].into()),
            ]
            .into(),
        };
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let path = folder.path().join("directory.json");
        let clock = Arc::new(TestClock::at_unix_seconds(1_777_777_777));
        let metrics = Metrics::new().unwrap();
        let rig = Self {
            folder,
            directory,
            backend: FileDirectory::new(path, clock, Numbers::new(&metrics)),
            metrics,
        };
        rig.write();
        rig
    }

    fn write(&self) {
        let text = render(&self.directory).unwrap();
        write_atomically(&self.path(), text.as_bytes(), PRIVATE).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("directory.json")
    }

    async fn certificate(&self, account: &str) -> Result<Person, Refusal> {
        let who = Who::Certificate {
            account: account.parse().unwrap(),
            sid: None,
        };
        told(self.backend.resolve(&who, Method::Certificate).await)
    }

    async fn form(&self, account: &str, text: &str) -> Result<Person, Refusal> {
        let account = account.parse().unwrap();
        told(self.backend.authenticate(&account, &password(text)).await)
    }
}

fn told(answer: Result<Verdict<Person>, Unavailable>) -> Result<Person, Refusal> {
    match answer.expect("the directory answers") {
        Verdict::Accepted(person) => Ok(person),
        Verdict::Refused(refusal) => Err(refusal),
    }
}

#[tokio::test]
async fn somebody_is_found_by_name_and_by_identifier_with_all_groups() {
    let rig = Rig::new();
    let jon = rig.certificate("JON").await.unwrap();
    assert_eq!(jon.profile().groups, ["Employees", "Everyone", "Staff"]);
    assert_eq!(jon.profile().email.as_deref(), Some("jon@fabrikam.test"));
    let who = Who::Account(jon.profile().id);
    assert_eq!(
        told(rig.backend.resolve(&who, Method::Password).await).unwrap(),
        jon
    );
    assert_eq!(rig.form("jon", "winter is coming").await.unwrap(), jon);
}

#[tokio::test]
async fn an_unknown_name_and_a_wrong_password_are_one_answer() {
    let rig = Rig::new();
    let refused = Err(Refusal::new(Reason::WrongCredentials));
    assert_eq!(rig.form("jon", "summer").await, refused);
    assert_eq!(rig.form("nobody", "summer").await, refused);
    assert_eq!(rig.form("eve", "summer").await, refused);
    assert_eq!(
        rig.certificate("nobody").await,
        Err(Refusal::new(Reason::NotInDirectory))
    );
}

#[tokio::test]
async fn somebody_who_goes_away_leaves_no_room_for_more_hashing() {
    let rig = Rig::new();
    let free = || rig.backend.hashing.available_permits();
    let mut asking = Box::pin(rig.form("jon", "winter is coming"));
    while free() == MAX_HASHING {
        let wait = tokio::time::timeout(Duration::from_millis(1), &mut asking).await;
        assert!(wait.is_err(), "answered before it was seen to hash");
    }
    drop(asking);
    assert_eq!(free(), MAX_HASHING - 1, "the hashing goes on");
    let all = rig.backend.hashing.acquire_many(2);
    let ended = tokio::time::timeout(Duration::from_secs(20), all).await;
    assert!(ended.unwrap().is_ok(), "the turn is given back in the end");
}

#[tokio::test]
async fn a_disabled_account_is_refused_by_every_method() {
    let rig = Rig::new();
    let refused = Err(Refusal::new(Reason::Disabled));
    assert_eq!(rig.certificate("eve").await, refused);
    assert_eq!(rig.form("eve", "winter is coming").await, refused);
}

#[tokio::test]
async fn a_change_of_the_file_is_the_next_answer() {
    let mut rig = Rig::new();
    assert!(rig.certificate("jon").await.is_ok());
    rig.directory.persons[0].state.locked = true;
    rig.write();
    assert_eq!(
        rig.certificate("jon").await,
        Err(Refusal::new(Reason::Locked))
    );
    rig.directory.persons.remove(0);
    rig.write();
    assert_eq!(
        rig.certificate("jon").await,
        Err(Refusal::new(Reason::NotInDirectory))
    );
    let twice = rig.directory.persons[0].clone();
    rig.directory.persons.push(twice);
    rig.write();
    assert_eq!(
        rig.certificate("eve").await,
        Err(Refusal::new(Reason::AmbiguousAccount))
    );
}

#[tokio::test]
async fn a_certificates_identifier_must_be_the_accounts() {
    let rig = Rig::new();
    let asked = |account: &str, sid: &str| Who::Certificate {
        account: account.parse().unwrap(),
        sid: Some(sid.parse().unwrap()),
    };
    for (who, expected) in [
        (asked("jon", "S-1-5-21-1-2-3-4"), None),
        (asked("jon", "S-1-5-21-1-2-3-5"), Some(Reason::SidMismatch)),
        (asked("eve", "S-1-5-21-1-2-3-4"), Some(Reason::SidMismatch)),
    ] {
        let answer = told(rig.backend.resolve(&who, Method::Certificate).await);
        assert_eq!(
            answer.err().map(|refusal| refusal.reason),
            expected,
            "{who:?}"
        );
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_trusted_is_unavailable_and_heals() {
    let rig = Rig::new();
    let who = Who::Certificate {
        account: "jon".parse().unwrap(),
        sid: None,
    };
    let text = fs::read_to_string(rig.path()).unwrap();
    for broken in [
        "",
        "{",
        "{\"persons\":[{\"account\":\"jon\"}]}",
        &text.replace("\"state\"", "\"stat\""),
    ] {
        fs::write(rig.path(), broken).unwrap();
        let answer = rig.backend.resolve(&who, Method::Certificate).await;
        assert_eq!(
            answer.unwrap_err().fault,
            Fault::DirectoryUnavailable,
            "{broken}"
        );
    }
    fs::set_permissions(rig.path(), fs::Permissions::from_mode(0o644)).unwrap();
    rig.write();
    assert!(rig.certificate("jon").await.is_ok());
    fs::set_permissions(rig.path(), fs::Permissions::from_mode(0o644)).unwrap();
    let answer = rig.backend.resolve(&who, Method::Certificate).await;
    assert!(answer.unwrap_err().detail.contains("644"));
    fs::remove_file(rig.path()).unwrap();
    assert!(
        rig.backend
            .resolve(&who, Method::Certificate)
            .await
            .is_err()
    );
}

#[test]
fn hashes_are_salted_and_survive_being_written() {
    let randomness = SeededRandomness::new(2);
    let began = std::time::Instant::now();
    let one = PasswordHash::new(&password("secret"), &randomness).unwrap();
    let two = PasswordHash::new(&password("secret"), &randomness).unwrap();
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(one != two);
    let text = String::from(one.clone());
    assert!(text.starts_with("pbkdf2-sha256$600000$"));
    let again = PasswordHash::try_from(text.clone()).unwrap();
    assert!(again == one && again.is_of(&password("secret")));
    assert!(!again.is_of(&password("Secret")));
    for bad in [
        "",
        "secret",
        &text.replace("600000", "1"),
        &text.replace("600000", "999999999"),
        &format!("{text}$"),
    ] {
        assert!(PasswordHash::try_from(bad.to_owned()).is_err(), "{bad}");
    }
    assert_eq!(format!("{one:?}"), "[redacted]");
}

#[tokio::test]
async fn a_lookup_is_a_span_that_names_nobody() {
    let (recording, _guard) = Recording::start();
    let rig = Rig::new();
    let call = tracing::info_span!("call");
    let asked = async {
        rig.certificate("jon").await.unwrap();
        rig.form("jon", "winter is coming").await.unwrap();
        rig.form("nobody", "winter is coming").await.unwrap_err();
    };
    asked.instrument(call).await;
    let mut spans = recording.spans(&["directory"]).into_iter();
    assert_eq!(spans.next().unwrap().name, "call");
    for entries in ["1", "1", "0"] {
        let span = spans.next().unwrap();
        assert_eq!(
            (&*span.name, span.parent.as_deref()),
            ("file lookup", Some("call"))
        );
        let fields: Vec<(&str, &str)> = span.fields.iter().map(|(k, v)| (&**k, &**v)).collect();
        assert_eq!(fields, [("entries", entries), ("outcome", "ok")]);
    }
    assert_eq!(spans.next(), None);
    fs::remove_file(rig.path()).unwrap();
    let who = Who::Account(AccountId(uuid::Uuid::from_u128(1)));
    rig.backend
        .resolve(&who, Method::Password)
        .await
        .unwrap_err();
    let last = recording.spans(&["directory"]).pop().unwrap();
    assert_eq!(last.field("outcome"), "unavailable");
    assert_eq!(last.field("otel.status_code"), "ERROR");
    let text = rig.metrics.text().unwrap();
    for (outcome, count) in [("ok", 3), ("unavailable", 1)] {
        let line = format!(
            "postern_directory_operations_total{{operation=\"file_lookup\",outcome=\"{outcome}\"}} {count}\n"
        );
        assert!(text.contains(&line), "{line}{text}");
    }
    let said = recording.text_without(&[]);
    assert!(!said.contains("winter is coming"), "{said}");
}
