//! `cargo xtask bench`: measures the engine with criterion.

use std::path::Path;

use anyhow::Result;

use crate::job::Job;
use crate::say;

/// Runs the benches, all of them or those whose name holds the filter.
pub fn run(root: &Path, filter: &[&str]) -> Result<()> {
    say::plan(
        "measures the engine; leave the machine alone meanwhile, or the figures tell about something else",
    );
    let job = Job::cargo(root).words("bench --locked --package undertone --benches --");
    filter.iter().fold(job, Job::arg).run()?;
    say::done("the next run compares itself with this one");
    Ok(())
}
