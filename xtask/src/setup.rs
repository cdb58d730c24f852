//! `cargo xtask setup`: looks for what the build and the tests need, says what is missing, and installs it.
//!
//! It installs system packages only as root or with a sudo that asks for no password; else it prints the line to
//! type. Programs and Python packages go to `target/`, never into the user's own folders.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::job::Job;
use crate::machine::{self, System};
use crate::say;

/// What a machine is set up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Building and running the application.
    Demo,
    /// All checks and tests.
    Test,
}

/// A Debian package and what it is for.
struct Package {
    name: &'static str,
    why: &'static str,
    /// Programs that make it unnecessary.
    or: &'static [&'static str],
}

const fn package(name: &'static str, why: &'static str) -> Package {
    Package { name, why, or: &[] }
}

/// The build on Linux: a linker and ALSA's headers.
const BUILD: &[Package] = &[
    Package {
        name: "gcc",
        why: "linker",
        or: &["cc"],
    },
    package("libc6-dev", "linker"),
    Package {
        name: "pkg-config",
        why: "finds ALSA",
        or: &["pkg-config", "pkgconf"],
    },
    package("libasound2-dev", "audio devices"),
];

/// The tests on Linux.
const TESTS: &[Package] = &[
    package("pulseaudio", "a sound card that is not there, for live capture"),
    package("pulseaudio-utils", "plays into it"),
    package("libasound2-plugins", "leads ALSA to it"),
    Package {
        name: "python3",
        why: "hosts and recipes",
        or: &["python3"],
    },
    package("python3-venv", "hosts and recipes"),
    Package {
        name: "ffmpeg",
        why: "writes the formats that are read",
        or: &["ffmpeg"],
    },
    Package {
        name: "g++",
        why: "compiles Steinberg's tests for VST3 plugins",
        or: &["c++"],
    },
    package("xvfb", "a screen that is not there, for the plugin's window"),
    package("libgl1", "draws the plugin's window"),
    package("libgl1-mesa-dri", "draws it without a graphics card"),
    Package {
        name: "espeak-ng",
        why: "speaks the samples",
        or: &["espeak-ng"],
    },
    Package {
        name: "sox",
        why: "shapes the samples",
        or: &["sox"],
    },
    Package {
        name: "chromium",
        why: "opens the report",
        or: BROWSERS,
    },
];

/// Hosts that the plugin is tried in. They are large, so they come only where nobody is asked: in CI.
const HOSTS: &[Package] = &[
    Package {
        name: "ardour",
        why: "a host that the plugin is inserted, saved and reopened in",
        or: &["ardour7-lua"],
    },
    Package {
        name: "qtractor",
        why: "a host that shows the plugin's window",
        or: &["qtractor"],
    },
    Package {
        name: "jackd2",
        why: "the sound server that qtractor wants",
        or: &["jackd"],
    },
];

/// Browsers that can open the report without a window.
pub const BROWSERS: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// The version of cargo-deny that `deny.toml` is written for.
const CARGO_DENY: &str = "0.20.2";

/// Checks, says, installs.
pub fn run(root: &Path, need: Need, dry: bool) -> Result<()> {
    let system = machine::system();
    match system {
        System::Debian => debian(root, need, dry)?,
        System::OtherUnix if machine::succeeds("pkg-config", &["--exists", "alsa"]) => {}
        System::OtherUnix => bail!(
            "ALSA's development files are not found. Install them with pkg-config and a C compiler, such as \
             `dnf install gcc pkgconf alsa-lib-devel` (Fedora) or `pacman -S gcc pkgconf alsa-lib` (Arch), and run \
             this again"
        ),
        System::MacOs if machine::succeeds("xcode-select", &["-p"]) => {}
        System::MacOs => {
            bail!("Apple's command line tools are missing. Run `xcode-select --install`, then this again")
        }
        // rustc itself needs the same linker that we need, and it is there, as this program was built.
        System::Windows => {}
    }
    if need == Need::Test {
        if system != System::Debian {
            say::note(
                "live capture, the window and the browser are tested on Debian and Ubuntu only; elsewhere these tests \
                 say that they skip",
            );
        }
        cargo_deny(root, dry)?;
    }
    Ok(())
}

