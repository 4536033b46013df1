//! Synthetic people who use a given vocabulary, for test keys.

use std::{collections::BTreeSet, sync::Arc};

use migration::{Migrator, MigratorTrait as _};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, IdenStatic, Iterable as _};

use super::{
    epoch_builder::{self, BuildOptions},
    generate::{ENDS_AT, Population},
};
use crate::{
    domain::{
        clock::DAY,
        epoch::{Epoch, Vocabulary},
    },
    storage::{entity::agent_summary, epochs},
};

/// The synthetic people that are generated.
const PEOPLE: Population = Population::new(3_000, 16);
/// How often the number of counted people is doubled, so that segments are large enough for the quality HIGH.
const DOUBLINGS: u32 = 6;
/// Fills an empty SQLite database with synthetic people and their epoch.
///
/// # Errors
/// The database fails.
pub async fn fill(db: &DatabaseConnection, vocabulary: &Vocabulary) -> anyhow::Result<Epoch> {
    Migrator::up(db, None).await?;
    PEOPLE.store(db, "test").await?;
    rename(db, vocabulary).await?;
    let options = BuildOptions { lists: Some(vocabulary), ..BuildOptions::DEFAULT };
    let built = epoch_builder::build_with(db, ENDS_AT, ENDS_AT + 10 * DAY, options).await?;
    multiply(db, DOUBLINGS).await?;
    let vocabulary = Arc::new(epochs::vocabulary(db, built.epoch_id).await?);
    Ok(Epoch { epoch_id: built.epoch_id, ends_at: built.ends_at, vocabulary })
}

/// Gives the synthetic people the regions, interests and categories of a vocabulary.
async fn rename(db: &DatabaseConnection, vocabulary: &Vocabulary) -> anyhow::Result<()> {
    // Every person gets a number, and from it a region and some terms.
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let number = "(cast(substr(agent_id, 6) as integer) / 24)";
    let case = |offset: u32, step: u32, values: &BTreeSet<String>| {
        let count = values.len().max(1);
        let cases = values.iter().enumerate().map(|(index, value)| format!("when {index} then {}", quoted(value)));
        let cases: Vec<String> = cases.collect();
        if cases.is_empty() {
            return "''".to_owned();
        }
        format!("case (({number} + {offset}) * {step}) % {count} {} end", cases.join(" "))
    };
    let two = |values: &BTreeSet<String>| {
        if values.len() < 2 {
            case(0, 1, values)
        } else {
            format!("{} || '|' || {}", case(0, 1, values), case(1, 1, values))
        }
    };
    let update = format!(
        "update agents set region = {}, interests = {}, category_preferences = {} where region is not null",
        case(0, 7, &vocabulary.regions),
        two(&vocabulary.interests),
        two(&vocabulary.categories),
    );
    db.execute_unprepared(&update).await?;
    Ok(())
}

/// Counts every person of the epochs 2^`doublings` times.
///
/// # Errors
/// The database fails.
pub async fn multiply(db: &DatabaseConnection, doublings: u32) -> anyhow::Result<()> {
    let columns: Vec<String> =
        agent_summary::Column::iter().map(|column| IdenStatic::as_str(&column).to_owned()).collect();
    for copy in 0..doublings {
        let select: Vec<String> = columns
            .iter()
            .map(|column| if column == "agent_id" { format!("agent_id || '-{copy}'") } else { column.clone() })
            .collect();
        let insert =
            format!("insert into agent_rollup ({}) select {} from agent_rollup", columns.join(", "), select.join(", "));
        db.execute_unprepared(&insert).await?;
    }
    Ok(())
}
