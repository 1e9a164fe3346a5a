//! Changes to the live configuration as values, and the one pure function that applies them.
//!
//! An administrator says *what* should be different, never what the whole should be: two changes made at the same time
//! both happen, or one is told why not. [`apply`] also says in words what it did; those words go into the history, the
//! audit log and the answer.
//!
//! **Invariant:** nothing here does I/O or parses a certificate, and a configuration that [`apply`] returns has passed
//! [`problems`](validity::problems).

pub(crate) mod authorities;
mod given;
mod ranges;
mod refusal;
#[cfg(test)]
mod tests;
pub mod validity;

pub use given::{FingerprintPrefix, GivenRange, InvalidFingerprint};
pub use refusal::{Kind, Refusal, nearest, shown};

use domain::address::ClientAddress;
use domain::authority::Authority;
use domain::configuration::Configuration;
use domain::connection::{Connection, ConnectionName};

/// One change to the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Accept certificates of these authorities at one connection.
    AddAuthorities {
        /// The connection.
        connection: ConnectionName,
        /// The authorities, as inspected.
        authorities: Vec<Authority>,
    },
    /// Accept certificates of one authority no longer.
    RemoveAuthority {
        /// The connection.
        connection: ConnectionName,
        /// The authority's certificate or key.
        fingerprint: FingerprintPrefix,
    },
    /// Ask for certificates in these ranges.
    AddRanges {
        /// The connection.
        connection: ConnectionName,
        /// The ranges.
        ranges: Vec<GivenRange>,
        /// Whether a range that holds every address of its family was confirmed.
        confirmed: bool,
    },
    /// Ask for certificates in these ranges no longer.
    RemoveRanges {
        /// The connection.
        connection: ConnectionName,
        /// The ranges, each as it stands there.
        ranges: Vec<GivenRange>,
    },
    /// Offer a method, or offer it no longer.
    SetMethod {
        /// The connection.
        connection: ConnectionName,
        /// The method.
        method: Method,
        /// Whether it is offered.
        offered: bool,
    },
}

/// A way to sign in, as administrators name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Client certificates.
    Certificate,
    /// The user name and password form.
    Password,
}

impl Method {
    /// Its name in the API: `certificate` or `password`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Password => "password",
        }
    }
}

/// What a change made of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The configuration with the change in it.
    pub configuration: Configuration,
    /// The difference and what follows from it, in words: one sentence each, never empty.
    pub words: Vec<String>,
}

/// Applies one change. `caller` is where it comes from, so that people are told when it concerns themselves.
///
/// # Errors
/// A [`Refusal`] that says what is wrong and what to do; nothing is changed then.
pub fn apply(
    configuration: &Configuration,
    change: &Change,
    caller: Option<ClientAddress>,
) -> Result<Applied, Refusal> {
    let mut configuration = configuration.clone();
    let mut words = Vec::new();
    match change {
        Change::AddAuthorities {
            connection,
            authorities,
        } => authorities::add(
            named(&mut configuration, connection)?,
            authorities,
            &mut words,
        )?,
        Change::RemoveAuthority {
            connection,
            fingerprint,
        } => authorities::remove(
            named(&mut configuration, connection)?,
            fingerprint,
            &mut words,
        )?,
        Change::AddRanges {
            connection,
            ranges,
            confirmed,
        } => ranges::add(
            named(&mut configuration, connection)?,
            ranges,
            *confirmed,
            &mut words,
        )?,
        Change::RemoveRanges { connection, ranges } => ranges::remove(
            named(&mut configuration, connection)?,
            ranges,
            caller,
            &mut words,
        )?,
        Change::SetMethod {
            connection,
            method,
            offered,
        } => set_method(
            named(&mut configuration, connection)?,
            *method,
            *offered,
            &mut words,
        )?,
    }
    match validity::problems(&configuration) {
        problems if problems.is_empty() => Ok(Applied {
            configuration,
            words,
        }),
        problems => Err(Refusal::invalid(&problems)),
    }
}

/// The connection an administrator means by `name`.
///
/// # Errors
/// [`Kind::UnknownConnection`], with the nearest name there is.
pub fn connection<'a>(
    configuration: &'a Configuration,
    name: &str,
) -> Result<&'a Connection, Refusal> {
    configuration
        .connections
        .values()
        .find(|connection| connection.name.as_str() == name)
        .ok_or_else(|| Refusal::unknown_connection(configuration, name))
}

fn named<'a>(
    configuration: &'a mut Configuration,
    name: &ConnectionName,
) -> Result<&'a mut Connection, Refusal> {
    if !configuration.connections.contains_key(name) {
        return Err(Refusal::unknown_connection(configuration, name.as_str()));
    }
    configuration
        .connections
        .get_mut(name)
        .ok_or_else(|| Refusal::new(Kind::UnknownConnection, "the connection is gone", ""))
}

fn set_method(
    connection: &mut Connection,
    method: Method,
    offered: bool,
    words: &mut Vec<String>,
) -> Result<(), Refusal> {
    let name = connection.name.clone();
    let stands = match method {
        Method::Certificate => &mut connection.methods.certificate,
        Method::Password => &mut connection.methods.password,
    };
    let (method, state) = (method.name(), if offered { "on" } else { "off" });
    if *stands == offered {
        return Err(Refusal::new(
            Kind::AlreadyThere,
            format!("the method `{method}` is {state} at {name} already"),
            "there is nothing to do",
        ));
    }
    *stands = offered;
    words.push(format!("{name}: the method `{method}` is {state} now"));
    say_who_is_shut_out(connection, words);
    Ok(())
}

/// Says so when nobody, or nobody with a certificate, can sign in any more.
fn say_who_is_shut_out(connection: &Connection, words: &mut Vec<String>) {
    let name = &connection.name;
    let certificate = connection.methods.certificate
        && !connection.authorities.is_empty()
        && !connection.ranges.is_empty();
    if !certificate && !connection.methods.password {
        words.push(format!(
            "nobody can sign in at {name} now: certificates are not asked for, and the password form is off"
        ));
    }
}
