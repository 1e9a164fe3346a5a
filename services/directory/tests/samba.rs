//! Against a real Active Directory domain controller (Samba), over real TLS.
//!
//! One domain controller is started for all promises: starting it is what takes the time, and a machine has room for one.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "test code, of which the lints know only the test functions"
)]

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use directory::active_directory::ActiveDirectory;
use directory::backend::Backend;
use directory::numbers::Numbers;
use directory::password::Password;
use directory::service::Service;
use directory::settings::Settings;
use domain::account::{AccountId, Person};
use domain::connection::{ActiveDirectory as Source, DirectoryTrust};
use domain::digest::Digest;
use domain::outcome::{Unavailable, Verdict};
use domain::public_key;
use domain::reason::{Fault, Reason};
use postern_proto::directory::v1::directory_server::Directory as _;
use postern_proto::directory::v1::person_response::Verdict as Wire;
use postern_proto::directory::v1::{self, AuthenticateRequest};
use postern_proto::directory::{Method, Who};
use runtime::clock::SystemClock;
use runtime::live::Live;
use runtime::metrics::Metrics;
use runtime::tasks::Tasks;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use testkit::processes::Signal;
use testkit::samba::Samba;
use testkit::spans::{Recording, Span};
use tonic::Request;

struct Rig {
    samba: Samba,
    folder: tempfile::TempDir,
    metrics: Metrics,
}

type Told = Result<Person, Reason>;

impl Rig {
    fn source(&self) -> Source {
        Source {
            servers: vec![self.samba.ldaps_url()],
            base: self.samba.base_dn().into(),
            bind_account: self.samba.bind_dn().into(),
            trust: DirectoryTrust::Authorities {
                pem: self.samba.ca_pem(),
            },
        }
    }

    fn directory(&self, source: &Source) -> ActiveDirectory {
        self.bound_with(source, self.samba.bind_password())
    }

    fn bound_with(&self, source: &Source, password: &str) -> ActiveDirectory {
        ActiveDirectory::new(
            source,
            password.as_bytes(),
            &Settings::default(),
            Tasks::new(),
            Arc::new(SystemClock),
            Numbers::new(&self.metrics),
        )
        .unwrap()
    }

    fn failures(&self, name: &str) -> u32 {
        let answer = self
            .samba
            .search(&format!("(sAMAccountName={name})"), &["badPwdCount"])
            .unwrap();
        let line = answer
            .lines()
            .find_map(|line| line.strip_prefix("badPwdCount: "));
        line.map_or(0, |count| count.parse().unwrap())
    }

    fn id(&self, name: &str) -> AccountId {
        AccountId(self.samba.account(name).unwrap().guid.parse().unwrap())
    }

    async fn form(&self, directory: &ActiveDirectory, name: &str) -> Told {
        form(directory, name, self.samba.password_of(name)).await
    }
}

async fn form(directory: &ActiveDirectory, name: &str, password: &str) -> Told {
    let password = Password::typed(password.as_bytes()).unwrap();
    told(
        directory
            .authenticate(&name.parse().unwrap(), &password)
            .await,
    )
}

async fn certificate(directory: &ActiveDirectory, name: &str) -> Told {
    told(
        directory
            .resolve(&named(name, None), Method::Certificate)
            .await,
    )
}

fn named(name: &str, sid: Option<&str>) -> Who {
    Who::Certificate {
        account: name.parse().unwrap(),
        sid: sid.map(|sid| sid.parse().unwrap()),
    }
}

