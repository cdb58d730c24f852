//! `cargo xtask test`: sets up and runs every check and test there is, one step after another.
//!
//! What cannot be done on a machine is never passed over in silence: the step says why it skipped and what it
//! would need.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use anyhow::{Result, bail};

use crate::job::Job;
use crate::steps::{Outcome, Steps};
use crate::{bundle, machine, say, setup, vst3};

/// The steps, in their order: what is quick to fail comes first.
const NAMES: &[&str] = &[
    "setup",
    "format",
    "licences",
    "advisories",
    "recipes",
    "clippy",
    "build",
    "tests",
    "doc-tests",
    "recognisers",
    "runtimes",
    "plugin",
    "clap-validator",
    "vst3-tests",
    "pedalboard",
    "browser",
];

/// The plugin host for Python, and what its checks need.
const PEDALBOARD: &[&str] = &["pedalboard==0.9.26", "numpy==2.4.6"];
/// The wheels of the optional recognisers; the program itself holds their hashes.
const RECOGNISERS: [&str; 2] = ["moonshine-voice==0.0.69", "vosk==0.3.45"];
/// The library that the engine can run on, in the version that its interface is for.
const ONNXRUNTIME: &str = "onnxruntime==1.31.1";
/// How long the database of advisories may take to come.
const DATABASE_LIMIT: Duration = Duration::from_secs(90);
/// How long 64 MB of wheels may take to come.
const WHEELS_LIMIT: Duration = Duration::from_mins(10);

/// What the steps after `recipes` want of the disk, with some to spare.
const ROOM: u64 = 16 << 30;

/// The command.
pub fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    let mut only = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match (*word, words.next()) {
            ("--list", _) => {
                println!("{}", NAMES.join("\n"));
                return Ok(());
            }
            ("--only", Some(name)) if NAMES.contains(name) => only.push((*name).to_owned()),
            ("--only", Some(name)) => bail!("'{name}' is not a step; `cargo xtask test --list` names them"),
            (word, _) => bail!("test does not understand '{word}'; it knows --only NAME and --list"),
        }
    }
    all(root, only)
}

fn all(root: &Path, only: Vec<String>) -> Result<()> {
    let skips = crate::target(root).join("skipped-tests.txt");
    // Remarks of an earlier run would be told again.
    let _ = fs::remove_file(&skips);
    let mut steps = Steps::new(root.to_owned(), only);

    steps.step("setup", || passed(setup::run(root, setup::Need::Test, false)));
    steps.step("format", || {
        passed(Job::cargo(root).words("fmt --all -- --check").run())
    });
    steps.step("licences", || licences(root));
    steps.step("advisories", || advisories(root));
    // PyTorch takes more of the disk than all that is built, so it comes, and may go, before that.
    steps.step("recipes", || recipes(root));
    steps.step("clippy", || {
        passed(
            Job::cargo(root)
                .words("clippy --workspace --all-targets --locked -- -D warnings")
                .run(),
        )
    });
    steps.step("build", || {
        // As `demo` builds it, alone: what only the rest of the workspace switches on is not there.
        Job::cargo(root)
            .words("check --locked --package undertone-app --bin undertone")
            .run()?;
        passed(build(root))
    });
    steps.step("tests", || {
        build(root)?;
        let run = if machine::on_path("cargo-nextest").is_some() {
            "nextest run --workspace --locked --no-fail-fast"
        } else {
            "test --workspace --lib --bins --tests --locked --no-fail-fast"
        };
        passed(
            Job::cargo(root)
                .words(run)
                .env("UNDERTONE_SKIPS", &skips)
                .env("UNDERTONE_BIN", program(root))
                .run(),
        )
    });
    steps.step("doc-tests", || {
        passed(Job::cargo(root).words("test --workspace --doc --locked").run())
    });
    steps.step("recognisers", || recognisers(root, &skips));
    steps.step("runtimes", || runtimes(root, &skips));
    steps.step("plugin", || plugin(root));
    steps.step("clap-validator", || clap_validator(root));
    steps.step("vst3-tests", || vst3::run(root, &test_bundle(root, "vst3")?));
    steps.step("pedalboard", || pedalboard(root));
    steps.step("browser", || browser(root));

    let remarks = fs::read_to_string(&skips).unwrap_or_default();
    let mut remarks: Vec<String> = remarks.lines().map(str::to_owned).collect();
    remarks.sort();
    remarks.dedup();
    steps.finish(&remarks)
}

