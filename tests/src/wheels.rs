//! The wheels of the optional recognisers, which `cargo xtask test` fetches into a folder.

use std::path::PathBuf;

use crate::skipped;

/// The wheel whose name begins so, from the folder in `UNDERTONE_WHEELS`; else says why the test is skipped.
pub fn wheel(package: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("UNDERTONE_WHEELS").map(PathBuf::from);
    let found = folder.and_then(|folder| {
        let entries = std::fs::read_dir(folder).ok()?;
        let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        paths.find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&format!("{package}-")) && name.ends_with(".whl")
        })
    });
    if found.is_none() {
        skipped(format!(
            "needs the wheel of {package}; `cargo xtask test --only recognisers` fetches it with pip where a package index \
             can be reached, or name a folder that holds it in UNDERTONE_WHEELS"
        ));
    }
    found
}
