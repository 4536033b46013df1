//! Real data in `../shared`, next to the repository. The data are not part of it; tests that need them are skipped
//! where they are missing.

use std::path::{Path, PathBuf};

use crate::app::left_out;

/// The path of a folder or file in `../shared`; `None` if it does not exist.
pub fn folder(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    if !path.exists() {
        left_out(&format!("tests that read ../shared/{name}, which does not exist"));
        return None;
    }
    Some(path)
}
