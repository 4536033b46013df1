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
    /// The minimum difference of 256 people between nested segments is not checked.
    Difference,
}

impl Mutant {
    /// All faults.
    pub const ALL: [Self; 6] =
        [Self::Sigma, Self::Clipping, Self::Uncharged, Self::Charge, Self::Floor, Self::Difference];

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
    /// The charges are written; the transaction is not committed.
    Charging,
    /// The charges are committed.
    Charged,
    /// The lease of a release is acquired.
    Leased,
    /// The noise is sampled; the release is not stored.
    Sampled,
    /// The release is stored; no response contains it yet.
    Stored,
    /// The minimum-difference verdict is stored.
    Decided,
}

impl Step {
    /// All steps, in the order in which a question passes them.
    pub const ALL: [Self; 6] =
        [Self::Charging, Self::Charged, Self::Leased, Self::Sampled, Self::Stored, Self::Decided];

    /// The name in the environment.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Charging => "charging",
            Self::Charged => "charged",
            Self::Leased => "leased",
            Self::Sampled => "sampled",
            Self::Stored => "stored",
            Self::Decided => "decided",
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
