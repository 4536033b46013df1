//! The rows of people in the warehouse (`storage/warehouse/tables.sql`).
//!
//! Rows that exist are not updated in place: a row with a higher version takes their place. So the caller must hold the
//! lock of people, and what must stay as it is is read first: whether a tie is kept, and since when a person is in the
//! present region and age band.

use std::collections::HashMap;

use anyhow::Context as _;
use tokio::task::JoinHandle;

use super::{agents::AgentRow, connections::StoredTie, kinds::Kind, personality::PersonalityRow, visits::VisitRow};
use crate::{
    domain::segment::age_band,
    privacy::{
        Group,
        contribution::{self, Profile},
    },
    storage::{
        entity::agent::ATOM_CHANGE_PENDING,
        warehouse::{RowBinary, Warehouse, WarehouseError, quoted},
    },
};

/// The number of rows of a batch: a table of ClickHouse should get few and large ones.
pub(super) const ROWS_PER_BATCH: usize = 250_000;
/// The table of visits, which are staged.
const VISITS: &str = "user_actions";
/// The value of a number that is not known.
const UNKNOWN: i64 = -1;

/// The ids of all people.
pub(super) async fn people(warehouse: &Warehouse) -> anyhow::Result<impl Iterator<Item = String>> {
    let rows = warehouse.read::<1>(&format!("SELECT agent_id FROM {}.agents", warehouse.database())).await?;
    Ok(rows.into_iter().map(|[id]| id))
}

/// The number of rows of a kind of file.
pub(super) async fn count(warehouse: &Warehouse, kind: Kind) -> anyhow::Result<u64> {
    let table = match kind {
        Kind::Agents => "agents",
        Kind::Personality => "personality_profiles",
        Kind::Visits => "user_actions",
        Kind::Connections => "ai2ai_connections",
        Kind::Products => anyhow::bail!("products are not in the warehouse"),
    };
    // A tie is stored with each of its ends.
    let ends = if kind == Kind::Connections { 2 } else { 1 };
    let count = format!("SELECT toString(count()) FROM {}.{table} FINAL", warehouse.database());
    match &warehouse.read::<1>(&count).await?[..] {
        [[count]] => Ok(count.parse::<u64>()? / ends),
        _ => anyhow::bail!("the warehouse does not count its rows"),
    }
}

/// The rows of these people in a table, with the columns `columns`, which are texts.
async fn of_people<const N: usize>(
    warehouse: &Warehouse,
    table: &str,
    columns: &str,
    ids: impl Iterator<Item = &str>,
) -> anyhow::Result<Vec<[String; N]>> {
    // One text, because a statement may have 50,000 elements at most. Ids contain no control characters.
    let ids = ids.collect::<Vec<_>>().join("\n");
    let statement = format!(
        "SELECT {columns} FROM {}.{table} FINAL WHERE (bucket, agent_id) IN (
             SELECT toUInt16(bitShiftRight(cityHash64(id), 48)), id
             FROM (SELECT arrayJoin(splitByChar('\\n', {})) AS id)
         )",
        warehouse.database(),
        quoted(&ids)
    );
    Ok(warehouse.read(&statement).await?)
}

