//! What this machine is and has: system, programs on the path, Debian packages, the right to install.
//!
//! It only looks; nothing here changes anything.

use std::collections::HashSet;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How system packages come to this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Debian, Ubuntu and their kin.
    Debian,
    /// Another Linux, or another Unix.
    OtherUnix,
    MacOs,
    Windows,
}

/// The system that runs this.
pub fn system() -> System {
    if cfg!(target_os = "macos") {
        System::MacOs
    } else if cfg!(windows) {
        System::Windows
    } else if on_path("dpkg-query").is_some() && on_path("apt-get").is_some() {
        System::Debian
    } else {
        System::OtherUnix
    }
}

/// Where a program is, if it is on the path.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let name = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file())
}

/// Whether a command runs and ends well; its output is thrown away.
pub fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Those of the Debian packages that are not installed.
pub fn missing_packages<'a>(wanted: &[&'a str]) -> Vec<&'a str> {
    let listing = Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Abbrev} ${Package}\n"])
        .stderr(Stdio::null())
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    let installed: HashSet<&str> = listing
        .lines()
        .filter_map(|line| line.strip_prefix("ii "))
        .map(str::trim)
        .collect();
    wanted
        .iter()
        .copied()
        .filter(|package| !installed.contains(package))
        .collect()
}

/// What to put before `apt-get` so that it may install: nothing for root, `sudo -n` where it asks for no
/// password. `None` if this user may not install.
pub fn install_prefix() -> Option<&'static [&'static str]> {
    if is_root() {
        Some(&[])
    } else if succeeds("sudo", &["-n", "true"]) {
        Some(&["sudo", "-n"])
    } else {
        None
    }
}

/// The bytes that are free on the disk that a folder is on, where the system has a `df` to ask.
pub fn free_space(folder: &Path) -> Option<u64> {
    let listing = Command::new("df").arg("-Pk").arg(folder).output().ok()?;
    let kibibytes: u64 = String::from_utf8_lossy(&listing.stdout)
        .lines()
        .nth(1)?
        .split_whitespace()
        .nth(3)?
        .parse()
        .ok()?;
    Some(kibibytes * 1024)
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_or_not() {
        assert!(on_path("cargo").is_some());
        assert!(on_path("surely-no-such-program").is_none());
        assert!(!succeeds("surely-no-such-program", &[]));
    }

    #[test]
    #[cfg(unix)]
    fn a_folder_has_room_and_no_folder_has_none() {
        assert!(free_space(Path::new(env!("CARGO_MANIFEST_DIR"))).is_some());
        assert!(free_space(Path::new("/surely/no/such/folder")).is_none());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_unknown_package_is_missing() {
        if system() == System::Debian {
            assert_eq!(
                missing_packages(&["dpkg", "surely-no-such-package"]),
                ["surely-no-such-package"]
            );
        }
    }
}
