//! Answers the questions of one document: buys the steps that are missing, sizes first, and combines what the account
//! holds.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use super::{
    Bundle, Question, Release, Released, SumRequest,
    accountant::StepRequest,
    holdings::{Holdings, Known},
    ledger::{self, Committed, Purchase, StepDraw},
    minimum_difference::ViewedSegment,
    precision::{Needed, needed},
    release::StepRow,
    sampling::Job,
    segment::{Segment, SizeState},
    service::ReleaseService,
    steps::STEPS,
};
use crate::{
    domain::{
        epoch::Vocabulary,
        error::{Error, Reason},
        precision::Precision,
    },
    storage::views,
};

/// The maximum number of measurements that are sampled and stored in one transaction. A request that times out keeps
/// what was stored. Without parts, a request that needs more than fits in its timeout would time out on every retry.
const MEASUREMENTS_PER_PURCHASE: usize = 24;

/// A document in progress.
pub(super) struct Answering<'a> {
    service: &'a ReleaseService,
    payer: &'a str,
    vocabulary: &'a Vocabulary,
    pub(super) segments: Vec<Segment>,
    holdings: Holdings,
    /// Why the bundles that the account does not hold were not bought.
    refusal: Option<Error>,
    pub charged_microunits: i64,
}

impl<'a> Answering<'a> {
    /// Groups questions by segment. Nothing is read from the database.
    pub fn new(
        service: &'a ReleaseService,
        payer: &'a str,
        vocabulary: &'a Vocabulary,
        questions: &[Question],
    ) -> Self {
        let mut segments: Vec<Segment> = Vec::new();
        let mut index: HashMap<SumRequest, usize> = HashMap::new();
        let mut measured = HashSet::new();
        for question in questions {
            let size = question.measured().size();
            let position = *index.entry(size.clone()).or_insert_with(|| {
                segments.push(Segment {
                    size: size.clone(),
                    comparison_only: true,
                    asked: Vec::new(),
                    refine: false,
                    verdict: None,
                    error: None,
                });
                segments.len() - 1
            });
            segments[position].comparison_only &= question.comparison_only;
            segments[position].asked.push((question.bundle, question.precision));
            measured.extend([size, question.measured()]);
        }
        let holdings = service.cached(payer, &measured);
        let mut answering =
            Self { service, payer, vocabulary, segments, holdings, refusal: None, charged_microunits: 0 };
        answering.apply_verdicts(|key| service.verdicts.get(&(payer.to_owned(), key.to_owned())));
        answering
    }

    /// Whether the account holds everything that the questions need, or is known to be denied it.
    pub fn is_complete(&self) -> bool {
        let is_decided = |segment: &Segment| match segment.size_state(self.held(&segment.size)) {
            SizeState::Incomplete => false,
            SizeState::BelowThreshold => true,
            SizeState::Complete => segment.verdict.is_some(),
        };
        self.segments.iter().all(is_decided) && self.missing_bundles(|position| self.size(position)).is_empty()
    }

    /// Reads from the database what the account holds and what is stored.
    pub async fn load(&mut self) -> Result<(), Error> {
        let measured: HashSet<SumRequest> = self.holdings.keys().cloned().collect();
        self.holdings = self.service.load(self.payer, &measured).await?;
        let keys: Vec<String> =
            self.segments.iter().filter_map(|segment| Some(self.held(&segment.size).first()?.key.clone())).collect();
        let verdicts = views::load(&self.service.db, self.payer, &keys).await?;
        self.apply_verdicts(|key| verdicts.get(key).copied());
        Ok(())
    }

    /// Buys the missing steps of the sizes, and decides the minimum difference for new segments.
    ///
    /// # Errors
    /// [`Error::PrivacyBudgetExhausted`] if the first steps that the document needs do not fit in the budget: nothing
    /// was charged. A budget that ends later is an error of the segments concerned.
    pub async fn buy_sizes(&mut self) -> Result<(), Error> {
        let mut is_checked = false;
        loop {
            let positions = 0..self.segments.len();
            let (mut open, mut undecided) = (Vec::new(), false);
            for position in positions {
                let segment = &self.segments[position];
                undecided |= segment.is_undecided(self.held(&segment.size));
                let is_incomplete = matches!(segment.size_state(self.held(&segment.size)), SizeState::Incomplete);
                if segment.error.is_none() && is_incomplete {
                    open.push(position);
                }
            }
            if open.is_empty() && !undecided {
                return Ok(());
            }
            if !is_checked {
                let steps = self.first_steps();
                ledger::check(&self.service.db, self.payer, &steps, self.service.clock.now()).await?;
                is_checked = true;
            }
            if open.is_empty() {
                self.buy_sizes_of(&[], true).await?;
            }
            let parts = open.chunks(MEASUREMENTS_PER_PURCHASE).count();
            for (part, positions) in open.chunks(MEASUREMENTS_PER_PURCHASE).enumerate() {
                self.buy_sizes_of(positions, part + 1 == parts).await?;
            }
        }
    }

