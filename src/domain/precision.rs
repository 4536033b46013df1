//! The precision that a question asks for.

/// The precision of the numbers about a segment. Numbers are released in steps of falling noise; a finer precision uses
/// more steps and costs more privacy units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, async_graphql::Enum)]
pub enum Precision {
    /// The fewest steps that give most numbers the quality OK. Fields that cannot reach it are null with
    /// `INSUFFICIENT_DATA`, reason `PRECISION`.
    Ok,
    /// The fewest steps that give most numbers the quality HIGH, or all steps where they give OK only. Fields that
    /// cannot reach OK are null with `INSUFFICIENT_DATA`, reason `PRECISION`.
    #[default]
    High,
    /// All steps, at the full price, also where the quality is LOW.
    Finest,
}