fn told(answer: Result<Verdict<Person>, Unavailable>) -> Told {
    match answer.expect("the directory answers") {
        Verdict::Accepted(person) => Ok(person),
        Verdict::Refused(refusal) => Err(refusal.reason),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_of_a_real_active_directory() {
    let folder = tempfile::tempdir().unwrap();
    let samba = Samba::start(folder.path()).unwrap();
    // Without a threshold, failures are not counted at all.
    let counting = [
        "domain",
        "passwordsettings",
        "set",
        "--account-lockout-threshold=900",
    ];
    samba.user_tool(&counting).unwrap();
    let mut rig = Rig {
        samba,
        folder,
        metrics: Metrics::new().unwrap(),
    };
    let directory = rig.directory(&rig.source());

    jon_is_found_with_all_his_groups(&rig, &directory).await;
    identifiers_lead_to_accounts(&rig, &directory).await;
    every_state_is_refused_on_every_method(&rig, &directory).await;
    wrong_names_and_passwords_are_one_answer(&rig, &directory).await;
    time_does_not_tell_a_known_name(&rig).await;
    operations_are_spans_that_name_nobody(&rig);
    injected_text_finds_nothing(&directory).await;
    start_tls_works(&rig).await;
    only_what_is_configured_is_trusted(&rig).await;
    a_refused_bind_account_is_left_alone(&rig).await;
    many_at_once_share_the_pool(&rig, &directory).await;
    another_server_answers_for_a_dead_one(&rig).await;
    a_frozen_server_is_unavailable_in_time_and_comes_back(&mut rig, &directory).await;
}

async fn jon_is_found_with_all_his_groups(rig: &Rig, directory: &ActiveDirectory) {
    let jon = certificate(directory, "JON").await.unwrap();
    let profile = jon.profile();
    assert_eq!(profile.account.as_str(), "jon");
    assert_eq!(profile.id, rig.id("jon"));
    assert_eq!(profile.display_name, "Jon Snow");
    assert_eq!(profile.given_name.as_deref(), Some("Jon"));
    assert_eq!(profile.family_name.as_deref(), Some("Snow"));
    assert_eq!(profile.email.as_deref(), Some("jon@fabrikam.test"));
    assert_eq!(
        profile.user_principal_name.as_deref(),
        Some("jon@fabrikam.test")
    );
    // Nested ones, the primary one, and the built-in one that has the primary one.
    assert_eq!(
        profile.groups,
        [
            "Domain Users",
            "Employees",
            "Everyone-Fabrikam",
            "Night Watch",
            "Staff",
            "Users"
        ]
    );
    let again = Instant::now();
    assert_eq!(rig.form(directory, "jon").await.unwrap(), jon);
    eprintln!("a password is checked in {:?}", again.elapsed());
    let again = Instant::now();
    assert_eq!(certificate(directory, "jon").await.unwrap(), jon);
    eprintln!("a person is resolved in {:?}", again.elapsed());
}

async fn identifiers_lead_to_accounts(rig: &Rig, directory: &ActiveDirectory) {
    for name in ["jon", "jane"] {
        let who = Who::Account(rig.id(name));
        let person = told(directory.resolve(&who, Method::Password).await).unwrap();
        assert_eq!(person.profile().account.as_str(), name);
        let sid = &rig.samba.account(name).unwrap().sid;
        let answer = directory
            .resolve(&named("jon", Some(sid)), Method::Certificate)
            .await;
        let expected = if name == "jon" {
            None
        } else {
            Some(Reason::SidMismatch)
        };
        assert_eq!(told(answer).err(), expected);
    }
    let nobody = Who::Account(AccountId(
        "00000000-0000-0000-0000-000000000001".parse().unwrap(),
    ));
    let answer = directory.resolve(&nobody, Method::Password).await;
    assert_eq!(told(answer).err(), Some(Reason::NotInDirectory));
}

async fn every_state_is_refused_on_every_method(rig: &Rig, directory: &ActiveDirectory) {
    for (name, expected) in [
        ("eve", Reason::Disabled),
        ("lee", Reason::Locked),
        ("max", Reason::MustChange),
        ("old", Reason::AccountExpired),
        ("pia", Reason::PasswordExpired),
        ("nia", Reason::LogonHours),
    ] {
        assert_eq!(
            certificate(directory, name).await.err(),
            Some(expected),
            "{name}"
        );
        let who = Who::Account(rig.id(name));
        let answer = told(directory.resolve(&who, Method::Password).await);
        assert_eq!(answer.err(), Some(expected), "{name} by identifier");
        assert_eq!(
            rig.form(directory, name).await.err(),
            Some(expected),
            "{name} by password"
        );
        if name != "lee" {
            let wrong = form(directory, name, "wrong").await;
            assert_eq!(
                wrong.err(),
                Some(Reason::WrongCredentials),
                "{name} by a wrong password"
            );
        }
    }
    // Nobody knows the password of a smart-card-only account, so its age is nothing.
    assert_eq!(
        certificate(directory, "kim")
            .await
            .unwrap()
            .profile()
            .account
            .as_str(),
        "kim"
    );
    // The directory itself gave it a random one when the flag was set.
    assert_eq!(
        rig.form(directory, "kim").await.err(),
        Some(Reason::WrongCredentials)
    );
}

async fn wrong_names_and_passwords_are_one_answer(rig: &Rig, directory: &ActiveDirectory) {
    let before = rig.failures("jane");
    assert_eq!(
        form(directory, "jane", "wrong").await.err(),
        Some(Reason::WrongCredentials)
    );
    assert_eq!(rig.failures("jane"), before + 1, "one failure costs one");
    assert_eq!(
        form(directory, "nobody", "wrong").await.err(),
        Some(Reason::WrongCredentials)
    );
    assert_eq!(
        form(directory, "krbtgt", "wrong").await.err(),
        Some(Reason::WrongCredentials)
    );
    assert_eq!(
        certificate(directory, "nobody").await.err(),
        Some(Reason::NotInDirectory)
    );
    assert!(rig.form(directory, "jane").await.is_ok());
    // Not the password of another account, nor jane's own with a space more.
    let other = rig.samba.password_of("jon");
    assert_eq!(
        form(directory, "jane", other).await.err(),
        Some(Reason::WrongCredentials)
    );
    let longer = format!("{} ", rig.samba.password_of("jane"));
    assert_eq!(
        form(directory, "jane", &longer).await.err(),
        Some(Reason::WrongCredentials)
    );
    assert!(rig.form(directory, "jane").await.is_ok());
}

async fn time_does_not_tell_a_known_name(rig: &Rig) {
    let backend: Arc<dyn Backend> = Arc::new(rig.directory(&rig.source()));
    let view = [("FabrikamAD".parse().unwrap(), backend)]
        .into_iter()
        .collect();
    let service = Service::new(Live::fixed(view, 1, SystemTime::now()));
    // Taken in turns, so that whatever else the machine does falls on all alike.
    let names = ["jane", "nobody", "eve", "max"];
    let mut times = names.map(|_| Vec::new());
    for _ in 0..20 {
        for (name, times) in names.iter().zip(&mut times) {
            let question = AuthenticateRequest {
                connection: "FabrikamAD".into(),
                min_revision: 1,
                user_name: (*name).into(),
                password: b"wrong".to_vec().into(),
            };
            let began = Instant::now();
            let answer = service
                .authenticate(Request::new(question))
                .await
                .unwrap()
                .into_inner();
            times.push(began.elapsed());
            let refusal = v1::Refusal {
                reason: "wrong_credentials".into(),
                detail: String::new(),
            };
            assert_eq!(answer.verdict, Some(Wire::Refused(refusal)), "{name}");
        }
    }
    let medians = times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    eprintln!("medians of a wrong password: {names:?} {medians:?}");
    let (least, most) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
    assert!(*most - *least < Duration::from_millis(5), "{medians:?}");
}

fn operations_are_spans_that_name_nobody(rig: &Rig) {
    // What is recorded is said on one thread.
    let asked = || {
        let (recording, _guard) = Recording::start();
        let one = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        one.unwrap().block_on(async {
            let directory = rig.directory(&rig.source());
            certificate(&directory, "jon").await.unwrap();
            rig.form(&directory, "jon").await.unwrap();
            form(&directory, "jon", "not his").await.unwrap_err();
            form(&directory, "nobody", "not his").await.unwrap_err();
        });
        (
            recording.spans(&["directory"]),
            recording.text_without(&["ldap3", "lber"]),
        )
    };
    let (spans, said) = std::thread::scope(|scope| scope.spawn(asked).join().unwrap());
    for name in ["ldap connect", "ldap bind", "ldap search", "ldap groups"] {
        let ok = |span: &&Span| span.name == name && span.field("outcome") == "ok";
        assert!(
            spans.iter().any(|span| ok(&span)),
            "{name} is not in {spans:#?}"
        );
    }
    let refused = spans
        .iter()
        .filter(|span| span.field("outcome") == "refused");
    let codes: Vec<&str> = refused.map(|span| span.field("code")).collect();
    assert_eq!(codes, ["wrong_credentials"; 2]);
    let known = [
        "server",
        "outcome",
        "entries",
        "groups",
        "code",
        "otel.kind",
        "otel.status_code",
    ];
    for span in &spans {
        for (field, value) in &span.fields {
            assert!(known.contains(&&**field), "{field} in {span:?}");
            let telling = ["jon", "nobody", "CN=", "DC=", "(", "Staff"];
            assert!(!telling.iter().any(|word| value.contains(word)), "{span:?}");
        }
    }
    for secret in [
        rig.samba.password_of("jon"),
        rig.samba.bind_password(),
        "not his",
    ] {
        assert!(!said.contains(secret), "{secret} was said");
    }
    let text = rig.metrics.text().unwrap();
    let bound = "postern_directory_operations_total{operation=\"bind\",outcome=\"refused\"} ";
    assert!(text.contains(bound), "{text}");
}

async fn injected_text_finds_nothing(directory: &ActiveDirectory) {
    // Names that an account name may have, but a filter may not be confused by.
    for name in [
        "jo",
        "jon jon",
        "jon&",
        "jon!",
        "~jon",
        "jön",
        "%6a%6f%6e",
        "j'o",
        "{jon}",
    ] {
        assert_eq!(
            certificate(directory, name).await.err(),
            Some(Reason::NotInDirectory),
            "{name}"
        );
    }
}

async fn start_tls_works(rig: &Rig) {
    let source = Source {
        servers: vec![rig.samba.ldap_url()],
        ..rig.source()
    };
    let directory = rig.directory(&source);
    assert!(certificate(&directory, "jon").await.is_ok());
    assert!(rig.form(&directory, "jon").await.is_ok());
}

async fn only_what_is_configured_is_trusted(rig: &Rig) {
    let other = testkit::pki::Authority::named("Fabrikam Directory CA")
        .self_signed()
        .unwrap();
    let pem = DirectoryTrust::Authorities { pem: other.pem() };
    let wrong_name = Source {
        servers: vec!["ldaps://localhost:636".into()],
        ..rig.source()
    };
    let wrong_key = DirectoryTrust::PinnedKeys {
        keys: vec![Digest::of(b"another key")],
    };
    for source in [
        Source {
            trust: pem.clone(),
            ..rig.source()
        },
        Source {
            trust: pem,
            servers: vec![rig.samba.ldap_url()],
            ..rig.source()
        },
        Source {
            trust: wrong_key,
            ..rig.source()
        },
        wrong_name,
    ] {
        let directory = rig.directory(&source);
        let error = directory
            .resolve(&named("jon", None), Method::Certificate)
            .await
            .unwrap_err();
        assert_eq!(error.fault, Fault::DirectoryUnavailable);
        assert!(error.detail.contains("certificate"), "{error}");
    }
    let chain = std::fs::read(rig.folder.path().join("domain/private/tls/dc1.pem")).unwrap();
    let leaf = CertificateDer::from_pem_slice(&chain).unwrap();
    let key = Digest::of(public_key::of_certificate(&leaf).unwrap());
    // Any name will do for a pinned key: it is the key that is trusted.
    let servers = vec!["ldaps://localhost:636".to_owned(), rig.samba.ldap_url()];
    for server in servers {
        let source = Source {
            trust: DirectoryTrust::PinnedKeys {
                keys: vec![Digest::of(b"another"), key],
            },
            servers: vec![server],
            ..rig.source()
        };
        assert!(certificate(&rig.directory(&source), "jon").await.is_ok());
    }
}

async fn a_refused_bind_account_is_left_alone(rig: &Rig) {
    let before = rig.failures("jane");
    let source = Source {
        bind_account: rig.samba.account("jane").unwrap().dn.clone(),
        servers: vec![rig.samba.ldaps_url(), rig.samba.ldap_url()],
        ..rig.source()
    };
    let directory = rig.bound_with(&source, "not jane's");
    let who = named("jon", None);
    let many = (0..20).map(|_| directory.resolve(&who, Method::Certificate));
    for answer in futures::future::join_all(many).await {
        assert!(answer.unwrap_err().detail.contains("bind account"));
    }
    assert_eq!(
        rig.failures("jane"),
        before + 1,
        "a wrong setting must not lock the account"
    );
}

async fn many_at_once_share_the_pool(rig: &Rig, directory: &ActiveDirectory) {
    let began = Instant::now();
    let who = [named("jon", None), named("jane", None), named("eve", None)];
    let many = (0..120).map(|index| directory.resolve(&who[index % 3], Method::Certificate));
    let answers = futures::future::join_all(many).await;
    for (index, answer) in answers.into_iter().enumerate() {
        assert_eq!(told(answer).is_ok(), index % 3 != 2);
    }
    eprintln!("120 questions at once took {:?}", began.elapsed());
    assert!(rig.form(directory, "jon").await.is_ok());
}

async fn another_server_answers_for_a_dead_one(rig: &Rig) {
    // A port that is taken and never answers: connected by the kernel, silent in TLS.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let servers = vec![
        "ldaps://127.0.0.1:1".to_owned(),
        format!("ldaps://{}", silent.local_addr().unwrap()),
        rig.samba.ldaps_url(),
    ];
    let directory = rig.directory(&Source {
        servers,
        ..rig.source()
    });
    assert!(certificate(&directory, "jon").await.is_ok());
    let again = Instant::now();
    assert!(rig.form(&directory, "jon").await.is_ok());
    assert!(
        again.elapsed() < Duration::from_millis(800),
        "dead servers are remembered"
    );
}

async fn a_frozen_server_is_unavailable_in_time_and_comes_back(
    rig: &mut Rig,
    directory: &ActiveDirectory,
) {
    assert!(certificate(directory, "jon").await.is_ok());
    rig.samba.process().signal(Signal::Stop).unwrap();
    let began = Instant::now();
    let who = named("jon", None);
    let answer = directory.resolve(&who, Method::Certificate).await;
    assert_eq!(answer.unwrap_err().fault, Fault::DirectoryUnavailable);
    let password = Password::typed(b"whatever").unwrap();
    let answer = directory
        .authenticate(&"jon".parse().unwrap(), &password)
        .await;
    assert!(answer.is_err());
    assert!(
        began.elapsed() < Duration::from_secs(9),
        "{:?}",
        began.elapsed()
    );
    rig.samba.process().signal(Signal::Continue).unwrap();

    let deadline = Instant::now() + Duration::from_secs(20);
    while directory.resolve(&who, Method::Certificate).await.is_err() {
        assert!(Instant::now() < deadline, "it does not come back");
    }
    rig.samba.process().kill().unwrap();
    let began = Instant::now();
    assert!(directory.resolve(&who, Method::Certificate).await.is_err());
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}
