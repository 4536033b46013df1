//! The four budgets of an account, as pure arithmetic: the time is a parameter. Redis stores the same numbers.

use super::ReserveError;
use crate::domain::{key::Limits, quota::LimitExceeded};

pub(super) const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// Parts of the bucket per point. One part is what a limit of one point per minute restores in a millisecond.
pub(super) const PARTS_PER_POINT: u64 = 60_000;

/// The usage of an account. Times are in milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    /// When the current minute began, which is at its first request.
    pub minute_began_ms: i64,
    pub minute: u64,
    /// Days since 1970-01-01 UTC.
    pub day: i64,
    pub day_requests: u64,
    pub day_points: u64,
    /// The content of the bucket, in parts of a point ([`PARTS_PER_POINT`]).
    pub bucket: u64,
    pub bucket_at_ms: i64,
}

/// What is left of a budget, and when it is fully restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub left: u64,
    /// Whole seconds, rounded up.
    pub full_in_s: u64,
}

/// What is left of a key's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// Requests in this minute.
    pub minute: Budget,
    /// Requests in this day.
    pub day: Budget,
    /// Points in the bucket.
    pub points: Budget,
    /// Points in this day.
    pub points_day: Budget,
}

fn seconds(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0).div_ceil(1000)
}

pub(super) fn day_of(now_ms: i64) -> i64 {
    now_ms.div_euclid(DAY_MS)
}

impl Counters {
    /// Counters of an account without stored counters. `(day_requests, day_points)` is its usage today according to the
    /// request log.
    pub fn first(limits: &Limits, now_ms: i64, (day_requests, day_points): (u64, u64)) -> Self {
        Self {
            minute_began_ms: now_ms,
            minute: 0,
            day: day_of(now_ms),
            day_requests,
            day_points,
            bucket: limits.points_per_minute.saturating_mul(PARTS_PER_POINT),
            bucket_at_ms: now_ms,
        }
    }

    /// Returns the counters at `now_ms`, under limits that may have changed since.
    pub fn at(mut self, limits: &Limits, now_ms: i64) -> Self {
        if !(0..MINUTE_MS).contains(&(now_ms - self.minute_began_ms)) || self.minute == 0 {
            (self.minute_began_ms, self.minute) = (now_ms, 0);
        }
        if day_of(now_ms) > self.day {
            (self.day, self.day_requests, self.day_points) = (day_of(now_ms), 0, 0);
        }
        let elapsed_ms = u64::try_from(now_ms - self.bucket_at_ms).unwrap_or(0);
        let restored = elapsed_ms.saturating_mul(limits.points_per_minute);
        self.bucket =
            self.bucket.saturating_add(restored).min(limits.points_per_minute.saturating_mul(PARTS_PER_POINT));
        self.bucket_at_ms = self.bucket_at_ms.max(now_ms);
        self
    }

    /// Charges a request and its points to all budgets, or to none. Returns whether they were charged.
    pub fn reserve(&mut self, limits: &Limits, points: u64) -> bool {
        let taken = points.saturating_mul(PARTS_PER_POINT);
        let fits = self.minute < limits.per_minute
            && self.day_requests < limits.per_day
            && self.bucket >= taken
            && self.day_points.saturating_add(points) <= limits.points_per_day;
        if fits {
            self.minute += 1;
            self.day_requests += 1;
            self.bucket -= taken;
            self.day_points += points;
        }
        fits
    }

    /// Returns points that were reserved on `day` to the budgets.
    pub fn restore(&mut self, limits: &Limits, points: u64, day: i64) {
        let full = limits.points_per_minute.saturating_mul(PARTS_PER_POINT);
        self.bucket = self.bucket.saturating_add(points.saturating_mul(PARTS_PER_POINT)).min(full);
        if day == self.day {
            self.day_points = self.day_points.saturating_sub(points);
        }
    }

    /// The rejection of a request that costs `points`.
    pub fn reject(&self, limits: &Limits, points: u64, now_ms: i64) -> ReserveError {
        let (exceeded, remaining) = (self.exceeded(limits, points, now_ms), self.remaining(limits, now_ms));
        ReserveError::Limit { exceeded, limits: *limits, remaining, emergency: false }
    }

    /// The limit that rejects a request; of several limits the one with the longest wait.
    fn exceeded(&self, limits: &Limits, points: u64, now_ms: i64) -> LimitExceeded {
        let remaining = self.remaining(limits, now_ms);
        let short = points.saturating_mul(PARTS_PER_POINT).saturating_sub(self.bucket);
        let wait_ms = i64::try_from(short.div_ceil(limits.points_per_minute.max(1))).unwrap_or(i64::MAX);
        let exceeded = [
            (remaining.minute.left < 1, "minute", limits.per_minute, remaining.minute.left, remaining.minute.full_in_s),
            (remaining.day.left < 1, "day", limits.per_day, remaining.day.left, remaining.day.full_in_s),
            (short > 0, "points_per_minute", limits.points_per_minute, remaining.points.left, seconds(wait_ms)),
            (
                remaining.points_day.left < points,
                "points_per_day",
                limits.points_per_day,
                remaining.points_day.left,
                remaining.points_day.full_in_s,
            ),
        ];
        let (_, limit, allowed, available, wait_s) =
            exceeded.into_iter().filter(|exceeded| exceeded.0).max_by_key(|exceeded| exceeded.4).unwrap_or(exceeded[0]);
        LimitExceeded { limit, allowed, available, retry_after_s: wait_s.max(1) }
    }

    /// What is left of the budgets at `now_ms`.
    pub fn remaining(&self, limits: &Limits, now_ms: i64) -> Remaining {
        let minute_s = seconds(self.minute_began_ms + MINUTE_MS - now_ms);
        let day_s = seconds((self.day + 1) * DAY_MS - now_ms);
        let missing = limits.points_per_minute.saturating_mul(PARTS_PER_POINT).saturating_sub(self.bucket);
        let full_ms = i64::try_from(missing.div_ceil(limits.points_per_minute.max(1))).unwrap_or(i64::MAX);
        let budget = |left, full_in_s| Budget { left, full_in_s };
        Remaining {
            minute: budget(limits.per_minute.saturating_sub(self.minute), minute_s),
            day: budget(limits.per_day.saturating_sub(self.day_requests), day_s),
            points: budget(self.bucket / PARTS_PER_POINT, seconds(full_ms)),
            points_day: budget(limits.points_per_day.saturating_sub(self.day_points), day_s),
        }
    }
}
