//! The amounts charged in rolling windows, and the division of a region's cap among accounts.
//!
//! Times are Unix seconds, windows are in seconds, amounts are in milliunits.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sea_orm::{
    ConnectionTrait, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Alias, Expr, Query},
};

use crate::{
    auth::Scope,
    entity::{api_key, privacy_charge},
    error::Error,
};

/// A time in Unix seconds and an amount in milliunits.
pub type Charge = (i64, i64);

/// The charges of `subjects` after `since`, oldest first.
pub async fn load(
    db: &impl ConnectionTrait,
    subjects: &BTreeSet<&str>,
    since: i64,
) -> Result<HashMap<String, Vec<Charge>>, Error> {
    let rows: Vec<(String, i64, i64)> = privacy_charge::Entity::find()
        .select_only()
        .columns([privacy_charge::Column::Subject, privacy_charge::Column::ChargedAt, privacy_charge::Column::Mu])
        .filter(privacy_charge::COLUMN.subject.is_in(subjects.iter().copied()))
        .filter(privacy_charge::COLUMN.charged_at.gt(since))
        .order_by_asc(privacy_charge::COLUMN.charged_at)
        .into_tuple()
        .all(db)
        .await?;
    let mut spent: HashMap<String, Vec<Charge>> = HashMap::new();
    for (subject, charged_at, mu) in rows {
        spent.entry(subject).or_default().push((charged_at, mu));
    }
    Ok(spent)
}

/// The amount charged in the window that ends at `at`.
#[must_use]
pub fn sum(spent: &[Charge], at: i64, window: i64) -> i64 {
    spent.iter().filter(|(charged_at, _)| *charged_at > at - window).map(|(_, mu)| mu).sum()
}

/// Whether an additional `cost` fits under `cap` in the window that ends at `at`.
///
/// # Errors
/// The time at which enough charges have left the window. If `cost` is greater than `cap` it never fits; the error is
/// then `at + window`, when all charges have left the window.
pub fn fits(spent: &[Charge], cap: i64, cost: i64, at: i64, window: i64) -> Result<(), i64> {
    let mut sum = sum(spent, at, window);
    if sum + cost <= cap {
        return Ok(());
    }
    for (charged_at, mu) in spent.iter().filter(|(charged_at, _)| *charged_at > at - window) {
        sum -= mu;
        if sum + cost <= cap {
            return Err(charged_at + window);
        }
    }
    Err(at + window)
}

/// The accounts of all keys that are neither revoked nor expired at `at` and have a scope that reads statistics about
/// people, and the account of the payer.
pub async fn load_active(db: &impl ConnectionTrait, payer: &str, at: i64) -> Result<BTreeSet<String>, Error> {
    let keys: Vec<(String, String)> = api_key::Entity::find()
        .select_only()
        .columns([api_key::Column::PrivacySubject, api_key::Column::Scopes])
        .filter(api_key::COLUMN.revoked_at.is_null())
        .filter(api_key::COLUMN.expires_at.is_null().or(Expr::col("expires_at").gt(at)))
        .into_tuple()
        .all(db)
        .await?;
    let reads = |scopes: &str| scopes.split('|').any(|word| Scope::INSIGHT.iter().any(|scope| scope.word() == word));
    let active = keys.into_iter().filter(|(_, scopes)| reads(scopes)).map(|(account, _)| account);
    Ok(active.chain([payer.to_owned()]).collect())
}

