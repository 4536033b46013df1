//! Clocks and calendar arithmetic. Time is an argument: code that needs the current time receives a [`Clock`].

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeZone, Utc};

/// Seconds in a day.
pub const DAY: i64 = 86_400;
/// Seconds in a week.
pub const WEEK: i64 = 7 * DAY;

/// A source of the current time.
pub trait Clock: Send + Sync {
    /// The current time in Unix milliseconds, UTC.
    fn now_ms(&self) -> i64;

    /// The current time in Unix seconds, UTC.
    fn now(&self) -> i64 {
        self.now_ms() / 1000
    }
}

/// The system clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now_ms(&self) -> i64 {
        Utc::now().timestamp_millis()
    }
}

/// Parses an RFC 3339 time such as `2012-04-03T18:00:00Z` into Unix seconds.
///
/// # Errors
/// A message for the author of the file, if the text is not an RFC 3339 time or its year is not between 1970 and 2199.
pub fn parse_time(text: &str) -> Result<i64, String> {
    let time =
        DateTime::parse_from_rfc3339(text).map_err(|_| format!("{text:?} is not a time like 2012-04-03T18:00:00Z"))?;
    if !(1970..2200).contains(&time.year()) {
        return Err(format!("{text:?} is not between the years 1970 and 2199"));
    }
    Ok(time.timestamp())
}

/// Formats Unix seconds as an RFC 3339 time in UTC; `unknown` if they are out of range.
#[must_use]
pub fn format_time(seconds: i64) -> String {
    Utc.timestamp_opt(seconds, 0)
        .single()
        .map_or_else(|| "unknown".to_owned(), |time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// The Monday 00:00 UTC at or before a time, in Unix seconds.
#[must_use]
pub fn monday(seconds: i64) -> i64 {
    // 1970-01-01 was a Thursday: the first Monday came four days later.
    (seconds - 4 * DAY).div_euclid(WEEK) * WEEK + 4 * DAY
}

/// The midnight UTC at which a calendar day begins, in Unix seconds.
#[must_use]
pub fn midnight(date: NaiveDate) -> i64 {
    date.and_time(NaiveTime::MIN).and_utc().timestamp()
}

/// The first midnight UTC at or after a time, in Unix seconds.
#[must_use]
pub fn day_after(seconds: i64) -> i64 {
    (seconds + DAY - 1).div_euclid(DAY) * DAY
}

/// ISO year x 100 + ISO week of the week that ended at `ends_at` (a Monday 00:00 UTC, in Unix seconds).
#[must_use]
pub fn week_number(ends_at: i64) -> i32 {
    let last_day = Utc.timestamp_opt(ends_at - DAY, 0).single().map(|time| time.date_naive().iso_week());
    last_day.map_or(0, |week| week.year() * 100 + i32::try_from(week.week()).unwrap_or(0))
}

/// The part of the week of a time, 0 to 7: Monday to Friday (0 to 3), then the weekend (4 to 7), each split into night
/// (0-6), morning (6-12), afternoon (12-18) and evening (18-24), all in UTC.
#[must_use]
pub fn week_part(seconds: i64) -> usize {
    // 1970-01-01 was a Thursday.
    let weekend = (seconds.div_euclid(DAY) + 3).rem_euclid(7) >= 5;
    let quarter = seconds.rem_euclid(DAY) / (DAY / 4);
    usize::from(weekend) * 4 + usize::try_from(quarter).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use chrono::{Timelike as _, Weekday};

    use super::*;

    #[test]
    fn weeks_begin_on_monday_and_are_named_by_the_week_that_closed() {
        let monday_28th = midnight(NaiveDate::from_ymd_opt(2012, 5, 28).unwrap());
        assert_eq!(monday(monday_28th), monday_28th);
        assert_eq!(monday(monday_28th - 1), monday_28th - WEEK);
        assert_eq!(monday(monday_28th + WEEK - 1), monday_28th);
        assert_eq!(week_number(monday_28th), 201_221);
        assert_eq!(week_number(midnight(NaiveDate::from_ymd_opt(2021, 1, 4).unwrap())), 202_053);
    }

    #[test]
    fn a_time_is_read_or_refused_with_the_reason() {
        assert_eq!(parse_time("1970-01-02T00:00:00Z"), Ok(DAY));
        assert_eq!(parse_time("1970-01-02T02:00:00+02:00"), Ok(DAY));
        assert_eq!(parse_time("yesterday").unwrap_err(), "\"yesterday\" is not a time like 2012-04-03T18:00:00Z");
        assert!(parse_time("9999-01-01T00:00:00Z").is_err());
    }

    #[test]
    fn the_week_has_eight_parts() {
        let part = |text: &str| week_part(parse_time(text).unwrap());
        assert_eq!(part("2012-05-28T05:59:59Z"), 0);
        assert_eq!(part("2012-06-01T18:00:00Z"), 3);
        assert_eq!(part("2012-06-02T00:00:00Z"), 4);
        assert_eq!(part("2012-06-03T23:59:59Z"), 7);
        for seconds in (-2 * WEEK..2 * WEEK).step_by(3_599) {
            let time = Utc.timestamp_opt(seconds, 0).unwrap();
            let is_weekend = matches!(time.weekday(), Weekday::Sat | Weekday::Sun);
            assert_eq!(week_part(seconds), usize::from(is_weekend) * 4 + time.hour() as usize / 6, "{time}");
        }
    }
}
