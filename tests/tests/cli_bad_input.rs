//! Bad input: each kind gets one clear sentence that names the file and the remedy, and spoils nothing else.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::{TempDir, tempdir};
use undertone_tests::program::{Run, run, run_with, undertone};
use undertone_tests::sounds::{voice, write_float_wav, write_odd_wav, write_wav};

fn folder() -> TempDir {
    let dir = tempdir().unwrap();
    let (rate, sound) = voice();
    write_wav(&dir.path().join("good.wav"), rate, 1, &sound[..rate as usize * 4]);
    dir
}

fn analyze(dir: &TempDir) -> Command {
    let mut command = undertone(dir.path());
    command.current_dir(dir.path()).arg("analyze");
    command
}

/// One sentence on standard error, with this file's name and a remedy.
fn one_sentence(run: &Run, name: &str) {
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
    assert!(
        run.err.starts_with(&format!("undertone: {name}: ")),
        "{}",
        run.err
    );
    assert!(run.err.contains("; "), "it says what to do: {}", run.err);
}

#[test]
fn files_that_are_no_sound_are_named() {
    let dir = folder();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("empty.wav"), "").unwrap();
    fs::write(at("letter.wav"), "Dear Sir,\n".repeat(2_000)).unwrap();
    let noise: Vec<u8> = (0..200_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    fs::write(at("noise.bin"), noise).unwrap();
    fs::create_dir(at("folder.wav")).unwrap();
    write_odd_wav(&at("no-channels.wav"), 16_000, 0, &[0; 320]);
    write_odd_wav(&at("header-only.wav"), 16_000, 1, &[]);
    write_odd_wav(&at("slow.wav"), 4_000, 1, &[0; 8_000]);
    for name in [
        "missing.wav",
        "empty.wav",
        "letter.wav",
        "noise.bin",
        "folder.wav",
        "no-channels.wav",
        "header-only.wav",
        "slow.wav",
    ] {
        let seen = run(analyze(&dir).args([name, "--json"])).expect(2);
        one_sentence(&seen, name);
        assert!(seen.out.is_empty(), "{name}: {}", seen.out);
    }
}

#[test]
fn the_other_files_are_still_analysed() {
    let dir = folder();
    fs::write(dir.path().join("empty.wav"), "").unwrap();
    let files = ["good.wav", "empty.wav", "missing.wav", "good.wav"];
    let seen = run(analyze(&dir)
        .args(files)
        .args(["--quiet", "--out", "out", "--format", "vtt"]))
    .expect(2);
    assert_eq!(seen.err.lines().count(), 2, "{}", seen.err);
    let mut names: Vec<_> = fs::read_dir(dir.path().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["good-2.vtt", "good.vtt"]);
}

#[test]
fn a_single_sample_is_a_sound() {
    let dir = folder();
    write_wav(&dir.path().join("one.wav"), 16_000, 1, &[0.5]);
    let seen = run(analyze(&dir).arg("one.wav")).expect(0);
    assert!(seen.out.contains("no speech"), "{}", seen.out);
}

#[test]
fn what_is_there_of_a_cut_file_is_analysed() {
    let dir = folder();
    let whole = fs::read(dir.path().join("good.wav")).unwrap();
    fs::write(dir.path().join("cut.wav"), &whole[..whole.len() * 3 / 4]).unwrap();
    let seen = run(analyze(&dir).args(["cut.wav", "--json"])).expect(0);
    one_sentence(&seen, "cut.wav");
    assert!(
        seen.err.contains("cut off") && seen.err.contains("3.0 s of 4.0 s"),
        "{}",
        seen.err
    );
    assert!(!seen.lines().is_empty());
}

#[test]
fn what_a_broken_off_recorder_left_is_analysed() {
    let dir = folder();
    let mut bytes = fs::read(dir.path().join("good.wav")).unwrap();
    let data = bytes.windows(4).position(|four| four == b"data").unwrap();
    for at in [4, data + 4] {
        bytes[at..at + 4].fill(0);
    }
    fs::write(dir.path().join("lost.wav"), bytes).unwrap();
    let finals = |name: &str| {
        let seen = run(analyze(&dir).args([name, "--json", "--finals-only"])).expect(0);
        let scores: Vec<_> = seen
            .lines()
            .iter()
            .map(|line| (line["end_s"].clone(), line["confidence"].clone()))
            .collect();
        (scores, seen)
    };
    let (scores, seen) = finals("lost.wav");
    one_sentence(&seen, "lost.wav");
    assert!(seen.err.contains("never finished"), "{}", seen.err);
    assert!(!scores.is_empty());
    assert_eq!(scores, finals("good.wav").0);
}

