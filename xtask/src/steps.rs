//! Steps one after another: a heading, a time and the room left on the disk for each, a table at the end, and a
//! stop at the first failure.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{machine, say};

/// With less than this left on the disk, that is why a step failed.
const FULL: u64 = 256 << 20;

/// How a step ended that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    /// It could not be done here; why, and what it would need.
    Skipped(String),
}

#[derive(Debug)]
enum End {
    Passed,
    Skipped(String),
    Failed(String),
}

#[derive(Debug)]
struct Ended {
    name: &'static str,
    end: End,
    time: Duration,
    /// What was free on the disk after it, where that can be told.
    free: Option<u64>,
}

/// The steps of one run.
#[derive(Debug)]
pub struct Steps {
    /// Where the steps leave what they build.
    folder: PathBuf,
    only: Vec<String>,
    ended: Vec<Ended>,
    failed: bool,
}

impl Steps {
    /// Only the steps named, or all if none is.
    pub const fn new(folder: PathBuf, only: Vec<String>) -> Self {
        Self {
            folder,
            only,
            ended: Vec::new(),
            failed: false,
        }
    }

    /// Does a step, unless it is not asked for or one has failed before.
    pub fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<Outcome>) {
        let wanted = self.only.is_empty() || self.only.iter().any(|only| only == name);
        if self.failed || !wanted {
            return;
        }
        say::heading(name);
        let begun = Instant::now();
        let end = match work() {
            Ok(Outcome::Passed) => End::Passed,
            Ok(Outcome::Skipped(why)) => {
                say::note(&format!("skipped: {why}"));
                End::Skipped(why)
            }
            Err(error) => {
                self.failed = true;
                End::Failed(format!("{error:#}"))
            }
        };
        self.ended.push(Ended {
            name,
            end,
            time: begun.elapsed(),
            free: machine::free_space(&self.folder),
        });
    }

    /// Shows the table; fails if a step has failed. `remarks` are things that single tests could not do here.
    pub fn finish(self, remarks: &[String]) -> Result<()> {
        say::heading("summary");
        let width = self.ended.iter().map(|ended| ended.name.len()).max().unwrap_or(0);
        for Ended {
            name,
            end,
            time,
            free,
        } in &self.ended
        {
            let time = say::time(*time);
            let free = free.map(|free| format!("{} free", say::size(free)));
            let free = free.unwrap_or_default();
            let (style, word, why) = match end {
                End::Passed => ("32", "passed", ""),
                End::Skipped(why) => ("33", "skipped", why.as_str()),
                End::Failed(why) => ("31", "failed", why.as_str()),
            };
            let word = say::styled(style, &format!("{word:<7}"));
            println!("  {name:<width$}  {word}  {time:>12}  {free:>12}  {why}");
        }
        for remark in remarks {
            say::note(&format!("a test skipped: {remark}"));
        }
        let count = |wanted: fn(&End) -> bool| self.ended.iter().filter(|ended| wanted(&ended.end)).count();
        let failed = self
            .ended
            .iter()
            .find(|ended| matches!(ended.end, End::Failed(_)));
        if let Some(failed) = failed {
            if failed.free.is_some_and(|free| free < FULL) {
                say::note(
                    "the disk is full: `cargo clean` makes room, and CARGO_TARGET_DIR names a folder on another",
                );
            }
            say::note(&format!(
                "to run it again: cargo xtask test --only {}",
                failed.name
            ));
        }
        println!(
            "{} passed, {} failed, {} skipped",
            count(|end| matches!(end, End::Passed)),
            count(|end| matches!(end, End::Failed(_))),
            count(|end| matches!(end, End::Skipped(_))),
        );
        if let Some(failed) = failed {
            bail!("{} failed", failed.name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_stops_the_run() {
        let mut steps = Steps::new(PathBuf::from("."), Vec::new());
        let mut done = Vec::new();
        steps.step("one", || Ok(Outcome::Passed));
        steps.step("two", || bail!("broken"));
        steps.step("three", || {
            done.push("three");
            Ok(Outcome::Passed)
        });
        assert!(done.is_empty());
        assert_eq!(steps.finish(&[]).unwrap_err().to_string(), "two failed");
    }

    #[test]
    fn a_skip_is_no_failure_and_only_what_is_asked_runs() {
        let mut steps = Steps::new(PathBuf::from("."), vec!["two".into()]);
        steps.step("one", || bail!("must not run"));
        steps.step("two", || Ok(Outcome::Skipped("no browser".into())));
        assert_eq!(steps.ended.len(), 1);
        steps.finish(&[]).unwrap();
    }
}
