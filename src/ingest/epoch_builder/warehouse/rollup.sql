-- Per shard and range of buckets, after the ties of all shards: one row of integers per person and window, as
-- `privacy::contribution` defines them.
INSERT INTO {database}.agent_rollup_local (
    build_id, window_days, region, age_band, agent_id, interests, categories, behavior, means, cells, network, state_norm
)
SELECT {build_id}, window_days, region, age_band, agent_id, interests, categories,
    arrayConcat(
        [
            intDiv(20000 * least(v, cap) - 10000 * cap, 2 * cap),
            if(k = 0, 0, intDiv(20000 * least(d, 7200 * k) - 72000000 * k, 14400 * greatest(k, 1))),
            intDiv(20000 * toInt64(returns_in) - 10000 * v, 2 * v),
            intDiv(20000 * toInt64(events_in) - 10000 * v, 2 * v)
        ],
        arrayMap(n -> if(k = 0, 0, intDiv(30000 * toInt64(n) - 10000 * k, 3 * greatest(k, 1))), dwell_bands_in),
        arrayMap(n -> intDiv(80000 * toInt64(n) - 10000 * v, 8 * v), week_parts_in),
        arrayMap(n -> if(g = 0, 0, intDiv(120000 * toInt64(n) - 10000 * g, 12 * greatest(g, 1))), category_groups_in)
    ),
    means, cells,
    [
        toInt64(tie_count) * 1000 - 5000, toInt64(tie_weight) - 5000,
        toInt64(new_in) * 1000 - 5000, toInt64(followed_in) * 1000 - 5000
    ],
    state_norm
FROM (
    -- Of one window: v = visits, k = visits with a known end, d = their seconds, g = visits with a category group.
    SELECT agent_id, region, age_band, interests, categories, means, cells, state_norm, tie_count, tie_weight, new_in,
        followed_in, window_days, {visit_cap} AS cap, toInt64(visits_in) AS v, toInt64(known_in) AS k,
        toInt64(dwell_in) AS d, toInt64(arraySum(category_groups_in)) AS g, returns_in, events_in, dwell_bands_in,
        week_parts_in, category_groups_in
    FROM (
        SELECT agent_id, region, age_band, interests, categories, means, cells, state_norm, visits, known, dwell,
            returns, events, dwell_bands, week_parts, category_groups, tie_count, tie_weight,
            if(tie_count = 0, [0, 0, 0], tie_news) AS news,
            -- Ties whose other end came first to a spot after this person had been there, by window.
            {followeds} AS followeds
        FROM (
            SELECT agent_id, region, age_band, interests, categories, means, cells, state_norm, visits, known, dwell,
                returns, events, dwell_bands, week_parts, category_groups, tie_count, tie_weight, tie_news,
                merged_ties, merged_keys,
                arrayEnumerateUniq(merged_spots) AS nth_to_spot,
                arrayEnumerateUniq(merged_spots, arrayMap(key -> toUInt8(key % 2), merged_keys)) AS nth_of_its_kind
            FROM (
                -- Own and others' first visits, sorted by time. The key is twice the time, plus 1 for an own visit, so
                -- that in one second the others' visits come first and do not count.
                SELECT agent_id, region, age_band, interests, categories, means, cells, state_norm, visits, known,
                    dwell, returns, events, dwell_bands, week_parts, category_groups, tie_count, tie_weight, tie_news,
                    arrayConcat(
                        arrayMap(first -> first * 2 + 1, if(empty(common_firsts), emptyArrayUInt32(), firsts)),
                        arrayMap(first -> first * 2, common_firsts)
                    ) AS keys,
                    arraySort(
                        (spot, key) -> key,
                        arrayConcat(if(empty(common_firsts), emptyArrayUInt64(), spots), common_spots),
                        keys
                    ) AS merged_spots,
                    arraySort(
                        (tie, key) -> key,
                        arrayConcat(
                            arrayMap(first -> toUInt64(0), if(empty(common_firsts), emptyArrayUInt32(), firsts)),
                            common_ties
                        ),
                        keys
                    ) AS merged_ties,
                    arraySort(keys) AS merged_keys
                FROM (
                    -- Of the others' first visits, those to spots that the person has visited: numbering the own spots
                    -- first gives such a spot a number up to their count.
                    SELECT agent_id, region, age_band, interests, categories, means, cells, state_norm, visits, known,
                        dwell, returns, events, dwell_bands, week_parts, category_groups, spots, firsts, tie_count,
                        tie_weight, tie_news,
                        arraySlice(arrayEnumerateDense(arrayConcat(spots, tie_spots)), length(spots) + 1) AS number,
                        arrayResize(emptyArrayUInt64(), length(tie_spots), length(spots)) AS own_spots,
                        arrayFilter((spot, n, own) -> n <= own, tie_spots, number, own_spots) AS common_spots,
                        arrayFilter((first, n, own) -> n <= own, tie_firsts, number, own_spots) AS common_firsts,
                        arrayFilter((tie, n, own) -> n <= own, tie_ids, number, own_spots) AS common_ties
                    FROM (
                        SELECT agent_id, region, age_band, interests, categories, means, cells, state_norm, visits,
                            known, dwell, returns, events, dwell_bands, week_parts, category_groups, spots, firsts
                        FROM (
                            SELECT agent_id, visits, known, dwell, returns, events, dwell_bands, week_parts,
                                category_groups, spots, firsts
                            FROM {database}.epoch_visits_local
                            WHERE build_id = {build_id} AND {range} AND visits[3] > 0
                        ) AS visits_of_person ALL INNER JOIN (
                            SELECT agent_id, region, age_band, interests, categories, means, cells, state_norm
                            FROM {database}.epoch_people_local
                            WHERE build_id = {build_id} AND {range} AND notEmpty(means)
                        ) AS person USING agent_id
                    ) AS person_with_visits ANY LEFT JOIN (
                        SELECT agent_id, count() AS tie_count, sum(weight) AS tie_weight, {news} AS tie_news,
                            groupArrayArray(ids) AS tie_ids, groupArrayArray(spots) AS tie_spots,
                            groupArrayArray(firsts) AS tie_firsts
                        FROM (
                            SELECT agent_id, weight, created_at, spots, firsts,
                                arrayResize(emptyArrayUInt64(), length(spots), tie_id) AS ids
                            FROM (
                                SELECT agent_id, sipHash64(other_id) AS tie_id, other_region, weight, created_at, spots,
                                    firsts
                                FROM {database}.epoch_ties_local
                                WHERE build_id = {build_id} AND {range}
                            ) AS tie ALL INNER JOIN (
                                SELECT agent_id, region
                                FROM {database}.epoch_people_local
                                WHERE build_id = {build_id} AND {range} AND notEmpty(means)
                            ) AS end_of_tie USING agent_id
                            WHERE region = other_region
                        )
                        GROUP BY agent_id
                    ) AS ties_of_person USING agent_id
                )
            )
        )
    )
    ARRAY JOIN {window_days} AS window_days, visits AS visits_in, known AS known_in, dwell AS dwell_in,
        returns AS returns_in, events AS events_in, dwell_bands AS dwell_bands_in, week_parts AS week_parts_in,
        category_groups AS category_groups_in, news AS new_in, followeds AS followed_in
)
-- ClickHouse of 2018 loses a column that only lambdas use, so `g` stands here too.
WHERE v > 0 AND g >= 0
