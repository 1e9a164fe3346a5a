//! Those that are compared: servers, and what each is made to do.
//!
//! **Invariant:** what stands beside nginx does the same work as nginx, except for sign-ins: those are compared with one
//! handshake of nginx, as the measure of what the machine can do.

use anyhow::Result;

use crate::load::{Dialer, Handshakes, KeyExchange, SignIns};
use crate::meter::Groups;
use crate::nginx::Nginx;
use crate::place::Place;
use crate::rounds::{Load, Subject};

/// nginx and the gateway with keys on P-256.
pub(crate) const P256: [&str; 2] = ["nginx-p256", "gateway-p256"];
/// nginx and the gateway with RSA keys.
pub(crate) const RSA: [&str; 2] = ["nginx-rsa2048", "gateway-rsa2048"];
/// The same as [`P256`], with an answer behind each handshake.
const ANSWERS: [&str; 2] = ["nginx-p256-answer", "gateway-p256-answer"];

/// Bare handshakes of nginx, if it is there, and of the gateway.
///
/// # Errors
/// When a file of the place cannot be read.
pub(crate) fn handshakes(
    at: &Place,
    nginx: Option<&Nginx>,
    keys: [&'static str; 2],
) -> Result<Vec<Subject>> {
    both(at, nginx, keys, Handshakes::bare)
}

/// The same, each with one answer: 404.
///
/// # Errors
/// When a file of the place cannot be read.
pub(crate) fn answers(at: &Place, nginx: Option<&Nginx>) -> Result<Vec<Subject>> {
    both(at, nginx, ANSWERS, Handshakes::with_an_answer)
}

/// nginx's bare handshakes alone, if it is there.
///
/// # Errors
/// When a file of the place cannot be read.
pub(crate) fn nginx_alone(at: &Place, nginx: Option<&Nginx>) -> Result<Vec<Subject>> {
    let mut subjects = handshakes(at, nginx, P256)?;
    subjects.retain(|subject| subject.key == P256[0]);
    Ok(subjects)
}

/// Bare handshakes of the gateway with the key exchange that browsers prefer.
///
/// # Errors
/// When a file of the place cannot be read.
pub(crate) fn post_quantum(at: &Place) -> Result<Subject> {
    let handshakes = Handshakes::bare(dialer(at, KeyExchange::PostQuantum)?);
    Ok(Subject {
        key: "gateway-p256-post-quantum",
        groups: gateway(at)?,
        load: Load::Handshakes(handshakes.into()),
        beside: Some(P256[0]),
    })
}

/// Whole sign-ins; every process of the system counts.
///
/// # Errors
/// When a file of the place cannot be read.
pub(crate) fn sign_ins(key: &'static str, at: &Place) -> Result<Subject> {
    Ok(Subject {
        key,
        groups: at.processes(),
        load: Load::SignIns(SignIns::at(at)?.into()),
        beside: Some(P256[0]),
    })
}

/// Second visits of somebody who is signed in.
///
/// # Errors
/// When the first one fails.
pub(crate) async fn again(at: &Place) -> Result<Subject> {
    Ok(Subject {
        key: "again-processes-file",
        groups: at.processes(),
        load: Load::Again(SignIns::at(at)?.again().await?.into()),
        beside: Some(P256[0]),
    })
}

fn both(
    at: &Place,
    nginx: Option<&Nginx>,
    [of_nginx, of_gateway]: [&'static str; 2],
    made: fn(Dialer) -> Handshakes,
) -> Result<Vec<Subject>> {
    let dialer = dialer(at, KeyExchange::Classical)?;
    let mut subjects = Vec::new();
    if let Some(nginx) = nginx {
        subjects.push(Subject {
            key: of_nginx,
            groups: Groups::from([("nginx".to_owned(), vec![nginx.id()])]),
            load: Load::Handshakes(made(dialer.clone().to(nginx.address())).into()),
            beside: None,
        });
    }
    subjects.push(Subject {
        key: of_gateway,
        groups: gateway(at)?,
        load: Load::Handshakes(made(dialer).into()),
        beside: Some(of_nginx),
    });
    Ok(subjects)
}

fn dialer(at: &Place, key_exchange: KeyExchange) -> Result<Dialer> {
    let host = at.certificate_host();
    Dialer::new(at, at.address()?, host, true, key_exchange)
}

fn gateway(at: &Place) -> Result<Groups> {
    Ok(Groups::from([("gateway".to_owned(), vec![at.gateway()?])]))
}
