//! `undertone eval` over clips and over words: its figures have the keys that are promised, and bad input one
//! sentence.

use std::fs;

use tempfile::{TempDir, tempdir};
use undertone_tests::program::{run, undertone};
use undertone_tests::samples::folder;
use undertone_tests::skipped;

/// Two clips of one speaker and a manifest of them.
fn corpus() -> TempDir {
    let dir = tempdir().unwrap();
    for name in ["one.wav", "two.wav"] {
        fs::copy(folder().join("neutral.wav"), dir.path().join(name)).unwrap();
    }
    let rows = "path,label,speaker,text\n\
                one.wav,calm,ben,The train leaves from platform four.\n\
                two.wav,neutral,ben,I am so happy about this!\n";
    fs::write(dir.path().join("manifest.csv"), rows).unwrap();
    dir
}

fn eval(dir: &TempDir, arguments: &[&str]) -> undertone_tests::program::Run {
    let mut command = undertone(dir.path());
    if let Ok(pack) = std::env::var("UNDERTONE_TEST_PACK") {
        command.args(["--pack", &pack]);
    }
    run(command
        .current_dir(dir.path())
        .args(["eval", "--quiet"])
        .args(arguments))
}

#[test]
fn clips_are_judged_with_every_key_that_is_promised() {
    let dir = corpus();
    let clips = ["--manifest", "manifest.csv", "--json", "-"];
    for more in [
        &["--text", "none", "--system", "speech_only"] as &[&str],
        &["--text", "given", "--order", "speaker", "--provisional"],
        &["--order", "clip", "--classes", "neutral,happy,sad,angry"],
    ] {
        let figures = eval(&dir, &[&clips, more].concat()).expect(0).json();
        for key in [
            "n",
            "accuracy",
            "uar",
            "uar_ci",
            "recall",
            "confusion",
            "ece",
            "selective",
            "first_hearing",
            "after_30s",
            "rtf",
            "system",
            "pack",
        ] {
            assert!(!figures[key].is_null(), "{key}: {figures}");
        }
        assert_eq!(figures["n"], 2);
        let agreement = figures.get("provisional_agreement_1s");
        assert_eq!(agreement.is_some(), more.contains(&"--provisional"), "{figures}");
    }
}

#[test]
fn every_score_behind_the_figures_can_be_had() {
    let dir = corpus();
    let told = [
        "--manifest",
        "manifest.csv",
        "--text",
        "given",
        "--updates",
        "told.jsonl",
    ];
    eval(&dir, &told).expect(0);
    let lines = fs::read_to_string(dir.path().join("told.jsonl")).unwrap();
    let clips: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(clips.len(), 2);
    for clip in &clips {
        assert!(clip["path"].is_string() && clip["label"].is_string() && clip["heard_before_s"].is_number());
        let updates = clip["updates"].as_array().unwrap();
        assert!(updates.iter().all(|update| update["kind"] == "final"), "{clip}");
    }
    let refused = eval(
        &dir,
        &["--manifest", "manifest.csv", "--updates", "gone/told.jsonl"],
    )
    .expect(2);
    assert!(
        refused.err.contains("cannot write gone/told.jsonl"),
        "{}",
        refused.err
    );
}

#[test]
fn figures_that_cannot_be_written_are_told_first_and_never_cost_the_table() {
    let dir = corpus();
    // The place of the figures is looked at before the manifest, which is looked at before any work.
    let early = eval(&dir, &["--manifest", "gone.csv", "--json", "gone/x.json"]).expect(2);
    assert!(
        early.err.contains("cannot write gone/x.json") && early.err.lines().count() == 1,
        "{}",
        early.err
    );
    if cfg!(target_os = "linux") {
        let full = [
            "--manifest",
            "manifest.csv",
            "--text",
            "none",
            "--json",
            "/dev/full",
        ];
        let late = eval(&dir, &full).expect(2);
        assert!(late.err.contains("cannot write /dev/full"), "{}", late.err);
        assert!(late.out.contains("accuracy"), "{}", late.out);
    }
}

#[test]
fn words_are_judged_without_sound() {
    let dir = corpus();
    let rows = "text,label,toxic\n\
                I am so happy for you!,joy,0\n\
                This makes me very sad,sadness,0\n\
                I hate you so much,anger,\n\
                you stupid fucking idiot,,1\n";
    fs::write(dir.path().join("texts.csv"), rows).unwrap();
    let run = eval(&dir, &["--text-only", "texts.csv", "--json", "-"]);
    if run.code == 2 && run.err.contains("no system 'text_only'") {
        return skipped("the default pack has no text branch; name one that has in UNDERTONE_TEST_PACK");
    }
    let figures = run.expect(0).json();
    assert_eq!(
        (figures["n"].as_u64(), figures["toxic_n"].as_u64()),
        (Some(3), Some(3))
    );
    assert_eq!(figures["auroc"], 1.0);
    assert!(figures["macro_f1"].as_f64().unwrap() > 0.5, "{figures}");
}

#[test]
fn bad_calls_are_refused_in_one_sentence() {
    let dir = corpus();
    fs::write(dir.path().join("bad.csv"), "text,label\nhello,bored\n").unwrap();
    for (arguments, told) in [
        (&["--text-only", "bad.csv"] as &[&str], "unknown label 'bored'"),
        (&["--text-only", "gone.csv"], "gone.csv"),
        (&["--manifest", "gone.csv"], "gone.csv"),
        (&["--manifest", "manifest.csv", "--system", "psychic"], "psychic"),
        (&[], "--manifest"),
        (
            &["--manifest", "manifest.csv", "--text-only", "bad.csv"],
            "cannot be used",
        ),
    ] {
        let run = eval(&dir, arguments).expect(2);
        assert!(run.err.contains(told), "{arguments:?}: {}", run.err);
    }
}
