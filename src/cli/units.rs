//! Privacy units on the command line, such as `20` or `0.5`, which the program stores as integer microunits.

use crate::privacy::bundles::units;

/// The largest cap, in units.
const MAX_UNITS: i64 = 1_000_000;

/// Parses units with at most six decimals, and returns microunits.
pub(super) fn parse(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is not a number of units like 20 or 0.5, from 0 to {MAX_UNITS}");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 6 || !digits(whole) || !digits(part) || text.ends_with('.') {
        return Err(wrong());
    }
    let microunits: i64 = format!("{whole}{part:0<6}").parse().map_err(|_| wrong())?;
    if microunits > MAX_UNITS * 1_000_000 { Err(wrong()) } else { Ok(microunits) }
}

/// Formats microunits as units with two decimals.
pub(super) fn show(microunits: i64) -> String {
    format!("{:.2}", units(microunits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_have_six_decimals_at_most() {
        assert_eq!(["20", "0.5", "1.234", "0"].map(|text| parse(text).unwrap()), [20_000_000, 500_000, 1_234_000, 0]);
        for text in ["", "-1", "1.2345678", "1.", ".5", "a", "1e3", "99999999999999999999", "1000001"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
