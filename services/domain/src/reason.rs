//! The closed table of reason codes: what the user reads, what the help desk reads, and what to do.
//!
//! **Invariant:** codes are stable; the table is appended to and never renamed. One table serves pages, logs, gRPC, the
//! command line and the documentation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// A code that is not in the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown reason code `{0}`")]
pub struct UnknownCode(pub String);

/// What people are told about one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// One sentence for the person at the door.
    pub user: &'static str,
    /// One sentence for the help desk.
    pub help_desk: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

macro_rules! codes {
    ($(#[$outer:meta])* $name:ident { $($variant:ident = $code:literal, $user:literal, $help:literal, $remedy:literal;)* }) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $(#[doc = $help] $variant,)*
        }

        impl $name {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable code in `snake_case`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What people are told.
            #[must_use]
            pub const fn explanation(self) -> Explanation {
                match self { $(Self::$variant => Explanation { user: $user, help_desk: $help, remedy: $remedy },)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.code())
            }
        }

        impl FromStr for $name {
            type Err = UnknownCode;

            fn from_str(text: &str) -> Result<Self, UnknownCode> {
                match text { $($code => Ok(Self::$variant),)* _ => Err(UnknownCode(text.to_owned())) }
            }
        }
    };
}

codes! {
    /// Why somebody was refused: always the user's side, never ours.
    Reason {
        NoCertificate = "no_certificate",
            "Your browser did not send a certificate.",
            "The browser sent no certificate: the choice was cancelled, or no certificate of a listed authority is installed.",
            "Install a certificate of one of the connection's authorities, or restart the browser to be asked again.";
        Expired = "expired",
            "Your certificate has expired.",
            "The certificate, or one above it, is past its notAfter date.",
            "Issue a new certificate; check this server's clock if the dates look right.";
        NotYetValid = "not_yet_valid",
            "Your certificate is not valid yet.",
            "The certificate, or one above it, is before its notBefore date.",
            "Wait until it becomes valid, or issue it again; check this server's clock if the dates look right.";
        UnknownIssuer = "unknown_issuer",
            "Your certificate was issued by an authority that is not accepted here.",
            "No uploaded authority of this connection signed the chain that was sent.",
            "Add the issuing authority with `postern ca add`, or use a certificate of a listed one.";
        BadChain = "bad_chain",
            "Your certificate could not be checked up to an accepted authority.",
            "The certificates sent do not form a valid path (RFC 5280 section 6): a signature, a CA flag, a path length or a name constraint does not hold.",
            "Look at the checks of this sign-in; issue the certificate again from a proper authority.";
        Sha1Signature = "sha1_signature",
            "Your certificate uses an outdated signature (SHA-1) and is not accepted.",
            "A certificate in the chain is signed with SHA-1, as makecert's `-a sha1` does.",
            "Issue it again with SHA-256: `postern pki user NAME`, or makecert with `-a sha256 -len 2048 -eku 1.3.6.1.5.5.7.3.2`.";
        WeakKey = "weak_key",
            "Your certificate uses a key that is too weak.",
            "A key in the chain is RSA below 2048 bits, or of a kind that is not accepted.",
            "Issue the certificate again with RSA of at least 2048 bits or ECDSA P-256.";
        WrongKeyUsage = "wrong_key_usage",
            "Your certificate is not meant for signing in.",
            "The extended key usage lacks clientAuth, or the key usage lacks digitalSignature.",
            "Issue the certificate again with the extended key usage clientAuth (1.3.6.1.5.5.7.3.2).";
        Revoked = "revoked",
            "Your certificate has been revoked.",
            "The certificate, or one above it, is on its issuer's revocation list.",
            "Issue a new certificate.";
        RevocationUnknown = "revocation_unknown",
            "It could not be checked whether your certificate has been revoked.",
            "No current revocation list of the issuer is at hand, and this connection requires one.",
            "Publish a fresh list, or check the connection's revocation sources.";
        Malformed = "malformed",
            "Your certificate could not be read.",
            "A certificate in the chain is not well-formed DER X.509 version 3.",
            "Issue the certificate again.";
        TooLarge = "too_large",
            "Your certificate, or the chain sent with it, is too large.",
            "More than 8 certificates above the leaf, more than 16 KiB in one, or more than 64 KiB in all.",
            "Send the leaf and its intermediates only.";
        NoCn = "no_cn",
            "Your certificate does not name anybody.",
            "The subject has no common name.",
            "Issue the certificate with the subject `CN=<account name>`.";
        AmbiguousCn = "ambiguous_cn",
            "Your certificate names more than one person.",
            "The subject has more than one common name, or one inside a multi-valued name part.",
            "Issue the certificate with exactly one common name.";
        MalformedCn = "malformed_cn",
            "The name in your certificate is not an account name.",
            "The common name is empty, too long, wrongly encoded, or has characters that no account name has.",
            "Issue the certificate with the plain account name: `CN=jon`, not `CN=FABRIKAM\\jon` or `CN=jon@fabrikam.com`.";
        SidMismatch = "sid_mismatch",
            "Your certificate belongs to another account.",
            "The security identifier inside the certificate is not the one of the account that its name leads to (KB5014754).",
            "Issue a new certificate for the account as it is now.";
        NotInDirectory = "not_in_directory",
            "Your account was not found.",
            "No person account of the directory has this name.",
            "Check the account name in the certificate against sAMAccountName.";
        AmbiguousAccount = "ambiguous_account",
            "Your account could not be told apart from another one.",
            "More than one account of the directory answers to this name.",
            "Make the names unique within the connection's search base.";
        Disabled = "disabled",
            "Your account is disabled.",
            "userAccountControl has ACCOUNTDISABLE.",
            "Enable the account in Active Directory.";
        Locked = "locked",
            "Your account is locked.",
            "The account is locked out after failed attempts.",
            "Unlock it in Active Directory, or wait for the lockout to end.";
        AccountExpired = "account_expired",
            "Your account has expired.",
            "accountExpires is in the past.",
            "Extend the account in Active Directory.";
        PasswordExpired = "password_expired",
            "Your password has expired.",
            "The password is older than the domain allows.",
            "Change the password, then sign in again.";
        MustChange = "must_change",
            "Your password must be changed before you can sign in.",
            "pwdLastSet is 0: the password must be changed at next logon.",
            "Change the password, then sign in again.";
        LogonHours = "logon_hours",
            "Your account may not sign in at this time.",
            "The account's logonHours do not include now.",
            "Try again within the account's logon hours.";
        NotAllowed = "not_allowed",
            "Your account may not sign in here.",
            "The account is not in a group that this connection or application allows.",
            "Add the account to an allowed group.";
        WrongCredentials = "wrong_credentials",
            "The user name or the password is wrong.",
            "The directory refused the name and password. Which of the two is not told to the outside.",
            "Try again; ask the help desk to look the attempt up by its request id.";
        AddressNotInRange = "address_not_in_range",
            "Certificate sign-in is not offered from where you are.",
            "The client address is in no range of the connection.",
            "Sign in with a password, or add the range with `postern range add`.";
        AddressChanged = "address_changed",
            "Your network address changed while you were signing in.",
            "The certificate came from an address outside the ranges, though the sign-in began inside them (for example IPv6 one time and IPv4 the other).",
            "Try again; add both the IPv4 and the IPv6 ranges of the network.";
        TransactionExpired = "transaction_expired",
            "This sign-in took too long. Please start again from your application.",
            "The transaction is older than 10 minutes, or its certificate result older than 60 seconds.",
            "Start again from the application.";
        TransactionUnknown = "transaction_unknown",
            "This sign-in was not started in this browser. Please start again from your application.",
            "The transaction cannot be read, or was begun by another browser.",
            "Start again from the application; allow cookies for the sign-in host.";
        Throttled = "throttled",
            "Too many attempts. Please wait a moment and try again.",
            "The limit of attempts for this address or account was reached.",
            "Wait; look for repeated failures from this address.";
    }
}

codes! {
    /// What of ours could not answer: HTTP 503, never a refusal and never a yes.
    Fault {
        CertvalUnavailable = "certval_unavailable",
            "Sign-in with a certificate is not available at the moment. Please try again shortly.",
            "The certificate-validation service gave no answer in time.",
            "Look at the health of certval and at the mesh between gateway and certval.";
        DirectoryUnavailable = "directory_unavailable",
            "Sign-in is not available at the moment. Please try again shortly.",
            "The directory service, or Active Directory behind it, gave no answer in time.",
            "Look at the health of the directory service and of the domain controllers.";
        ConfigurationStale = "configuration_stale",
            "Sign-in with a certificate is not available at the moment. Please try again shortly.",
            "This instance has no configuration, or has not heard from control for longer than the limit.",
            "Look at `postern instances`, at the bus and at control.";
    }
}
