//! Running other programs: shown before they start, with their output untouched, and judged by their exit code.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::say;

/// How often a job with a time limit is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// A program with its arguments, ready to run in a folder.
#[derive(Debug)]
pub struct Job(Command);

impl Job {
    /// A program that runs in `folder` and reads nothing from the terminal.
    pub fn new(folder: &Path, program: impl AsRef<std::ffi::OsStr>) -> Self {
        let mut command = Command::new(program);
        command.current_dir(folder).stdin(Stdio::null());
        Self(command)
    }

    /// The cargo that runs us.
    pub fn cargo(folder: &Path) -> Self {
        Self::new(
            folder,
            std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
        )
    }

    /// Adds words, split at blanks.
    pub fn words(mut self, words: &str) -> Self {
        self.0.args(words.split_whitespace());
        self
    }

    /// Adds one argument as it is.
    pub fn arg(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    /// Sets a variable for the program.
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// How a person would type it.
    pub fn line(&self) -> String {
        let program = Path::new(self.0.get_program());
        let mut line = program
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        for argument in self.0.get_args() {
            line.push(' ');
            line.push_str(&argument.to_string_lossy());
        }
        line
    }

    /// Shows it, runs it, and fails if it fails.
    pub fn run(mut self) -> Result<()> {
        let line = self.line();
        println!("{}", say::styled("2", &format!("$ {line}")));
        let status = self
            .0
            .status()
            .with_context(|| format!("`{line}` cannot be started"))?;
        if status.success() {
            Ok(())
        } else {
            bail!("`{line}` failed ({status})")
        }
    }

    /// Runs it in silence; gives what it said.
    pub fn said(mut self) -> Result<String> {
        let line = self.line();
        let output = self
            .0
            .output()
            .with_context(|| format!("`{line}` cannot be started"))?;
        if !output.status.success() {
            bail!("`{line}` failed ({})", output.status);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs it in silence; gives whether it ended well within the time.
    pub fn succeeds_within(mut self, limit: Duration) -> bool {
        let Ok(mut child) = self.0.stdout(Stdio::null()).stderr(Stdio::null()).spawn() else {
            return false;
        };
        wait(&mut child, Instant::now() + limit)
    }
}

/// Waits until a child ends or its time is over; then it is ended.
fn wait(child: &mut Child, deadline: Instant) -> bool {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if Instant::now() < deadline => sleep(LOOK),
            Ok(None) | Err(_) => {
                // It may have ended by itself in this moment; either way it is over.
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_job_that_does_not_end_is_ended() {
        let begun = Instant::now();
        assert!(
            !Job::new(Path::new("."), "sleep")
                .words("30")
                .succeeds_within(Duration::from_millis(200))
        );
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert!(Job::new(Path::new("."), "true").succeeds_within(Duration::from_secs(10)));
    }

    #[test]
    #[cfg(unix)]
    fn a_failure_names_the_command() {
        let error = Job::new(Path::new("."), "false").words("a b").run().unwrap_err();
        assert!(error.to_string().starts_with("`false a b` failed"), "{error}");
    }
}
