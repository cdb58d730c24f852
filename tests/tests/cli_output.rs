//! Places that cannot be written to, and readers that go away.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::{TempDir, tempdir};
use undertone_tests::program::{run, undertone};
use undertone_tests::sounds::{voice, write_wav};

fn folder() -> TempDir {
    let dir = tempdir().unwrap();
    let (rate, sound) = voice();
    write_wav(&dir.path().join("good.wav"), rate, 1, &sound);
    dir
}

fn analyze(dir: &TempDir) -> Command {
    let mut command = undertone(dir.path());
    command.current_dir(dir.path()).arg("analyze");
    command
}

fn left_in(dir: &Path) -> Vec<String> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// A file system with room for a page or two, taken away again at the end.
struct Tiny(TempDir);

impl Tiny {
    fn new() -> Result<Self, String> {
        let dir = tempdir().map_err(|error| error.to_string())?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8k", "tmpfs"])
            .arg(dir.path())
            .output()
            .map_err(|error| format!("mount: {error}"))?;
        if mounted.status.success() {
            Ok(Self(dir))
        } else {
            Err(String::from_utf8_lossy(&mounted.stderr).trim().to_owned())
        }
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_leaves_nothing_half() {
    let dir = folder();
    let tiny = match Tiny::new() {
        Ok(tiny) => tiny,
        Err(why) => {
            undertone_tests::skipped(format!("a tiny file system needs root and mount ({why})"));
            return;
        }
    };
    let seen = run(analyze(&dir)
        .args(["good.wav", "--quiet", "--format", "jsonl,html", "--out"])
        .arg(tiny.0.path()))
    .expect(2);
    assert_eq!(seen.err.lines().count(), 1, "{}", seen.err);
    let told = seen.err.contains("good.") && seen.err.contains("space") && seen.err.contains("--out");
    assert!(told, "{}", seen.err);
    assert!(
        left_in(tiny.0.path())
            .iter()
            .all(|name| name.starts_with("good.")),
        "{:?}",
        left_in(tiny.0.path())
    );
    assert!(!tiny.0.path().join("good.html").exists());
}

#[test]
fn a_full_output_is_said() {
    let dir = folder();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut child = analyze(&dir)
        .args(["good.wav", "--json"])
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2), "{err}");
    assert!(
        err.contains("standard output") && err.contains("space") && !err.contains("panicked"),
        "{err}"
    );
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let dir = folder();
    fs::write(dir.path().join("taken"), "").unwrap();
    let seen = run(analyze(&dir).args(["good.wav", "--quiet", "--out", "taken"])).expect(2);
    assert!(
        seen.err.contains("taken/good.jsonl") && seen.err.contains("--out"),
        "{}",
        seen.err
    );
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let dir = folder();
    let mut child = analyze(&dir)
        .args(["good.wav", "good.wav", "good.wav", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::with_capacity(64, child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert!(first.starts_with('{'), "{first}");
    // The pipe is closed here.
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{err}");
    assert!(err.is_empty(), "{err}");
}

#[test]
fn files_are_written_even_if_nobody_watches_the_timeline() {
    let dir = folder();
    let mut child = analyze(&dir)
        .args(["good.wav", "--out", "out"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(left_in(&dir.path().join("out")), ["good.jsonl"]);
}

#[test]
fn an_interrupt_ends_a_pipe_and_keeps_what_has_come() {
    let dir = tempdir().unwrap();
    let (rate, sound) = voice();
    let mut child = analyze(&dir)
        .args(["-", "--rate", &rate.to_string(), "--out", "out", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The pipe stays open, as a microphone's does.
    let mut pipe = child.stdin.take().unwrap();
    let bytes: Vec<u8> = sound
        .iter()
        .flat_map(|value| ((value * 32_767.0) as i16).to_le_bytes())
        .collect();
    pipe.write_all(&bytes).unwrap();
    pipe.flush().unwrap();
    std::thread::sleep(Duration::from_secs(3));
    let asked = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(asked.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let lines = fs::read_to_string(dir.path().join("out/stdin.jsonl")).unwrap();
    assert!(lines.contains("\"kind\":\"final\""), "{lines}");
    drop(pipe);
}

#[test]
fn an_interrupt_ends_it_and_leaves_nothing_half() {
    let dir = tempdir().unwrap();
    let (rate, sound) = voice();
    // Long enough to be interrupted in the middle.
    let long = sound.repeat(60);
    write_wav(&dir.path().join("long.wav"), rate, 1, &long);
    let mut child = analyze(&dir)
        .args(["long.wav", "--out", "out", "--quiet"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let out = dir.path().join("out");
    let until = Instant::now() + Duration::from_secs(30);
    let begun = || out.is_dir() && !left_in(&out).is_empty();
    while !begun() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    let asked = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(asked.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(left_in(&out).is_empty(), "{:?}", left_in(&out));
}
