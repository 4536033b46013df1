//! Privacy charges: what accounts were charged for which releases, by region and age bands. Amounts are microunits,
//! times are Unix seconds.

use std::collections::{BTreeMap, HashSet};

use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, DbErr, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, Query},
};

use super::entity::privacy_charge::{ActiveModel, COLUMN, Column, Entity};
use crate::domain::atom::{Atom, BAND_COUNT, BandSet, ByBand};

/// A time and an amount.
pub type Charge = (i64, i64);

/// A charge to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCharge {
    pub subject: String,
    pub release_key: String,
    pub region: String,
    /// The age bands that are charged.
    pub bands: BandSet,
    /// The amount for each of the bands.
    pub microunits: i64,
    /// Of a region's charge: the account that viewed the release first.
    pub charged_by: Option<String>,
}

/// Stores charges.
pub async fn insert(db: &impl ConnectionTrait, charges: Vec<NewCharge>, at: i64) -> Result<(), DbErr> {
    if charges.is_empty() {
        return Ok(());
    }
    let rows = charges.into_iter().map(|charge| ActiveModel {
        release_key: Set(charge.release_key),
        region: Set(charge.region),
        bands: Set(charge.bands.bits()),
        microunits: Set(charge.microunits),
        charged_at: Set(at),
        charged_by: Set(charge.charged_by),
        subject: Set(charge.subject),
    });
    Entity::insert_many(rows).exec_without_returning(db).await?;
    Ok(())
}

/// Which of the releases a subject was charged for.
pub async fn charged(db: &impl ConnectionTrait, subject: &str, releases: &[String]) -> Result<HashSet<String>, DbErr> {
    let keys: Vec<String> = Entity::find()
        .select_only()
        .distinct()
        .column(Column::ReleaseKey)
        .filter(COLUMN.subject.eq(subject))
        .filter(COLUMN.release_key.is_in(releases))
        .into_tuple()
        .all(db)
        .await?;
    Ok(keys.into_iter().collect())
}

/// What a subject was charged for a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spending {
    pub subject: String,
    pub region: String,
    /// Of a region's charges: the account that viewed the releases first; `None` if it is not known.
    pub charged_by: Option<String>,
    /// After the first time that was asked for, by age band.
    pub month: ByBand,
    /// After the second time that was asked for, by age band.
    pub year: ByBand,
}

/// What subjects were charged after `[month, year]` and until `until`, by region and account that viewed first.
///
/// `regions` limits the regions if it is given.
pub async fn spending(
    db: &impl ConnectionTrait,
    subjects: &[&str],
    regions: Option<&[&str]>,
    [month, year]: [i64; 2],
    until: i64,
) -> Result<Vec<Spending>, DbErr> {
    let mut select = Query::select();
    select.columns([Column::Subject, Column::Region, Column::ChargedBy]).from(Entity);
    for since in [month, year] {
        for band in 0..BAND_COUNT {
            // PostgreSQL sums bigint as numeric.
            let sum = format!(
                "cast(sum(case when charged_at > {since} then microunits * ((bands >> {band}) % 2) else 0 end)
                 as bigint)"
            );
            select.expr(Expr::cust(sum));
        }
    }
    select
        .and_where(Expr::col(Column::Subject).is_in(subjects.iter().copied()))
        .and_where(Expr::col(Column::ChargedAt).gt(Ord::min(month, year)))
        .and_where(Expr::col(Column::ChargedAt).lte(until))
        .add_group_by([Expr::col(Column::Subject), Expr::col(Column::Region), Expr::col(Column::ChargedBy)]);
    if let Some(regions) = regions {
        select.and_where(Expr::col(Column::Region).is_in(regions.iter().copied()));
    }
    let mut spending = Vec::new();
    for row in db.query_all(&select).await? {
        let mut by_band = [ByBand::default(), ByBand::default()];
        for (index, amount) in by_band.iter_mut().flatten().enumerate() {
            *amount = row.try_get_by_index(3 + index)?;
        }
        spending.push(Spending {
            subject: row.try_get_by_index(0)?,
            region: row.try_get_by_index(1)?,
            charged_by: row.try_get_by_index(2)?,
            month: by_band[0],
            year: by_band[1],
        });
    }
    Ok(spending)
}

/// The charges of a subject for an atom after `since`, oldest first. Without the charges that `but` viewed first, if it
/// is given.
pub async fn of_atom(
    db: &impl ConnectionTrait,
    subject: &str,
    atom: &Atom,
    since: i64,
    but: Option<&str>,
) -> Result<Vec<Charge>, DbErr> {
    let mut rows = Entity::find()
        .select_only()
        .columns([Column::ChargedAt, Column::Microunits])
        .filter(COLUMN.subject.eq(subject))
        .filter(COLUMN.region.eq(&atom.region))
        .filter(COLUMN.charged_at.gt(since))
        .filter(Expr::cust(format!("(bands >> {}) % 2 = 1", atom.band)))
        .order_by_asc(COLUMN.charged_at);
    if let Some(but) = but {
        rows = rows.filter(Expr::col(Column::ChargedBy).is_null().or(Expr::col(Column::ChargedBy).ne(but)));
    }
    rows.into_tuple().all(db).await
}

/// Which of the releases each of the subjects was charged for: pairs of subject and release.
pub async fn charged_to(
    db: &impl ConnectionTrait,
    subjects: impl IntoIterator<Item = &str>,
    releases: impl IntoIterator<Item = &str>,
) -> Result<HashSet<(String, String)>, DbErr> {
    let rows = Entity::find()
        .select_only()
        .distinct()
        .columns([Column::Subject, Column::ReleaseKey])
        .filter(COLUMN.subject.is_in(subjects))
        .filter(COLUMN.release_key.is_in(releases));
    Ok(rows.into_tuple().all(db).await?.into_iter().collect())
}

/// What a subject was charged by atom, the most first; atoms of which nothing was charged are left out.
#[must_use]
pub fn by_atom(spending: &[Spending], subject: &str, of: impl Fn(&Spending) -> &ByBand) -> Vec<(Atom, i64)> {
    let mut by_region: BTreeMap<&str, ByBand> = BTreeMap::new();
    for row in spending.iter().filter(|row| row.subject == subject) {
        let sums = by_region.entry(&row.region).or_default();
        sums.iter_mut().zip(of(row)).for_each(|(sum, microunits)| *sum += microunits);
    }
    let atoms = by_region.into_iter().flat_map(|(region, sums)| {
        let atom = move |(band, microunits)| (Atom { region: region.to_owned(), band }, microunits);
        sums.into_iter().enumerate().map(atom)
    });
    let mut atoms: Vec<(Atom, i64)> = atoms.filter(|(_, microunits)| *microunits > 0).collect();
    atoms.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    atoms
}
