//! Steinberg's own VST3 tests, on the plugin: fetched, compiled and run.
//!
//! The tests are a part of the VST3 SDK, which is in no registry by itself, but inside a crate. `tests/hosts/vst3/`
//! pins that crate by its hash and holds what is ours: which files of the SDK are needed, and the program that runs
//! them. Everything fetched and compiled goes to `target/`.

use std::path::Path;
use std::{env, fs};

use anyhow::Result;

use crate::checks::skipped;
use crate::job::Job;
use crate::machine;
use crate::steps::Outcome;

/// Where the SDK lies in the crate.
const SDK: &str = "clap-wrapper/external/vst3sdk";
/// What is compiled, in `tests/hosts/vst3/`.
const SOURCES: &[&str] = &["sdk.cpp", "suite.cpp", "host.cpp"];

/// Runs all of them on this bundle.
pub fn run(root: &Path, bundle: &Path) -> Result<Outcome> {
    if !cfg!(target_os = "linux") {
        return skipped(
            "the program that runs them is written for Linux; elsewhere use the SDK's own validator",
        );
    }
    let Some(compiler) = env::var_os("CXX").or_else(|| machine::on_path("c++").map(Into::into)) else {
        return skipped("needs a C++ compiler (apt g++); `cargo xtask setup --test` installs it");
    };
    let sources = root.join("tests").join("hosts").join("vst3");
    let out = crate::target(root).join("vst3-tests");
    let crates = out.join("crates");
    let fetch = Job::cargo(root)
        .words("vendor --quiet --locked --manifest-path")
        .arg(sources.join("Cargo.toml"))
        .arg(&crates);
    if fetch.said().is_err() {
        return skipped(
            "cargo cannot fetch the crate with the VST3 SDK; it runs where crates.io can be reached",
        );
    }
    fs::create_dir_all(&out)?;
    let program = out.join("vst3-tests");
    let compile = Job::new(&sources, compiler)
        // As a system's headers: what the compiler thinks of the SDK is not ours to mend.
        .words("-std=c++17 -O1 -Wall -Wextra -DRELEASE=1 -isystem")
        .arg(crates.join(SDK))
        .words(&SOURCES.join(" "))
        .arg("-o")
        .arg(&program)
        .words("-ldl -pthread");
    compile.run()?;
    Job::new(root, program).arg(bundle).run()?;
    Ok(Outcome::Passed)
}
