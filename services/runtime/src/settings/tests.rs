use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Key, Origin, Section, Settings, SettingsError, Sources, disagreements, page};
use crate::telemetry::LogSettings;

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Example {
    name: String,
    gateway: Gateway,
    log: LogSettings,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Gateway {
    listen: SocketAddr,
    deadline_ms: u64,
    strict: bool,
    proxies: Vec<String>,
    ports: Vec<u16>,
    ca_file: Option<PathBuf>,
    token: Option<String>,
}

const fn key(path: &'static str, default: &'static str) -> Key {
    Key {
        path,
        default,
        doc: "A sentence.",
        secret: false,
    }
}

impl Settings for Example {
    fn sections() -> Vec<Section> {
        vec![
            Section {
                name: "gateway",
                doc: "The edge.",
                keys: const {
                    &[
                        key("listen", r#""127.0.0.1:8443""#),
                        key("deadline_ms", "10000"),
                        key("strict", "true"),
                        key("proxies", "[]"),
                        key("ports", "[]"),
                        key("ca_file", ""),
                        Key {
                            path: "token",
                            default: "",
                            doc: "A secret one.",
                            secret: true,
                        },
                    ]
                },
            },
            Section {
                name: "log",
                doc: "What is logged.",
                keys: LogSettings::KEYS,
            },
            Section {
                name: "",
                doc: "The process.",
                keys: const { &[key("name", r#""postern""#)] },
            },
        ]
    }
}

#[test]
fn defaults_come_from_the_table() {
    let example: Example = given("", []).load().unwrap();
    assert_eq!(example.gateway.listen.port(), 8443);
    assert_eq!(example.gateway.deadline_ms, 10_000);
    assert_eq!(example.log.filter, "info");
    assert_eq!(example.name, "postern");
    assert!(example.gateway.proxies.is_empty());
}

#[test]
fn the_file_is_over_the_defaults_and_variables_are_over_the_file() {
    let file = r#"
        [gateway]
        deadline_ms = 5
        proxies = ["10.0.0.1", "10.0.0.2"]
        strict = false
    "#;
    let sources = given(
        file,
        [
            ("POSTERN__GATEWAY__PROXIES", "10.9.9.9"),
            ("POSTERN__GATEWAY__PORTS", "1, 2,3"),
            ("POSTERN__GATEWAY__STRICT", "true"),
            ("POSTERN__GATEWAY__CA_FILE", "/etc/ca.pem"),
            ("POSTERN__NAME", "8443"),
            ("POSTERN__LOG__FILTER", ""),
            ("POSTERN_ADMIN_URL", "no setting"),
            ("PATH", "/bin"),
        ],
    );
    let example: Example = sources.load().unwrap();
    assert_eq!(example.gateway.deadline_ms, 5);
    assert_eq!(example.gateway.proxies, ["10.9.9.9"]);
    assert_eq!(example.gateway.ports, [1, 2, 3]);
    assert!(example.gateway.strict);
    assert_eq!(example.gateway.ca_file, Some("/etc/ca.pem".into()));
    assert_eq!(example.name, "8443");
    assert_eq!(example.log.filter, "info");
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one_and_its_origin() {
    let file = "[gatway]\nlisten = \"127.0.0.1:1\"\n[gateway.tls]\nx = 1\n";
    let refused = given(file, [("POSTERN__GATEWAY__LISTN", "x")])
        .load::<Example>()
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains(
            "unknown setting `gatway.listen` in /etc/postern.toml; did you mean `gateway.listen`?"
        ),
        "{refused}"
    );
    assert!(
        refused.contains(
            "unknown setting `gateway.listn` in the variable POSTERN__GATEWAY__LISTN; did you mean `gateway.listen`?"
        ),
        "{refused}"
    );
    assert!(refused.contains("`gateway.tls.x`"), "{refused}");
}

#[test]
fn a_value_that_does_not_fit_names_its_key_and_origin() {
    for (file, variable) in [
        ("[gateway]\ndeadline_ms = \"soon\"", ("X", "")),
        ("", ("POSTERN__GATEWAY__DEADLINE_MS", "soon")),
        ("[gateway]\nlisten = \"here\"", ("X", "")),
    ] {
        let refused = given(file, [variable]).load::<Example>().unwrap_err();
        let why = refused.source().unwrap().to_string();
        assert!(why.contains("gateway."), "{why}");
    }
    let gone = given("[gateway]\nlisten = [", []).load::<Example>();
    assert!(matches!(gone, Err(SettingsError::Syntax { .. })));
}

#[test]
fn effective_settings_are_toml_with_documentation_origin_and_no_secret() {
    let sources = given(
        "[gateway]\ntoken = \"swordfish\"\nproxies = [\"10.0.0.1\"]\n",
        [("POSTERN__GATEWAY__DEADLINE_MS", "7")],
    );
    let effective = sources.effective::<Example>().unwrap();
    let text = effective.to_string();
    assert!(!text.contains("swordfish"), "{text}");
    for line in [
        "# The edge.\n[gateway]\n",
        "# A secret one.\ntoken = [redacted] # from /etc/postern.toml\n",
        "proxies = [\"10.0.0.1\"] # from /etc/postern.toml\n",
        "deadline_ms = 7 # from the variable POSTERN__GATEWAY__DEADLINE_MS\n",
        "listen = \"127.0.0.1:8443\" # from the defaults\n",
        "# ca_file is not set\n",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
    assert_eq!(effective.entries[0].origin, Origin::Default);
}

#[test]
fn the_page_documents_every_key() {
    let page = page::<Example>("Settings");
    for section in Example::sections() {
        for key in section.keys {
            assert!(page.contains(&format!("### `{}`", section.dotted(key))));
        }
    }
    assert!(page.contains("Default: `10000`. Variable: `POSTERN__GATEWAY__DEADLINE_MS`."));
}

#[test]
fn a_table_that_agrees_and_one_that_does_not() {
    assert_eq!(disagreements::<Example>(""), Vec::<String>::new());

    #[derive(Deserialize, Serialize)]
    struct Other {
        name: String,
        extra: Option<String>,
    }
    impl Settings for Other {
        fn sections() -> Vec<Section> {
            vec![Section {
                name: "",
                doc: "No sentence",
                keys: const { &[key("name", ""), key("nobody_reads", "1")] },
            }]
        }
    }
    assert_eq!(
        disagreements::<Other>("name = \"x\""),
        [
            "section [] is not documented",
            "the field `extra` is not in the table",
            "`nobody_reads` is in the table, but no field reads it",
        ]
    );
    assert_eq!(disagreements::<Other>("").len(), 2);
}

fn given<'a>(text: &str, variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Sources {
    Sources::given(Path::new("/etc/postern.toml"), text, variables)
}
