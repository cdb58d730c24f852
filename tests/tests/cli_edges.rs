//! The edges of the command, where something asked for cannot be: told before the work, or after its results are safe.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::{TempDir, tempdir};
use undertone_tests::program::{run, undertone};
use undertone_tests::sounds::{voice, write_wav};

fn folder() -> TempDir {
    let dir = tempdir().unwrap();
    let (rate, sound) = voice();
    write_wav(&dir.path().join("good.wav"), rate, 1, &sound[..rate as usize * 4]);
    dir
}

#[test]
fn a_profile_that_cannot_be_kept_is_refused_before_any_work() {
    let dir = folder();
    for call in [&["analyze", "good.wav", "--out", "out"] as &[&str], &["live"]] {
        let seen = run(undertone(dir.path())
            .current_dir(dir.path())
            .args(call)
            .args(["--profile", "gone/ann.json"]))
        .expect(2);
        assert_eq!(seen.err.lines().count(), 1, "{call:?}: {}", seen.err);
        assert!(
            seen.err.contains("the profile gone/ann.json"),
            "{call:?}: {}",
            seen.err
        );
        assert!(!dir.path().join("out").exists(), "{call:?}");
    }
}

#[test]
fn a_profile_lost_on_the_way_does_not_cost_the_results() {
    let dir = folder();
    let (kept, out) = (dir.path().join("kept"), dir.path().join("out"));
    fs::create_dir(&kept).unwrap();
    let mut child = undertone(dir.path())
        .current_dir(dir.path())
        .args(["analyze", "-", "--format", "jsonl", "--out", "out"])
        .args(["--profile", "kept/ann.json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(&fs::read(dir.path().join("good.wav")).unwrap())
        .unwrap();
    // Its results are begun: the folder of the profile was good by then.
    let began = Instant::now();
    while fs::read_dir(&out).map_or(0, Iterator::count) == 0 {
        assert!(began.elapsed() < Duration::from_mins(1), "nothing begins");
        thread::sleep(Duration::from_millis(20));
    }
    fs::remove_dir(&kept).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("cannot change the profile kept/ann.json"), "{err}");
    assert!(err.contains("written to out/stdin.jsonl"), "{err}");
    assert!(fs::metadata(out.join("stdin.jsonl")).unwrap().len() > 0);
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 utterance"));
}

#[test]
fn live_refuses_files_that_it_would_not_write() {
    let home = tempdir().unwrap();
    let live = || {
        let mut command = undertone(home.path());
        // No audio server of this machine may be found, so that it ends by itself.
        for name in ["PULSE_SERVER", "PULSE_RUNTIME_PATH", "XDG_RUNTIME_DIR"] {
            command.env_remove(name);
        }
        command.env("ALSA_CONFIG_PATH", "/nowhere/alsa.conf");
        command.args(["live", "--seconds", "0.2"]);
        command
    };
    let refused = "undertone live --json > scores.jsonl";
    for call in [
        &["--format", "jsonl,html", "--out", "lv"] as &[&str],
        &["--out", "lv"],
        &["--format", "csv"],
    ] {
        let seen = run(live().args(call)).expect(2);
        assert!(seen.err.contains(refused), "{call:?}: {}", seen.err);
    }
    let variable = run(live().env("UNDERTONE_FORMAT", "html")).expect(2);
    assert!(variable.err.contains(refused), "{}", variable.err);
    // One way of asking for lines, and a file that is meant for analyze.
    let folder = home.path().join("config/undertone");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("config.toml"),
        "format = [\"html\"]\nout = \"results\"\n",
    )
    .unwrap();
    for call in [&[] as &[&str], &["--format", "jsonl"]] {
        let seen = run(live().args(call));
        assert!(!seen.err.contains(refused), "{call:?}: {}", seen.err);
    }
}