/// Stores people. `is_restored` says whether a person was erased and restored.
pub(super) async fn store_agents(
    warehouse: &Warehouse,
    rows: &[AgentRow],
    is_restored: impl Fn(&str) -> bool,
) -> anyhow::Result<()> {
    let columns = "agent_id, region, toString(age), toString(atom_since)";
    let stored = of_people(warehouse, "agents", columns, rows.iter().map(|row| row.agent_id.as_str())).await?;
    let mut known: HashMap<String, (String, Option<i32>, i64)> = HashMap::with_capacity(stored.len());
    for [id, region, age, since] in stored {
        known.insert(id, (region, age.parse().ok().filter(|age| *age >= 0), since.parse()?));
    }
    let version = warehouse.next_version("agents").await?;
    let mut binary = RowBinary::default();
    for row in rows {
        let region = row.region.as_deref().unwrap_or_default();
        let atom_since = match known.get(&row.agent_id) {
            None if is_restored(&row.agent_id) => ATOM_CHANGE_PENDING,
            None => UNKNOWN,
            Some((old_region, old_age, since)) => {
                // As `agents::atom_since`. A minor or a person without a region was not counted.
                let was_counted = !old_region.is_empty() && age_band(*old_age).is_some();
                let is_moved = region != old_region || age_band(row.age) != age_band(*old_age);
                if was_counted && is_moved { ATOM_CHANGE_PENDING } else { *since }
            }
        };
        binary.text(&row.agent_id);
        binary.text(region);
        binary.integer(row.age.map_or(-1, |age| i16::try_from(age).unwrap_or(-1)).to_le_bytes());
        binary.text(&row.interests);
        binary.text(&row.categories);
        binary.integer(u8::from(row.consent).to_le_bytes());
        binary.integer(atom_since.to_le_bytes());
        binary.integer(version.to_le_bytes());
    }
    let columns = ["agent_id", "region", "age", "interests", "categories", "consent", "atom_since", "version"];
    Ok(warehouse.insert("agents", &columns, binary).await?)
}

/// Stores profiles, reduced to the integers that an epoch needs.
pub(super) async fn store_profiles(warehouse: &Warehouse, rows: &[PersonalityRow]) -> anyhow::Result<()> {
    let version = warehouse.next_version("personality_profiles").await?;
    let mut binary = RowBinary::default();
    for row in rows {
        binary.text(&row.agent_id);
        if let Some(profile) = contribution::profile(&row.dimensions) {
            let means: [i16; 12] = profile.mean.map(|mean| i16::try_from(mean).unwrap_or_default());
            binary.array(means.map(i16::to_le_bytes).into_iter());
            binary.array(cells(&profile)?.into_iter().map(u8::to_le_bytes));
            binary.integer(contribution::state_norm(&profile.mean).to_le_bytes());
        } else {
            // The row replaces a complete profile, so that the person is not counted with it any more.
            binary.array(std::iter::empty::<[u8; 2]>());
            binary.array(std::iter::empty::<[u8; 1]>());
            binary.integer(0_i64.to_le_bytes());
        }
        binary.integer(version.to_le_bytes());
    }
    let columns = ["agent_id", "means", "cells", "state_norm", "version"];
    Ok(warehouse.insert("personality_profiles", &columns, binary).await?)
}

/// The numbers of the bundle PERSONALITY to which a profile adds 1: a bin of each histogram, and the archetype.
fn cells(profile: &Profile) -> anyhow::Result<Vec<u8>> {
    let (histograms, archetypes) = (Group::Histograms.range(), Group::Archetypes.range());
    let bins = histograms.len() / profile.bins.len();
    let cells = profile.bins.iter().enumerate().map(|(dimension, bin)| dimension * bins + bin);
    let cells = cells.chain([archetypes.start - histograms.start + profile.archetype]);
    cells.map(|cell| u8::try_from(cell).context("a cell has a number above 255")).collect()
}

/// Visits on their way to the warehouse. They are seen when all rows of the file are there.
pub(super) struct VisitStaging {
    warehouse: Warehouse,
    /// The version of the next batch. Of rows with the same version, the one that was inserted last counts.
    version: u64,
    /// The batch that is being inserted while the next one is read.
    inserting: Option<JoinHandle<Result<(), WarehouseError>>>,
}

impl VisitStaging {
    pub async fn begin(warehouse: &Warehouse) -> anyhow::Result<Self> {
        warehouse.stage(VISITS).await?;
        let version = warehouse.next_version(VISITS).await?;
        Ok(Self { warehouse: warehouse.clone(), version, inserting: None })
    }

