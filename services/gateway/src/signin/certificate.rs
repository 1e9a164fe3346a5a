//! The certificate host: one request, judged step by step.
//!
//! Browsers send certificates unasked, so this host makes no cookie, no session and no code; it hands a sealed result to the
//! login host, which demands the browser that began.
//!
//! **Invariant:** the guards come in this order: the transaction, the kind of request, the address, the certificate.
//! (That Host and SNI agree, the edge has seen to.)

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::address::ClientAddress;
use domain::certificate::VerifiedCertificate;
use domain::connection::{Admission, Connection};
use domain::outcome::{Refusal, Verdict};
use domain::reason::Reason;
use postern_proto::directory::{Method, Resolve, Who};

use super::certificate_result::CertificateResult;
use super::transaction::Transaction;
use super::{Progress, Snapshot, still_offered};
use crate::audit::Outcome;
use crate::desk::Desk;
use crate::halt::{Halt, see_other};
use crate::oidc::parameters::Parameters;
use crate::seals;
use crate::visit::Visit;

/// Answers whoever comes with a transaction and, perhaps, a certificate.
pub(crate) async fn get(
    State(desk): State<Arc<Desk>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Response {
    let mut progress = Progress::of(&visit);
    progress.event.method = Some(Method::Certificate);
    let query = query.unwrap_or_default();
    let answer = desk
        .certificate(&visit, query.as_bytes(), &mut progress)
        .await;
    desk.ended(&visit, progress, answer)
}

/// Why nobody is asked for a certificate at `address`, where somebody should have been when the sign-in began.
fn not_asked(connection: &Connection, began: &Transaction, address: ClientAddress) -> Refusal {
    if !connection.methods.certificate {
        return Refusal::because(
            Reason::AddressNotInRange,
            "The connection no longer accepts certificates, from anywhere.",
        );
    }
    if connection.authorities.is_empty() {
        return Refusal::because(
            Reason::UnknownIssuer,
            "The connection's last authority was removed while this sign-in was on its way.",
        );
    }
    if began.address == address {
        return Refusal::because(
            Reason::AddressNotInRange,
            format!("The range of {address} was removed while this sign-in was on its way."),
        );
    }
    Refusal::because(
        Reason::AddressChanged,
        format!(
            "The sign-in began at {}, the certificate came from {address}.",
            began.address
        ),
    )
}

impl Desk {
    async fn certificate(
        &self,
        visit: &Visit,
        query: &[u8],
        progress: &mut Progress,
    ) -> Result<Response, Halt> {
        let parameters = Parameters::parse(query)?;
        let text = parameters.only("tx")?.ok_or(Reason::TransactionUnknown)?;
        let transaction = self.transaction(&*self.live()?, text, visit)?;
        progress.within(&transaction);
        let snapshot = self.at_least(transaction.revision).await?;
        if visit.is_no_document() {
            return Err(Halt::Rejected(
                StatusCode::FORBIDDEN,
                "this host answers pages only, not parts of other pages",
            ));
        }
        let offer = still_offered(&snapshot.view.configuration, &transaction)?;
        let connection = offer.connection;
        progress.ways = self.ways(text, offer, Method::Certificate, visit)?;
        let Admission::Certificate { password } = connection.admission(visit.arrival.address)
        else {
            return Err(not_asked(connection, &transaction, visit.arrival.address).into());
        };
        self.fresh()?;

        let chain = match &visit.arrival.chain {
            Some(chain) => {
                progress.event.leaf = Some(chain.fingerprint());
                chain
            }
            None if password => {
                let refusal = Refusal::new(Reason::NoCertificate);
                progress.event.ended(Outcome::Refused(&refusal));
                return Ok(see_other(&self.hosts.login_url(&format!(
                    "/password?tx={text}&reason={}",
                    refusal.reason
                ))));
            }
            None => return Err(Reason::NoCertificate.into()),
        };
        let verdict = self
            .certval
            .validate(chain, &connection.name, snapshot.revision)
            .await?;
        let certificate = match verdict {
            Verdict::Accepted(certificate) => certificate,
            Verdict::Refused(refusal) => return Err(refusal.into()),
        };
        let person = match self
            .person(&certificate, connection, &snapshot, visit)
            .await?
        {
            Verdict::Accepted(person) => person,
            Verdict::Refused(refusal) => return Err(refusal.into()),
        };
        progress.event.account = Some(person.profile().id);
        let result = CertificateResult::new(
            transaction.id,
            &certificate,
            &person,
            visit.arrival.address,
            visit.arrival.handshake_at,
        );
        let sealed = seals::seal(
            &snapshot.view.seal_keys,
            self.hosts.login(),
            &result,
            &*self.randomness,
        )?;
        Ok(see_other(
            &self
                .hosts
                .login_url(&format!("/resume?tx={text}&r={sealed}")),
        ))
    }

    /// The person a good certificate names.
    async fn person(
        &self,
        certificate: &VerifiedCertificate,
        connection: &Connection,
        snapshot: &Snapshot,
        visit: &Visit,
    ) -> Result<Verdict<domain::account::Person>, Halt> {
        // certval may have judged by a newer revision; here the authority must be listed, too.
        if connection.authority(certificate.authority()).is_none() {
            return Ok(Verdict::refused(Reason::UnknownIssuer));
        }
        let identity = certificate.identity();
        let question = Resolve {
            connection: connection.name.clone(),
            min_revision: snapshot.revision,
            who: Who::Certificate {
                account: identity.account.clone(),
                sid: identity.sid.clone(),
            },
            method: Method::Certificate,
        };
        Ok(self.accounts.resolve(question, visit.now).await?)
    }
}
