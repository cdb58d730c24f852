//! The choice of what runs the networks, as a person makes it: by flag, told when it cannot be had, and brought in
//! whole or not at all.

use std::fs;

use tempfile::tempdir;
use undertone_tests::program::{run, undertone};
use undertone_tests::samples::folder;

#[test]
fn a_runtime_that_is_not_here_is_told_and_every_score_says_what_ran() {
    let home = tempdir().unwrap();
    let sample = folder().join("neutral.wav");
    let seen = run(undertone(home.path())
        .args(["analyze", "--json", "--runtime", "cuda"])
        .arg(&sample))
    .expect(0);
    assert!(
        seen.err.contains("cuda is not used")
            && seen.err.contains("models add")
            && seen.err.contains("rten/cpu"),
        "{}",
        seen.err
    );
    let lines = seen.lines();
    assert!(!lines.is_empty() && lines.iter().all(|update| update["runtime"] == "rten/cpu"));
    let doctor = run(undertone(home.path()).args(["doctor", "--json", "--runtime", "cuda"]))
        .expect(0)
        .json();
    let checks = doctor["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == "runtime").unwrap();
    assert_eq!(check["state"], "missing", "{check}");
    assert!(
        check["remedy"].as_str().unwrap().contains("models add"),
        "{check}"
    );
}

#[test]
fn a_library_that_is_not_there_is_told_although_auto_chooses() {
    let home = tempdir().unwrap();
    let sample = folder().join("neutral.wav");
    let call = [
        "analyze",
        "--json",
        "--finals-only",
        "--onnxruntime",
        "/no/such/library",
    ];
    let seen = run(undertone(home.path()).args(call).arg(&sample)).expect(0);
    assert!(
        seen.err.contains("/no/such/library") && seen.err.contains("rten/cpu runs instead"),
        "{}",
        seen.err
    );
    assert!(!seen.lines().is_empty());
}

#[test]
fn auto_says_nothing_where_nothing_was_installed_and_a_wrong_name_is_refused() {
    let home = tempdir().unwrap();
    let sample = folder().join("neutral.wav");
    let seen = run(undertone(home.path()).args(["analyze", "--json"]).arg(&sample)).expect(0);
    assert_eq!(seen.err, "");
    let refused = run(undertone(home.path())
        .args(["analyze", "--runtime", "gpu"])
        .arg(&sample))
    .expect(2);
    assert!(
        refused.err.contains("gpu") && refused.err.contains("cuda"),
        "{}",
        refused.err
    );
}

#[test]
fn what_cannot_be_fetched_leaves_nothing_behind() {
    let home = tempdir().unwrap();
    let empty = home.path().join("no wheels");
    fs::create_dir(&empty).unwrap();
    let seen = run(undertone(home.path())
        .args(["models", "add", "onnxruntime", "--from"])
        .arg(&empty))
    .expect(1);
    assert!(seen.err.contains("pip"), "{}", seen.err);
    let left: Vec<_> = fs::read_dir(home.path().join("data/undertone/runtimes"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let missing = run(undertone(home.path())
        .env("UNDERTONE_PYTHON", "no-such-python")
        .args(["models", "add", "cuda"]))
    .expect(1);
    assert!(missing.err.contains("UNDERTONE_PYTHON"), "{}", missing.err);
}
