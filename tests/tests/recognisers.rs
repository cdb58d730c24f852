//! Optional recognisers, from being installed to being removed, with their real packages where they can be had.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::tempdir;
use undertone_tests::program::{Run, run, undertone};
use undertone_tests::samples::folder;
use undertone_tests::sounds::write_wav;
use undertone_tests::wheels::wheel;
use undertone_tests::{skipped, tiny_vosk};

fn add(home: &Path, words: &[&str], from: Option<&Path>, model: Option<&Path>) -> Run {
    let mut command = undertone(home);
    command.args(["models", "add"]).args(words);
    for (flag, path) in [("--from", from), ("--model", model)] {
        if let Some(path) = path {
            command.arg(flag).arg(path);
        }
    }
    run(&mut command)
}

fn analyse(home: &Path, recogniser: &str, file: &Path) -> Vec<Value> {
    let mut command = undertone(home);
    command
        .args(["analyze", "--json", "--hop-ms", "250", "--recogniser", recogniser])
        .arg(file);
    run(&mut command).expect(0).lines()
}

fn finals(updates: &[Value]) -> impl Iterator<Item = &Value> {
    updates.iter().filter(|update| update["kind"] == "final")
}

fn said(update: &Value) -> String {
    let text = update["text"]["transcript"].as_str().unwrap().to_lowercase();
    text.replace(|c: char| !c.is_alphanumeric() && c != ' ' && c != '\'', "")
}

/// How many words of one row are found in another, in the same order.
fn in_order(wanted: &[String], heard: &[String]) -> usize {
    let mut best = vec![0; heard.len() + 1];
    for word in wanted {
        let mut corner = 0;
        for (at, other) in heard.iter().enumerate() {
            let found = if word == other {
                corner + 1
            } else {
                best[at + 1].max(best[at])
            };
            corner = std::mem::replace(&mut best[at + 1], found);
        }
    }
    best[heard.len()]
}

#[test]
fn what_is_not_there_or_is_nonsense_is_one_clear_sentence() {
    let home = tempdir().unwrap();
    let home = home.path();
    let nonsense = home.join("nonsense.whl");
    fs::write(&nonsense, b"not a wheel").unwrap();
    let sample = folder().join("neutral.wav");
    for (recogniser, told) in [("moonshine", "models add moonshine"), ("vosk", "models add vosk")] {
        let mut command = undertone(home);
        let seen = run(command.args(["analyze", "--recogniser", recogniser]).arg(&sample));
        assert!(seen.code != 0 && seen.err.contains(told), "{}", seen.err);
        let seen = run(undertone(home).args(["models", "remove", recogniser])).expect(2);
        assert!(seen.err.contains("not installed"), "{}", seen.err);
    }
    for (words, from, model, told) in [
        (["first"], None, None, "part of every pack"),
        (["moonshine"], Some(nonsense.as_path()), None, "no whole wheel"),
        (["moonshine"], Some(home), None, "encoder_model.ort is not in"),
        (["vosk"], Some(nonsense.as_path()), None, "--model FOLDER"),
        (
            ["vosk"],
            Some(nonsense.as_path()),
            Some(home),
            "no Vosk speech model",
        ),
    ] {
        let seen = add(home, &words, from, model).expect(2);
        assert!(seen.err.contains(told), "{}", seen.err);
    }
    let seen = run(undertone(home).args(["models", "add", "siri"])).expect(2);
    assert!(
        seen.err.contains("moonshine") && seen.err.contains("vosk"),
        "{}",
        seen.err
    );
    // A model for which there is only a library that is none.
    let model = home.join("model");
    tiny_vosk::write(&model);
    let library = home.join("libvosk.so");
    fs::write(&library, b"not a library").unwrap();
    let seen = add(home, &["vosk"], Some(&library), Some(&model)).expect(2);
    assert!(seen.err.contains("cannot be opened"), "{}", seen.err);
    assert!(
        !home.join("data/undertone/recognisers/vosk").exists(),
        "nothing half stays"
    );
}

