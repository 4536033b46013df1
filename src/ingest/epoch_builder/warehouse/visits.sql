-- Per shard and range of buckets: for each person the counts of the three windows, and the first visit to each spot.
--
-- A visit is packed into one integer, so that one sort orders a person's visits by time:
--   bits 20 and up  start_time
--   bits 15 and 16  ring: 0 = in the shortest window, 1 = in the middle one only, 2 = in the longest one only, 3 = before
--   bits 12 to 14   part of the week
--   bits 8 to 11    category group + 1; 0 = unknown
--   bits 6 and 7    band of the time spent; 3 = unknown
--   bits 4 and 5    is_return + 1; 0 = unknown
--   bit 3           an attended event
-- A window contains the rings up to its own, so counts of windows are sums of counts of rings.
INSERT INTO {database}.epoch_visits_local (
    build_id, agent_id, bucket, visits, known, dwell, returns, events, dwell_bands, week_parts, category_groups,
    spots, firsts
)
SELECT {build_id}, agent_id, bucket,
    arrayCumSum([visits_0, visits_1, visits_2]),
    arrayCumSum([known_0, known_1, known_2]),
    arrayCumSum([dwell_0, dwell_1, dwell_2]),
    {returns},
    {events},
    {dwell_bands},
    {week_parts},
    {category_groups},
    -- The first visit to each spot, and its time: seconds after the start of the longest window, plus 1; 0 = before it.
    arrayFilter((spot, nth) -> nth = 1, spots_by_time, nth_to_spot),
    arrayMap(
        x -> toUInt32(if(bitShiftRight(x, 20) < {starts_at}, 0, bitShiftRight(x, 20) - {starts_at} + 1)),
        arrayFilter((x, nth) -> nth = 1, packed, nth_to_spot)
    )
FROM (
    SELECT agent_id, bucket, visits_0, visits_1, visits_2, known_0, known_1, known_2, dwell_0, dwell_1, dwell_2,
        spots_by_time, packed, nth_to_spot,
        -- A visit is a return if the file says so. If it does not say: if there is an earlier visit to the spot, that
        -- is, if more visits to the spot came up to it than in its own second.
        arrayMap(
            (x, nth, nth_in_second) -> toUInt8(
                bitAnd(bitShiftRight(x, 15), 3) * 2
                + (bitAnd(bitShiftRight(x, 4), 3) = 2 OR (bitAnd(bitShiftRight(x, 4), 3) = 0 AND nth != nth_in_second))
            ),
            packed, nth_to_spot, nth_to_spot_in_second
        ) AS return_keys,
        arrayMap(x -> toUInt8(bitAnd(bitShiftRight(x, 15), 3) * 2 + bitAnd(bitShiftRight(x, 3), 1)), packed)
            AS event_keys,
        arrayMap(x -> toUInt8(bitAnd(bitShiftRight(x, 15), 3) * 4 + bitAnd(bitShiftRight(x, 6), 3)), packed)
            AS dwell_keys,
        arrayMap(x -> toUInt8(bitAnd(bitShiftRight(x, 12), 31)), packed) AS week_keys,
        arrayMap(x -> toUInt8(bitAnd(bitShiftRight(x, 15), 3) * 16 + bitAnd(bitShiftRight(x, 8), 15)), packed)
            AS group_keys
    FROM (
        SELECT agent_id, bucket, visits_0, visits_1, visits_2, known_0, known_1, known_2, dwell_0, dwell_1, dwell_2,
            spots_by_time, packed,
            arrayEnumerateUniq(spots_by_time) AS nth_to_spot,
            arrayEnumerateUniq(spots_by_time, arrayMap(x -> bitShiftRight(x, 20), packed)) AS nth_to_spot_in_second
        FROM (
            SELECT agent_id, bucket, visits_0, visits_1, visits_2, known_0, known_1, known_2, dwell_0, dwell_1, dwell_2,
                arraySort((spot, x) -> x, all_spots, all_packed) AS spots_by_time,
                arraySort(all_packed) AS packed
            FROM (
                SELECT agent_id, any(bucket_of) AS bucket, groupArray(spot) AS all_spots, groupArray(x) AS all_packed,
                    countIf(ring = 0) AS visits_0, countIf(ring = 1) AS visits_1, countIf(ring = 2) AS visits_2,
                    countIf(ring = 0 AND end_time != -1) AS known_0,
                    countIf(ring = 1 AND end_time != -1) AS known_1,
                    countIf(ring = 2 AND end_time != -1) AS known_2,
                    sumIf(if(end_time > start_time, end_time - start_time, 0), ring = 0) AS dwell_0,
                    sumIf(if(end_time > start_time, end_time - start_time, 0), ring = 1) AS dwell_1,
                    sumIf(if(end_time > start_time, end_time - start_time, 0), ring = 2) AS dwell_2
                FROM (
                    SELECT agent_id, bucket AS bucket_of, start_time, end_time, sipHash64(spot_id) AS spot,
                        {ring} AS ring,
                        bitOr(bitShiftLeft(toUInt64(start_time), 20), toUInt64(
                            {ring} * 32768
                            + ((intDiv(start_time, 86400) + 3) % 7 >= 5) * 16384
                            + intDiv(start_time % 86400, 21600) * 4096
                            + (category_group + 1) * 256
                            + multiIf(
                                end_time = -1, 3, end_time < start_time + 900, 0, end_time <= start_time + 3600, 1, 2
                            ) * 64
                            + (is_return + 1) * 16
                            + (action_type = 'event_attendance') * 8
                        )) AS x
                    FROM {database}.user_actions_local FINAL
                    WHERE {range} AND start_time < {ends_at} AND agent_id IN (
                        SELECT agent_id FROM {database}.epoch_people_local WHERE build_id = {build_id} AND {range}
                    )
                )
                GROUP BY agent_id
            )
        )
    )
)
