//! Reads stored steps of releases.

use std::sync::Arc;

use super::release::{Payload, StepRow};
use crate::{
    domain::error::Error,
    storage::{
        entity::privacy_release,
        releases::{SizeStep, Status},
    },
};

/// A stored row as a step.
pub(super) fn read(row: privacy_release::Model) -> Result<Arc<StepRow>, Error> {
    step(row.release_key, row.step, &row.status, row.payload.as_deref())
}

/// A stored step of a size.
pub(super) fn read_size(row: SizeStep) -> Result<Arc<StepRow>, Error> {
    step(row.release_key, row.step, &row.status, row.payload.as_deref())
}

fn step(key: String, step: i32, status: &str, payload: Option<&str>) -> Result<Arc<StepRow>, Error> {
    let payload = payload.map(serde_json::from_str::<Payload>).transpose();
    Ok(Arc::new(StepRow {
        key,
        step: u8::try_from(step).map_err(Error::internal)?,
        passed: status == Status::Ready.name(),
        values: payload.map_err(Error::internal)?.map(|payload| payload.values),
    }))
}

/// The first steps among rows of one release, without a gap. If a row of the policy 2026-1 is among them, only it.
pub(super) fn first_steps(mut rows: Vec<Arc<StepRow>>) -> Vec<Arc<StepRow>> {
    rows.sort_by_key(|row| row.step);
    if rows.first().is_some_and(|row| row.step == 0) {
        rows.truncate(1);
        return rows;
    }
    (1..).zip(rows).take_while(|(step, row)| *step == row.step).map(|(_, row)| row).collect()
}
