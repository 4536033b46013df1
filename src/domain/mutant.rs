//! Fault injection: faults and stops that tests switch on, to prove that other tests detect them (`docs/privacy.md`,
//! "How to verify").
//!
//! Without the feature `mutants` this module has no effect. With it, a release build does not compile.

#[cfg(all(feature = "mutants", not(debug_assertions)))]
compile_error!("the feature `mutants` disables privacy guarantees and is for tests only: build without it");

/// A fault, switched on by the environment variable `MUTANT=name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// The standard deviation of the noise is 10 % too small.
    Sigma,
    /// The dimensions of a person are not scaled down to the maximum norm.
    Clipping,
    /// The privacy loss of one group is missing from the price of its bundle.
    Uncharged,
    /// Keys are not charged.
    Charge,
    /// The minimum of 100 people is not checked.
    Floor,
    /// The minimum difference between nested segments is not checked.
    Difference,
    /// The last age band of a region is not charged.
    Atom,
    /// All steps of a release have the same noise.
    Reuse,
    /// The steps of a release are averaged with equal weights.
    Weights,
}

impl Mutant {
    /// All faults.
    pub const ALL: [Self; 9] = [
        Self::Sigma,
        Self::Clipping,
        Self::Uncharged,
        Self::Charge,
        Self::Floor,
        Self::Difference,
        Self::Atom,
        Self::Reuse,
        Self::Weights,
    ];

    /// The name in the environment.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sigma => "sigma",
            Self::Clipping => "clipping",
            Self::Uncharged => "uncharged",
            Self::Charge => "charge",
            Self::Floor => "floor",
            Self::Difference => "difference",
            Self::Atom => "atom",
            Self::Reuse => "reuse",
            Self::Weights => "weights",
        }
    }

    /// Whether this fault is on.
    #[cfg(feature = "mutants")]
    #[must_use]
    pub fn is_on(self) -> bool {
        static ON: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| setting("MUTANT"));
        *ON == self.name()
    }

    /// Always false: faults need the feature `mutants`.
    #[cfg(not(feature = "mutants"))]
    #[must_use]
    pub const fn is_on(self) -> bool {
        false
    }
}

/// A point in the processing of a question at which a test can kill the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The sums are computed and the noise is sampled; the transaction has not begun.
    Sampled,
    /// The accounts are locked.
    Locked,
    /// The minimum difference is decided; nothing is written.
    Decided,
    /// Releases, charges and verdicts are written; the transaction is not committed.
    Written,
    /// The transaction is committed; no response contains the release yet.
    Stored,
}

impl Step {
    /// All steps, in the order in which a question passes them.
    pub const ALL: [Self; 5] = [Self::Sampled, Self::Locked, Self::Decided, Self::Written, Self::Stored];

    /// The name in the environment.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sampled => "sampled",
            Self::Locked => "locked",
            Self::Decided => "decided",
            Self::Written => "written",
            Self::Stored => "stored",
        }
    }

    /// If the environment variable `STOP_AT` is the name of this step, prints `stopped at` and the value, and never
    /// returns. With `STOP_AT=name:2` it stops the second time the step is reached.
    #[cfg(feature = "mutants")]
    pub async fn reach(self) {
        use std::sync::{
            LazyLock,
            atomic::{AtomicUsize, Ordering},
        };
        static STOP: LazyLock<String> = LazyLock::new(|| setting("STOP_AT"));
        static REACHED: AtomicUsize = AtomicUsize::new(0);
        let (name, time) = STOP.split_once(':').unwrap_or((&STOP, "1"));
        if name == self.name() && REACHED.fetch_add(1, Ordering::SeqCst) + 1 == time.parse().unwrap_or(1) {
            eprintln!("stopped at {}", *STOP);
            std::future::pending::<()>().await;
        }
    }

    /// Does nothing: stops need the feature `mutants`.
    #[cfg(not(feature = "mutants"))]
    pub async fn reach(self) {}
}

#[cfg(feature = "mutants")]
#[expect(clippy::disallowed_methods, reason = "not a setting of the server: the feature is for tests only")]
fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
