//! `undertone analyze`, as people and programs use it: files and pipes in, every form out.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::{TempDir, tempdir};
use undertone_tests::program::{run, run_with, undertone};
use undertone_tests::sounds::{at_rate, voice, write_wav};

/// A folder with `voice.wav` in it.
fn folder() -> TempDir {
    let dir = tempdir().unwrap();
    let (rate, sound) = voice();
    write_wav(&dir.path().join("voice.wav"), rate, 1, &sound);
    dir
}

fn analyze(dir: &TempDir) -> Command {
    let mut command = undertone(dir.path());
    command.current_dir(dir.path()).arg("analyze");
    command
}

fn finals(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line["kind"] == "final").collect()
}

/// Begin and end of each settled utterance.
fn spans(lines: &[Value]) -> Vec<(f64, f64)> {
    let number = |line: &Value, key: &str| line[key].as_f64().unwrap();
    finals(lines)
        .into_iter()
        .map(|line| (number(line, "start_s"), number(line, "end_s")))
        .collect()
}

/// What a score says, without what depends on the machine's speed or the sound's name.
fn said(lines: &[Value]) -> Vec<Value> {
    let mut lines = lines.to_vec();
    for line in &mut lines {
        let line = line.as_object_mut().unwrap();
        line.remove("latency_ms");
        line.remove("stream");
    }
    lines
}

/// The same speech from begin to end, and as much of it; a short pause more or less is no difference.
fn alike(a: &[(f64, f64)], b: &[(f64, f64)]) -> bool {
    let outer = |spans: &[(f64, f64)]| (spans[0].0, spans[spans.len() - 1].1);
    let spoken = |spans: &[(f64, f64)]| spans.iter().map(|span| span.1 - span.0).sum::<f64>();
    if a.is_empty() || b.is_empty() {
        return false;
    }
    let (ends, others) = (outer(a), outer(b));
    (ends.0 - others.0).abs() < 0.15
        && (ends.1 - others.1).abs() < 0.15
        && (spoken(a) / spoken(b) - 1.0).abs() < 0.15
}

#[test]
fn a_person_sees_a_timeline() {
    let dir = folder();
    let seen = run(analyze(&dir).arg("voice.wav")).expect(0);
    assert!(seen.out.starts_with("voice.wav"), "{}", seen.out);
    assert!(
        seen.out.contains(" % ") && seen.out.contains("utterance"),
        "{}",
        seen.out
    );
    assert!(
        !seen.out.contains('\u{1b}'),
        "no colours where there is no terminal: {}",
        seen.out
    );
    let coloured = run(analyze(&dir).args(["voice.wav", "--color", "always"])).expect(0);
    assert!(coloured.out.contains("\u{1b}["), "{}", coloured.out);
    let plain = run(analyze(&dir)
        .arg("voice.wav")
        .env("NO_COLOR", "1")
        .env("CLICOLOR_FORCE", "1"))
    .expect(0);
    assert!(!plain.out.contains('\u{1b}'), "{}", plain.out);
}

#[test]
fn every_line_of_json_keeps_the_contract() {
    let dir = folder();
    let lines = run(analyze(&dir).args(["voice.wav", "--json", "--speaker", "Ann"]))
        .expect(0)
        .lines();
    assert!(lines.iter().any(|line| line["kind"] == "provisional"));
    let utterances: Vec<_> = finals(&lines)
        .iter()
        .map(|line| line["utterance"].as_u64().unwrap())
        .collect();
    assert!(!utterances.is_empty());
    assert!(
        utterances.windows(2).all(|pair| pair[0] < pair[1]),
        "a final comes once: {utterances:?}"
    );
    let mut last = None;
    for line in &lines {
        let sum: f64 = line["scores"]
            .as_object()
            .unwrap()
            .values()
            .map(|p| p.as_f64().unwrap())
            .sum();
        assert!((sum - 1.0).abs() < 1e-3, "{line}");
        assert_eq!(
            (&line["stream"], &line["speaker"]),
            (&"voice.wav".into(), &"Ann".into())
        );
        let at = (
            line["utterance"].as_u64().unwrap(),
            line["revision"].as_u64().unwrap(),
        );
        assert!(last < Some(at), "revisions only grow: {last:?} {at:?}");
        last = Some(at);
    }
}

#[test]
fn the_same_file_gives_the_same_scores_and_pipes_change_nothing() {
    let dir = folder();
    let wav = fs::read(dir.path().join("voice.wav")).unwrap();
    let file = run(analyze(&dir).args(["voice.wav", "--json"])).expect(0).lines();
    let again = run(analyze(&dir).args(["voice.wav", "--json"])).expect(0).lines();
    assert_eq!(said(&file), said(&again));
    let piped = run_with(analyze(&dir).args(["-", "--json"]), &wav)
        .expect(0)
        .lines();
    assert_eq!(said(&file), said(&piped));
    // The samples begin after 44 bytes of header.
    let rate = voice().0.to_string();
    let raw = run_with(analyze(&dir).args(["-", "--json", "--rate", &rate]), &wav[44..])
        .expect(0)
        .lines();
    assert_eq!(said(&file), said(&raw));
}