fn debian(root: &Path, need: Need, dry: bool) -> Result<()> {
    let tests = if need == Need::Test { TESTS } else { &[] };
    let hosts = if need == Need::Test && std::env::var_os("CI").is_some() {
        HOSTS
    } else {
        &[]
    };
    let wanted = BUILD.iter().chain(tests).chain(hosts);
    let wanted: Vec<&Package> = wanted
        .filter(|package| {
            !package
                .or
                .iter()
                .any(|program| machine::on_path(program).is_some())
        })
        .collect();
    let names: Vec<&str> = wanted.iter().map(|package| package.name).collect();
    let missing = machine::missing_packages(&names);
    if missing.is_empty() {
        say::done("all system packages that are needed are here");
        return Ok(());
    }
    say::note("missing here:");
    for package in wanted.iter().filter(|package| missing.contains(&package.name)) {
        println!("    {:<20} {}", package.name, package.why);
    }
    let line = format!("apt-get install -y --no-install-recommends {}", missing.join(" "));
    if dry {
        say::plan(&format!("would run: {line}"));
        return Ok(());
    }
    let Some(prefix) = machine::install_prefix() else {
        bail!(
            "they can be installed only by an administrator. Run this, then the command again:\n\n    sudo {line}\n"
        );
    };
    say::plan(&format!("installs them with apt: {line}"));
    apt(root, prefix, "update")?;
    if apt(root, prefix, &line["apt-get ".len()..]).is_err() {
        // Ubuntu has no package of some names (its chromium is a snap): install one by one what there is.
        for name in &missing {
            let one = format!("install -y --no-install-recommends {name}");
            if let Err(error) = apt(root, prefix, &one) {
                if BUILD.iter().any(|package| package.name == *name) {
                    return Err(error);
                }
                say::note(&format!(
                    "{name} is not to be had here; the tests that need it will say that they skip"
                ));
            }
        }
    }
    Ok(())
}

fn apt(root: &Path, prefix: &[&str], words: &str) -> Result<()> {
    let mut line: Vec<&str> = prefix.to_vec();
    // Through `env`, as sudo does not hand variables on.
    line.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    Job::new(root, line[0])
        .words(&line[1..].join(" "))
        .words("-q")
        .words(words)
        .run()
}

/// cargo-deny, on the path or in `target/tools`.
pub fn find_cargo_deny(root: &Path) -> Option<PathBuf> {
    let own = tools(root)
        .join("bin")
        .join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if own.is_file() {
        Some(own)
    } else {
        machine::on_path("cargo-deny")
    }
}

fn cargo_deny(root: &Path, dry: bool) -> Result<()> {
    if let Some(path) = find_cargo_deny(root) {
        say::done(&format!("cargo-deny is here: {}", path.display()));
        return Ok(());
    }
    if dry {
        say::plan(&format!("would build cargo-deny {CARGO_DENY} into target/tools/"));
        return Ok(());
    }
    say::plan(&format!(
        "builds cargo-deny {CARGO_DENY} into target/tools/ (once, about a minute)"
    ));
    // Unoptimised: it runs for two seconds, but its release profile builds for many minutes.
    Job::cargo(root)
        .words("install cargo-deny --locked --debug --quiet --version")
        .arg(CARGO_DENY)
        .arg("--root")
        .arg(tools(root))
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_TARGET_DIR", tools(root).join("build"))
        .run()?;
    // What it was built from is not needed any more. Left behind it only takes room, so no failure.
    let _ = std::fs::remove_dir_all(tools(root).join("build"));
    Ok(())
}

fn tools(root: &Path) -> PathBuf {
    crate::target(root).join("tools")
}

/// Where the Python for one purpose lies.
pub fn venv(root: &Path, purpose: &str) -> PathBuf {
    crate::target(root).join("venv").join(purpose)
}

/// A Python of our own, for one purpose, with these packages; or why there is none.
pub fn python(root: &Path, purpose: &str, packages: &[&str]) -> std::result::Result<PathBuf, String> {
    let venv = venv(root, purpose);
    let python = if cfg!(windows) {
        venv.join("Scripts").join("python.exe")
    } else {
        venv.join("bin").join("python")
    };
    let system = if cfg!(windows) { "python" } else { "python3" };
    if !python.is_file() {
        let made = Job::new(root, system).words("-m venv").arg(&venv).run();
        made.map_err(|error| format!("no Python environment can be made: {error:#}"))?;
    }
    let install = packages.iter().fold(
        Job::new(root, &python).words("-m pip install --quiet --disable-pip-version-check"),
        Job::arg,
    );
    install
        .run()
        .map_err(|error| format!("{} cannot be installed: {error:#}", packages.join(", ")))?;
    Ok(python)
}
