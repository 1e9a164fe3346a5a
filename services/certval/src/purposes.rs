//! What a certificate's extendedKeyUsage allows (RFC 5280 section 4.2.1.12).
//!
//! **Invariant:** a purpose counts only if it is named; "any purpose" names none, neither on a leaf nor above it.

use domain::reason::Reason;

use crate::authorities::Flaw;
use crate::oid;

/// What keeps an authority with these purposes from vouching for `required`. One without the extension is not restricted.
pub(crate) fn flaw<P: AsRef<[u8]>>(purposes: Option<&[P]>, required: &[u8]) -> Option<Flaw> {
    let purposes: Vec<&[u8]> = purposes?.iter().map(AsRef::as_ref).collect();
    (!purposes.contains(&required)).then(|| Flaw {
        check: "extended_key_usage",
        reason: Reason::WrongKeyUsage,
        detail: lacks(&oid::words(required), &purposes),
    })
}

/// What is said of an extended key usage without the purpose that is needed.
pub(crate) fn lacks(wanted: &str, purposes: &[&[u8]]) -> String {
    const SHOWN: usize = 6;
    let mut words: Vec<String> = purposes
        .iter()
        .take(SHOWN)
        .map(|purpose| oid::words(purpose))
        .collect();
    if purposes.len() > SHOWN {
        words.push(format!("{} more", purposes.len() - SHOWN));
    }
    let any = if purposes.contains(&oid::ANY_PURPOSE) {
        " (any purpose does not count)"
    } else {
        ""
    };
    format!(
        "its extended key usage lacks {wanted}; it is for {}{any}",
        words.join(", ")
    )
}