    pub async fn store(&mut self, rows: &[(u64, VisitRow)]) -> anyhow::Result<()> {
        let mut binary = RowBinary::default();
        for (_, row) in rows {
            let group = row.category_group.as_deref().map(contribution::category_group);
            binary.text(&row.agent_id);
            binary.text(&row.spot_id);
            binary.integer(row.start_time.to_le_bytes());
            binary.text(&row.action_type);
            binary.integer(row.end_time.unwrap_or(UNKNOWN).to_le_bytes());
            binary.integer(group.map_or(-1, |group| i8::try_from(group).unwrap_or(-1)).to_le_bytes());
            binary.integer(row.is_return_visit.map_or(-1, i8::from).to_le_bytes());
            binary.integer(self.version.to_le_bytes());
        }
        self.version += 1;
        self.wait().await?;
        let warehouse = self.warehouse.clone();
        self.inserting = Some(tokio::spawn(async move {
            let columns = [
                "agent_id",
                "spot_id",
                "start_time",
                "action_type",
                "end_time",
                "category_group",
                "is_return",
                "version",
            ];
            warehouse.insert(&format!("{VISITS}_import"), &columns, binary).await
        }));
        Ok(())
    }

    pub async fn publish(mut self) -> anyhow::Result<()> {
        self.wait().await?;
        let published = self.warehouse.publish(VISITS).await;
        published.context("some shards may have the visits and others not: import the file again")
    }

    async fn wait(&mut self) -> anyhow::Result<()> {
        if let Some(inserting) = self.inserting.take() {
            inserting.await??;
        }
        Ok(())
    }
}

/// The ends of the kept ties of all people: the two ends of a tie are two rows.
pub(super) async fn kept_ties(warehouse: &Warehouse) -> anyhow::Result<HashMap<String, usize>> {
    let count = format!(
        "SELECT agent_id, toString(count()) FROM {}.ai2ai_connections FINAL WHERE kept = 1 GROUP BY agent_id",
        warehouse.database()
    );
    let rows = warehouse.read::<2>(&count).await?;
    rows.into_iter().map(|[id, count]| Ok((id, count.parse()?))).collect()
}

/// The stored ones of these ties, whose ends are sorted, and whether they are kept.
pub(super) async fn stored_ties(
    warehouse: &Warehouse,
    ties: impl Iterator<Item = &(String, String)>,
) -> anyhow::Result<HashMap<(String, String), bool>> {
    let mut firsts: Vec<&str> = ties.map(|(first, _)| first.as_str()).collect();
    firsts.sort_unstable();
    firsts.dedup();
    let columns = "agent_id, other_id, toString(kept)";
    let rows = of_people(warehouse, "ai2ai_connections", columns, firsts.into_iter()).await?;
    let tie = |[first, second, kept]: [String; 3]| (first < second).then_some(((first, second), kept == "1"));
    Ok(rows.into_iter().filter_map(tie).collect())
}

/// Stores ties, each with both of its ends.
pub(super) async fn store_ties(warehouse: &Warehouse, ties: &[StoredTie]) -> anyhow::Result<()> {
    let version = warehouse.next_version("ai2ai_connections").await?;
    let mut binary = RowBinary::default();
    for tie in ties {
        let weight = u16::try_from(contribution::tie_weight(tie.compatibility))?;
        for [own, other] in [[&tie.agents.0, &tie.agents.1], [&tie.agents.1, &tie.agents.0]] {
            binary.text(own);
            binary.text(other);
            binary.integer(weight.to_le_bytes());
            binary.integer(tie.created_at.to_le_bytes());
            binary.integer(u8::from(tie.kept).to_le_bytes());
            binary.integer(version.to_le_bytes());
        }
    }
    let columns = ["agent_id", "other_id", "weight", "created_at", "kept", "version"];
    Ok(warehouse.insert("ai2ai_connections", &columns, binary).await?)
}
