//! Files with secrets or with data of people, which only their owner may read.

use std::{fs::File, io, path::Path};

/// Creates or empties a file that only its owner may read and write.
///
/// # Errors
/// The file cannot be created, or its permissions cannot be changed.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        let file = options.mode(0o600).open(path)?;
        // The mode applies to new files only.
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        Ok(file)
    }
    #[cfg(not(unix))]
    options.open(path)
}
