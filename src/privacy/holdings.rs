//! What an account holds: the steps that it was charged for. And what is stored: the steps that any account was charged
//! for.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    SumRequest,
    release::StepRow,
    service::ReleaseService,
    steps::STEPS,
    stored::{first_steps, read},
};
use crate::{
    domain::error::Error,
    storage::{charges, releases},
};

/// What is known of one measurement.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// The steps that the account was charged for: the first ones, or a release of the policy 2026-1.
    pub held: Vec<Arc<StepRow>>,
    /// The stored steps that follow, for which the account was not charged.
    pub stored: Vec<Arc<StepRow>>,
}

/// What is known of the measurements of a document.
pub(super) type Holdings = HashMap<SumRequest, Known>;

impl Known {
    /// The number of the last step that the account was charged for; `STEPS` for a release of the policy 2026-1.
    pub fn steps(&self) -> u8 {
        self.held.last().map_or(0, |row| if row.step == 0 { STEPS } else { row.step })
    }
}

impl ReleaseService {
    /// What an account holds, as far as the caches of this server know. They never lie, because neither a charge nor a
    /// release ever changes.
    pub(super) fn cached(&self, payer: &str, measured: &HashSet<SumRequest>) -> Holdings {
        let held = |measured: &SumRequest| self.held.get(&(payer.to_owned(), measured.clone()));
        measured
            .iter()
            .map(|measured| {
                let held = held(measured).map_or_else(Vec::new, |held| held.as_ref().clone());
                (measured.clone(), Known { held, stored: Vec::new() })
            })
            .collect()
    }

    /// What an account holds and what is stored, from the database.
    pub(super) async fn load(&self, payer: &str, measured: &HashSet<SumRequest>) -> Result<Holdings, Error> {
        let epoch_id = measured.iter().map(|measured| measured.window.epoch_id).next().unwrap_or(0);
        let first = u8::from(!self.has_old(epoch_id).await?);
        let keys: Vec<(&SumRequest, Vec<String>)> = measured
            .iter()
            .map(|measured| (measured, (first..=STEPS).map(|step| measured.release_key(step)).collect()))
            .collect();
        let all: Vec<String> = keys.iter().flat_map(|(_, keys)| keys).cloned().collect();
        let charged = charges::charged(&self.db, payer, &all).await?;
        let rows = releases::load(&self.db, all.iter().map(String::as_str).collect()).await?;
        let rows: HashMap<String, Arc<StepRow>> =
            rows.into_iter().map(|row| Ok((row.release_key.clone(), read(row)?))).collect::<Result<_, Error>>()?;
        let mut holdings = Holdings::new();
        for (measured, keys) in keys {
            let of = |keep: &dyn Fn(&String) -> bool| {
                let rows = keys.iter().filter(|key| keep(key)).filter_map(|key| rows.get(key).map(Arc::clone));
                rows.collect::<Vec<_>>()
            };
            let held = first_steps(of(&|key| charged.contains(key)));
            let next = held.last().map_or(1, |row| row.step + 1);
            let stored = of(&|_| true).into_iter().filter(|row| row.step != 0);
            let stored = first_steps(stored.collect()).into_iter().filter(|row| row.step >= next).collect();
            self.remember(payer, measured, &held);
            holdings.insert(measured.clone(), Known { held, stored });
        }
        Ok(holdings)
    }

    /// Caches what an account holds.
    pub(super) fn remember(&self, payer: &str, measured: &SumRequest, held: &[Arc<StepRow>]) {
        if !held.is_empty() {
            self.held.insert((payer.to_owned(), measured.clone()), Arc::new(held.to_vec()));
        }
    }

    /// Whether releases of the policy 2026-1 are stored for an epoch.
    async fn has_old(&self, epoch_id: i32) -> Result<bool, Error> {
        if let Some(has_old) = self.old_epochs.get(&epoch_id) {
            return Ok(has_old);
        }
        let has_old = releases::has_old(&self.db, epoch_id).await?;
        self.old_epochs.insert(epoch_id, has_old);
        Ok(has_old)
    }
}
