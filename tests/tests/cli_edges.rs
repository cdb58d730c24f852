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
        assert!(began.elapsed() < Duration::from_secs(60), "nothing begins");
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
