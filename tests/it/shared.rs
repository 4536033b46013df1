//! Real data beside the repository: not part of it, so a newcomer's clone does without.

use std::path::{Path, PathBuf};

use crate::app::left_out;

/// A folder or file of `../shared`, if it is there.
pub fn folder(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    if !path.exists() {
        left_out(&format!("tests that read ../shared/{name}, which is not there"));
        return None;
    }
    Some(path)
}
