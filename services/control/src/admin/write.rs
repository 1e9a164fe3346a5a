//! What can be changed over the admin API.
//!
//! **Invariant:** a write that has begun is finished and recorded even when its caller goes away.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use domain::authority::Authority;
use domain::connection::ConnectionName;
use http::Uri;
use serde::Deserialize;
use tokio::sync::oneshot;
use tracing::field::Empty;
use tracing::{Instrument, info_span};

use super::query::Query;
use super::read::{current, plain};
use super::shapes::Write;
use super::{Admin, Problem, body};
use crate::audit::Author;
use crate::change::{self, Change, FingerprintPrefix, GivenRange, Method, Refusal, shown};
use crate::inspector::{CertificatesOnly, InspectedCertificate, Inspection};
use crate::writer::Proposal;

type Answer = Result<Json<Write>, Problem>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RangesBody {
    ranges: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MethodBody {
    offered: bool,
}

pub(super) async fn add_authorities(
    State(admin): State<Arc<Admin>>,
    Extension(author): Extension<Author>,
    name: Result<Path<String>, PathRejection>,
    uri: Uri,
    body: Body,
) -> Answer {
    let query = Query::of(&uri)?;
    let connection = known(&admin, &plain(name)?).await?;
    let upload = CertificatesOnly::new(body::read(body).await?)?;
    let inspected = admin
        .inspector
        .inspect(&upload)
        .await
        .map_err(not_inspected)?;
    let authorities: Vec<Authority> = inspected
        .iter()
        .map(InspectedCertificate::authority)
        .collect::<Result<_, _>>()?;
    let change = Change::AddAuthorities {
        connection,
        authorities,
    };
    write(&admin, author, change, query).await
}

pub(super) async fn remove_authority(
    State(admin): State<Arc<Admin>>,
    Extension(author): Extension<Author>,
    path: Result<Path<(String, String)>, PathRejection>,
    uri: Uri,
) -> Answer {
    let query = Query::of(&uri)?;
    let (name, fingerprint) = plain(path)?;
    let connection = known(&admin, &name).await?;
    let fingerprint: FingerprintPrefix = fingerprint.parse().map_err(|error| {
        let what_to_do = "copy it from `postern ca list --connection NAME`";
        Problem::from(Refusal::unreadable(error, what_to_do))
    })?;
    let change = Change::RemoveAuthority {
        connection,
        fingerprint,
    };
    write(&admin, author, change, query).await
}

pub(super) async fn add_ranges(
    State(admin): State<Arc<Admin>>,
    Extension(author): Extension<Author>,
    name: Result<Path<String>, PathRejection>,
    uri: Uri,
    body: Body,
) -> Answer {
    let query = Query::of(&uri)?;
    let change = Change::AddRanges {
        connection: known(&admin, &plain(name)?).await?,
        ranges: given_ranges(&query, body).await?,
        confirmed: query.confirm,
    };
    write(&admin, author, change, query).await
}

pub(super) async fn remove_ranges(
    State(admin): State<Arc<Admin>>,
    Extension(author): Extension<Author>,
    name: Result<Path<String>, PathRejection>,
    uri: Uri,
    body: Body,
) -> Answer {
    let query = Query::of(&uri)?;
    let change = Change::RemoveRanges {
        connection: known(&admin, &plain(name)?).await?,
        ranges: given_ranges(&query, body).await?,
    };
    write(&admin, author, change, query).await
}

pub(super) async fn set_method(
    State(admin): State<Arc<Admin>>,
    Extension(author): Extension<Author>,
    path: Result<Path<(String, String)>, PathRejection>,
    uri: Uri,
    body: Body,
) -> Answer {
    let query = Query::of(&uri)?;
    let (name, method) = plain(path)?;
    let connection = known(&admin, &name).await?;
    let method = match method.as_str() {
        "certificate" => Method::Certificate,
        "password" => Method::Password,
        other => {
            let problem = format!("there is no method `{}`", shown(other));
            return Err(Refusal::unreadable(problem, "write `certificate` or `password`").into());
        }
    };
    let MethodBody { offered } = body::json(&body::read(body).await?, "{\"offered\": true}")?;
    let change = Change::SetMethod {
        connection,
        method,
        offered,
    };
    write(&admin, author, change, query).await
}

/// Makes the change and says what became of it.
async fn write(admin: &Arc<Admin>, author: Author, change: Change, query: Query) -> Answer {
    let proposal = Proposal {
        author,
        change,
        why: query.why,
        seen: query.seen,
    };
    let (done, outcome) = oneshot::channel();
    let writer = admin.writer.clone();
    // A task of its own: this future is dropped when the caller hangs up.
    let writing = async move {
        // The caller may be gone; the record knows how it ended.
        let _ = done.send(writer.write(proposal).await);
    };
    admin
        .tasks
        .spawn_work("configuration write", writing.in_current_span());
    let broken = |_| {
        Problem::unavailable(
            "the write was interrupted",
            "look at the history before sending it again",
        )
    };
    let written = outcome.await.map_err(broken)??;
    let stopping = admin.tasks.stopping();
    let waiting = info_span!("wait for instances", instances = Empty, applied = Empty);
    let reached = admin.writer.rollout(written.revision, query.wait);
    let rollout = tokio::select! {
        reached = reached.instrument(waiting.clone()) => reached,
        // A control that goes down says how far it came instead of breaking off.
        () = stopping.cancelled() => admin.writer.rollout(written.revision, Duration::ZERO).await,
    };
    waiting.record("instances", rollout.instances);
    waiting.record("applied", rollout.applied);
    drop(waiting);
    Ok(Json(Write {
        revision: written.revision,
        applied: rollout.applied,
        instances: rollout.instances,
        waited_ms: rollout.waited_ms,
        changes: written.words,
    }))
}

/// The connection of the path, before a body is read for it.
async fn known(admin: &Admin, name: &str) -> Result<ConnectionName, Problem> {
    let current = current(admin).await?;
    Ok(change::connection(&current.view.configuration, name)?
        .name
        .clone())
}

/// The ranges of the query, or those of the body.
async fn given_ranges(query: &Query, body: Body) -> Result<Vec<GivenRange>, Problem> {
    let bytes = body::read(body).await?;
    let texts = match (bytes.is_empty(), query.ranges.as_slice()) {
        (true, ranges) => ranges.to_vec(),
        (false, []) => body::json::<RangesBody>(&bytes, "{\"ranges\": [\"10.1.0.0/16\"]}")?.ranges,
        (false, _) => {
            let detail = "ranges are in the query and in the body";
            return Err(Problem::bad_request(detail, "send them in one of both"));
        }
    };
    let parsed = texts.iter().map(|text| text.parse::<GivenRange>());
    let parsed: Result<Vec<_>, _> = parsed.collect();
    parsed.map_err(|error| {
        Refusal::unreadable(
            error,
            "nothing was changed; correct it and send all of them again",
        )
        .into()
    })
}

fn not_inspected(why: Inspection) -> Problem {
    match why {
        Inspection::Refused(why) => {
            let what_to_do = "send the authority's certificate as PEM or DER";
            Refusal::unreadable(why, what_to_do).into()
        }
        Inspection::Unavailable(why) => {
            tracing::warn!(why, "certval could not inspect an upload");
            Problem::unavailable(
                "certval, which inspects certificates, could not be asked",
                "nothing was changed; try again, and look at `postern instances`",
            )
        }
    }
}
