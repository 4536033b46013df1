#![no_main]

use std::sync::LazyLock;

include!("../check.rs");

static CHECK: LazyLock<Check> = LazyLock::new(Check::new);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    CHECK.run(bytes);
});