#[test]
fn every_form_is_written_whole_and_well_formed() {
    let dir = folder();
    let out = dir.path().join("new/out");
    let seen = run(analyze(&dir)
        .args([
            "voice.wav",
            "--format",
            "jsonl,csv",
            "--format",
            "vtt,srt,html",
            "--out",
        ])
        .arg(&out))
    .expect(0);
    assert!(
        seen.out.contains("utterance"),
        "the timeline is printed too: {}",
        seen.out
    );
    let mut names: Vec<_> = fs::read_dir(&out)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["voice.csv", "voice.html", "voice.jsonl", "voice.srt", "voice.vtt"]
    );
    let text = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let jsonl = text("voice.jsonl");
    let lines: Vec<Value> = jsonl
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let count = finals(&lines).len();
    assert_eq!(text("voice.csv").lines().count(), 1 + lines.len());
    assert!(text("voice.vtt").starts_with("WEBVTT\n"));
    assert_eq!(text("voice.vtt").matches(" --> ").count(), count);
    assert_eq!(text("voice.srt").matches(" --> ").count(), count);
    let html = text("voice.html");
    assert!(html.starts_with("<!DOCTYPE html>") && html.trim_end().ends_with("</html>"));
    assert!(html.contains("<svg") && !html.contains("http://") && !html.contains("https://"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(out.join("voice.html")).unwrap().permissions().mode();
        assert_eq!(mode & 0o600, 0o600, "{mode:o}");
    }
}

#[test]
fn any_rate_and_any_channels_are_heard_alike() {
    let dir = folder();
    let (rate, sound) = voice();
    write_wav(
        &dir.path().join("low.wav"),
        8_000,
        1,
        &at_rate(&sound, rate, 8_000),
    );
    write_wav(
        &dir.path().join("high.wav"),
        192_000,
        1,
        &at_rate(&sound, rate, 192_000),
    );
    write_wav(&dir.path().join("seven.wav"), rate, 7, &sound);
    let spans_of = |name: &str| spans(&run(analyze(&dir).args([name, "--json"])).expect(0).lines());
    let plain = spans_of("voice.wav");
    assert!(!plain.is_empty());
    for name in ["high.wav", "seven.wav"] {
        let other = spans_of(name);
        assert!(alike(&plain, &other), "{name}: {plain:?} {other:?}");
    }
    // Half the band is gone at 8 kHz, so pauses may be heard otherwise; speech must be heard all the same.
    assert!(!spans_of("low.wav").is_empty());
}

#[test]
fn finals_only_means_finals_only() {
    let dir = folder();
    let lines = run(analyze(&dir).args(["voice.wav", "--json", "--finals-only"]))
        .expect(0)
        .lines();
    assert!(!lines.is_empty() && lines.iter().all(|line| line["kind"] == "final"));
}

#[test]
fn one_output_takes_one_result() {
    let dir = folder();
    let refused = run(analyze(&dir).args(["voice.wav", "voice.wav", "--format", "html"])).expect(2);
    assert!(refused.err.contains("--out"), "{}", refused.err);
    let page = run(analyze(&dir).args(["voice.wav", "--format", "html"])).expect(0);
    assert!(page.out.starts_with("<!DOCTYPE html>"));
}

#[test]
fn every_common_codec_is_heard_alike() {
    let dir = folder();
    let plain = spans(&run(analyze(&dir).args(["voice.wav", "--json"])).expect(0).lines());
    for (name, codec) in [
        ("voice.flac", "flac"),
        ("voice.mp3", "libmp3lame"),
        ("voice.ogg", "libvorbis"),
        ("voice.opus", "libopus"),
        ("voice.webm", "libopus"),
        ("voice.m4a", "aac"),
        ("voice.aiff", "pcm_s16be"),
    ] {
        if !encode(dir.path(), name, codec) {
            undertone_tests::skipped(format!(
                "{codec}, because ffmpeg with it is not here (apt-get install ffmpeg)"
            ));
            continue;
        }
        let other = spans(&run(analyze(&dir).args([name, "--json"])).expect(0).lines());
        assert!(alike(&plain, &other), "{name}: {plain:?} {other:?}");
    }
}

fn encode(dir: &Path, name: &str, codec: &str) -> bool {
    Command::new("ffmpeg")
        .current_dir(dir)
        .args([
            "-v",
            "error",
            "-y",
            "-i",
            "voice.wav",
            "-c:a",
            codec,
            "-b:a",
            "96k",
            name,
        ])
        .status()
        .is_ok_and(|status| status.success())
}
