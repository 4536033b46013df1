//! Privacy charges: what accounts were charged for which releases, by region and age bands. Amounts are microunits,
//! times are Unix seconds.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityName as _, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait as _, Value,
    sea_query::{CaseStatement, Expr, Query, SimpleExpr, TableRef, UnionType},
};

use super::{
    bulk::is_any,
    db::{self, TextQuery, TextRow},
    entity::{
        privacy_charge::{COLUMN, Column, Entity},
        privacy_spending,
    },
};
use crate::domain::{
    atom::{self, Atom, BandSet, ByBand},
    clock::DAY,
};

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

/// The statement that stores charges.
pub fn insert(backend: DbBackend, charges: &[NewCharge], at: i64) -> String {
    let rows = charges.iter().map(|charge| -> Vec<Value> {
        let NewCharge { subject, release_key, region, bands, microunits, charged_by } = charge;
        let of = [subject.as_str().into(), release_key.as_str().into(), region.as_str().into()];
        let what = [bands.bits().into(), (*microunits).into(), at.into(), charged_by.clone().into()];
        of.into_iter().chain(what).collect()
    });
    let columns = [
        Column::Subject,
        Column::ReleaseKey,
        Column::Region,
        Column::Bands,
        Column::Microunits,
        Column::ChargedAt,
        Column::ChargedBy,
    ];
    db::insert_text::<Entity>(backend, &columns, rows.collect())
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
/// `regions` limits the regions if it is given. If `account` is given, the releases that other accounts viewed first
/// are summed together, as those of no account; there may be many accounts.
pub async fn spending(
    db: &impl ConnectionTrait,
    subjects: &[&str],
    regions: Option<&[&str]>,
    account: Option<&str>,
    since: [i64; 2],
    until: i64,
) -> Result<Vec<Spending>, DbErr> {
    let query = spending_query(db.get_database_backend(), subjects, regions, account, since, until);
    let [rows] = db::texts_of(db, [query]).await?;
    read_spending(rows)
}

/// The query of [`spending`]; see [`read_spending`].
pub fn spending_query(
    backend: DbBackend,
    subjects: &[&str],
    regions: Option<&[&str]>,
    account: Option<&str>,
    [month, year]: [i64; 2],
    until: i64,
) -> TextQuery {
    let any = |column, values: &[&str]| is_any(backend, column, values.iter().map(|value| (*value).to_owned()));
    let day_of = |at: i64| at.div_euclid(DAY);
    let [month_day, year_day, until_day] = [month, year, until].map(day_of);
    let charged_by = || {
        let charged_by = Expr::col(Column::ChargedBy).if_null("");
        let Some(account) = account else { return charged_by };
        CaseStatement::new().case(charged_by.eq(account), account).finally("").into()
    };
    let part = |table: TableRef, [month, year]: [SimpleExpr; 2]| {
        let mut part = Query::select();
        part.columns([Column::Subject, Column::Region]).expr_as(charged_by(), "account").column(Column::Bands);
        part.expr_as(month, "in_month").expr_as(year, "in_year");
        part.from(table).and_where(any(Column::Subject, subjects));
        if let Some(regions) = regions {
            part.and_where(any(Column::Region, regions));
        }
        part.add_group_by(["1", "2", "3", "4"].map(Expr::cust));
        part
    };
    let sum = |column: &str, since: i64, is_counted: bool| {
        // PostgreSQL sums bigint as numeric.
        let counted = if is_counted { "microunits" } else { "0" };
        Expr::cust(format!("cast(sum(case when {column} > {since} then {counted} else 0 end) as bigint)"))
    };
    // The days that lie inside a window as a whole.
    let sums_of_days = [sum("day", month_day, true), sum("day", year_day, true)];
    let mut select = part(privacy_spending::Entity.table_ref(), sums_of_days);
    select
        .and_where(Expr::col(privacy_spending::Column::Day).gt(Ord::min(month_day, year_day)))
        .and_where(Expr::col(privacy_spending::Column::Day).lt(until_day));
    // The charges of the days in which a window begins or ends.
    let days = BTreeSet::from([month_day, year_day, until_day]);
    for day in days.into_iter().filter(|day| *day < i64::MAX / DAY) {
        let counts = |since_day: i64| day == since_day || day == until_day;
        let sums = [sum("charged_at", month, counts(month_day)), sum("charged_at", year, counts(year_day))];
        let mut part = part(Entity.table_ref(), sums);
        part.and_where(Expr::col(Column::ChargedAt).gte(day.saturating_mul(DAY)))
            .and_where(Expr::col(Column::ChargedAt).lt((day + 1).saturating_mul(DAY)))
            .and_where(Expr::col(Column::ChargedAt).lte(until));
        select.union(UnionType::All, part);
    }
    TextQuery::new(select, &["subject", "region", "account", "bands", "in_month", "in_year"])
}

/// The rows of [`spending_query`].
pub fn read_spending(rows: Vec<TextRow>) -> Result<Vec<Spending>, DbErr> {
    let mut sums: BTreeMap<(String, String, String), [ByBand; 2]> = BTreeMap::new();
    for row in rows {
        let row: [String; 6] = row.try_into().map_err(|_| DbErr::Type("not a sum of charges".to_owned()))?;
        let [subject, region, account, bands, month, year] = row;
        let [by_month, by_year] = sums.entry((subject, region, account)).or_default();
        let (month, year): (i64, i64) = (db::number(&month)?, db::number(&year)?);
        for band in BandSet::from_bits(db::number(&bands)?).iter() {
            by_month[band] += month;
            by_year[band] += year;
        }
    }
    let spending = sums.into_iter().map(|((subject, region, charged_by), [month, year])| Spending {
        subject,
        region,
        charged_by: Some(charged_by).filter(|account| !account.is_empty()),
        month,
        year,
    });
    Ok(spending.collect())
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

/// Which of the releases each of the subjects was charged for: subject and release; see [`charge_of`].
pub fn charged_to<'a>(
    backend: DbBackend,
    subjects: impl Iterator<Item = &'a str>,
    releases: impl Iterator<Item = &'a str>,
) -> TextQuery {
    let any = |column, values: Vec<String>| is_any(backend, column, values.into_iter());
    let rows = Entity::find()
        .select_only()
        .distinct()
        .columns([Column::Subject, Column::ReleaseKey])
        .filter(any(Column::Subject, subjects.map(str::to_owned).collect()))
        .filter(any(Column::ReleaseKey, releases.map(str::to_owned).collect()));
    TextQuery::new(rows.into_query(), &["subject", "release_key"])
}

/// A row of [`charged_to`].
pub fn charge_of(row: TextRow) -> Result<(String, String), DbErr> {
    let [subject, release] = row.try_into().map_err(|_| DbErr::Type("not a charge".to_owned()))?;
    Ok((subject, release))
}

/// What a subject was charged by atom, the most first; atoms of which nothing was charged are left out.
#[must_use]
pub fn by_atom(spending: &[Spending], subject: &str, of: impl Fn(&Spending) -> &ByBand) -> Vec<(Atom, i64)> {
    let mut by_region: BTreeMap<&str, ByBand> = BTreeMap::new();
    for row in spending.iter().filter(|row| row.subject == subject) {
        let sums = by_region.entry(&row.region).or_default();
        atom::add(sums, of(row));
    }
    let atoms = by_region.into_iter().flat_map(|(region, sums)| {
        let atom = move |(band, microunits)| (Atom { region: region.to_owned(), band }, microunits);
        sums.into_iter().enumerate().map(atom)
    });
    let mut atoms: Vec<(Atom, i64)> = atoms.filter(|(_, microunits)| *microunits > 0).collect();
    sort_by_most(&mut atoms);
    atoms
}

/// Sorts atoms by what was charged, the most first.
pub fn sort_by_most(atoms: &mut [(Atom, i64)]) {
    atoms.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
}
