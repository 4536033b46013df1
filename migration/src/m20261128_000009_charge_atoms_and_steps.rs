//! Charges by region and age bands, releases in steps of noise, microunits, and the state of people who moved.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// On SQLite too: another connection of the pool may still know an index that was dropped just now.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::either(manager, DROP_TRIGGERS_SQLITE, DROP_TRIGGERS_POSTGRES).await?;
        dialect::run(manager, &UP.replace("{bands}", &bands_of_segment())).await?;
        dialect::either(manager, &[INSERT_TRIGGER_SQLITE], &[]).await?;
        dialect::either(manager, TRIGGERS_SQLITE, TRIGGERS_POSTGRES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::either(manager, DROP_TRIGGERS_SQLITE, DROP_TRIGGERS_POSTGRES).await?;
        dialect::run(manager, DOWN).await?;
        dialect::either(manager, &[OLD_INSERT_TRIGGER_SQLITE], &[]).await?;
        dialect::either(manager, TRIGGERS_SQLITE, TRIGGERS_POSTGRES).await
    }
}

/// The age bands of a segment in its canonical form, as a set of bits: bit 0 is the unknown age, bit b is band b. A
/// segment without bands contains people of all bands and of unknown age. No value of a segment contains `;` or `=`.
fn bands_of_segment() -> String {
    let band = |band: u32| {
        // The only band, the first, the last, and one in between. `;interests=` occurs once, after the bands.
        let patterns = [";bands=B;interests=", ";bands=B|", ";bands=%|B;interests=", ";bands=%|B|%;interests="];
        let any = patterns.map(|pattern| format!("release.segment like '%{pattern}%'")).join(" or ");
        format!("case when {any} then {} else 0 end", 1 << band).replace('B', &band.to_string())
    };
    let bands: Vec<String> = (1..=6).map(band).collect();
    // `;` separates the statements of a migration; `_` stands for any character.
    let sql = format!("case when release.segment like '%;bands=;interests=%' then 127 else {} end", bands.join(" + "));
    sql.replace(';', "_")
}

// Until now a charge was for a whole key or region, and a release was sampled once, at its full price: step 0. A key
// was charged for the regions of the release, and a release of which no number was stored can never be shown.
const UP: &str = "
alter table privacy_releases add column step integer not null default 0;
delete from privacy_releases where status = 'pending';
alter table privacy_releases drop column lease_token;
alter table privacy_releases drop column lease_until;
alter table privacy_charges rename to privacy_charges_by_region;
drop index privacy_charges_by_time;
drop index privacy_charges_by_release;
create table privacy_charges (
    subject text not null references privacy_accounts (subject),
    release_key text not null,
    region text not null,
    bands integer not null check (bands between 1 and 127),
    microunits bigint not null check (microunits > 0),
    charged_at bigint not null,
    drawn_by text,
    primary key (subject, release_key, region, bands)
) {clustered};
insert into privacy_charges (subject, release_key, region, bands, microunits, charged_at, drawn_by)
    select charge.subject, charge.release_key, substr(region.subject, 8), 127, charge.mu * 1000, charge.charged_at,
        charge.drawn_by
    from privacy_charges_by_region charge
    join privacy_charges_by_region region on region.release_key = charge.release_key
        and region.subject like 'region:%' and (charge.subject like 'key:%' or charge.subject = region.subject)
    left join privacy_releases release on release.release_key = charge.release_key
    where release.release_key is null or release.bundle = 'NETWORK';
insert into privacy_charges (subject, release_key, region, bands, microunits, charged_at, drawn_by)
    select charge.subject, charge.release_key, substr(region.subject, 8), {bands}, charge.mu * 1000,
        charge.charged_at, charge.drawn_by
    from privacy_charges_by_region charge
    join privacy_charges_by_region region on region.release_key = charge.release_key
        and region.subject like 'region:%' and (charge.subject like 'key:%' or charge.subject = region.subject)
    join privacy_releases release on release.release_key = charge.release_key
    where release.bundle <> 'NETWORK';
