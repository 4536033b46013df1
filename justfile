# The commands of this repository; `just` lists them.

_default:
    @just --list

# Run every check that a change must pass, as CI does
check:
    ./check

# Create a synthetic population and serve it
demo:
    cargo run --release -- demo

# Run the tests that need only a Rust toolchain
test:
    cargo test --workspace

# Review changed snapshots
review:
    cargo insta review

# Write schema.graphql; the tests only compare it
schema:
    cargo run --quiet -- schema > schema.graphql.new && mv schema.graphql.new schema.graphql

# Simulate the accuracy of released numbers, and write the table in docs/privacy.md; `./check` only compares it
accuracy:
    cargo run --quiet --example accuracy

# Print how many portraits a key can buy in 30 days (`docs/privacy.md`, "Reach")
reach *flags:
    cargo run --quiet --example reach -- {{ flags }}

# Write the tables of prices, settings and errors in docs/; the tests only compare them
tables:
    cargo run --quiet --example tables

# Measure the performance of a server, and compare it with a baseline of its libraries
bench *flags:
    cargo run -p bench --release -- {{ flags }}

# Measure the pipeline and all workloads on SQLite, and print one table (`docs/performance.md`)
performance agents="200000" visits="60":
    rm -rf target/performance && mkdir -p target/performance
    cargo run -p bench --release -- pipeline --agents {{ agents }} --visits {{ visits }} --json \
        --files target/performance/files --bench-database 'sqlite://target/performance/bench.db?mode=rwc' \
        > target/performance/pipeline.json
    for engine in sql memory; do \
        cargo run -p bench --release -- --agents {{ agents }} --engine $engine --connections 1,16 --json \
            --bench-database 'sqlite://target/performance/bench.db?mode=rwc' \
            > target/performance/$engine.json || exit 1; \
    done
    cargo run -p bench --release -- table target/performance/*.json

# Time the mathematics (ranking, states, knots)
mathematics:
    cargo bench -p bench --bench mathematics

# Run the privacy tests against every fault that they must detect
mutants:
    cargo test --features mutants --test it -- promise::t3 promise::t6_kill

# Upgrade the database of DATABASE_URL to this version
migrate:
    cargo run -- migrate up

# Serve the database of DATABASE_URL
serve:
    cargo run --release -- serve
