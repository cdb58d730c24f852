//! `cargo xtask bundle`: the plugin's library in the forms that hosts look for, in `target/bundled/`.
//!
//! The two layouts are some lines each. The framework's own bundler does the same, but it would double what a
//! new user has to build first.

use std::env::consts::{ARCH, DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::job::Job;
use crate::{machine, say};

/// The name that a person sees in the plugin folder.
const NAME: &str = "Undertone";
const IDENTIFIER: &str = "org.undertone.plugin";

/// How optimised the plugin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Dev,
    Release,
    Dist,
}

impl Profile {
    const fn cargo(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
            Self::Dist => "dist",
        }
    }

    /// The folder under `target/`.
    const fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
            Self::Dist => "dist",
        }
    }
}

/// The bundles that were made.
#[derive(Debug)]
pub struct Bundles {
    pub clap: PathBuf,
    pub vst3: PathBuf,
}

/// The command.
pub fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    let profile = match arguments {
        [] | ["--release"] => Profile::Release,
        ["--dist"] => Profile::Dist,
        ["--debug"] => Profile::Dev,
        other => bail!(
            "bundle does not know '{}'; it knows --release (the usual), --dist and --debug",
            other.join(" ")
        ),
    };
    let bundles = make(root, &crate::target(root).join("bundled"), profile, "")?;
    say::done(&bundles.clap.display().to_string());
    say::done(&bundles.vst3.display().to_string());
    say::done(&installer(root, &bundles)?.display().to_string());
    say::plan(&format!("run that script, or copy them yourself to {}", homes()));
    Ok(())
}

/// Lays the installer of this system beside the bundles.
fn installer(root: &Path, bundles: &Bundles) -> Result<PathBuf> {
    let name = if cfg!(windows) {
        "install.ps1"
    } else {
        "install.sh"
    };
    let to = bundles.clap.with_file_name(name);
    copy(&root.join("plugin").join("install").join(name), &to)?;
    Ok(to)
}

/// Where hosts look for plugins on this system.
const fn homes() -> &'static str {
    if cfg!(target_os = "macos") {
        "~/Library/Audio/Plug-Ins/CLAP and ~/Library/Audio/Plug-Ins/VST3"
    } else if cfg!(windows) {
        r"%COMMONPROGRAMFILES%\CLAP and %COMMONPROGRAMFILES%\VST3"
    } else {
        "~/.clap and ~/.vst3"
    }
}

/// Builds the plugin and makes both bundles in `out`.
pub fn make(root: &Path, out: &Path, profile: Profile, features: &str) -> Result<Bundles> {
    say::plan(&format!("builds the plugin ({})", profile.cargo()));
    let mut build = Job::cargo(root)
        .words("build --locked --package undertone-plugin --lib --profile")
        .arg(profile.cargo());
    if !features.is_empty() {
        build = build.words("--features").arg(features);
    }
    build.run()?;
    let library = crate::target(root)
        .join(profile.folder())
        .join(format!("{DLL_PREFIX}undertone_plugin{DLL_SUFFIX}"));
    pack(&library, out)
}

/// Lays the library out as CLAP and as VST3.
fn pack(library: &Path, out: &Path) -> Result<Bundles> {
    let bundles = Bundles {
        clap: out.join(format!("{NAME}.clap")),
        vst3: out.join(format!("{NAME}.vst3")),
    };
    for old in [&bundles.clap, &bundles.vst3] {
        remove(old)?;
    }
    if cfg!(target_os = "macos") {
        for bundle in [&bundles.clap, &bundles.vst3] {
            let contents = bundle.join("Contents");
            copy(library, &contents.join("MacOS").join(NAME))?;
            fs::write(contents.join("PkgInfo"), "BNDL????")?;
            fs::write(contents.join("Info.plist"), property_list())?;
            // Hosts on Apple silicon load signed code only; a signature of nobody is enough for one's own machine.
            if !machine::succeeds("codesign", &["--force", "--sign", "-", &bundle.to_string_lossy()]) {
                say::note(&format!(
                    "{} could not be signed; some hosts will not load it",
                    bundle.display()
                ));
            }
        }
    } else {
        copy(library, &bundles.clap)?;
        copy(
            library,
            &bundles
                .vst3
                .join("Contents")
                .join(vst3_folder())
                .join(vst3_file()),
        )?;
    }
    Ok(bundles)
}

/// The folder of a VST3 bundle for this machine, as the standard names it.
fn vst3_folder() -> String {
    match (cfg!(windows), ARCH) {
        (true, "aarch64") => "arm64-win".into(),
        (true, arch) => format!("{arch}-win"),
        (false, arch) => format!("{arch}-linux"),
    }
}

fn vst3_file() -> String {
    if cfg!(windows) {
        format!("{NAME}.vst3")
    } else {
        format!("{NAME}.so")
    }
}

fn property_list() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>CFBundleExecutable</key><string>{NAME}</string>
  <key>CFBundleIdentifier</key><string>{IDENTIFIER}</string>
  <key>CFBundleName</key><string>{NAME}</string>
  <key>CFBundlePackageType</key><string>BNDL</string>
  <key>CFBundleShortVersionString</key><string>{version}</string>
  <key>CFBundleVersion</key><string>{version}</string>
  <key>NSHighResolutionCapable</key><true/>
</dict>
</plist>
"#
    )
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    fs::copy(from, to).with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))?;
    Ok(())
}

fn remove(old: &Path) -> Result<()> {
    let removed = if old.is_dir() {
        fs::remove_dir_all(old)
    } else if old.exists() {
        fs::remove_file(old)
    } else {
        Ok(())
    };
    removed.with_context(|| format!("{} cannot be replaced; is a host using it?", old.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_hold_the_library_and_nothing_old_stays() {
        let folder = std::env::temp_dir().join(format!("undertone-bundle-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let library = folder.join("library");
        for content in ["first", "second"] {
            fs::write(&library, content).unwrap();
            let Bundles { clap, vst3 } = pack(&library, &folder.join("out")).unwrap();
            let inside = if cfg!(target_os = "macos") {
                [
                    clap.join("Contents/MacOS").join(NAME),
                    vst3.join("Contents/MacOS").join(NAME),
                ]
            } else {
                [clap, vst3.join("Contents").join(vst3_folder()).join(vst3_file())]
            };
            for file in inside {
                assert_eq!(fs::read_to_string(file).unwrap(), content);
            }
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