#[test]
fn samples_that_are_not_numbers_are_silence() {
    let dir = folder();
    let (rate, mut sound) = voice();
    sound.truncate(rate as usize * 4);
    for (at, value) in [(10, f32::NAN), (20, f32::INFINITY), (30, f32::NEG_INFINITY)] {
        sound[at] = value;
    }
    write_float_wav(&dir.path().join("odd.wav"), rate, &sound);
    let seen = run(analyze(&dir).args(["odd.wav", "--json"])).expect(0);
    one_sentence(&seen, "odd.wav");
    assert!(seen.err.contains("3 samples"), "{}", seen.err);
    assert!(!seen.lines().is_empty());
    for line in seen.lines() {
        assert!(line["confidence"].is_number(), "{line}");
    }
}

#[test]
fn a_pipe_that_is_no_sound_says_how_to_say_what_it_is() {
    let dir = folder();
    let seen = run_with(analyze(&dir).args(["-", "--json"]), &[7; 5_000]).expect(2);
    one_sentence(&seen, "standard input");
    assert!(seen.err.contains("--rate"), "{}", seen.err);
    for call in [&["-", "--json"] as &[&str], &["-", "--json", "--rate", "16000"]] {
        let nothing = run_with(analyze(&dir).args(call), &[]).expect(2);
        one_sentence(&nothing, "standard input");
        assert!(nothing.err.contains("nothing came"), "{}", nothing.err);
    }
}

#[test]
fn a_sound_with_a_header_is_not_taken_for_raw_samples() {
    let dir = folder();
    let whole = fs::read(dir.path().join("good.wav")).unwrap();
    let file = run(analyze(&dir).args(["good.wav", "--json", "--rate", "16000"])).expect(2);
    let pipe = run_with(analyze(&dir).args(["-", "--json", "--rate", "16000"]), &whole).expect(2);
    for (seen, name) in [(file, "good.wav"), (pipe, "standard input")] {
        one_sentence(&seen, name);
        assert!(
            seen.err.contains("leave --rate away") && seen.out.is_empty(),
            "{}",
            seen.err
        );
    }
}

#[test]
fn damage_anywhere_is_never_a_panic() {
    let dir = folder();
    let mut kinds = vec!["good.wav".to_owned()];
    for (name, codec) in [
        ("good.flac", "flac"),
        ("good.opus", "libopus"),
        ("good.mp3", "libmp3lame"),
        ("good.m4a", "aac"),
    ] {
        let made = Command::new("ffmpeg")
            .current_dir(dir.path())
            .args([
                "-v", "error", "-y", "-i", "good.wav", "-t", "1", "-c:a", codec, name,
            ])
            .status();
        if made.is_ok_and(|status| status.success()) {
            kinds.push(name.to_owned());
        } else {
            undertone_tests::skipped(format!(
                "damaged {codec}, because ffmpeg with it is not here (apt-get install ffmpeg)"
            ));
        }
    }
    // A fixed seed: the same damage every time.
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize
    };
    for kind in kinds {
        let whole = fs::read(dir.path().join(&kind)).unwrap();
        let mut files = Vec::new();
        for round in 0..12 {
            let mut bytes = whole.clone();
            for _ in 0..=round * 3 {
                let at = next() % bytes.len().min(40_000);
                bytes[at] = next() as u8;
            }
            bytes.truncate(bytes.len() - next() % (bytes.len() / 2));
            let name = format!("{round}-{kind}");
            fs::write(dir.path().join(&name), bytes).unwrap();
            files.push(name);
        }
        // `run` fails on a panic.
        let seen = run(analyze(&dir).args(&files).args(["--json", "--finals-only"]));
        assert!(
            seen.code == 0 || seen.code == 2,
            "{kind}: {}: {}",
            seen.code,
            seen.err
        );
    }
}

#[test]
fn a_pack_with_a_changed_byte_is_refused() {
    let dir = folder();
    let pack = dir.path().join("pack");
    copy_default_pack(&pack);
    let graph = pack.join("speech.onnx");
    let mut bytes = fs::read(&graph).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&graph, bytes).unwrap();
    let seen = run(analyze(&dir)
        .args(["good.wav", "good.wav", "--json", "--pack"])
        .arg(&pack))
    .expect(2);
    assert_eq!(
        seen.err.lines().count(),
        1,
        "said once, not for every file: {}",
        seen.err
    );
    assert!(
        seen.err.contains("speech.onnx") && seen.err.contains("reinstall"),
        "{}",
        seen.err
    );
    assert!(seen.out.is_empty());
}

fn copy_default_pack(to: &Path) {
    let packs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/packs");
    let from = fs::read_dir(packs)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.join("speech.onnx").is_file())
        .expect("a committed pack with a speech graph");
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}
