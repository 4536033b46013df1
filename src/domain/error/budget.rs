//! The message of an exhausted privacy budget.

use crate::domain::{atom::Atom, clock::format_time};

/// The message for people.
pub(super) fn message(of_region: bool, atom: &Atom, returns_at: Option<i64>) -> String {
    let owner = if of_region { "all keys together" } else { "this key" };
    let people = match atom.band {
        0 => format!("people of unknown age in {}", atom.region),
        _ => format!("people of age {} in {}", atom.band_name(), atom.region),
    };
    let when = match returns_at {
        Some(at) => format!("is used up. Units return from {} on.", format_time(at)),
        None => "is smaller than the price of these fields together. Request fewer of them.".to_owned(),
    };
    format!(
        "The privacy budget of {owner} for {people} for this period {when} Other regions, an age range without these \
         people, or a lower precision may fit. Releases that this key has viewed before remain free."
    )
}
