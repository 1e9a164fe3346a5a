use std::fmt::Write as _;
use std::path::Path;

use super::{Explanation, Fault, Reason};

#[test]
fn every_code_reads_back_as_itself() {
    for reason in Reason::ALL {
        assert_eq!(reason.code().parse::<Reason>(), Ok(*reason));
        assert_eq!(
            serde_json::to_string(reason).unwrap(),
            format!("{:?}", reason.code())
        );
    }
    for fault in Fault::ALL {
        assert_eq!(fault.code().parse::<Fault>(), Ok(*fault));
    }
    assert!("Expired".parse::<Reason>().is_err());
}

#[test]
fn every_sentence_is_a_sentence() {
    let reasons = Reason::ALL.iter().map(|reason| reason.explanation());
    for Explanation {
        user,
        help_desk,
        remedy,
    } in reasons.chain(Fault::ALL.iter().map(|fault| fault.explanation()))
    {
        for sentence in [user, help_desk, remedy] {
            assert!(sentence.ends_with('.') && sentence.len() > 10, "{sentence}");
        }
    }
}

/// `docs/reason-codes.md` is this table and nothing else. With `POSTERN_WRITE_DOCS` set, the test writes it.
#[test]
fn the_page_of_reason_codes_is_true() {
    let mut page = String::from(
        "# Reason codes\n\nEvery refusal and every fault has one code: on the page, in the log, in gRPC answers and on the \
         command line. A refusal is on the user's side; a fault is on ours (HTTP 503) and lets nobody in.\n",
    );
    let mut section = |title: &str, rows: Vec<(&str, Explanation)>| {
        let _ = writeln!(page, "\n## {title}\n");
        for (
            code,
            Explanation {
                user,
                help_desk,
                remedy,
            },
        ) in rows
        {
            let _ = writeln!(
                page,
                "### `{code}`\n\n- **The user reads:** {user}\n- **The help desk reads:** {help_desk}\n- **What to do:** {remedy}\n"
            );
        }
    };
    section(
        "Refusals",
        Reason::ALL
            .iter()
            .map(|reason| (reason.code(), reason.explanation()))
            .collect(),
    );
    section(
        "Faults",
        Fault::ALL
            .iter()
            .map(|fault| (fault.code(), fault.explanation()))
            .collect(),
    );
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reason-codes.md");
    if std::env::var_os("POSTERN_WRITE_DOCS").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        written, page,
        "run with POSTERN_WRITE_DOCS=1 to bring the page up to date"
    );
}
