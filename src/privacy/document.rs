//! Answers a document: the questions of all its fields together.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::{Question, Released, answering::Answering, service::ReleaseService};
use crate::domain::{epoch::Epoch, error::Error};

/// The unit of response time for a first view. A response that contains a first view is delayed to the end of one of
/// these slots, so that its timing does not reveal whether another key has already requested the same release. The work
/// is the same in both cases, so the slot must only be much longer than what remains of the difference; `bench
/// --timing-attack` measures what an attacker can tell.
const SLOT: Duration = Duration::from_millis(10);

/// The answers to a document's questions, and the amount charged to the payer for them.
pub struct Answers {
    pub released: HashMap<Question, Result<Released, Error>>,
    pub charged_microunits: i64,
}

impl ReleaseService {
    /// Answers all questions of a document, or rejects all of them.
    ///
    /// Sizes are charged and released first, step by step until they are precise enough. The other bundles are charged
    /// and released only for segments that pass the size rule and the minimum difference, with as many steps as their
    /// precision needs.
    ///
    /// # Errors
    /// [`Error::PrivacyBudgetExhausted`] if the first steps of the document do not fit in the budget of the key or of a
    /// region. A withheld segment, and a budget that ends after the first steps, is an error of the questions concerned
    /// only, inside [`Answers::released`].
    pub async fn answer(&self, payer: &str, epoch: &Epoch, questions: &[Question]) -> Result<Answers, Error> {
        let began = Instant::now();
        let mut document = Answering::new(self, payer, &epoch.vocabulary, questions);
        let is_first_view = !document.is_complete();
        if is_first_view {
            document.load().await?;
        }
        if is_first_view && !document.is_complete() {
            document.buy_sizes().await?;
            document.buy_bundles().await?;
            tokio::time::sleep_until(slot_end(began, Instant::now())).await;
        }
        let released = questions.iter().map(|question| (question.clone(), document.answer(question))).collect();
        Ok(Answers { released, charged_microunits: document.charged_microunits })
    }
}

/// The time at which a response with a first view may be sent: the end of the slot in which the work finished.
fn slot_end(began: Instant, ready: Instant) -> Instant {
    let slots = ready.duration_since(began).as_micros() / SLOT.as_micros() + 1;
    began + SLOT * u32::try_from(slots).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_view_ends_with_a_slot() {
        let began = Instant::now();
        let end = |ms: u64| slot_end(began, began + Duration::from_millis(ms)).duration_since(began).as_millis();
        assert_eq!([0, 1, 9, 10, 19, 20, 99, 100, 131].map(end), [10, 10, 10, 20, 20, 30, 100, 110, 140]);
    }
}
