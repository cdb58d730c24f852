//! The project's own commands: `cargo xtask setup | demo | test | bundle | bench | models | pictures | samples`.
//!
//! It never needs a system library and builds in seconds, as it is the first thing that a new user builds. It
//! says what it will do before it does it, and installs nothing without having said so.

mod bench;
mod bundle;
mod checks;
mod demo;
mod job;
mod machine;
mod models;
mod samples;
mod say;
mod setup;
mod steps;
mod vst3;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
The project's own commands.

  cargo xtask demo                 sets up, builds, analyses a sample, writes a report to out/demo/
  cargo xtask test                 sets up and runs every check and test
                   --only NAME     only this step (several allowed); --list names them
  cargo xtask setup [--test]       checks what the build (and the tests) need, and installs what is missing
                   --dry-run       only says what is missing
  cargo xtask bundle [--release | --dist]
                                   makes the CLAP and VST3 plugins in target/bundled/
  cargo xtask bench                measures the engine beside the figures it is held to
                   criterion [FILTER]
                                   the audio thread alone, with criterion
  cargo xtask models train --corpora DIR...
                                   trains, measures and writes the default pack again, from corpora you hold
  cargo xtask models verify [DIR...]
                                   checks every committed pack, or those named, file by file
  cargo xtask pictures             draws the panel in a host's window, for docs/pictures/ (needs an X display or Xvfb)
  cargo xtask samples              makes the recordings in samples/ again (needs espeak-ng and sox)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{} {error:#}", say::styled("31", "error:"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let root = root();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help" | "-h" | "--help", ..] => {
            print!("{HELP}");
            Ok(())
        }
        ["setup", rest @ ..] => {
            let unknown = rest.iter().find(|word| !["--test", "--dry-run"].contains(word));
            if let Some(word) = unknown {
                bail!("setup does not know '{word}'; it knows --test and --dry-run");
            }
            let need = if rest.contains(&"--test") {
                setup::Need::Test
            } else {
                setup::Need::Demo
            };
            setup::run(&root, need, rest.contains(&"--dry-run"))
        }
        ["demo"] => demo::run(&root),
        ["test", rest @ ..] => checks::run(&root, rest),
        ["bundle", rest @ ..] => bundle::run(&root, rest),
        ["bench", rest @ ..] => bench::run(&root, rest),
        ["models", rest @ ..] => models::run(&root, rest),
        ["pictures"] => pictures(&root),
        ["samples"] => samples::run(&root),
        [word, ..] => bail!("'{word}' is not a command here; `cargo xtask help` lists them"),
    }
}

/// The panel's pictures of the docs, as a host's window shows it.
fn pictures(root: &Path) -> Result<()> {
    job::Job::cargo(root)
        .words("test --locked --workspace --test plugin_window pictures_for_the_docs -- --nocapture")
        .env("UNDERTONE_DOCS_PICTURES", root.join("docs").join("pictures"))
        .run()
}

/// The workspace's root.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where cargo builds.
fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}
