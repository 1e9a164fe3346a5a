//! Against a server that answers as no domain controller should: everything is refused or unavailable, in bounded time
//! and memory, and nothing outlives it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "test code, of which the lints know only the test functions"
)]

#[path = "hostile/ber.rs"]
mod ber;
#[path = "hostile/stub.rs"]
mod stub;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ber::{bind_response, done, entry, message, reference, referral, result, tlv};
use directory::active_directory::ActiveDirectory;
use directory::backend::Backend;
use directory::numbers::Numbers;
use directory::password::Password;
use directory::settings::Settings;
use domain::account::{AccountId, Person};
use domain::connection::ActiveDirectory as Source;
use domain::outcome::{Unavailable, Verdict};
use domain::reason::{Fault, Reason};
use postern_proto::directory::{Method, Who};
use runtime::clock::SystemClock;
use runtime::metrics::Metrics;
use runtime::tasks::Tasks;
use stub::{
    Asked, Attributes, BASE, JON, PASSWORD, Reply, Start, Stub, certified, found, jon, sid,
};
use testkit::spans::Recording;
use tokio::net::TcpListener;
use tracing::Instrument;

const QUESTION: Duration = Duration::from_millis(1500);

fn directory(source: &Source) -> ActiveDirectory {
    let settings = Settings {
        connect_ms: 500,
        operation_ms: 600,
        question_ms: QUESTION.as_millis().try_into().unwrap(),
        ..Settings::default()
    };
    let clock = Arc::new(SystemClock);
    ActiveDirectory::new(
        source,
        b"secret of the service",
        &settings,
        Tasks::new(),
        clock,
        Numbers::new(&Metrics::new().unwrap()),
    )
    .unwrap()
}

async fn rig() -> (Stub, ActiveDirectory) {
    let stub = Stub::start(Start::Tls).await;
    let directory = directory(&stub.source());
    (stub, directory)
}

async fn resolve(directory: &ActiveDirectory, name: &str) -> Result<Verdict<Person>, Unavailable> {
    let who = Who::Certificate {
        account: name.parse().unwrap(),
        sid: None,
    };
    directory.resolve(&who, Method::Certificate).await
}

async fn form(
    directory: &ActiveDirectory,
    name: &str,
    password: &str,
) -> Result<Verdict<Person>, Unavailable> {
    let password = Password::typed(password.as_bytes()).unwrap();
    directory
        .authenticate(&name.parse().unwrap(), &password)
        .await
}

fn reason(answer: Result<Verdict<Person>, Unavailable>) -> Option<Reason> {
    match answer.expect("an answer") {
        Verdict::Accepted(_) => None,
        Verdict::Refused(refusal) => Some(refusal.reason),
    }
}

/// Whether this is the search for a person or for the names of groups.
fn is_subtree(asked: &Asked) -> bool {
    matches!(
        asked,
        Asked::Search {
            whole_subtree: true,
            ..
        }
    )
}

/// Answers searches for people with these entries.
fn people(stub: &Stub, entries: Vec<Attributes>) {
    stub.script(move |id, asked| {
        let entries: Vec<_> = entries.iter().map(|entry| (JON, entry.clone())).collect();
        is_subtree(asked).then(|| found(id, &entries))
    });
}

#[tokio::test]
async fn the_stub_is_a_directory_when_it_is_sane() {
    let (stub, directory) = rig().await;
    let Verdict::Accepted(person) = resolve(&directory, "jon").await.unwrap() else {
        panic!("jon is there");
    };
    assert_eq!(person.profile().account.as_str(), "jon");
    stub.seen();
    assert_eq!(reason(form(&directory, "jon", PASSWORD).await), None);
    assert_eq!(stub.binds(), [(JON.to_owned(), PASSWORD.to_owned())]);
}

