# The only door: `just` lists what there is.

_default:
    @just --list

# Everything that must hold, as CI runs it
check:
    ./check

# A synthetic population and a server
demo:
    cargo run --release -- demo

# The tests that need a Rust toolchain only
test:
    cargo test --workspace

# Look at changed snapshots
review:
    cargo insta review

# Write schema.graphql; a test only compares
schema:
    cargo run --quiet -- schema > schema.graphql.new && mv schema.graphql.new schema.graphql

# Simulate how exact released numbers are, and write the table into docs/privacy.md; `./check` only compares
accuracy:
    cargo run --quiet --example accuracy

# Write the tables of prices, settings and errors into docs/; tests only compare
tables:
    cargo run --quiet --example tables

# How fast a server answers, beside what its libraries can do at best
bench *flags:
    cargo build --release -p spots-enrichment -p floor
    target/release/spots-enrichment bench {{ flags }}

# How long the mathematics take (ranking, states, knots)
mathematics:
    cargo bench --bench mathematics

# Every fault that the privacy tests must find
mutants:
    cargo test --features mutants --test it -- promise::t3 promise::t6_kill

# Bring the database of DATABASE_URL to this version
migrate:
    cargo run -- migrate up

# Serve the database of DATABASE_URL
serve:
    cargo run --release -- serve
