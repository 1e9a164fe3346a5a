//! What the pages say, in one language per value.
//!
//! **Invariant:** reason codes are the same in every language.

use domain::reason::{Explanation, Fault, Reason};

/// The texts of one language.
#[derive(Debug)]
pub(crate) struct Words {
    /// BCP 47.
    pub(crate) language: &'static str,
    pub(crate) request_id: &'static str,
    pub(crate) error_prefix: &'static str,
    pub(crate) code: &'static str,
    pub(crate) help_desk: &'static str,
    pub(crate) choose_title: &'static str,
    pub(crate) choose_for: &'static str,
    pub(crate) choose_goes_on: &'static str,
    pub(crate) choose_waits: &'static str,
    pub(crate) choose_button: &'static str,
    pub(crate) choose_authorities: &'static str,
    pub(crate) use_password: &'static str,
    pub(crate) use_certificate: &'static str,
    pub(crate) another_certificate: &'static str,
    pub(crate) password_title: &'static str,
    pub(crate) password_for: &'static str,
    pub(crate) user_name: &'static str,
    pub(crate) password: &'static str,
    pub(crate) sign_in: &'static str,
    pub(crate) connections_title: &'static str,
    pub(crate) connections_for: &'static str,
    pub(crate) reason_title: &'static str,
    pub(crate) unavailable_title: &'static str,
    pub(crate) application_title: &'static str,
    pub(crate) application_sentence: &'static str,
    pub(crate) not_found_title: &'static str,
    pub(crate) not_found_sentence: &'static str,
    pub(crate) rejected_title: &'static str,
    pub(crate) rejected_sentence: &'static str,
    pub(crate) broken_title: &'static str,
    pub(crate) broken_sentence: &'static str,
    pub(crate) sign_out_title: &'static str,
    pub(crate) sign_out_question: &'static str,
    pub(crate) sign_out: &'static str,
    pub(crate) signed_out_title: &'static str,
    pub(crate) signed_out_certificate: &'static str,
    pub(crate) signed_out_applications: &'static str,
}

/// English.
pub(crate) static ENGLISH: Words = Words {
    language: "en",
    request_id: "Request id",
    error_prefix: "Problem:",
    code: "Code",
    help_desk: "For the help desk",
    choose_title: "Choose your certificate",
    choose_for: "You are signing in to",
    choose_goes_on: "Your browser is about to ask which certificate to use. Choose yours and confirm.",
    choose_waits: "When you continue, your browser asks which certificate to use, or uses the one you chose before.",
    choose_button: "Sign in with a certificate",
    choose_authorities: "Certificates accepted here are issued by",
    use_password: "Use a password",
    use_certificate: "Sign in with a certificate instead",
    another_certificate: "Try another certificate",
    password_title: "Sign in",
    password_for: "You are signing in to",
    user_name: "User name",
    password: "Password",
    sign_in: "Sign in",
    connections_title: "Where is your account?",
    connections_for: "You are signing in to",
    reason_title: "You are not signed in",
    unavailable_title: "Not available at the moment",
    application_title: "This sign-in cannot start",
    application_sentence: "The application you came from is not set up for signing in here. Please tell its administrator.",
    not_found_title: "There is nothing here",
    not_found_sentence: "Please start from your application.",
    rejected_title: "This request was not accepted",
    rejected_sentence: "Please start again from your application.",
    broken_title: "Something went wrong",
    broken_sentence: "It is our fault, not yours. Please try again.",
    sign_out_title: "Sign out",
    sign_out_question: "Do you want to sign out?",
    sign_out: "Sign out",
    signed_out_title: "You are signed out",
    signed_out_certificate: "Your browser may still remember your certificate. Signing in again waits for your click; to use another certificate, choose “Try another certificate” there or restart the browser.",
    signed_out_applications: "Applications you used may keep you signed in on their own for a while.",
};

impl Words {
    /// What people are told about a refusal.
    pub(crate) const fn of_reason(&self, reason: Reason) -> Explanation {
        reason.explanation()
    }

    /// What people are told about a failure of ours.
    pub(crate) const fn of_fault(&self, fault: Fault) -> Explanation {
        fault.explanation()
    }
}