#[tokio::test]
async fn two_entries_are_nobody() {
    let (stub, directory) = rig().await;
    people(
        &stub,
        vec![jon(&[]), jon(&[("objectGUID", vec![vec![8; 16]])])],
    );
    assert_eq!(
        reason(resolve(&directory, "jon").await),
        Some(Reason::AmbiguousAccount)
    );
    // And one, where the server says that there were more.
    stub.script(|id, asked| {
        let bytes = [entry(id, JON, &jon(&[])), done(id, 4)].concat();
        is_subtree(asked).then(|| vec![Reply::Send(bytes)])
    });
    assert_eq!(
        reason(resolve(&directory, "jon").await),
        Some(Reason::AmbiguousAccount)
    );
    stub.seen();
    assert_eq!(
        reason(form(&directory, "jon", PASSWORD).await),
        Some(Reason::WrongCredentials)
    );
    assert!(
        stub.binds().iter().all(|(name, _)| name != JON),
        "nobody is tried"
    );
}

#[tokio::test]
async fn a_folded_name_is_another_person() {
    let (stub, directory) = rig().await;
    for (asked, returned) in [
        ("björn", "bjorn"),
        ("bjorn", "björn"),
        ("jon", "ｊｏｎ"),
        ("jon", "jon\u{200b}"),
    ] {
        people(
            &stub,
            vec![jon(&[(
                "sAMAccountName",
                vec![returned.as_bytes().to_vec()],
            )])],
        );
        assert_eq!(
            reason(resolve(&directory, asked).await),
            Some(Reason::NotInDirectory),
            "{returned}"
        );
        stub.seen();
        assert_eq!(
            reason(form(&directory, asked, PASSWORD).await),
            Some(Reason::WrongCredentials)
        );
        let binds = stub.binds();
        assert_eq!(binds.len(), 1, "the same work as for a known name");
        assert_eq!(binds[0].0, format!("CN=postern-no-such-account,{BASE}"));
    }
}

#[tokio::test]
async fn what_is_no_person_is_not_in_the_directory() {
    let (stub, directory) = rig().await;
    let classes = |classes: &[&str]| -> Vec<Vec<u8>> {
        classes
            .iter()
            .map(|class| class.as_bytes().to_vec())
            .collect()
    };
    for change in [
        ("objectClass", classes(&["top", "contact"])),
        (
            "objectClass",
            classes(&["user", "computer", "msDS-GroupManagedServiceAccount"]),
        ),
        ("objectSid", vec![]),
        ("objectGUID", vec![]),
        ("sAMAccountName", vec![]),
        ("userAccountControl", vec![b"4096".to_vec()]),
    ] {
        people(&stub, vec![jon(std::slice::from_ref(&change))]);
        let answer = reason(resolve(&directory, "jon").await);
        assert_eq!(answer, Some(Reason::NotInDirectory), "{change:?}");
    }
}

#[tokio::test]
async fn an_identifier_that_was_not_asked_for_is_refused() {
    let (stub, directory) = rig().await;
    people(&stub, vec![jon(&[])]);
    let other = Who::Account(AccountId(uuid::Uuid::from_bytes([9; 16])));
    let answer = directory.resolve(&other, Method::Certificate).await;
    assert_eq!(reason(answer), Some(Reason::NotInDirectory));
}

#[tokio::test]
async fn what_decides_and_cannot_be_read_is_unavailable() {
    let (stub, directory) = rig().await;
    for name in [
        "userAccountControl",
        "msDS-User-Account-Control-Computed",
        "accountExpires",
        "pwdLastSet",
    ] {
        people(&stub, vec![jon(&[(name, vec![])])]);
        let error = resolve(&directory, "jon").await.unwrap_err();
        assert!(error.detail.contains(name), "{error}");
    }
    // No groups is not a list of none: everybody has a primary group.
    stub.script(|id, asked| {
        let of_jon = matches!(
            asked,
            Asked::Search {
                whole_subtree: false,
                ..
            }
        );
        of_jon.then(|| found(id, &[(JON, vec![])]))
    });
    let error = resolve(&directory, "jon").await.unwrap_err();
    assert!(error.detail.contains("tokenGroups"), "{error}");
}

