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
