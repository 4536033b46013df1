//! What a document would cost, and how precise its numbers would be. Nothing is charged, and nothing is read that the
//! account has not paid for.

use super::{
    Question, SumRequest,
    accountant::StepRequest,
    answering::Answering,
    bundles::Bundle,
    precision::{Needed, needed, people_for_ok, probable_steps},
    release::people_of,
    segment::SizeState,
    service::ReleaseService,
    steps::{STEPS, spread},
};
use crate::domain::{
    epoch::Epoch,
    error::{Error, Reason},
    precision::Precision,
};

/// A segment of a document, in one window.
pub struct QuotedSegment {
    pub size: SumRequest,
    /// The noisy size that the account has seen.
    pub people: Option<i64>,
    pub bundles: Vec<QuotedBundle>,
}

/// A bundle of a segment.
pub struct QuotedBundle {
    pub bundle: Bundle,
    /// The price of the missing steps; of all of them if their number is not known.
    pub microunits: i64,
    /// Whether the price is exact: the size is known as precisely as the number of steps depends on it.
    pub is_exact: bool,
    /// The expected quality of the headline numbers; `None` if nothing is known of the size, or nothing will be
    /// returned.
    pub expected: Option<Expected>,
    /// Why nothing will be returned.
    pub withheld: Option<Reason>,
}

/// The expected quality of the headline numbers of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    pub is_high: bool,
    pub is_ok: bool,
}

impl ReleaseService {
    /// What the questions of a document would cost an account.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`] if the database fails.
    pub async fn quote(
        &self,
        account: &str,
        epoch: &Epoch,
        questions: &[Question],
    ) -> Result<Vec<QuotedSegment>, Error> {
        let mut document = Answering::new(self, account, &epoch.vocabulary, questions);
        document.load().await?;
        Ok(document.quote())
    }
}

impl Answering<'_> {
    fn quote(&self) -> Vec<QuotedSegment> {
        let quoted = self.segments.iter().map(|segment| {
            let rows = self.held(&segment.size);
            let state = segment.size_state(rows);
            let is_seen = rows.iter().any(|row| row.passed) && segment.verdict != Some(false);
            let mut asked = segment.asked.clone();
            asked.push((Bundle::Size, asked.first().map(|(_, precision)| *precision).unwrap_or_default()));
            asked.sort_by_key(|(bundle, precision)| (*bundle, std::cmp::Reverse(*precision)));
            asked.dedup_by_key(|(bundle, _)| *bundle);
            let bundles = asked.into_iter().map(|(bundle, precision)| {
                let measured = segment.measured(bundle);
                let price = |last: u8| self.steps_to(&measured, last).iter().map(StepRequest::price).sum::<i64>();
                let (mut microunits, mut expected, mut withheld, mut is_exact) = (0, None, None, true);
                let needs = match &state {
                    SizeState::Complete => needed(bundle, precision, rows),
                    _ => Needed::AnotherSizeStep,
                };
                match (&state, segment.verdict) {
                    (SizeState::BelowThreshold, _) => withheld = Some(Reason::BelowThreshold),
                    (_, Some(false)) => withheld = Some(Reason::MinDifference),
                    _ => match needs {
                        Needed::Steps(_) if bundle == Bundle::Size => {
                            expected =
                                Some(self.expected(&measured, STEPS.min(rows.last().map_or(STEPS, |row| row.step))));
                        }
                        Needed::Steps(steps) => {
                            microunits = price(steps);
                            expected = Some(self.expected(&measured, steps));
                        }
                        Needed::MorePeople(people) => withheld = Some(Reason::Precision { people }),
                        Needed::AnotherSizeStep => {
                            let is_passed = rows.iter().any(|row| row.passed);
                            let people = people_of(rows.iter().map(AsRef::as_ref));
                            microunits = price(STEPS);
                            // The finest precision uses all steps, whatever the size.
                            is_exact = is_passed && precision == Precision::Finest;
                            expected =
                                is_passed.then(|| self.expected(&measured, probable_steps(bundle, precision, people)));
                        }
                    },
                }
                QuotedBundle { bundle, microunits, is_exact, expected, withheld }
            });
            #[expect(clippy::cast_possible_truncation, reason = "a number of people")]
            let people = || people_of(rows.iter().map(AsRef::as_ref)).round() as i64;
            QuotedSegment { size: segment.size.clone(), people: is_seen.then(people), bundles: bundles.collect() }
        });
        quoted.collect()
    }

    /// The expected quality of a bundle after as many steps.
    fn expected(&self, measured: &SumRequest, steps: u8) -> Expected {
        let rows = self.held(&measured.size());
        let people = people_of(rows.iter().map(AsRef::as_ref));
        let for_ok = people_for_ok(measured.bundle) * spread(steps) as f64;
        Expected { is_high: people >= 2.0 * for_ok, is_ok: people >= for_ok }
    }
}
