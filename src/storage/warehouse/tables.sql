-- The tables of the warehouse, created on every shard. `agent_id` decides on which shard a row is (cityHash64), and the
-- highest 16 bits of its hash are the bucket, so that an epoch can be built in ranges of bucket values.
--
-- ClickHouse of 2018 sorts nulls badly and cannot have them in a key, so absent values have one that data cannot have:
-- -1 for times, ages and groups, '' for a region, an empty array for the numbers of an incomplete profile.
--
-- Each row of an import has a version; of the rows with the same key, FINAL keeps the one with the highest version.
CREATE TABLE IF NOT EXISTS {database}.agents_local (
    agent_id String,
    bucket UInt16 DEFAULT toUInt16(bitShiftRight(cityHash64(agent_id), 48)),
    region String,
    age Int16,
    interests String,
    categories String,
    consent UInt8,
    atom_since Int64,
    version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY (bucket, agent_id);

-- `means`: 12 numbers; `cells`: the 12 cells of the histograms and that of the archetype, as in the bundle PERSONALITY.
CREATE TABLE IF NOT EXISTS {database}.personality_profiles_local (
    agent_id String,
    bucket UInt16 DEFAULT toUInt16(bitShiftRight(cityHash64(agent_id), 48)),
    means Array(Int16),
    cells Array(UInt8),
    state_norm Int64,
    version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY (bucket, agent_id);

CREATE TABLE IF NOT EXISTS {database}.user_actions_local (
    agent_id String,
    bucket UInt16 DEFAULT toUInt16(bitShiftRight(cityHash64(agent_id), 48)),
    spot_id String,
    start_time Int64,
    action_type String,
    end_time Int64,
    category_group Int8,
    is_return Int8,
    version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY (bucket, agent_id, spot_id, start_time, action_type);

-- A tie is stored twice, once for each end, where that end is.
CREATE TABLE IF NOT EXISTS {database}.ai2ai_connections_local (
    agent_id String,
    bucket UInt16 DEFAULT toUInt16(bitShiftRight(cityHash64(agent_id), 48)),
    other_id String,
    weight UInt16,
    created_at Int64,
    kept UInt8,
    version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY (bucket, agent_id, other_id);

-- The next three exist only while an epoch is built.
CREATE TABLE IF NOT EXISTS {database}.epoch_people_local (
    build_id UInt64,
    agent_id String,
    bucket UInt16 DEFAULT toUInt16(bitShiftRight(cityHash64(agent_id), 48)),
    region String,
    age_band UInt8,
    interests String,
    categories String,
    means Array(Int16),
    cells Array(UInt8),
    state_norm Int64
) ENGINE = MergeTree() PARTITION BY build_id ORDER BY (build_id, bucket, agent_id);

-- One number per window, or one array of numbers per window.
CREATE TABLE IF NOT EXISTS {database}.epoch_visits_local (
    build_id UInt64,
    agent_id String,
    bucket UInt16 DEFAULT toUInt16(bitShiftRight(cityHash64(agent_id), 48)),
    visits Array(UInt32),
    known Array(UInt32),
    dwell Array(Int64),
    returns Array(UInt32),
    events Array(UInt32),
    dwell_bands Array(Array(UInt32)),
    week_parts Array(Array(UInt32)),
    category_groups Array(Array(UInt32)),
    spots Array(UInt64),
    firsts Array(UInt32)
) ENGINE = MergeTree() PARTITION BY build_id ORDER BY (build_id, bucket, agent_id);

CREATE TABLE IF NOT EXISTS {database}.epoch_ties_local (
    build_id UInt64,
    agent_id String,
    bucket UInt16 DEFAULT toUInt16(bitShiftRight(cityHash64(agent_id), 48)),
    other_id String,
    other_region String,
    weight UInt16,
    created_at Int64,
    spots Array(UInt64),
    firsts Array(UInt32)
) ENGINE = MergeTree() PARTITION BY build_id ORDER BY (build_id, bucket, agent_id, other_id);

-- The integers that releases sum, one row per counted person and window. A row of the window 0 marks that its shard has
-- the build.
CREATE TABLE IF NOT EXISTS {database}.agent_rollup_local (
    build_id UInt64,
    window_days UInt16,
    region String,
    age_band UInt8,
    agent_id String,
    interests String,
    categories String,
    behavior Array(Int16),
    means Array(Int16),
    cells Array(UInt8),
    network Array(Int16),
    state_norm Int64
) ENGINE = MergeTree() PARTITION BY build_id ORDER BY (build_id, window_days, region, age_band, agent_id);

CREATE TABLE IF NOT EXISTS {database}.warehouse_migrations_local (
    version UInt32,
    applied_at DateTime
) ENGINE = MergeTree() ORDER BY version
