//! Counters in this process: a window begins with its first request and is forgotten when it ends.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::{Left, QuotaStore};
use crate::{auth::Caller, error::Error};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// Requests counted since a time.
#[derive(Clone, Copy, Default)]
struct Counter {
    began_ms: i64,
    count: u64,
}

impl Counter {
    /// The counter as it stands at a time.
    fn at(self, now_ms: i64, length_ms: i64) -> Self {
        let over = self.count == 0 || now_ms - self.began_ms >= length_ms || now_ms < self.began_ms;
        if over { Self { began_ms: now_ms, count: 0 } } else { self }
    }

    /// Whole seconds, rounded up, until the window ends.
    fn wait_s(self, now_ms: i64, length_ms: i64) -> u64 {
        u64::try_from((self.began_ms + length_ms - now_ms).max(0)).unwrap_or(0).div_ceil(1000).max(1)
    }
}

/// Counters of every key that was used since the start; only valid keys get here, so there are as many as keys.
#[derive(Default)]
pub struct ProcessQuotas(Mutex<HashMap<String, [Counter; 2]>>);

impl QuotaStore for ProcessQuotas {
    fn admit(&self, caller: &Caller, now_ms: i64) -> Result<Left, Error> {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [minute, day] = counters.entry(caller.key_id.clone()).or_default();
        (*minute, *day) = (minute.at(now_ms, MINUTE_MS), day.at(now_ms, DAY_MS));
        let limits = [("minute", *minute, caller.per_minute, MINUTE_MS), ("day", *day, caller.per_day, DAY_MS)];
        for (limit, counter, allowed, length_ms) in limits {
            if counter.count >= allowed {
                let retry_after_s = counter.wait_s(now_ms, length_ms);
                return Err(Error::RateLimitExceeded { limit, allowed, retry_after_s });
            }
        }
        minute.count += 1;
        day.count += 1;
        Ok(Left { minute: caller.per_minute - minute.count, day: caller.per_day - day.count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(per_minute: u64, per_day: u64) -> Caller {
        Caller {
            key_id: "key_1".to_owned(),
            partner_id: "acme".to_owned(),
            environment: "poc".to_owned(),
            scopes: Vec::new(),
            per_minute,
            per_day,
            privacy_subject: "key:key_1".to_owned(),
            expires_at: None,
        }
    }

    #[test]
    fn a_minute_admits_its_limit_and_says_when_the_next_begins() {
        let (quotas, caller) = (ProcessQuotas::default(), caller(2, 100));
        assert_eq!(quotas.admit(&caller, 1_000), Ok(Left { minute: 1, day: 99 }));
        assert_eq!(quotas.admit(&caller, 31_000), Ok(Left { minute: 0, day: 98 }));
        let refused = Error::RateLimitExceeded { limit: "minute", allowed: 2, retry_after_s: 30 };
        assert_eq!(quotas.admit(&caller, 31_001), Err(refused));
        assert_eq!(quotas.admit(&caller, 61_000), Ok(Left { minute: 1, day: 97 }), "a refusal is not counted");
    }

    #[test]
    fn a_day_admits_its_limit() {
        let (quotas, caller) = (ProcessQuotas::default(), caller(10, 2));
        assert!(quotas.admit(&caller, 0).is_ok() && quotas.admit(&caller, MINUTE_MS).is_ok());
        let refused = Error::RateLimitExceeded { limit: "day", allowed: 2, retry_after_s: 86_400 - 120 };
        assert_eq!(quotas.admit(&caller, 2 * MINUTE_MS), Err(refused));
        assert!(quotas.admit(&caller, DAY_MS).is_ok());
    }
}
