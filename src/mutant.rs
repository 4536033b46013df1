//! Faults and stops to order, for the tests that must notice them (`docs/privacy.md`, "How to verify").
//!
//! Without the feature `mutants` nothing here does anything, and with it no release build compiles.

#[cfg(all(feature = "mutants", not(debug_assertions)))]
compile_error!("the feature `mutants` breaks the privacy promise on request: it is for tests only");

/// A fault, switched on by `MUTANT=name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// The noise is a tenth too small.
    Sigma,
    /// A person's dimensions are not scaled down to their norm.
    Clipping,
    /// A group's loss is left out of the price of its bundle.
    Unpaid,
    /// A key is not charged.
    Charge,
    /// The floor of 100 people is gone.
    Floor,
    /// The size of 256 that two nested segments must differ by is not looked at.
    Difference,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Sigma, Self::Clipping, Self::Unpaid, Self::Charge, Self::Floor, Self::Difference];

    /// The name in the environment.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sigma => "sigma",
            Self::Clipping => "clipping",
            Self::Unpaid => "unpaid",
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

    /// Whether this fault is on: never.
    #[cfg(not(feature = "mutants"))]
    #[must_use]
    pub const fn is_on(self) -> bool {
        false
    }
}

/// A moment between a question and its answer, at which a test may kill the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The charges are in the transaction, which is not committed.
    Charging,
    /// The charges are committed.
    Charged,
    /// The lease of a draw is taken.
    Leased,
    /// The noise is drawn; nothing of it is stored.
    Drawn,
    /// The release is stored; nobody has seen it.
    Stored,
    /// Whether the segment may be shown is decided.
    Judged,
}

impl Step {
    /// All of them, in the order in which a question passes them.
    pub const ALL: [Self; 6] = [Self::Charging, Self::Charged, Self::Leased, Self::Drawn, Self::Stored, Self::Judged];

    /// The name in the environment.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Charging => "charging",
            Self::Charged => "charged",
            Self::Leased => "leased",
            Self::Drawn => "drawn",
            Self::Stored => "stored",
            Self::Judged => "judged",
        }
    }

    /// With `STOP_AT=name`, or `STOP_AT=name:2` for the second time, says so and waits for ever.
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

    /// Goes on.
    #[cfg(not(feature = "mutants"))]
    pub async fn reach(self) {}
}

#[cfg(feature = "mutants")]
#[expect(clippy::disallowed_methods, reason = "no setting of the server: no server has this feature")]
fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
