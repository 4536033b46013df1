//! Samples the steps that a document needs: exact sums from the engine, and noise. Nothing is stored or seen here.

use std::sync::Arc;

use super::{
    NoiseSource, OsNoise, SumRequest,
    accountant::StepRequest,
    holdings::Known,
    ledger::StepDraw,
    release::{Exact, StepRow, Sums},
    service::ReleaseService,
    steps::STEPS,
};
use crate::{
    domain::{epoch::Vocabulary, error::Error, mutant::Step},
    storage::releases,
};

/// A measurement of which further steps are needed.
pub(super) struct Job {
    pub measured: SumRequest,
    pub known: Known,
    /// The last step that may be needed.
    pub last_step: u8,
}

impl Job {
    /// The steps that are stored and that the account does not hold, up to the last one that may be needed.
    fn stored(&self) -> impl Iterator<Item = &Arc<StepRow>> {
        self.known.stored.iter().filter(|row| row.step <= self.last_step)
    }

    /// The steps that are not stored, with the keys of their releases.
    fn missing(&self) -> Vec<(u8, String)> {
        let known = self.known.stored.last().map_or(self.known.steps(), |row| row.step);
        (known + 1..=self.last_step).map(|step| (step, self.measured.release_key(step))).collect()
    }
}

impl ReleaseService {
    /// The further steps of each job: first the stored ones, then new samples. They are not stored yet.
    ///
    /// The same work is done for stored steps, so that a first view takes the same time whether or not another key has
    /// requested the release before. If the engine fails, only the stored steps are returned: they stay available for
    /// an epoch that was deleted.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if a step must be sampled, and the engine or the random number generator is unavailable.
    pub(super) async fn sample(&self, jobs: Vec<Job>, vocabulary: &Vocabulary) -> Result<Vec<Vec<StepDraw>>, Error> {
        let measured: Vec<SumRequest> = jobs.iter().map(|job| job.measured.clone()).collect();
        let sums = match self.engine.sums(&measured).await {
            Ok(sums) => sums.into_iter().map(Some).collect(),
            Err(_) if jobs.iter().all(|job| job.stored().next().is_some()) => jobs.iter().map(|_| None).collect(),
            Err(error) => return Err(error),
        };
        let noise = Arc::clone(&self.noise);
        // The samples of a document of many segments take milliseconds, which must not block other requests.
        let sampling = tokio::task::spawn_blocking(move || {
            let with_sums = jobs.into_iter().zip::<Vec<Option<Exact<Sums>>>>(sums);
            with_sums.map(|(job, sums)| rows_of(&job, sums, noise.as_ref())).collect::<Result<Vec<_>, Error>>()
        });
        let sampled = sampling.await.map_err(Error::internal)??;
        Step::Sampled.reach().await;
        Ok(sampled
            .into_iter()
            .zip(measured)
            .map(|(rows, measured)| {
                let draw = |(row, is_new): (Arc<StepRow>, bool)| StepDraw {
                    request: StepRequest::new(&measured, row.step, vocabulary),
                    row,
                    is_new,
                };
                rows.into_iter().map(draw).collect()
            })
            .collect())
    }

    /// Deletes decoy rows in the background, so that the deletion does not delay the response.
    pub(super) fn delete_decoys(&self, keys: Vec<String>) {
        if keys.is_empty() {
            return;
        }
        let db = self.db.clone();
        tokio::spawn(async move {
            if let Err(cause) = releases::delete_decoys(&db, keys).await {
                tracing::warn!(%cause, "cannot delete decoy rows");
            }
        });
    }
}

/// The further steps of a job: pairs of a row and whether it is a new sample.
fn rows_of(job: &Job, sums: Option<Exact<Sums>>, noise: &dyn NoiseSource) -> Result<Vec<(Arc<StepRow>, bool)>, Error> {
    let bundle = job.measured.bundle;
    let mut rows: Vec<(Arc<StepRow>, bool)> = job.stored().map(|row| (Arc::clone(row), false)).collect();
    let Some(sums) = sums else { return Ok(rows) };
    for (row, _) in &rows {
        OsNoise.sample("", bundle, row.step)?;
    }
    let missing = job.missing();
    let before: Vec<Arc<StepRow>> =
        job.known.held.iter().chain(rows.iter().map(|(row, _)| row)).map(Arc::clone).collect();
    rows.extend(sums.publish(bundle, &before, &missing, noise)?.into_iter().map(|row| (row, true)));
    debug_assert!(rows.len() <= usize::from(STEPS));
    Ok(rows)
}
