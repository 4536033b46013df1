-- Per shard and range of buckets, after the visits of this shard: what a tie tells one end about the other one. It is
-- inserted into the distributed table, so that it reaches the shard of the end that it is about.
INSERT INTO {database}.epoch_ties
    (build_id, agent_id, other_id, other_region, weight, created_at, spots, firsts)
SELECT {build_id}, friend_id, agent_id, region, weight, created_at, new_spots, new_firsts
FROM (
    SELECT agent_id, friend_id, region, weight, created_at
    FROM (
        SELECT agent_id, other_id AS friend_id, weight, created_at
        FROM {database}.ai2ai_connections_local FINAL
        WHERE {range} AND kept = 1 AND created_at < {ends_at}
    ) AS tie ALL INNER JOIN (
        SELECT agent_id, region FROM {database}.epoch_people_local WHERE build_id = {build_id} AND {range}
    ) AS person USING agent_id
) AS tie_of_person ANY LEFT JOIN (
    -- First visits before the longest window cannot make somebody follow within it.
    SELECT agent_id,
        arrayFilter((spot, first) -> first > 0, spots, firsts) AS new_spots,
        arrayFilter(first -> first > 0, firsts) AS new_firsts
    FROM {database}.epoch_visits_local
    WHERE build_id = {build_id} AND {range}
) AS visits_of_person USING agent_id