/// Builds programs and tests in one go, so that both are made of the same parts and nothing is built twice.
fn build(root: &Path) -> Result<()> {
    Job::cargo(root)
        .words("build --workspace --lib --bins --tests --locked")
        .run()
}

/// The command that the step `build` made.
fn program(root: &Path) -> PathBuf {
    crate::target(root)
        .join("debug")
        .join(format!("undertone{}", std::env::consts::EXE_SUFFIX))
}

fn passed(result: Result<()>) -> Result<Outcome> {
    result.map(|()| Outcome::Passed)
}

/// What a step returns that cannot be done here.
#[allow(clippy::unnecessary_wraps, reason = "it is what a step returns")]
pub fn skipped(why: impl Into<String>) -> Result<Outcome> {
    Ok(Outcome::Skipped(why.into()))
}

fn licences(root: &Path) -> Result<Outcome> {
    let Some(deny) = setup::find_cargo_deny(root) else {
        return skipped("cargo-deny is not here; `cargo xtask setup --test` builds it");
    };
    passed(
        Job::new(root, deny)
            .words("--locked check --hide-inclusion-graph bans licenses sources")
            .run(),
    )
}

fn advisories(root: &Path) -> Result<Outcome> {
    let Some(deny) = setup::find_cargo_deny(root) else {
        return skipped("cargo-deny is not here; `cargo xtask setup --test` builds it");
    };
    let fetch = Job::new(root, &deny)
        .words("fetch db")
        .env("GIT_TERMINAL_PROMPT", "0");
    if !fetch.succeeds_within(DATABASE_LIMIT) {
        return skipped(
            "the RustSec database cannot be fetched from github.com; it runs where that can be reached",
        );
    }
    passed(
        Job::new(root, deny)
            .words("--locked check --hide-inclusion-graph --disable-fetch advisories")
            .run(),
    )
}

/// The optional recognisers with their real packages, which pip fetches into `target/`.
fn recognisers(root: &Path, skips: &Path) -> Result<Outcome> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return skipped("the wheels are fetched for Linux on x86-64 only; it runs there");
    }
    let wheels = crate::target(root).join("wheels");
    fs::create_dir_all(&wheels)?;
    // For the program too, which fetches with pip what it is asked for: a system's own Python need not have it.
    let python = match setup::python(root, "wheels", &["pip"]) {
        Ok(python) => python,
        Err(why) => return skipped(why),
    };
    let count = fs::read_dir(&wheels)?.count();
    if count < RECOGNISERS.len() {
        let fetch = Job::new(root, &python)
            .words("-m pip download --quiet --no-deps --only-binary :all: --dest")
            .arg(&wheels);
        if !RECOGNISERS
            .iter()
            .fold(fetch, Job::arg)
            .succeeds_within(WHEELS_LIMIT)
        {
            return skipped(
                "pip reaches no package index with moonshine-voice and vosk; it runs where it does",
            );
        }
    }
    passed(
        Job::cargo(root)
            .words("test --locked --workspace --test recognisers --test recogniser_switch --test second_pass -- --include-ignored")
            .env("UNDERTONE_WHEELS", &wheels)
            .env("UNDERTONE_PYTHON", &python)
            .env("UNDERTONE_BIN", program(root))
            .env("UNDERTONE_SKIPS", skips)
            .run(),
    )
}

/// The engine on ONNX Runtime, with its library from the Python package: the real one, on the processor.
fn runtimes(root: &Path, skips: &Path) -> Result<Outcome> {
    let python = match setup::python(root, "runtimes", &[ONNXRUNTIME]) {
        Ok(python) => python,
        Err(why) => return skipped(why),
    };
    let place = Job::new(root, python)
        .arg("-c")
        .arg("import onnxruntime, os; print(os.path.join(os.path.dirname(onnxruntime.__file__), 'capi'))")
        .said()?;
    let test = Job::cargo(root).words("test --locked --workspace --test runtimes -- --nocapture");
    let journeys = test
        .env("UNDERTONE_ONNXRUNTIME", place.trim())
        .env("UNDERTONE_SKIPS", skips);
    journeys.run()?;
    let graphs = Job::cargo(root).words("test --locked --workspace --lib runtime:: -- --nocapture");
    passed(graphs.env("UNDERTONE_ONNXRUNTIME", place.trim()).run())
}

