//! Privacy units on the command line, such as `20` or `0.5`, which the program stores as integer milliunits.

use crate::privacy::bundles::units;

/// The largest cap, in units.
const MAX_UNITS: i64 = 1_000_000;

/// Parses units with at most three decimals, and returns milliunits.
pub(super) fn parse(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is not a number of units like 20 or 0.5, from 0 to {MAX_UNITS}");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 3 || !digits(whole) || !digits(part) || text.ends_with('.') {
        return Err(wrong());
    }
    let milliunits: i64 = format!("{whole}{part:0<3}").parse().map_err(|_| wrong())?;
    if milliunits > MAX_UNITS * 1000 { Err(wrong()) } else { Ok(milliunits) }
}

/// Formats milliunits as units with two decimals.
pub(super) fn show(milliunits: i64) -> String {
    format!("{:.2}", units(milliunits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_have_three_decimals_at_most() {
        assert_eq!(["20", "0.5", "1.234", "0"].map(|text| parse(text).unwrap()), [20_000, 500, 1_234, 0]);
        for text in ["", "-1", "1.2345", "1.", ".5", "a", "1e3", "99999999999999999999", "1000001"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
