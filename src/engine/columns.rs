//! The columns of `agent_rollup` from which the sums of a group are computed.

use sea_orm::Iterable as _;

use crate::{privacy::Group, storage::entity::agent_summary::Column};

/// The columns of a group, in the order of its numbers; none for the number of people.
pub fn of_group(group: Group) -> Vec<Column> {
    match group {
        Group::Size => Vec::new(),
        Group::BehaviorMeans => between(Column::BehaviorVisits, Column::BehaviorCommunity),
        Group::DwellTimes => between(Column::DwellShort, Column::DwellLong),
        Group::WeekParts => between(Column::Time0, Column::Time7),
        Group::Categories => between(Column::Category0, Column::Category11),
        // Squares and moments are computed from the means.
        Group::Means | Group::Squares | Group::Moments => between(Column::Mean0, Column::Mean11),
        // One column per dimension, with the number of the bin.
        Group::Histograms => between(Column::Bin0, Column::Bin11),
        Group::Archetypes => vec![Column::Archetype],
        Group::Network => between(Column::NetworkTies, Column::NetworkFollowed),
    }
}

/// Neighboring columns, both ends included.
fn between(first: Column, last: Column) -> Vec<Column> {
    Column::iter().skip(first as usize).take(last as usize + 1 - first as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::Bundle;

    #[test]
    fn every_summed_group_has_a_column_per_number() {
        for spec in Bundle::ALL.into_iter().flat_map(Bundle::groups) {
            let columns = of_group(spec.group).len();
            let expected = match spec.group {
                Group::Size => 0,
                Group::Histograms | Group::Moments => 12,
                Group::Archetypes => 1,
                _ => spec.size,
            };
            assert_eq!(columns, expected, "{}", spec.name);
        }
    }
}