#[test]
fn moonshine_from_its_wheel_hears_finals_again() {
    let Some(wheel) = wheel("moonshine_voice") else {
        return;
    };
    let home = tempdir().unwrap();
    let home = home.path();
    add(home, &["moonshine"], Some(&wheel), None).expect(0);
    let listed = run(undertone(home).args(["models", "list"])).expect(0).out;
    assert!(
        listed.contains("moonshine") && listed.contains("0.0.69"),
        "{listed}"
    );
    run(undertone(home).args(["models", "verify", "moonshine"])).expect(0);

    let updates = analyse(home, "moonshine", &folder().join("demo.wav"));
    let script = fs::read_to_string(folder().join("script.csv")).unwrap();
    let lines = script.lines().filter(|line| line.starts_with("demo.wav"));
    let wanted: Vec<String> = lines
        .flat_map(|line| {
            let text = line.splitn(7, ',').nth(6).unwrap_or_default().to_lowercase();
            let text = text.replace(|c: char| !c.is_alphanumeric() && c != ' ' && c != '\'', "");
            text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let heard: Vec<String> = finals(&updates)
        .filter(|update| update["text"]["recogniser"] == "moonshine")
        .flat_map(|update| {
            said(update)
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    // "can not" or "cannot", "I am" or "I'm": a few may differ.
    let found = in_order(&wanted, &heard);
    assert!(
        found * 10 >= wanted.len() * 8,
        "{found} of {wanted:?} in {heard:?}"
    );
    for update in &updates {
        let first = update["kind"] == "provisional";
        assert_eq!(update["text"]["recogniser"] == "first", first, "{update}");
        let mut before = 0.0;
        for word in update["text"]["words"].as_array().unwrap() {
            let (start, end) = (word["start_s"].as_f64().unwrap(), word["end_s"].as_f64().unwrap());
            assert!(start >= before - 1e-9 && end >= start, "times run on: {update}");
            before = start;
        }
    }

    // A byte changed on disk is found before anything runs.
    let tokens = home.join("data/undertone/recognisers/moonshine/tokenizer.bin");
    let mut bytes = fs::read(&tokens).unwrap();
    bytes[1_000] ^= 1;
    fs::write(&tokens, bytes).unwrap();
    let seen = run(undertone(home).args(["models", "verify", "moonshine"])).expect(2);
    assert!(seen.err.contains("tokenizer.bin"), "{}", seen.err);
    run(undertone(home).args(["models", "remove", "moonshine"])).expect(0);
    assert!(!home.join("data/undertone/recognisers/moonshine").exists());
}

#[test]
#[ignore = "fetches 56 MB from the package index; `cargo xtask test` runs it where there is one"]
fn moonshine_comes_through_pip_with_its_hash() {
    let home = tempdir().unwrap();
    let seen = add(home.path(), &["moonshine"], None, None);
    if seen.code != 0 && seen.err.contains("pip could not fetch") {
        skipped(format!(
            "needs a package index that pip reaches: {}",
            seen.err.trim()
        ));
        return;
    }
    let seen = seen.expect(0);
    assert!(
        seen.err.contains("fetching moonshine-voice 0.0.69") && seen.err.contains("PyPI"),
        "{}",
        seen.err
    );
}

#[test]
fn the_real_libvosk_gives_partials_words_times_and_finals() {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        skipped("the wheel of vosk that the tests fetch is for Linux on x86-64");
        return;
    }
    let Some(wheel) = wheel("vosk") else { return };
    let home = tempdir().unwrap();
    let home = home.path();
    let model = home.join("model");
    tiny_vosk::write(&model);
    add(home, &["vosk"], Some(&wheel), Some(&model)).expect(0);

    // Speech is dull and bright in turn, so the model hears its two words in it.
    let file = home.join("words.wav");
    let (rate, sound) = undertone_tests::samples::sample("demo");
    write_wav(&file, rate, 1, &sound[..rate as usize * 8]);
    let updates = analyse(home, "vosk", &file);
    let of_vosk = |update: &&Value| update["text"]["recogniser"] == "vosk";
    assert!(
        updates.iter().filter(of_vosk).count() == updates.len(),
        "{updates:?}"
    );
    let words = |update: &Value| update["text"]["words"].as_array().unwrap().clone();
    let partial = updates
        .iter()
        .find(|update| update["kind"] == "provisional" && !words(update).is_empty());
    let partial = partial.expect("words while the sound goes on");
    let last = finals(&updates).next().expect("a final");
    assert!(partial["emitted_s"].as_f64() < last["emitted_s"].as_f64());
    assert!(!words(last).is_empty(), "{last}");
    for word in words(last) {
        assert!(word["text"] == "yes" || word["text"] == "no", "{word}");
        let (start, end) = (word["start_s"].as_f64().unwrap(), word["end_s"].as_f64().unwrap());
        assert!(
            start < end && end < 4.0 && word["confidence"].as_f64().unwrap() > 0.3,
            "{word}"
        );
        assert_eq!(word["stable"], true);
    }

    // A model that is none is refused by the real library in one sentence, and does not stay.
    let broken = home.join("broken");
    fs::create_dir_all(broken.join("am")).unwrap();
    fs::write(broken.join("am/final.mdl"), b"nothing").unwrap();
    let seen = add(home, &["vosk"], Some(&wheel), Some(&broken)).expect(2);
    assert!(seen.err.contains("Vosk refuses the speech model"), "{}", seen.err);
}
