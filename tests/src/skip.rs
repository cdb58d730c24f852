//! A test that cannot do its work on this machine says so, and the run's summary repeats it.

use std::fs::OpenOptions;
use std::io::Write as _;

/// Says why a test is skipped and what it would need, in one line.
///
/// The output of a test that passes is not shown, so it is also added to the file named by `UNDERTONE_SKIPS`,
/// which `cargo xtask test` reads.
pub fn skipped(why: impl AsRef<str>) {
    let line = why.as_ref().replace('\n', " ");
    eprintln!("skipped: {line}");
    if let Some(path) = std::env::var_os("UNDERTONE_SKIPS") {
        let file = OpenOptions::new().create(true).append(true).open(path);
        // In one write: several tests append at a time.
        file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()))
            .expect("the file of skips can be written to");
    }
}