    /// Buys steps of the sizes of some segments. `decide`: decides the minimum difference too, and buys the other
    /// bundles that the document needs then, unless they are too many for one transaction.
    async fn buy_sizes_of(&mut self, positions: &[usize], decide: bool) -> Result<(), Error> {
        let job = |position: &usize| self.job(&self.segments[*position].size, STEPS);
        let jobs: Vec<Job> = positions.iter().map(job).collect();
        let sampled = if jobs.is_empty() { Vec::new() } else { self.service.sample(jobs, self.vocabulary).await? };
        // The steps that each segment needs, in the order in which the need for them becomes known.
        let mut rounds: Vec<Vec<StepDraw>> = Vec::new();
        let mut sizes: Vec<Vec<Arc<StepRow>>> =
            self.segments.iter().map(|segment| self.held(&segment.size).to_vec()).collect();
        for (position, draws) in positions.iter().zip(sampled) {
            self.segments[*position].take_needed(&mut sizes[*position], draws, &mut rounds)?;
        }
        let undecided = self.segments.iter().zip(&sizes).filter(|(segment, rows)| decide && segment.is_undecided(rows));
        let undecided: Vec<ViewedSegment> = undecided
            .filter_map(|(segment, rows)| ViewedSegment::new(segment.size.clone(), rows, segment.comparison_only))
            .collect();
        if rounds.is_empty() && undecided.is_empty() {
            return Ok(());
        }
        let mut following = Vec::new();
        if decide && !undecided.is_empty() {
            let missing = self.missing_bundles(|position| &sizes[position]);
            if positions.len() + missing.len() <= MEASUREMENTS_PER_PURCHASE {
                following = self.sample_bundles(&missing).await?;
            }
        }
        let was_charged = self.charged_microunits > 0;
        let Some(committed) = self.purchase(rounds, undecided, following).await? else { return Ok(()) };
        self.refusal = committed.bundles_refusal;
        if let Some(refusal) = committed.refusal {
            if committed.rounds == 0 && !was_charged {
                return Err(refusal);
            }
            for position in positions {
                let segment = &self.segments[*position];
                if matches!(segment.size_state(self.held(&segment.size)), SizeState::Incomplete) {
                    self.segments[*position].error = Some(refusal.clone());
                }
            }
        }
        self.apply_verdicts(|key| committed.verdicts.decided.get(key).copied());
        for position in 0..self.segments.len() {
            let key = self.verdict_key(position);
            if key.is_some_and(|key| committed.verdicts.unresolved.contains(&key)) {
                let segment = &mut self.segments[position];
                segment.refine = true;
                // The budget does not allow the step that would decide it.
                segment.verdict = segment.error.is_some().then_some(false);
            }
        }
        Ok(())
    }

    /// Buys the missing steps of the other bundles, of segments that the account may be shown. If they do not fit in
    /// the budget together, none is bought.
    pub async fn buy_bundles(&mut self) -> Result<(), Error> {
        let missing = self.missing_bundles(|position| self.size(position));
        if missing.len() > MEASUREMENTS_PER_PURCHASE && self.refusal.is_none() {
            let steps: Vec<StepRequest> =
                missing.iter().flat_map(|(measured, last)| self.steps_to(measured, *last)).collect();
            match ledger::check(&self.service.db, self.payer, &steps, self.service.clock.now()).await {
                Err(refusal @ Error::PrivacyBudgetExhausted { .. }) => {
                    self.refusal = Some(refusal);
                    return Ok(());
                }
                checked => checked?,
            }
        }
        loop {
            let mut missing = self.missing_bundles(|position| self.size(position));
            missing.truncate(MEASUREMENTS_PER_PURCHASE);
            if missing.is_empty() || self.refusal.is_some() {
                return Ok(());
            }
            let round = self.sample_bundles(&missing).await?;
            if let Some(committed) = self.purchase(vec![round], Vec::new(), Vec::new()).await? {
                self.refusal = committed.refusal;
            }
        }
    }

