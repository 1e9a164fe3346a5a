use domain::timestamp::Timestamp;

use super::{Authorities, Moment, Piece, pieces};

#[test]
fn a_moment_is_printed_in_utc() {
    let moment = Moment::from(Timestamp(1_800_000_000));
    assert_eq!(moment.machine(), "2027-01-15T08:00:00Z");
    assert_eq!(moment.human(), "2027-01-15 08:00:00 UTC");
    assert_eq!(
        Moment::from(Timestamp(u64::MAX)).machine(),
        "1970-01-01T00:00:00Z"
    );
}

#[test]
fn commands_are_told_from_sentences() {
    let text = |text| Piece {
        text,
        is_code: false,
    };
    let code = |text| Piece {
        text,
        is_code: true,
    };
    assert_eq!(
        pieces("Run `postern ca add`, or wait."),
        [text("Run "), code("postern ca add"), text(", or wait.")]
    );
    assert_eq!(pieces("`a` `b`"), [code("a"), text(" "), code("b")]);
    assert_eq!(pieces("Nothing."), [text("Nothing.")]);
    assert_eq!(pieces(""), []);
}

#[test]
fn authorities_are_named_as_browsers_name_them() {
    let shown = |names: &[&'static str]| Authorities::new(names.iter().copied());
    let one = |name: &'static str| shown(&[name]).shown.remove(0);
    assert_eq!(one("CN=FabrikamRootCA"), "FabrikamRootCA");
    assert_eq!(
        one("CN=Fabrikam Root CA,O=Fabrikam,C=DE"),
        "Fabrikam Root CA"
    );
    // Where the name ends cannot be told, or there is none.
    for whole in [
        "CN=Fabrikam\\, Inc,O=F",
        "CN=a+OU=b",
        "O=Fabrikam",
        "CN=,O=F",
        "CN=#0401",
    ] {
        assert_eq!(one(whole), whole);
    }
    let many = shown(&["CN=1", "CN=2", "CN=3"]);
    assert_eq!((many.shown.len(), many.others.len()), (3, 0));
    let many = shown(&["CN=1", "CN=2", "CN=3", "CN=4"]);
    assert_eq!((many.shown, many.others), (vec!["1", "2"], vec!["3", "4"]));
}
