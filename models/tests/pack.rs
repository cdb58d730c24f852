//! Packs good and bad: what is refused, and how it is told.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::fs;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use undertone_models::{Manifest, Pack, PackError, Role};

fn sha(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
}

fn manifest(trunk: &[u8]) -> String {
    let (sha, empty) = (sha(trunk), sha(b"head"));
    format!(
        r#"
schema = 1
name = "tiny"
version = "1.0.0"
licence = "CC0-1.0"
sample_rate = 16000
labels = ["neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised"]
systems = ["speech_only"]
default_system = "speech_only"
[trunk]
frame_stride = 384
min_samples = 1000
receptive_field = 895
[speech]
trained_labels = ["neutral"]
temperature = 1.5
temperature_short = [[0.5, 2.0], [1.0, 1.7]]
unknown_below = 0.4
mix_width = 4
stats_width = 8
[[graphs]]
role = "trunk"
file = "trunk.onnx"
inputs = ["audio"]
outputs = ["mix", "top"]
[[graphs]]
role = "speech"
file = "speech.onnx"
inputs = ["mix", "past_mean", "past_clips"]
outputs = ["logits", "affect", "stats"]
[[files]]
path = "trunk.onnx"
sha256 = "{sha}"
bytes = {}
[[files]]
path = "speech.onnx"
sha256 = "{empty}"
bytes = 4
"#,
        trunk.len()
    )
}

fn write_pack(dir: &Path) {
    fs::write(dir.join("pack.toml"), manifest(b"weights")).unwrap();
    fs::write(dir.join("trunk.onnx"), b"weights").unwrap();
    fs::write(dir.join("speech.onnx"), b"head").unwrap();
}

#[test]
fn a_whole_pack_opens_and_verifies() {
    let dir = tempfile::tempdir().unwrap();
    write_pack(dir.path());
    let pack = Pack::open(dir.path()).unwrap();
    pack.verify().unwrap();
    assert_eq!(pack.graph(Role::Trunk).unwrap().as_ref(), b"weights");
    assert!(pack.graph(Role::Words).is_none());
}

#[test]
fn a_changed_byte_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    write_pack(dir.path());
    fs::write(dir.path().join("trunk.onnx"), b"weightz").unwrap();
    let error = Pack::open(dir.path()).unwrap_err();
    assert!(matches!(error, PackError::Changed { .. }));
    let told = error.to_string();
    assert!(
        told.contains("trunk.onnx") && told.contains("reinstall"),
        "{told}"
    );
}

#[test]
fn a_missing_or_short_file_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    write_pack(dir.path());
    fs::write(dir.path().join("speech.onnx"), b"hea").unwrap();
    assert!(
        Pack::open(dir.path())
            .unwrap_err()
            .to_string()
            .contains("3 bytes instead of 4")
    );
    fs::remove_file(dir.path().join("speech.onnx")).unwrap();
    assert!(
        Pack::open(dir.path())
            .unwrap_err()
            .to_string()
            .contains("speech.onnx")
    );
}

#[test]
fn what_does_not_fit_is_named() {
    let good = manifest(b"weights");
    Manifest::parse(&good).unwrap();
    for (from, to, told) in [
        ("schema = 1", "schema = 9", "schema is 9"),
        ("sample_rate = 16000", "sample_rate = 8000", "sample_rate is 8000"),
        ("\"surprised\"]", "\"bored\"]", "labels must be"),
        (
            "default_system = \"speech_only\"",
            "default_system = \"joint\"",
            "joint",
        ),
        ("role = \"speech\"", "role = \"words\"", "speech graph is missing"),
        ("unknown_below = 0.4", "unknown_below = 4.0", "unknown_below"),
        ("temperature = 1.5", "temperature = 0.0", "temperatures"),
        ("[1.0, 1.7]", "[0.5, 1.7]", "rising order"),
        (
            "path = \"trunk.onnx\"",
            "path = \"../trunk.onnx\"",
            "no entry in files",
        ),
        (
            "frame_stride = 384",
            "frame_stride = \"long\"",
            "not a valid manifest",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        let error = Manifest::parse(&good.replacen(from, to, 1))
            .unwrap_err()
            .to_string();
        assert!(error.contains(told), "{from} → {to}: {error}");
    }
}

#[test]
fn a_path_that_leads_out_of_the_pack_is_refused() {
    let bad = manifest(b"weights").replace("trunk.onnx", "../trunk.onnx");
    assert!(
        Manifest::parse(&bad)
            .unwrap_err()
            .to_string()
            .contains("leads out of the pack")
    );
}

#[test]
fn the_embedded_pack_is_whole() {
    Pack::embedded().unwrap().verify().unwrap();
}