/// The amounts that an account was charged after `since` and until `until` for releases that cover one of `regions`:
/// region account -> milliunits.
///
/// This counts the views of the account, not the charges to the region that it caused: the latter would reveal whether
/// another key had already requested a release.
pub async fn load_viewed(
    db: &impl ConnectionTrait,
    account: &str,
    regions: &[String],
    since: i64,
    until: i64,
) -> Result<HashMap<String, i64>, Error> {
    let (view, draw) = (Alias::new("view"), Alias::new("draw"));
    let column = |table: &Alias, name: &'static str| Expr::col((table.clone(), Alias::new(name)));
    let select = Query::select()
        .expr(column(&draw, "subject"))
        // PostgreSQL sums bigint as numeric.
        .expr(column(&view, "mu").sum().cast_as("bigint"))
        .from_as(privacy_charge::Entity, view.clone())
        .join_as(
            sea_orm::JoinType::InnerJoin,
            privacy_charge::Entity,
            draw.clone(),
            column(&draw, "release_key").eq(column(&view, "release_key")),
        )
        .and_where(column(&view, "subject").eq(account))
        .and_where(column(&draw, "subject").is_in(regions))
        .and_where(column(&view, "charged_at").gt(since))
        .and_where(column(&view, "charged_at").lte(until))
        .add_group_by([column(&draw, "subject")])
        .to_owned();
    let rows = db.query_all(&select).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

/// The charges of an account after `since` for releases that cover a region, oldest first.
pub async fn load_looks(
    db: &impl ConnectionTrait,
    account: &str,
    region: &str,
    since: i64,
) -> Result<Vec<Charge>, Error> {
    let drawn = Query::select()
        .column("release_key")
        .from(privacy_charge::Entity)
        .and_where(Expr::col("subject").eq(region))
        .to_owned();
    let rows = privacy_charge::Entity::find()
        .select_only()
        .columns([privacy_charge::Column::ChargedAt, privacy_charge::Column::Mu])
        .filter(privacy_charge::COLUMN.subject.eq(account))
        .filter(privacy_charge::COLUMN.charged_at.gt(since))
        .filter(Expr::col("release_key").in_subquery(drawn))
        .order_by_asc(privacy_charge::COLUMN.charged_at);
    Ok(rows.into_tuple().all(db).await?)
}

/// The charges of a region after `since` for releases that other accounts than `account` were the first to view, oldest
/// first.
pub async fn load_of_others(
    db: &impl ConnectionTrait,
    account: &str,
    region: &str,
    since: i64,
) -> Result<Vec<Charge>, Error> {
    let others = Expr::col("drawn_by").is_null().or(Expr::col("drawn_by").ne(account));
    let rows = privacy_charge::Entity::find()
        .select_only()
        .columns([privacy_charge::Column::ChargedAt, privacy_charge::Column::Mu])
        .filter(privacy_charge::COLUMN.subject.eq(region))
        .filter(privacy_charge::COLUMN.charged_at.gt(since))
        .filter(others)
        .order_by_asc(privacy_charge::COLUMN.charged_at);
    Ok(rows.into_tuple().all(db).await?)
}

/// Merges two lists of charges, oldest first.
#[must_use]
pub fn merged(mut one: Vec<Charge>, two: Vec<Charge>) -> Vec<Charge> {
    one.extend(two);
    one.sort_unstable();
    one
}

/// The amounts charged to `regions` after `since` and until `until`: region account -> account that caused the charge
/// -> milliunits. Charges without such an account are listed under the empty name.
pub async fn load_drawn(
    db: &impl ConnectionTrait,
    regions: &[String],
    since: i64,
    until: i64,
) -> Result<HashMap<String, BTreeMap<String, i64>>, Error> {
    let select = Query::select()
        .columns(["subject", "drawn_by"])
        .expr(Expr::col("mu").sum().cast_as("bigint"))
        .from(privacy_charge::Entity)
        .and_where(Expr::col("subject").is_in(regions))
        .and_where(Expr::col("charged_at").gt(since))
        .and_where(Expr::col("charged_at").lte(until))
        .add_group_by([Expr::col("subject"), Expr::col("drawn_by")])
        .to_owned();
    let mut drawn: HashMap<String, BTreeMap<String, i64>> = HashMap::new();
    for row in db.query_all(&select).await? {
        let account: Option<String> = row.try_get_by_index(1)?;
        drawn
            .entry(row.try_get_by_index(0)?)
            .or_default()
            .insert(account.unwrap_or_default(), row.try_get_by_index(2)?);
    }
    Ok(drawn)
}

/// The division of a region's cap: one half is guaranteed to the accounts in equal parts, the other half is first come,
/// first served.
///
/// Each account reserves the amount it has charged to the region, or its guaranteed part if that is more. While the sum
/// of the reservations stays within the cap, an account that has viewed less than its guaranteed part can always use
/// the rest of it, because an account never charges more to a region than it views. An account whose keys have been
/// revoked or have expired keeps its part until its charges have left the window. Otherwise all parts would grow
/// immediately while its charges still count.
pub struct Shares {
    /// The guaranteed part of each account, in milliunits.
    pub each: i64,
    /// The amount that each account has charged to the region, in milliunits.
    drawn: BTreeMap<String, i64>,
    /// Charges without an account that caused them, in milliunits.
    unnamed: i64,
}

impl Shares {
    /// Divides `cap` among the `active` accounts and those in `drawn`, the amounts that accounts have charged to the
    /// region.
    #[must_use]
    pub fn new(cap: i64, active: &BTreeSet<String>, drawn: Option<&BTreeMap<String, i64>>) -> Self {
        let mut all: BTreeMap<String, i64> = active.iter().map(|account| (account.clone(), 0)).collect();
        all.extend(drawn.into_iter().flatten().map(|(account, mu)| (account.clone(), *mu)));
        let unnamed = all.remove("").unwrap_or(0);
        let accounts = Ord::max(i64::try_from(all.len()).unwrap_or(i64::MAX), 1);
        Self { each: cap / 2 / accounts, drawn: all, unnamed }
    }

    /// The amount that other accounts than `account` reserve, in milliunits: for each, the greater of its charges and
    /// its guaranteed part.
    #[must_use]
    pub fn held_by_others(&self, account: &str) -> i64 {
        let others = self.drawn.iter().filter(|(other, _)| *other != account);
        self.unnamed + others.map(|(_, drawn)| Ord::max(*drawn, self.each)).sum::<i64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::ledger::BUDGET_WINDOW;

    #[test]
    fn a_charge_counts_for_the_whole_window_and_not_a_second_longer() {
        let spent = [(0, 600), (100, 400)];
        assert_eq!(fits(&spent, 1_000, 1, BUDGET_WINDOW - 1, BUDGET_WINDOW), Err(BUDGET_WINDOW));
        assert_eq!(fits(&spent, 1_000, 600, BUDGET_WINDOW, BUDGET_WINDOW), Ok(()));
        assert_eq!(fits(&spent, 1_000, 601, BUDGET_WINDOW, BUDGET_WINDOW), Err(BUDGET_WINDOW + 100));
        assert_eq!(fits(&[], 1_000, 1_001, 5, BUDGET_WINDOW), Err(5 + BUDGET_WINDOW));
    }

    #[test]
    fn half_of_a_cap_is_kept_for_those_who_have_not_asked() {
        let active: BTreeSet<String> = ["a", "b", "c"].map(str::to_owned).into();
        let drawn = [("a", 13_000), ("b", 4_000), ("gone", 500), ("", 100)];
        let drawn = drawn.map(|(account, mu)| (account.to_owned(), mu)).into();
        let shares = Shares::new(60_000, &active, Some(&drawn));
        assert_eq!(shares.each, 7_500, "the account without active keys keeps its part");
        assert_eq!(["a", "b", "d"].map(|but| shares.held_by_others(but)), [22_600, 28_100, 35_600]);
    }
}