drop table privacy_charges_by_region;
create index privacy_charges_by_time on privacy_charges (subject, region, charged_at);
alter table privacy_accounts rename column cap_mu to cap_microunits;
alter table privacy_accounts rename column cap_year_mu to cap_year_microunits;
update privacy_accounts set cap_microunits = cap_microunits * 1000, cap_year_microunits = cap_year_microunits * 1000;
alter table api_request_logs rename column units_mu to microunits;
update api_request_logs set microunits = microunits * 1000 where microunits > 0;
alter table api_usage_days rename column units_mu to microunits;
update api_usage_days set microunits = microunits * 1000 where microunits > 0;
alter table agents add column atom_since bigint;
alter table erased_people add column restored_at bigint;
alter table api_keys add column test_mode boolean not null default false;
";

// An account keeps what it was charged, in whole milliunits, rounded up. A test key would read the real people, so
// these keys are revoked.
const DOWN: &str = "
update api_keys set revoked_at = created_at where test_mode and revoked_at is null;
alter table api_keys drop column test_mode;
delete from erased_people where restored_at is not null;
alter table erased_people drop column restored_at;
alter table agents drop column atom_since;
update api_usage_days set microunits = (microunits + 999) / 1000 where microunits > 0;
alter table api_usage_days rename column microunits to units_mu;
update api_request_logs set microunits = (microunits + 999) / 1000 where microunits > 0;
alter table api_request_logs rename column microunits to units_mu;
update privacy_accounts set cap_microunits = cap_microunits / 1000, cap_year_microunits = cap_year_microunits / 1000;
alter table privacy_accounts rename column cap_year_microunits to cap_year_mu;
alter table privacy_accounts rename column cap_microunits to cap_mu;
alter table privacy_charges rename to privacy_charges_by_atom;
drop index privacy_charges_by_time;
create table privacy_charges (
    subject text not null references privacy_accounts (subject),
    release_key text not null,
    mu bigint not null check (mu > 0),
    charged_at bigint not null,
    drawn_by text,
    primary key (subject, release_key)
) {clustered};
insert into privacy_charges (subject, release_key, mu, charged_at, drawn_by)
    select subject, release_key, (max(microunits) + 999) / 1000, min(charged_at), min(drawn_by)
    from privacy_charges_by_atom group by subject, release_key;
drop table privacy_charges_by_atom;
create index privacy_charges_by_time on privacy_charges (subject, charged_at);
create index privacy_charges_by_release on privacy_charges (release_key);
alter table privacy_releases drop column step;
alter table privacy_releases add column lease_token text;
alter table privacy_releases add column lease_until bigint;
";

const DROP_TRIGGERS_SQLITE: &[&str] = &[
    "drop trigger privacy_charges_insert",
    "drop trigger privacy_charges_update",
    "drop trigger privacy_charges_delete",
];

const DROP_TRIGGERS_POSTGRES: &[&str] = &[
    "drop trigger privacy_charges_change on privacy_charges",
    "drop trigger privacy_charges_truncate on privacy_charges",
];

// On SQLite, REPLACE deletes without asking the triggers of a delete, so a row that exists is not inserted again.
const INSERT_TRIGGER_SQLITE: &str = "create trigger privacy_charges_insert before insert on privacy_charges
     when exists (select 1 from privacy_charges where subject = new.subject and release_key = new.release_key
         and region = new.region and bands = new.bands)
     begin select raise(ignore); end";

const OLD_INSERT_TRIGGER_SQLITE: &str = "create trigger privacy_charges_insert before insert on privacy_charges
     when exists (select 1 from privacy_charges where subject = new.subject and release_key = new.release_key)
     begin select raise(ignore); end";

const TRIGGERS_SQLITE: &[&str] = &[
    "create trigger privacy_charges_update before update on privacy_charges
     begin select raise(abort, 'a charge never changes'); end",
    "create trigger privacy_charges_delete before delete on privacy_charges
     begin select raise(abort, 'a charge is never deleted'); end",
];

const TRIGGERS_POSTGRES: &[&str] = &[
    "create trigger privacy_charges_change before update or delete on privacy_charges
     for each row execute function privacy_refuse_change()",
    "create trigger privacy_charges_truncate before truncate on privacy_charges
     for each statement execute function privacy_refuse_change()",
];