    /// The missing steps of bundles, each up to a last step.
    async fn sample_bundles(&self, missing: &[(SumRequest, u8)]) -> Result<Vec<StepDraw>, Error> {
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let jobs: Vec<Job> = missing.iter().map(|(measured, last)| self.job(measured, *last)).collect();
        let wanted: Vec<u8> = jobs.iter().map(|job| job.last_step - job.known.steps()).collect();
        let sampled = self.service.sample(jobs, self.vocabulary).await?;
        if wanted.iter().zip(&sampled).any(|(wanted, draws)| usize::from(*wanted) > draws.len()) {
            return Err(Error::Unavailable);
        }
        Ok(sampled.into_iter().flatten().collect())
    }

    /// Charges and stores steps, and adds them to what the account holds; see [`Purchase`]. `None` if another request
    /// was faster: then the holdings are read again, and the caller starts over.
    async fn purchase(
        &mut self,
        rounds: Vec<Vec<StepDraw>>,
        undecided: Vec<ViewedSegment>,
        bundles: Vec<StepDraw>,
    ) -> Result<Option<Committed>, Error> {
        let (db, now) = (&self.service.db, self.service.clock.now());
        let (payer, vocabulary) = (self.payer, self.vocabulary);
        let purchase = Purchase { payer, rounds: rounds.clone(), undecided, bundles, vocabulary };
        let Some(mut committed) = ledger::purchase(db, purchase, now).await? else {
            self.load().await?;
            return Ok(None);
        };
        self.service.delete_decoys(std::mem::take(&mut committed.decoys));
        let mut bought: BTreeMap<String, (SumRequest, Vec<Arc<StepRow>>)> = BTreeMap::new();
        let bundles = std::mem::take(&mut committed.bundles);
        for StepDraw { request, row, .. } in rounds.into_iter().take(committed.rounds).flatten().chain(bundles) {
            let key = request.measured.release_key(1);
            bought.entry(key).or_insert_with(|| (request.measured, Vec::new())).1.push(row);
        }
        for (measured, rows) in bought.into_values() {
            let known = self.holdings.entry(measured.clone()).or_default();
            known.held.extend(rows);
            let held = known.steps();
            known.stored.retain(|row| row.step > held);
            self.service.remember(payer, &measured, &known.held);
        }
        self.charged_microunits += committed.charged_microunits;
        for (key, shown) in &committed.verdicts.decided {
            self.service.verdicts.insert((payer.to_owned(), key.clone()), *shown);
        }
        if committed.charged_microunits > 0 {
            self.service.add_to_recent_budget(payer, &committed.charged);
        }
        Ok(Some(committed))
    }

    /// The answer to a question, from what the account holds.
    ///
    /// # Errors
    /// The reason why the account is not shown the numbers.
    pub fn answer(&self, question: &Question) -> Result<Released, Error> {
        let (measured, size) = (question.measured(), question.measured().size());
        let segment = self.segments.iter().find(|segment| segment.size == size).ok_or(Error::Internal)?;
        let rows = self.held(&size);
        if let Some(error) = &segment.error {
            let is_shown = question.bundle == Bundle::Size && segment.verdict == Some(true);
            let size = Release::combine(Bundle::Size, size.window, rows).ok().filter(|_| is_shown).map(Arc::new);
            return size.map(|size| Released::pair(Arc::clone(&size), size)).ok_or_else(|| error.clone());
        }
        match (segment.size_state(rows), segment.verdict) {
            (SizeState::BelowThreshold, _) => return Err(Error::below_threshold()),
            (SizeState::Incomplete, _) | (SizeState::Complete, None) => return Err(Error::Internal),
            (SizeState::Complete, Some(false)) => return Err(Error::minimum_difference()),
            (SizeState::Complete, Some(true)) => {}
        }
        let size = Arc::new(Release::combine(Bundle::Size, size.window, rows)?);
        if question.bundle == Bundle::Size {
            return Ok(Released::pair(Arc::clone(&size), size));
        }
        let held = self.held(&measured);
        let is_old = held.first().is_some_and(|row| row.step == 0);
        match needed(question.bundle, question.precision, rows) {
            Needed::MorePeople(people) if !is_old => {
                return Err(Error::InsufficientData { reason: Reason::Precision { people } });
            }
            Needed::Steps(steps) if self.holdings.get(&measured).is_none_or(|known| known.steps() < steps) => {
                return Err(self.refusal.clone().unwrap_or(Error::Internal));
            }
            _ => {}
        }
        Ok(Released::pair(size, Arc::new(Release::combine(question.bundle, measured.window, held)?)))
    }

