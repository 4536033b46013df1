//! The error of released numbers that the noise causes: the table of `docs/privacy.md`, "Accuracy", simulated with
//! the server's own contributions, noise and estimates over synthetic people.
//!
//! `just accuracy` writes the table, `cargo run --example accuracy -- --check` compares it. The seeds are fixed.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    sync::Arc,
    thread,
};

use anyhow::{Context as _, ensure};
use personality_math::ProductVector;
use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;
use spots_enrichment::{
    domain::{
        clock::DAY,
        epoch::{Window, WindowLength},
    },
    ingest::{
        generate::{ENDS_AT, Person, Population},
        import::VisitRow,
    },
    privacy::{
        Bundle, Group, Release, Released, StepRow, bundles,
        contribution::{self, BehaviorMean, DWELL_CAP_S, TIE_CAP, Tie, Visit},
        noise,
        steps::{STEPS, weight},
    },
    statistics::{
        estimate::{Distribution, Sample, deviation},
        mixture::Mixture,
    },
};

const SEED: u64 = 1;
/// Samples of the noise; they determine the 95th percentile of an error to within about 3 %.
const DRAWS: usize = 2_000;
/// Samples for each number of steps.
const DRAWS_BY_STEPS: usize = 800;
/// The size for which every number of steps is shown.
const LARGEST: usize = SIZES[SIZES.len() - 1];
const THREADS: usize = 4;
/// Sizes of segments. Above [`PEOPLE`] the same people are counted several times: sums grow, noise does not.
const SIZES: [usize; 5] = [100, 300, 1_000, 10_000, 100_000];
const PEOPLE: usize = 10_000;
const LENGTH: WindowLength = WindowLength::Days28;
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/privacy.md");
const MARKS: [&str; 2] = ["<!-- accuracy: begin -->\n", "<!-- accuracy: end -->"];

/// The contribution of one person, and the dimensions without noise or bins.
struct Part {
    sums: BTreeMap<Bundle, Vec<i64>>,
    dimensions: [f64; 12],
}

/// A row of the table: its name, the error up to which it is useful, and its fields.
struct Row {
    name: &'static str,
    /// The largest useful error, as text and in the field's unit (relative to the size if `relative` is set).
    useful: (&'static str, f64),
    relative: bool,
    fields: fn(&Answer) -> Vec<f64>,
}

/// All releases of a segment, as a partner receives them.
struct Answer {
    people: f64,
    behavior: Released,
    personality: Released,
    network: Released,
    mixture: Mixture,
}

impl Answer {
    fn new(sums: &BTreeMap<Bundle, Vec<i64>>) -> Self {
        let window = Window { epoch_id: 0, ends_at: ENDS_AT, length: LENGTH };
        let release = |bundle: Bundle| {
            let mut values = sums[&bundle].clone();
            if bundle == Bundle::Size {
                values[0] = values[0].max(1);
            }
            let row = StepRow { key: String::new(), step: 0, passed: true, values: Some(values) };
            let release = Release::combine(bundle, window, &[Arc::new(row)]);
            Arc::new(release.unwrap_or_else(|_| unreachable!("there is a step")))
        };
        let size = release(Bundle::Size);
        let pair = |bundle: Bundle| Released::pair(Arc::clone(&size), release(bundle));
        Self {
            people: pair(Bundle::Size).people,
            behavior: pair(Bundle::Behavior),
            personality: pair(Bundle::Personality),
            network: pair(Bundle::Network),
            mixture: Mixture::read(&pair(Bundle::Moments))
                .unwrap_or_else(|_| unreachable!("it is a release of MOMENTS")),
        }
    }

    fn behavior_mean(&self, mean: BehaviorMean) -> f64 {
        sample(&self.behavior, Group::BehaviorMeans).mean(mean as usize, 0.5).clamped(0.0, 1.0).value
    }

