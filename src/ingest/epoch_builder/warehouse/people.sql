-- Per shard and range of buckets: the people whom the build may count.
INSERT INTO {database}.epoch_people_local
    (build_id, agent_id, bucket, region, age_band, interests, categories, means, cells, state_norm)
SELECT {build_id}, agent_id, bucket, region, {age_band},
    if(interests = '', '', concat('|', interests, '|')),
    if(categories = '', '', concat('|', categories, '|')),
    means, cells, state_norm
FROM (
    SELECT agent_id, bucket, region, age, interests, categories
    FROM {database}.agents_local FINAL
    WHERE {range} AND consent = 1 AND region != '' AND (age = -1 OR age >= {adult})
        AND (atom_since = -1 OR atom_since <= {latest_counted})
) AS person ANY LEFT JOIN (
    SELECT agent_id, means, cells, state_norm
    FROM {database}.personality_profiles_local FINAL
    WHERE {range}
) AS profile USING agent_id
