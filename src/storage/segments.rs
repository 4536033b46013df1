//! Saved segments. A partner sees shared segments and its own; its own hides a shared one of the same slug.

use std::collections::HashMap;

use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::Set,
    Condition, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, ExprTrait as _, IntoActiveModel as _,
    PaginatorTrait as _, QueryFilter, QueryOrder, QuerySelect, QueryTrait as _, Select, SqlErr,
    sea_query::{Expr, Func},
};

use super::{
    db,
    entity::market_segment::{ActiveModel, COLUMN, Column, Entity, Model},
};
use crate::domain::{
    error::Error,
    page::{Page, PageRequest},
    random::random_hex,
    segment::{MAX_SEGMENTS, NewSegment, SavedSegment},
};

/// Slugs that are compared with a misspelled one.
const MAX_COMPARED_SLUGS: u64 = 1_000;

impl From<Model> for SavedSegment {
    fn from(row: Model) -> Self {
        Self {
            segment_id: row.segment_id,
            partner_id: row.partner_id,
            slug: row.slug,
            name: row.name,
            definition: row.definition,
        }
    }
}

/// Shared segments and the partner's own.
fn visible_to(partner_id: &str) -> Condition {
    Condition::any().add(COLUMN.partner_id.is_null()).add(COLUMN.partner_id.eq(partner_id))
}

/// The visible segments with these slugs.
pub async fn find(
    db: &impl ConnectionTrait,
    partner_id: &str,
    slugs: Vec<&str>,
) -> Result<HashMap<String, SavedSegment>, DbErr> {
    let rows = Entity::find().filter(visible_to(partner_id)).filter(COLUMN.slug.is_in(slugs)).all(db).await?;
    let mut found: HashMap<String, SavedSegment> = HashMap::new();
    for row in rows {
        if row.partner_id.is_some() || !found.contains_key(&row.slug) {
            found.insert(row.slug.clone(), row.into());
        }
    }
    Ok(found)
}

/// Some of the slugs that the partner can see, for suggestions.
pub async fn slugs(db: &impl ConnectionTrait, partner_id: &str) -> Result<Vec<String>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::Slug)
        .filter(visible_to(partner_id))
        .limit(MAX_COMPARED_SLUGS)
        .into_tuple()
        .all(db)
        .await
}

/// A page of the visible segments, by slug; with `search`, of those whose slug or name contains this text.
pub async fn page(
    db: &impl ConnectionTrait,
    partner_id: &str,
    page: &PageRequest,
    search: Option<&str>,
) -> Result<Page<SavedSegment>, DbErr> {
    let rows = visible(partner_id, search);
    Ok(db::page(db, rows, Column::Slug, page).await?.map(SavedSegment::from))
}

/// The number of visible segments; with `search`, of those whose slug or name contains this text.
pub async fn count(db: &impl ConnectionTrait, partner_id: &str, search: Option<&str>) -> Result<u64, DbErr> {
    visible(partner_id, search).count(db).await
}

/// Shared segments that the partner does not hide, and its own; with `search`, those that contain this text.
fn visible(partner_id: &str, search: Option<&str>) -> Select<Entity> {
    let own = Entity::find().select_only().column(Column::Slug).filter(COLUMN.partner_id.eq(partner_id)).into_query();
    let is_hidden = COLUMN.partner_id.is_null().and(Expr::col(Column::Slug).in_subquery(own));
    let rows = Entity::find().filter(visible_to(partner_id)).filter(is_hidden.not());
    match search {
        Some(search) => rows.filter(slug_or_name_contains(search)),
        None => rows,
    }
}

fn slug_or_name_contains(search: &str) -> Condition {
    let pattern = db::like(&search.to_lowercase());
    [Column::Slug, Column::Name]
        .into_iter()
        .fold(Condition::any(), |any, column| any.add(Expr::expr(Func::lower(Expr::col(column))).like(pattern.clone())))
}

/// The shared segments, by slug.
pub async fn list_shared(db: &impl ConnectionTrait) -> Result<Vec<SavedSegment>, DbErr> {
    let rows = Entity::find().filter(COLUMN.partner_id.is_null()).order_by_asc(COLUMN.slug).all(db).await?;
    Ok(rows.into_iter().map(SavedSegment::from).collect())
}

/// Saves a segment of a partner, or a shared one (`None`). A segment of the same owner and slug is overwritten.
///
/// # Errors
/// [`Error::BadUserInput`], naming the field, if slug or name are not valid, a shared segment has the slug, or the
/// partner has too many segments. [`Error::Unavailable`] if another request saves the same slug at the same time.
pub async fn save(
    db: &DatabaseConnection,
    partner_id: Option<&str>,
    segment: NewSegment,
    now: i64,
) -> Result<SavedSegment, Error> {
    let NewSegment { slug, name, definition } = segment.validated()?;
    let definition = serde_json::to_string(&definition).map_err(Error::internal)?;
    let same_slug = Entity::find().filter(COLUMN.slug.eq(&slug));
    let same_slug = match partner_id {
        Some(partner_id) => same_slug.filter(visible_to(partner_id)),
        None => same_slug.filter(COLUMN.partner_id.is_null()),
    };
    let same_slug = same_slug.all(db).await?;
    if let Some(own) = same_slug.iter().find(|row| row.partner_id.as_deref() == partner_id) {
        let mut row = own.clone().into_active_model();
        (row.name, row.definition, row.updated_at) = (Set(name), Set(definition), Set(now));
        return Ok(row.update(db).await?.into());
    }
    if !same_slug.is_empty() {
        return Err(Error::input("slug", "a shared segment uses this slug. Choose another one."));
    }
    if let Some(partner_id) = partner_id {
        let own = Entity::find().filter(COLUMN.partner_id.eq(partner_id));
        if own.count(db).await? >= MAX_SEGMENTS {
            let message = format!("the limit is {MAX_SEGMENTS} saved segments; delete one first.");
            return Err(Error::input("slug", message));
        }
    }
    let row = ActiveModel {
        segment_id: Set(format!("seg_{}", random_hex(8)?)),
        partner_id: Set(partner_id.map(str::to_owned)),
        slug: Set(slug),
        name: Set(name),
        definition: Set(definition),
        created_at: Set(now),
        updated_at: Set(now),
    };
    match row.insert(db).await {
        // Another request saved the same slug in the meantime. The next try updates or rejects it.
        Err(cause) if matches!(cause.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Err(Error::Unavailable),
        saved => Ok(saved?.into()),
    }
}

/// Deletes a segment of a partner, or a shared one (`None`); false if there is none.
pub async fn delete(db: &impl ConnectionTrait, partner_id: Option<&str>, slug: &str) -> Result<bool, DbErr> {
    let of_owner = match partner_id {
        Some(partner_id) => COLUMN.partner_id.eq(partner_id),
        None => COLUMN.partner_id.is_null(),
    };
    let deleted = Entity::delete_many().filter(of_owner).filter(COLUMN.slug.eq(slug)).exec(db).await?;
    Ok(deleted.rows_affected > 0)
}