    fn quantiles(&self) -> Vec<f64> {
        let (counts, sigma) =
            self.personality.sums(Group::Histograms).unwrap_or_else(|_| unreachable!("it is a release of PERSONALITY"));
        let bins = counts.chunks(10).map(|counts| Distribution::new(counts, sigma, self.people));
        bins.flat_map(|bins| [0.25, 0.5, 0.75].map(|p| bins.quantile(p).value)).collect()
    }
}

const ROWS: [Row; 15] = [
    Row { name: "size", useful: ("10 %", 0.1), relative: true, fields: |answer| vec![answer.people] },
    Row {
        name: "visits per person, 28 days (cap 30)",
        useful: ("1.5", 1.5),
        relative: false,
        fields: |answer| vec![30.0 * answer.behavior_mean(BehaviorMean::Visits)],
    },
    Row {
        name: "mean stay, minutes (cap 120)",
        useful: ("5", 5.0),
        relative: false,
        fields: |answer| vec![DWELL_CAP_S as f64 / 60.0 * answer.behavior_mean(BehaviorMean::DwellTime)],
    },
    Row {
        name: "share of returns, of events",
        useful: ("0.05", 0.05),
        relative: false,
        fields: |answer| vec![answer.behavior_mean(BehaviorMean::Returns), answer.behavior_mean(BehaviorMean::Events)],
    },
    Row {
        name: "share of a stay, part of the week, category",
        useful: ("0.05", 0.05),
        relative: false,
        fields: |answer| {
            let groups =
                [(Group::DwellTimes, 1.0 / 3.0), (Group::WeekParts, 1.0 / 8.0), (Group::Categories, 1.0 / 12.0)];
            let shares = groups.map(|(group, center)| sample(&answer.behavior, group).shares(center));
            shares.concat().into_iter().map(|share| share.value).collect()
        },
    },
    Row {
        name: "mean of a dimension",
        useful: ("0.05", 0.05),
        relative: false,
        fields: |answer| {
            let mean = sample(&answer.personality, Group::Means);
            (0..12).map(|k| mean.mean(k, 0.5).clamped(0.0, 1.0).value).collect()
        },
    },
    Row {
        name: "standard deviation of a dimension",
        useful: ("0.03", 0.03),
        relative: false,
        fields: |answer| {
            let (mean, square) =
                (sample(&answer.personality, Group::Means), sample(&answer.personality, Group::Squares));
            (0..12).map(|k| deviation(mean.mean(k, 0.0), square.mean(k, 0.125)).value).collect()
        },
    },
    Row { name: "p25, p50, p75 of a dimension", useful: ("0.05", 0.05), relative: false, fields: Answer::quantiles },
    Row {
        name: "share of an archetype",
        useful: ("0.05", 0.05),
        relative: false,
        fields: |answer| {
            let shares = sample(&answer.personality, Group::Archetypes).shares(0.0);
            shares.into_iter().map(|share| share.value).collect()
        },
    },
    Row {
        name: "connections per person (cap 10)",
        useful: ("0.5", 0.5),
        relative: false,
        fields: |answer| {
            vec![TIE_CAP as f64 * sample(&answer.network, Group::Network).mean(0, 0.5).clamped(0.0, 1.0).value]
        },
    },
    Row {
        name: "second moment of a state (entry of rho)",
        useful: ("0.01", 0.01),
        relative: false,
        fields: |answer| answer.mixture.rho().matrix().iter().copied().collect(),
    },
    Row {
        name: "compatibility with a product that states all dimensions",
        useful: ("0.05", 0.05),
        relative: false,
        fields: |answer| [0.2, 0.5, 0.8].map(|x| compatibility(answer, [Some(x); 12])).into(),
    },
    Row {
        name: "compatibility with a product that states one",
        useful: ("0.05", 0.05),
        relative: false,
        fields: |answer| {
            let only = |k| std::array::from_fn(|other| (other == k).then_some(0.75));
            (0..12).map(|k| compatibility(answer, only(k))).collect()
        },
    },
    Row {
        name: "average compatibility of two people (purity)",
        useful: ("0.05", 0.05),
        relative: false,
        fields: |answer| vec![answer.mixture.purity().value],
    },
    Row {
        name: "correlation of two dimensions",
        useful: ("0.1", 0.1),
        relative: false,
        fields: |answer| (1..12).map(|k| answer.mixture.correlation(0, k).value).collect(),
    },
];

fn sample(released: &Released, group: Group) -> Sample {
    Sample::read(released, group).unwrap_or_else(|_| unreachable!("the release contains the group"))
}

fn compatibility(answer: &Answer, dimensions: [Option<f64>; 12]) -> f64 {
    ProductVector::new(dimensions).map_or(f64::NAN, |product| answer.mixture.compatibility(&product).value)
}

fn main() -> anyhow::Result<()> {
    let check = std::env::args().nth(1).as_deref() == Some("--check");
    let table = table()?;
    let text = std::fs::read_to_string(FILE).context("cannot read docs/privacy.md")?;
    let (before, rest) =
        text.split_once(MARKS[0]).context("docs/privacy.md has no marker for the start of the table")?;
    let (old, after) = rest.split_once(MARKS[1]).context("docs/privacy.md has no marker for the end of the table")?;
    if check {
        ensure!(
            old == table,
            "the table in docs/privacy.md differs from the simulation: run `just accuracy`, which writes\n{table}"
        );
        println!("the table in docs/privacy.md matches the simulation");
    } else {
        std::fs::write(FILE, [before, MARKS[0], &table, MARKS[1], after].concat())?;
        print!("{table}");
    }
    Ok(())
}

fn table() -> anyhow::Result<String> {
    let parts = parts();
    ensure!(parts.len() == PEOPLE, "{} people qualify", parts.len());
    let noise = sample_noise(0, DRAWS);
    let mut columns = Vec::new();
    for size in SIZES {
        columns.push(errors(&parts, size, &noise));
    }
    let mut text = format!("{}\n\n", bundles::constants());
    let header: Vec<String> = SIZES.iter().map(|size| format!("n = {size}")).collect();
    let _ = writeln!(text, "| number | {} | useful | from n = |", header.join(" | "));
    let _ = writeln!(text, "|---|{}---|---|", "---|".repeat(SIZES.len()));
    for (number, row) in ROWS.iter().enumerate() {
        let errors: Vec<f64> = columns.iter().map(|column| column[number]).collect();
        let shown: Vec<String> = errors.iter().map(|error| two_digits(*error)).collect();
        let from = two_digits(useful_from(row, &errors));
        let _ = writeln!(text, "| {} | {} | {} | {from} |", row.name, shown.join(" | "), row.useful.0);
    }
    let by_steps: Vec<Vec<f64>> =
        (1..=STEPS).map(|steps| errors(&parts, LARGEST, &sample_noise(steps, DRAWS_BY_STEPS))).collect();
    let header: Vec<String> = (1..=STEPS).map(|steps| format!("{steps} of {STEPS} steps")).collect();
    let _ = writeln!(text, "\n| number, n = {LARGEST} | {} |", header.join(" | "));
    let _ = writeln!(text, "|---|{}", "---|".repeat(header.len()));
    for (number, row) in ROWS.iter().enumerate() {
        let shown: Vec<String> = by_steps.iter().map(|column| two_digits(column[number])).collect();
        let _ = writeln!(text, "| {} | {} |", row.name, shown.join(" | "));
    }
    Ok(text)
}

/// The people of a synthetic population that qualify, in its order.
fn parts() -> Vec<Part> {
    let population = Population::new(u32::try_from(PEOPLE * 3 / 2).unwrap_or(u32::MAX), SEED);
    let people: Vec<Person> = population.people().collect();
    let ties = ties(population, &people);
    let starts_at = ENDS_AT - i64::from(LENGTH.days()) * DAY;
    let part = |person: &Person| {
        let visits: Vec<Visit> =
            person.visits.iter().filter(|visit| visit.start_time >= starts_at).map(visit).collect();
        let dimensions = person.personality.as_ref()?.dimensions;
        let (behavior, profile) = (contribution::behavior(LENGTH, &visits)?, contribution::profile(&dimensions)?);
        let none = Vec::new();
        let network = contribution::network(starts_at, ties.get(person.agent.agent_id.as_str()).unwrap_or(&none));
        let bins = profile.bins.iter().flat_map(|bin| (0..10).map(move |at| i64::from(at == *bin)));
        let personality = profile
            .mean
            .into_iter()
            .chain(profile.mean.map(|u| u * u - 12_500_000))
            .chain(bins)
            .chain((0..6).map(|code| i64::from(code == profile.archetype)));
        let sums = BTreeMap::from([
            (Bundle::Size, vec![1]),
            (Bundle::Behavior, behavior.to_vec()),
            (Bundle::Personality, personality.collect()),
            (Bundle::Network, network.to_vec()),
            (Bundle::Moments, contribution::moments(&profile.mean).to_vec()),
        ]);
        Some(Part { sums, dimensions: dimensions.values().map(Option::unwrap_or_default) })
    };
    people.iter().filter_map(part).take(PEOPLE).collect()
}

fn visit(row: &VisitRow) -> Visit {
    Visit {
        start: row.start_time,
        end: row.end_time,
        event: row.action_type == "event_attendance",
        returning: row.is_return_visit.unwrap_or_default(),
        group: row.category_group.as_deref().map(contribution::category_group),
    }
}

/// The kept ties of all people, within their region.
fn ties(population: Population, people: &[Person]) -> HashMap<&str, Vec<Tie>> {
    let known: HashMap<&str, &Person> = people.iter().map(|person| (person.agent.agent_id.as_str(), person)).collect();
    let first = |person: &Person| {
        let mut first: HashMap<String, i64> = HashMap::new();
        for visit in &person.visits {
            let at = first.entry(visit.spot_id.clone()).or_insert(visit.start_time);
            *at = visit.start_time.min(*at);
        }
        first
    };
    let visited: HashMap<&str, HashMap<String, i64>> =
        people.iter().map(|person| (person.agent.agent_id.as_str(), first(person))).collect();
    let mut kept: HashMap<&str, Vec<Tie>> = HashMap::new();
    for row in population.connections() {
        let (Some((one, a)), Some((two, b))) =
            (known.get_key_value(row.agents.0.as_str()), known.get_key_value(row.agents.1.as_str()))
        else {
            continue;
        };
        let full = |id: &str| kept.get(id).is_some_and(|ties| ties.len() >= TIE_CAP);
        if a.agent.region != b.agent.region || full(one) || full(two) {
            continue;
        }
        for (own, other) in [(*one, *two), (*two, *one)] {
            let followed =
                visited[other].iter().filter(|(spot, at)| visited[own].get(*spot).is_some_and(|own| own < at));
            let followed_at = followed.map(|(_, at)| *at).max();
            let tie = Tie { compatibility: row.compatibility, made_at: row.created_at, followed_at };
            kept.entry(own).or_default().push(tie);
        }
    }
    kept
}

/// The noise of each sample, by bundle: that of the first steps together, weighted as in a release; with 0 steps, that
/// of a release at the full price.
fn sample_noise(steps: u8, draws_in_all: usize) -> Vec<BTreeMap<Bundle, Vec<i64>>> {
    let draws = move |thread: usize| {
        let mut rng = ChaCha20Rng::seed_from_u64(SEED);
        rng.set_stream(thread as u64);
        let mut one = || -> BTreeMap<Bundle, Vec<i64>> {
            let sample = |bundle: Bundle| {
                if steps == 0 {
                    return (bundle, noise::sample(bundle, 0, &mut rng).unwrap_or_default());
                }
                let mut sums = vec![0; bundle.width()];
                for step in 1..=steps {
                    let noise = noise::sample(bundle, step, &mut rng).unwrap_or_default();
                    sums.iter_mut().zip(noise).for_each(|(sum, noise)| *sum += weight(step) * noise);
                }
                let weights: i64 = (1..=steps).map(weight).sum();
                (bundle, sums.into_iter().map(|sum| sum / weights).collect())
            };
            Bundle::ALL.map(sample).into()
        };
        (0..draws_in_all / THREADS).map(|_| one()).collect::<Vec<_>>()
    };
    let threads: Vec<_> = (0..THREADS).map(|thread| thread::spawn(move || draws(thread))).collect();
    threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
}

/// For each row, the 95th percentile of the error of the field with the largest error.
fn errors(parts: &[Part], size: usize, noise: &[BTreeMap<Bundle, Vec<i64>>]) -> Vec<f64> {
    let (people, copies) = if size > parts.len() { (parts, size / parts.len()) } else { (&parts[..size], 1) };
    let copies = i64::try_from(copies).unwrap_or(1);
    let sum = |bundle: Bundle| -> Vec<i64> {
        let mut sums = vec![0; bundle.width()];
        for part in people {
            sums.iter_mut().zip(&part.sums[&bundle]).for_each(|(sum, part)| *sum += copies * part);
        }
        sums
    };
    let exact: BTreeMap<Bundle, Vec<i64>> = Bundle::ALL.map(|bundle| (bundle, sum(bundle))).into();
    let plain = Answer::new(&exact);
    let answers: Vec<Answer> = noise
        .iter()
        .map(|noise| {
            let noisy = exact.iter().map(|(bundle, sums)| {
                (*bundle, sums.iter().zip(&noise[bundle]).map(|(sum, noise)| sum + noise).collect::<Vec<i64>>())
            });
            Answer::new(&noisy.collect())
        })
        .collect();
    ROWS.iter()
        .map(|row| {
            // Quantiles are compared with those of the people themselves, because the ten bins are part of the error.
            let truth = if row.name.starts_with("p25") { quantiles(people) } else { (row.fields)(&plain) };
            let released: Vec<Vec<f64>> = answers.iter().map(row.fields).collect();
            let of_field = |field: usize| {
                let mut errors: Vec<f64> = released.iter().map(|fields| (fields[field] - truth[field]).abs()).collect();
                errors.sort_by(f64::total_cmp);
                errors[errors.len() * 95 / 100]
            };
            (0..truth.len()).map(of_field).fold(0.0, f64::max)
        })
        .collect()
}

fn quantiles(people: &[Part]) -> Vec<f64> {
    let of = |k: usize| {
        let mut values: Vec<f64> = people.iter().map(|part| part.dimensions[k]).collect();
        values.sort_by(f64::total_cmp);
        [1, 2, 3].map(|quarter| values[(values.len() * quarter / 4).min(values.len() - 1)])
    };
    (0..12).flat_map(of).collect()
}

/// The size at which the error is small enough to be useful; between two columns it is interpolated as a power of n.
fn useful_from(row: &Row, errors: &[f64]) -> f64 {
    let sizes = SIZES.map(|size| size as f64);
    let over = |column: usize| {
        let useful = if row.relative { row.useful.1 * sizes[column] } else { row.useful.1 };
        (errors[column] / useful).ln()
    };
    let column = (1..sizes.len() - 1).find(|column| over(*column) <= 0.0).unwrap_or(sizes.len() - 1);
    let (left, right) = (over(column - 1), over(column));
    let part = left / (left - right);
    (sizes[column - 1].ln() + part * (sizes[column] / sizes[column - 1]).ln()).exp()
}

/// Two significant digits, without an exponent.
fn two_digits(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "between -6 and 6")]
    let digits = 1 - value.abs().max(1e-9).log10().floor() as i32;
    if digits < 0 {
        let step = 10_f64.powi(-digits);
        return format!("{:.0}", (value / step).round() * step);
    }
    format!("{value:.*}", usize::try_from(digits).unwrap_or(0))
}