#[tokio::test]
async fn groups_are_exact_and_bounded() {
    let (stub, directory) = rig().await;
    let groups = |count: u32| {
        move |id: u32, asked: &Asked| match asked {
            Asked::Search {
                base,
                whole_subtree: false,
            } if !base.is_empty() => Some(found(
                id,
                &[(JON, vec![("tokenGroups", (0..count).map(sid).collect())])],
            )),
            _ => None,
        }
    };
    stub.script(groups(1001));
    let error = resolve(&directory, "jon").await.unwrap_err();
    assert!(error.detail.contains("1001 groups"), "{error}");
    // Ten thousand are beyond the allowance of an answer; that too is no shorter list.
    stub.script(groups(20_000));
    assert!(resolve(&directory, "jon").await.is_err());
    // A server that names groups nobody asked for.
    stub.script(|id, asked| match asked {
        Asked::Search {
            base,
            whole_subtree: false,
        } if !base.is_empty() => Some(found(id, &[(JON, vec![("tokenGroups", vec![sid(5000)])])])),
        _ => None,
    });
    let Verdict::Accepted(person) = resolve(&directory, "jon").await.unwrap() else {
        panic!("jon is there");
    };
    assert_eq!(person.profile().groups, Vec::<String>::new());
}

/// Answers searches for people with Jon, and the next one, for the names of his groups, with this entry.
fn group(stub: &Stub, group: Attributes) {
    let searches = AtomicUsize::new(0);
    stub.script(move |id, asked| {
        let is_for_groups = is_subtree(asked) && searches.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        is_for_groups.then(|| found(id, &[("CN=Staff", group.clone())]))
    });
}

#[tokio::test]
async fn a_group_that_cannot_be_read_is_not_left_out() {
    let (stub, directory) = rig().await;
    let named = ("sAMAccountName", vec![b"Staff".to_vec()]);
    let identified = ("objectSid", vec![sid(513)]);
    for (entry, missing) in [
        (vec![identified.clone()], "sAMAccountName"),
        (vec![named.clone()], "objectSid"),
        (
            vec![named.clone(), ("objectSid", vec![vec![1, 5, 0]])],
            "objectSid",
        ),
    ] {
        group(&stub, entry);
        let error = resolve(&directory, "jon").await.unwrap_err();
        assert!(error.detail.contains(missing), "{error}");
    }
    // Nothing of it was remembered as a group that is not there.
    group(&stub, vec![identified.clone(), named]);
    let Verdict::Accepted(person) = resolve(&directory, "jon").await.unwrap() else {
        panic!("jon is there");
    };
    assert_eq!(person.profile().groups, ["Staff"]);
}

#[tokio::test]
async fn a_placeholder_for_somebody_from_elsewhere_is_no_group() {
    let (stub, directory) = rig().await;
    let class = [&b"top"[..], b"foreignSecurityPrincipal"].map(<[u8]>::to_vec);
    group(
        &stub,
        vec![
            ("objectClass", class.to_vec()),
            ("objectSid", vec![sid(513)]),
        ],
    );
    let Verdict::Accepted(person) = resolve(&directory, "jon").await.unwrap() else {
        panic!("jon is there");
    };
    assert_eq!(person.profile().groups, Vec::<String>::new());
}

