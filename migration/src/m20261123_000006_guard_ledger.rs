//! What the ledger promises, kept by the database too: a published release, a charge and a verdict never change. And
//! which segments each account was shown, for the minimum difference.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await?;
        dialect::either(manager, UP_SQLITE, UP_POSTGRES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await?;
        dialect::either(manager, DOWN_SQLITE, DOWN_POSTGRES).await
    }
}

// An event is of a key, of a region, or of nobody who may be named. What was paid for and published before this table
// was there has been shown. A region's charge was made with that of the key that drew, in one transaction.
const UP: &str = "
alter table privacy_charges add column drawn_by text;
create index privacy_charges_by_release on privacy_charges (release_key);
update privacy_charges set drawn_by = (
    select min(key.subject) from privacy_charges key
    where key.release_key = privacy_charges.release_key and key.charged_at = privacy_charges.charged_at
        and key.subject like 'key:%'
) where subject like 'region:%';
create table privacy_views (
    subject text not null references privacy_accounts (subject),
    release_key text not null references privacy_releases (release_key),
    shown boolean not null,
    viewed_at bigint not null,
    primary key (subject, release_key)
) {clustered};
create table privacy_rehearsals (
    release_key text primary key,
    payload text not null
) {clustered};
insert into privacy_views (subject, release_key, shown, viewed_at)
    select charge.subject, charge.release_key, true, charge.charged_at
    from privacy_charges charge join privacy_releases release on release.release_key = charge.release_key
    where charge.subject like 'key:%' and release.bundle = 'SIZE' and release.status = 'ready';
alter table audit_events rename column key_id to subject;
";

// REPLACE deletes without asking the triggers of a delete, so a row that is there must not be inserted again either;
// `on conflict do nothing` means the same.
const UP_SQLITE: &[&str] = &[
    "create trigger privacy_releases_insert before insert on privacy_releases
     when exists (select 1 from privacy_releases where release_key = new.release_key or rowid = new.rowid)
     begin select raise(ignore); end",
    "create trigger privacy_releases_key before update on privacy_releases
     when new.release_key <> old.release_key or new.rowid <> old.rowid
     begin select raise(abort, 'a release keeps its key'); end",
    "create trigger privacy_charges_insert before insert on privacy_charges
     when exists (select 1 from privacy_charges where subject = new.subject and release_key = new.release_key)
     begin select raise(ignore); end",
    "create trigger privacy_views_insert before insert on privacy_views
     when exists (select 1 from privacy_views where subject = new.subject and release_key = new.release_key)
     begin select raise(ignore); end",
    "create trigger privacy_releases_update before update on privacy_releases when old.status <> 'pending'
     begin select raise(abort, 'a published release never changes'); end",
    "create trigger privacy_releases_delete before delete on privacy_releases when old.status <> 'pending'
     begin select raise(abort, 'a published release is never deleted'); end",
    "create trigger privacy_charges_update before update on privacy_charges
     begin select raise(abort, 'a charge never changes'); end",
    "create trigger privacy_charges_delete before delete on privacy_charges
     begin select raise(abort, 'a charge is never deleted'); end",
    "create trigger privacy_views_update before update on privacy_views
     begin select raise(abort, 'a verdict never changes'); end",
    "create trigger privacy_views_delete before delete on privacy_views
     begin select raise(abort, 'a verdict is never deleted'); end",
];

const UP_POSTGRES: &[&str] = &[
    "create function privacy_refuse_change() returns trigger language plpgsql as $$
     begin
         raise exception 'rows of % are never changed or deleted', tg_table_name using errcode = 'restrict_violation';
     end $$",
    "create trigger privacy_releases_change before update or delete on privacy_releases
     for each row when (old.status <> 'pending') execute function privacy_refuse_change()",
    "create trigger privacy_releases_truncate before truncate on privacy_releases
     for each statement execute function privacy_refuse_change()",
    "create trigger privacy_charges_change before update or delete on privacy_charges
     for each row execute function privacy_refuse_change()",
    "create trigger privacy_charges_truncate before truncate on privacy_charges
     for each statement execute function privacy_refuse_change()",
    "create trigger privacy_views_change before update or delete on privacy_views
     for each row execute function privacy_refuse_change()",
    "create trigger privacy_views_truncate before truncate on privacy_views
     for each statement execute function privacy_refuse_change()",
];

const DOWN_SQLITE: &[&str] = &[
    "drop trigger privacy_releases_insert",
    "drop trigger privacy_releases_key",
    "drop trigger privacy_charges_insert",
    "drop trigger privacy_releases_update",
    "drop trigger privacy_releases_delete",
    "drop trigger privacy_charges_update",
    "drop trigger privacy_charges_delete",
];

const DOWN_POSTGRES: &[&str] = &[
    "drop trigger privacy_releases_change on privacy_releases",
    "drop trigger privacy_releases_truncate on privacy_releases",
    "drop trigger privacy_charges_change on privacy_charges",
    "drop trigger privacy_charges_truncate on privacy_charges",
    "drop function privacy_refuse_change",
];

const DOWN: &str = "
drop table privacy_rehearsals;
drop index privacy_charges_by_release;
alter table privacy_charges drop column drawn_by;
alter table audit_events rename column subject to key_id;
drop table privacy_views;
";
