//! Signing in against a real Active Directory: who gets in, and the page and code of everybody who does not.

#![expect(
    clippy::indexing_slicing,
    reason = "a test may fail by a panic, and JSON yields null for what is missing"
)]

mod sign_in {
    pub(crate) mod certificates;
    pub(crate) mod codes;
    pub(crate) mod people;
    pub(crate) mod places;
}

use std::process::ExitCode;

use end_to_end::program::on_one_system;
use sign_in::{certificates, codes, people, places};
use testkit::system::DirectoryKind;

fn main() -> ExitCode {
    let promises = [
        certificates::PROMISES,
        codes::PROMISES,
        people::PROMISES,
        places::PROMISES,
    ]
    .concat();
    on_one_system(
        |plan| plan.gateways(2).directory(DirectoryKind::Samba),
        promises,
    )
}