    /// The bundles of which steps are missing, with the last step that is needed, if `size` are the known steps of the
    /// sizes: by the position of the segment.
    fn missing_bundles<'s>(&self, size: impl Fn(usize) -> &'s [Arc<StepRow>]) -> Vec<(SumRequest, u8)> {
        let mut missing: Vec<(SumRequest, u8)> = Vec::new();
        for (position, segment) in self.segments.iter().enumerate() {
            let rows = size(position);
            let is_shown = segment.error.is_none() && segment.verdict != Some(false);
            if !is_shown || !matches!(segment.size_state(rows), SizeState::Complete) {
                continue;
            }
            let others = segment.asked.iter().filter(|(bundle, _)| *bundle != Bundle::Size);
            for (bundle, precision) in others {
                let measured = segment.measured(*bundle);
                let Needed::Steps(last) = needed(*bundle, *precision, rows) else { continue };
                if self.holdings.get(&measured).is_some_and(|known| known.steps() >= last) {
                    continue;
                }
                match missing.iter_mut().find(|(known, _)| *known == measured) {
                    Some((_, known)) => *known = last.max(*known),
                    None => missing.push((measured, last)),
                }
            }
        }
        missing
    }

    /// The steps that the document must be able to pay: all missing steps where the size is known or the finest
    /// precision is asked for; otherwise the next step of the size and the first step of the bundles that follow.
    fn first_steps(&self) -> Vec<StepRequest> {
        let bundles = self.missing_bundles(|position| self.size(position));
        let mut steps: Vec<StepRequest> =
            bundles.iter().flat_map(|(measured, last)| self.steps_to(measured, *last)).collect();
        for segment in self.segments.iter().filter(|segment| segment.error.is_none()) {
            let rows = self.held(&segment.size);
            if !matches!(segment.size_state(rows), SizeState::Incomplete) {
                continue;
            }
            let next = u8::try_from(rows.len()).unwrap_or(STEPS) + 1;
            let mut size = next;
            for (bundle, precision) in &segment.asked {
                // The finest precision uses all steps, whatever the size.
                let last = if *precision == Precision::Finest { STEPS } else { 1 };
                size = size.max(if last == STEPS { STEPS } else { next });
                if *bundle != Bundle::Size {
                    steps.extend(self.steps_to(&segment.measured(*bundle), last));
                }
            }
            steps.extend(self.steps_to(&segment.size, size));
        }
        steps
    }

    /// The steps of a measurement that the account does not hold, up to `last`.
    pub(super) fn steps_to(&self, measured: &SumRequest, last: u8) -> Vec<StepRequest> {
        let held = self.holdings.get(measured).map_or(0, Known::steps);
        (held + 1..=last).map(|step| StepRequest::new(measured, step, self.vocabulary)).collect()
    }

    /// The sampling of a measurement up to the step `last_step`.
    fn job(&self, measured: &SumRequest, last_step: u8) -> Job {
        let known = self.holdings.get(measured).cloned().unwrap_or_default();
        Job { measured: measured.clone(), known, last_step }
    }

    pub(super) fn held(&self, measured: &SumRequest) -> &[Arc<StepRow>] {
        self.holdings.get(measured).map_or(&[], |known| &known.held)
    }

    /// The steps of the size of a segment that the account holds.
    fn size(&self, position: usize) -> &[Arc<StepRow>] {
        self.held(&self.segments[position].size)
    }

    /// The key under which the verdict on a segment is stored.
    fn verdict_key(&self, position: usize) -> Option<String> {
        Some(self.held(&self.segments[position].size).first()?.key.clone())
    }

    fn apply_verdicts(&mut self, verdict: impl Fn(&str) -> Option<bool>) {
        for position in 0..self.segments.len() {
            let found = self.verdict_key(position).and_then(|key| verdict(&key));
            self.segments[position].verdict = self.segments[position].verdict.or(found);
        }
    }
}
