//! What can be read over the admin API.
//!
//! **Invariant:** reading changes nothing and answers no secret.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};

use super::shapes::{
    AuthorityRow, ConnectionRow, ConnectionShape, InstanceRow, RangeRow, RevisionRow, Whole,
};
use super::{Admin, Problem};
use crate::change;
use crate::writer::Standing;

type Answer<T> = Result<Json<T>, Problem>;

pub(super) async fn configuration(State(admin): State<Arc<Admin>>) -> Answer<Whole> {
    let current = current(&admin).await?;
    let now = admin.clock.unix_seconds();
    Ok(Json(Whole::of(
        current.revision,
        &current.view.configuration,
        now,
    )))
}

pub(super) async fn connections(State(admin): State<Arc<Admin>>) -> Answer<Vec<ConnectionRow>> {
    let current = current(&admin).await?;
    let connections = current.view.configuration.connections.values();
    Ok(Json(connections.map(ConnectionRow::of).collect()))
}

pub(super) async fn connection(
    State(admin): State<Arc<Admin>>,
    name: Result<Path<String>, PathRejection>,
) -> Answer<ConnectionShape> {
    let (current, name) = (current(&admin).await?, plain(name)?);
    let found = change::connection(&current.view.configuration, &name)?;
    Ok(Json(ConnectionShape::of(found, admin.clock.unix_seconds())))
}

pub(super) async fn authorities(
    State(admin): State<Arc<Admin>>,
    name: Result<Path<String>, PathRejection>,
) -> Answer<Vec<AuthorityRow>> {
    let (current, name) = (current(&admin).await?, plain(name)?);
    let found = change::connection(&current.view.configuration, &name)?;
    let now = admin.clock.unix_seconds();
    let rows = found
        .authorities
        .iter()
        .map(|authority| AuthorityRow::of(authority, now));
    Ok(Json(rows.collect()))
}

pub(super) async fn ranges(
    State(admin): State<Arc<Admin>>,
    name: Result<Path<String>, PathRejection>,
) -> Answer<Vec<RangeRow>> {
    let (current, name) = (current(&admin).await?, plain(name)?);
    let found = change::connection(&current.view.configuration, &name)?;
    let rows = found.ranges.iter().map(|range| RangeRow {
        range: range.to_string(),
    });
    Ok(Json(rows.collect()))
}

pub(super) async fn instances(State(admin): State<Arc<Admin>>) -> Answer<Vec<InstanceRow>> {
    let reports = admin.writer.instances();
    Ok(Json(reports.into_iter().map(Into::into).collect()))
}

pub(super) async fn revisions(State(admin): State<Arc<Admin>>) -> Answer<Vec<RevisionRow>> {
    let history = admin.writer.history().await?;
    Ok(Json(history.into_iter().map(Into::into).collect()))
}

/// What is in force.
pub(super) async fn current(admin: &Admin) -> Result<Standing, Problem> {
    Ok(admin.writer.current().await?)
}

/// A part of the path; one that is not UTF-8 is a problem like any other.
pub(super) fn plain<T>(path: Result<Path<T>, PathRejection>) -> Result<T, Problem> {
    let refused = |rejection: PathRejection| {
        Problem::bad_request(
            rejection.body_text(),
            "encode the path again, as percent-encoded UTF-8",
        )
    };
    path.map(|Path(parts)| parts).map_err(refused)
}