/// The tests of the training recipe, in Python. They need torch, which is 5 GB: nobody gets that unasked.
fn recipes(root: &Path) -> Result<Outcome> {
    let requirements = root.join("models").join("training").join("requirements.txt");
    let python = if let Some(python) = env::var_os("UNDERTONE_TRAINING_PYTHON") {
        PathBuf::from(python)
    } else if env::var_os("CI").is_some() {
        match setup::python(
            root,
            "training",
            &["--requirement", &requirements.to_string_lossy()],
        ) {
            Ok(python) => python,
            Err(why) => return skipped(why),
        }
    } else {
        return skipped(
            "needs PyTorch (5 GB); name a Python that has models/training/requirements.txt in \
             UNDERTONE_TRAINING_PYTHON, or set CI=1 to fetch it into target/",
        );
    };
    Job::new(root, python)
        .words("-m pytest -q -p no:cacheprovider models/training/tests")
        .run()?;
    let short = machine::free_space(root).is_some_and(|free| free < ROOM);
    if short && env::var_os("UNDERTONE_TRAINING_PYTHON").is_none() {
        say::note("the disk is too small for PyTorch and all that is built: PyTorch goes");
        // Left behind it only takes room, so no failure.
        let _ = fs::remove_dir_all(setup::venv(root, "training"));
    }
    Ok(Outcome::Passed)
}

/// The plugin as the checks of the hosts want it: aborting on any allocation on the audio thread. It lies
/// apart from `target/bundled/`, so that nobody takes it for the one to use.
fn plugin(root: &Path) -> Result<Outcome> {
    bundle::make(
        root,
        &test_bundles(root),
        bundle::Profile::Dev,
        "assert-process-allocs",
    )?;
    Ok(Outcome::Passed)
}

fn test_bundles(root: &Path) -> PathBuf {
    crate::target(root).join("bundled-for-tests")
}

fn test_bundle(root: &Path, ending: &str) -> Result<PathBuf> {
    let path = test_bundles(root).join(format!("Undertone.{ending}"));
    if path.exists() {
        Ok(path)
    } else {
        bail!("{} is not there; run the step `plugin` first", path.display())
    }
}

fn clap_validator(root: &Path) -> Result<Outcome> {
    let Some(validator) = machine::on_path("clap-validator") else {
        return skipped(
            "clap-validator is not on the path; get it from https://github.com/free-audio/clap-validator/releases",
        );
    };
    passed(
        Job::new(root, validator)
            .words("validate --only-failed")
            .arg(test_bundle(root, "clap")?)
            .run(),
    )
}

fn pedalboard(root: &Path) -> Result<Outcome> {
    let script = root.join("tests").join("hosts").join("pedalboard_bitexact.py");
    if !script.is_file() {
        return skipped("tests/hosts/pedalboard_bitexact.py is not there");
    }
    let python = match setup::python(root, "hosts", PEDALBOARD) {
        Ok(python) => python,
        Err(why) => return skipped(why),
    };
    passed(
        Job::new(root, python)
            .arg(script)
            .arg(test_bundle(root, "vst3")?)
            .run(),
    )
}

/// The report, opened in a browser. The test itself is one of the workspace; alone here so that a missing
/// browser is seen in the table.
fn browser(root: &Path) -> Result<Outcome> {
    let Some(browser) = setup::BROWSERS.iter().find_map(|name| machine::on_path(name)) else {
        return skipped("no chromium or chrome is on the path; `cargo xtask setup --test` installs chromium");
    };
    let test = Job::cargo(root)
        .words("test --locked --workspace --test browser_report --test plugin_web -- --ignored");
    let test = test.env("UNDERTONE_BROWSER", browser);
    passed(test.env("UNDERTONE_BIN", program(root)).run())
}