/// Two domain controllers with one certificate, and the directory that prefers the first.
async fn two() -> (Stub, Stub, ActiveDirectory) {
    let certified = certified();
    let anywhere = "127.0.0.1:0".parse().unwrap();
    let first = Stub::at(anywhere, Start::Tls, certified.clone()).await;
    let second = Stub::at(anywhere, Start::Tls, certified).await;
    let mut source = first.source();
    source.servers.extend(second.source().servers);
    let directory = directory(&source);
    (first, second, directory)
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_no_busy_connection_and_no_hung_server() {
    let (first, second, directory) = two().await;
    assert_eq!(reason(resolve(&directory, "jon").await), None);
    assert!(second.seen().is_empty(), "the first is preferred");
    // From now on the first one is silent, and the caller goes away before an operation's deadline.
    first.script(|_, _| Some(vec![]));
    first.seen();
    let patience = Duration::from_millis(450);
    let answer = tokio::time::timeout(patience, resolve(&directory, "jon")).await;
    assert!(answer.is_err(), "given up");
    assert!(!first.seen().is_empty(), "the first was asked");
    let answer = tokio::time::timeout(patience, resolve(&directory, "jon")).await;
    assert_eq!(
        reason(answer.expect("the second is asked at once")),
        None,
        "the second answers"
    );
    assert_eq!(first.seen(), [], "the silent one is left alone");
}

#[tokio::test]
async fn a_caller_that_goes_away_soon_is_not_held_against_the_server() {
    let (first, second, directory) = two().await;
    assert_eq!(reason(resolve(&directory, "jon").await), None);
    first.script(|_, _| Some(vec![]));
    let impatient = Duration::from_millis(100);
    let answer = tokio::time::timeout(impatient, resolve(&directory, "jon")).await;
    assert!(answer.is_err(), "given up");
    // The question that was given up is answered with the next one, and nobody must take that for the answer.
    first.sane();
    first.seen();
    assert_eq!(reason(resolve(&directory, "jon").await), None);
    assert!(
        matches!(first.seen().first(), Some(Asked::Bind { .. })),
        "on a new connection to the first"
    );
    assert!(second.seen().is_empty(), "the second is not needed");
}

#[tokio::test]
async fn a_changed_password_of_the_service_account_is_tried_once() {
    const QUESTIONS: usize = 8;
    let (stub, directory) = rig().await;
    assert_eq!(reason(resolve(&directory, "jon").await), None);
    // Answers a little late, so that the questions are under way together.
    let text = "80090308: LdapErr: DSID-0, comment: AcceptSecurityContext error, data 52e, v1";
    stub.script(move |id, asked| match asked {
        Asked::Bind { .. } => Some(vec![Reply::Drip(
            bind_response(id, 49, text),
            Duration::from_millis(1),
        )]),
        Asked::Search { .. } => Some(vec![Reply::Close]),
        Asked::Other(_) => None,
    });
    stub.seen();
    let questions = (0..QUESTIONS).map(|_| resolve(&directory, "jon"));
    for answer in futures::future::join_all(questions).await {
        assert_eq!(answer.unwrap_err().fault, Fault::DirectoryUnavailable);
    }
    let tried = stub
        .seen()
        .into_iter()
        .filter(|asked| matches!(asked, Asked::Bind { .. }));
    assert_eq!(tried.count(), 1);
}

#[tokio::test]
async fn no_referral_is_followed() {
    let (stub, directory) = rig().await;
    let attacker = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldap://{}/DC=evil,DC=test", attacker.local_addr().unwrap());
    let there = url.clone();
    stub.script(move |id, asked| {
        is_subtree(asked).then(|| vec![Reply::Send(referral(id, &there))])
    });
    let error = resolve(&directory, "jon").await.unwrap_err();
    assert!(error.detail.contains("result code 10"), "{error}");
    // References beside the entry are what Active Directory does; they are left alone.
    let there = url.clone();
    stub.script(move |id, asked| {
        let bytes = [
            reference(id, &there),
            entry(id, JON, &jon(&[])),
            done(id, 0),
        ]
        .concat();
        is_subtree(asked).then(|| vec![Reply::Send(bytes)])
    });
    assert_eq!(reason(resolve(&directory, "jon").await), None);
    stub.script(move |id, asked| match asked {
        Asked::Bind { name, .. } if name == JON => {
            let fields = [
                tlv(0x0a, &[10]),
                tlv(4, b""),
                tlv(4, b""),
                tlv(0xa3, &tlv(4, url.as_bytes())),
            ];
            Some(vec![Reply::Send(message(id, &tlv(0x61, &fields.concat())))])
        }
        _ => None,
    });
    assert!(form(&directory, "jon", PASSWORD).await.is_err());
    let nobody = tokio::time::timeout(Duration::from_millis(200), attacker.accept()).await;
    assert!(
        nobody.is_err(),
        "a connection was made to where a referral pointed"
    );
}

/// The most memory this process has had, in KiB.
fn high_water() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_answers_are_unavailable_in_bounded_time_and_memory() {
    let (stub, directory) = rig().await;
    assert_eq!(reason(resolve(&directory, "jon").await), None);
    let before = high_water();
    let mut deep = tlv(4, b"x");
    for _ in 0..40_000 {
        deep = [
            vec![0x30, 0x83],
            u32::try_from(deep.len()).unwrap().to_be_bytes()[1..].to_vec(),
            deep,
        ]
        .concat();
    }
    let huge = vec![0; 64 << 10];
    let whole = |id: u32| [entry(id, JON, &jon(&[])), done(id, 0)].concat();
    type Answer = Box<dyn Fn(u32) -> Vec<Reply> + Send + Sync>;
    let answers: Vec<(&str, Answer)> = vec![
        ("silence", Box::new(|_| vec![])),
        ("closed", Box::new(|_| vec![Reply::Close])),
        ("garbage", Box::new(|_| vec![Reply::Send(vec![0x5a; 300])])),
        (
            "HTTP",
            Box::new(|_| vec![Reply::Send(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())]),
        ),
        (
            "two gigabytes",
            Box::new(move |_| {
                vec![
                    Reply::Send(b"\x30\x84\x7f\xff\xff\xff\x02".to_vec()),
                    Reply::Flood(huge.clone()),
                ]
            }),
        ),
        (
            "an indefinite length",
            Box::new(|_| vec![Reply::Send(b"\x30\x80\x02\x01\x01\0\0".to_vec())]),
        ),
        (
            "a length of eight bytes",
            Box::new(|_| {
                vec![Reply::Send(
                    b"\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
                )]
            }),
        ),
        (
            "deep nesting",
            Box::new(move |id| vec![Reply::Send(message(id, &deep))]),
        ),
        (
            "entries without end",
            Box::new(|id| vec![Reply::Flood(entry(id, JON, &jon(&[])))]),
        ),
        (
            "references without end",
            Box::new(|id| vec![Reply::Flood(reference(id, "ldap://x"))]),
        ),
        (
            "crumbs",
            Box::new(|id| {
                vec![Reply::Send(message(
                    id,
                    &tlv(0x64, &[5, 0].repeat(200_000)),
                ))]
            }),
        ),
        (
            "the wrong number",
            Box::new(move |id| vec![Reply::Send(whole(id + 1))]),
        ),
        (
            "a byte now and then",
            Box::new(move |id| vec![Reply::Drip(whole(id), Duration::from_millis(100))]),
        ),
        (
            "half a message",
            Box::new(move |id| {
                let mut bytes = whole(id);
                bytes.truncate(40);
                vec![Reply::Send(bytes), Reply::Close]
            }),
        ),
        (
            "goodbye",
            Box::new(|_| vec![Reply::Send(result(0, 0x78, 52, "going down"))]),
        ),
        (
            "an empty message",
            Box::new(|_| vec![Reply::Send(b"\x30\x00".to_vec())]),
        ),
        (
            "no operation",
            Box::new(|id| vec![Reply::Send(message(id, b""))]),
        ),
        (
            "an unknown operation",
            Box::new(|id| vec![Reply::Send(message(id, &tlv(0x7d, b"")))]),
        ),
        (
            "a result of nothing",
            Box::new(|id| vec![Reply::Send(message(id, &tlv(0x65, b"")))]),
        ),
        (
            "a result that is not UTF-8",
            Box::new(|id| {
                let fields = [tlv(0x0a, &[0]), tlv(4, b"\xff"), tlv(4, b"\xff")].concat();
                vec![Reply::Send(message(id, &tlv(0x65, &fields)))]
            }),
        ),
        (
            "an entry of nothing",
            Box::new(|id| {
                vec![Reply::Send(
                    [message(id, &tlv(0x64, b"")), done(id, 0)].concat(),
                )]
            }),
        ),
        (
            "an entry of numbers",
            Box::new(|id| {
                let entry = message(id, &tlv(0x64, &[tlv(2, &[1]), tlv(2, &[1])].concat()));
                vec![Reply::Send([entry, done(id, 0)].concat())]
            }),
        ),
        (
            "a bind response to a search",
            Box::new(|id| vec![Reply::Send(bind_response(id, 0, ""))]),
        ),
        ("busy", Box::new(|id| vec![Reply::Send(done(id, 51))])),
        (
            "no such base",
            Box::new(|id| vec![Reply::Send(done(id, 32))]),
        ),
    ];
    for (name, answer) in answers {
        let answer = Arc::new(answer);
        stub.script(move |id, asked| is_subtree(asked).then(|| answer(id)));
        let began = Instant::now();
        let error = resolve(&directory, "jon").await.expect_err(name);
        assert_eq!(error.fault, Fault::DirectoryUnavailable, "{name}");
        let took = began.elapsed();
        assert!(
            took < QUESTION + Duration::from_millis(400),
            "{name} took {took:?}"
        );
        // And it heals with the next answer.
        stub.sane();
        assert_eq!(
            reason(resolve(&directory, "jon").await),
            None,
            "after {name}"
        );
    }
    let grown = high_water() - before;
    assert!(grown < 96 << 10, "hostile answers took {grown} KiB");
}

#[tokio::test]
async fn a_bind_is_never_repeated() {
    let (stub, directory) = rig().await;
    let other = Stub::start(Start::Tls).await;
    let _ = &directory;
    let source = Source {
        servers: vec![
            format!("ldaps://{}", stub.address),
            format!("ldaps://{}", other.address),
        ],
        trust: domain::connection::DirectoryTrust::Authorities {
            pem: format!("{}{}", stub.pem, other.pem),
        },
        ..stub.source()
    };
    let directory = self::directory(&source);
    type Answer = fn(u32) -> Vec<Reply>;
    let answers: [(&str, Answer); 5] = [
        ("silence", |_| vec![]),
        ("closed", |_| vec![Reply::Close]),
        ("garbage", |_| vec![Reply::Send(vec![0; 9])]),
        ("busy", |id| vec![Reply::Send(bind_response(id, 51, ""))]),
        ("refused", |id| {
            vec![Reply::Send(bind_response(id, 49, "data 52e"))]
        }),
    ];
    for (name, answer) in answers {
        stub.script(move |id, asked| {
            matches!(asked, Asked::Bind { name, .. } if name == JON).then(|| answer(id))
        });
        stub.seen();
        other.seen();
        let answer = form(&directory, "jon", PASSWORD).await;
        if name == "refused" {
            assert_eq!(reason(answer), Some(Reason::WrongCredentials));
        } else {
            assert!(answer.is_err(), "{name}");
        }
        assert_eq!(stub.binds().len() + other.binds().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_bind_that_is_nobodys_session_does_not_count() {
    let (stub, directory) = rig().await;
    // A server that says yes to everything: an anonymous session, or somebody else's.
    let sessions = [
        vec![],
        vec![("tokenGroups", vec![sid(9999)])],
        vec![("tokenGroups", vec![b"x".to_vec()])],
    ];
    for session in sessions {
        stub.script(move |id, asked| match asked {
            Asked::Bind { .. } => Some(vec![Reply::Send(bind_response(id, 0, ""))]),
            Asked::Search { base, .. } if base.is_empty() => {
                Some(found(id, &[("", session.clone())]))
            }
            _ => None,
        });
        let error = form(&directory, "jon", "anything").await.unwrap_err();
        assert!(error.detail.contains("session"), "{error}");
    }
}

#[tokio::test]
async fn sub_codes_are_reasons_and_smart_cards_use_no_passwords() {
    let (stub, directory) = rig().await;
    for (code, expected) in [
        ("525", Reason::WrongCredentials),
        ("530", Reason::LogonHours),
        ("532", Reason::PasswordExpired),
        ("533", Reason::Disabled),
        ("701", Reason::AccountExpired),
        ("773", Reason::MustChange),
        ("775", Reason::Locked),
        ("nonsense", Reason::WrongCredentials),
    ] {
        stub.script(move |id, asked| {
            let text =
                format!("80090308: comment: AcceptSecurityContext error, data {code}, v1db1");
            matches!(asked, Asked::Bind { name, .. } if name == JON)
                .then(|| vec![Reply::Send(bind_response(id, 49, &text))])
        });
        assert_eq!(
            reason(form(&directory, "jon", PASSWORD).await),
            Some(expected),
            "{code}"
        );
    }
    people(
        &stub,
        vec![jon(&[("userAccountControl", vec![b"262656".to_vec()])])],
    );
    assert_eq!(
        reason(form(&directory, "jon", PASSWORD).await),
        Some(Reason::NotAllowed)
    );
    assert_eq!(reason(resolve(&directory, "jon").await), None);
    // The right password does not help a disabled account, whatever the server thinks.
    people(
        &stub,
        vec![jon(&[("userAccountControl", vec![b"514".to_vec()])])],
    );
    assert_eq!(
        reason(form(&directory, "jon", PASSWORD).await),
        Some(Reason::Disabled)
    );
    assert_eq!(
        reason(form(&directory, "jon", "wrong").await),
        Some(Reason::WrongCredentials)
    );
}

#[tokio::test]
async fn nothing_is_said_in_the_clear() {
    let consent = result(1, 0x78, 0, "");
    let refusal = result(1, 0x78, 2, "no TLS here");
    // Injected before TLS, to be taken for the answer to the first bind inside it.
    let injected = [
        consent.clone(),
        bind_response(1, 0, ""),
        bind_response(2, 0, ""),
    ]
    .concat();
    for (name, answer, then_tls, works) in [
        ("consent", consent.clone(), true, true),
        ("refused", refusal, false, false),
        ("stripped", bind_response(1, 0, ""), false, false),
        ("silent", vec![], false, false),
        ("consent without TLS", consent, false, false),
        ("injected", injected, true, false),
        ("too long", message(1, &tlv(0x78, &[0; 8000])), true, false),
        ("garbage", vec![0xff; 64], true, false),
    ] {
        let stub = Stub::start(Start::Clear { answer, then_tls }).await;
        let source = Source {
            servers: vec![format!("ldap://{}", stub.address)],
            ..stub.source()
        };
        let directory = directory(&source);
        let began = Instant::now();
        let answer = resolve(&directory, "jon").await;
        assert!(
            began.elapsed() < QUESTION + Duration::from_millis(400),
            "{name}"
        );
        if works {
            assert_eq!(reason(answer), None, "{name}");
        } else {
            assert!(answer.is_err(), "{name}");
            let said = stub.seen();
            assert!(
                !said.iter().any(|asked| matches!(asked, Asked::Bind { .. })),
                "{name}: {said:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_server_that_comes_back_is_found_again() {
    let certified = certified();
    let first = Stub::at(
        "127.0.0.1:0".parse().unwrap(),
        Start::Tls,
        certified.clone(),
    )
    .await;
    let address = first.address;
    let directory = directory(&first.source());
    assert_eq!(reason(resolve(&directory, "jon").await), None);
    // Every connection is closed after its answer.
    first.script(|id, asked| {
        is_subtree(asked).then(|| {
            let mut replies = found(id, &[(JON, jon(&[]))]);
            replies.push(Reply::Close);
            replies
        })
    });
    for _ in 0..5 {
        assert_eq!(reason(resolve(&directory, "jon").await), None);
    }
    drop(first);
    tokio::time::timeout(Duration::from_secs(5), async {
        while resolve(&directory, "jon").await.is_ok() {}
    })
    .await
    .expect("a server that is gone is noticed");
    let _second = Stub::at(address, Start::Tls, certified).await;
    assert_eq!(
        reason(resolve(&directory, "jon").await),
        None,
        "at once, with the first question"
    );
}

/// All that spans of the directory may say.
const FIELDS: [&str; 7] = [
    "code",
    "entries",
    "groups",
    "otel.kind",
    "otel.status_code",
    "outcome",
    "server",
];

#[tokio::test]
async fn operations_are_spans_and_say_neither_names_nor_secrets() {
    let (recording, _guard) = Recording::start();
    let (stub, directory) = rig().await;
    let server = stub.source().servers[0].clone();
    let call = tracing::info_span!(target: "test", "call");
    let asked = async {
        assert_eq!(reason(resolve(&directory, "jon").await), None);
        assert_eq!(reason(form(&directory, "jon", PASSWORD).await), None);
        let wrong = form(&directory, "jon", "some other secret").await;
        assert_eq!(reason(wrong), Some(Reason::WrongCredentials));
    };
    asked.instrument(call).await;
    let spans = recording.spans(&["directory"]);
    let seen: Vec<(&str, &str, &str)> = spans
        .iter()
        .map(|span| {
            (
                &*span.name,
                span.parent.as_deref().unwrap(),
                span.field("outcome"),
            )
        })
        .collect();
    let connect = ("ldap connect", "call", "ok");
    let (bind, search) = (("ldap bind", "call", "ok"), ("ldap search", "call", "ok"));
    let groups = ("ldap groups", "call", "ok");
    let below = ("ldap search", "ldap groups", "ok");
    let expected = [
        // By certificate: the first question of the pool, then two for the groups.
        vec![connect, bind, search, groups, below, below],
        // By password: on a connection of the person's own, whose session is asked back.
        vec![search, connect, bind, search, groups, below],
        vec![search, connect, ("ldap bind", "call", "refused")],
    ];
    assert_eq!(seen, expected.concat());
    assert_eq!(spans.last().unwrap().field("code"), "wrong_credentials");
    assert_eq!(spans[2].field("entries"), "1");
    for span in &spans {
        for (field, value) in &span.fields {
            assert!(FIELDS.contains(&&**field), "{field} in {span:?}");
            let telling = ["jon", "CN=", "DC=", "fabrikam", "("];
            assert!(!telling.iter().any(|word| value.contains(word)), "{span:?}");
        }
        if span.name != "ldap groups" {
            assert_eq!(span.field("server"), server, "{span:?}");
        }
    }
    // The library's own lines below `info` show the wire; runtime's telemetry never lets them pass.
    let said = recording.text_without(&["ldap3", "lber"]);
    for secret in [PASSWORD, "some other secret", "secret of the service"] {
        assert!(!said.contains(secret), "{secret} was said");
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_bind_account_is_said_once_with_what_to_do() {
    let (recording, _guard) = Recording::start();
    let (stub, directory) = rig().await;
    stub.script(|id, asked| {
        let refused = bind_response(
            id,
            49,
            "80090308: LdapErr: DSID-0, comment: x, data 52e, v1",
        );
        matches!(asked, Asked::Bind { .. }).then(|| vec![Reply::Send(refused)])
    });
    for _ in 0..3 {
        resolve(&directory, "jon").await.unwrap_err();
    }
    let said = recording.text_without(&[]);
    let lines = said
        .lines()
        .filter(|line| line.contains("refuses the bind account, so nobody"));
    let lines: Vec<&str> = lines.collect();
    assert_eq!(lines.len(), 1, "{said}");
    for part in [
        "ERROR",
        "sub_code=\"52e\"",
        "what_to_do=\"put the bind account's password right",
    ] {
        assert!(lines[0].contains(part), "{part} is not in {}", lines[0]);
    }
}
