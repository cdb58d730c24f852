//! A pack with a writer, made of the committed pack and graphs that follow a rule.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::{TempDir, tempdir};
use undertone_models::Bytes;

use super::*;
use crate::resample::RATE;
use crate::runtime::{Rten, Runtime, RuntimeError};
use crate::words::tiny_writer::{Sound, Step, VOCABULARY, WIDTH};

/// What stands in the files of the graphs.
const SOUND: &[u8] = b"sound";
const STEP: &[u8] = b"step";
/// SHA-256 of these, and of the tokens.
const HASHES: [&str; 3] = [
    "dd29442deca69f52c50006b831cb216edf78a7da33748f0a80ff19f2ebe57ecd",
    "3e64cc41cf8e07b43936d7bc4eaf8bdb8e2abcec1f44c7b915ac0a0c27ebc41a",
    "343b995a1264ca30596a89d4f00e66e104625519f474db6911b75b8f3bf62286",
];

fn tokens() -> Vec<u8> {
    let words = [
        "<unk>",
        "<s>",
        "</s>",
        "\u{2581}a",
        "\u{2581}dog",
        "\u{2581}sat",
        "s",
        "!",
    ];
    let mut table: Vec<u8> = Vec::new();
    for word in words.into_iter().chain(["x"; VOCABULARY - 8]) {
        table.push(u8::try_from(word.len()).unwrap());
        table.extend(word.bytes());
    }
    table
}

/// The committed pack with another writer, in a folder of its own.
fn pack(width: usize) -> (TempDir, Pack) {
    let folder = tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/packs/english");
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let manifest = fs::read_to_string(folder.path().join("pack.toml")).unwrap();
    let mut manifest: toml::Table = manifest.parse().unwrap();
    manifest["writer"]["longest"] = 80.into();
    manifest["writer"]["width"] = i64::try_from(width).unwrap().into();
    let files: [(&str, &[u8]); 3] = [
        ("writer_sound.onnx", SOUND),
        ("writer.onnx", STEP),
        ("tokens.bin", &tokens()),
    ];
    for ((file, bytes), hash) in files.into_iter().zip(HASHES) {
        fs::write(folder.path().join(file), bytes).unwrap();
        let listed = manifest["files"].as_array_mut().unwrap();
        let listed = listed
            .iter_mut()
            .find(|listed| listed["path"].as_str() == Some(file));
        let listed = listed.unwrap();
        listed["sha256"] = hash.into();
        listed["bytes"] = i64::try_from(bytes.len()).unwrap().into();
    }
    let manifest = manifest.to_string();
    fs::write(folder.path().join("pack.toml"), manifest).unwrap();
    let pack = Pack::open(folder.path()).unwrap();
    (folder, pack)
}

/// The embedded runtime, with the writer's graphs in place of what stands in their files.
struct Writing(Rten, Arc<AtomicUsize>);

impl Runtime for Writing {
    fn name(&self) -> &'static str {
        "writing"
    }

    fn load(
        &self,
        bytes: &Bytes,
        inputs: &[String],
        outputs: &[String],
    ) -> Result<Box<dyn Graph>, RuntimeError> {
        let runs = Arc::clone(&self.1);
        // "a dogs sat!"
        let rule = |row: &[usize]| [3, 4, 6, 5, 7].get(row.len()).copied().unwrap_or(2);
        match bytes.as_ref() {
            SOUND => Ok(Box::new(Sound)),
            STEP => Ok(Box::new(Step { rule, runs })),
            _ => self.0.load(bytes, inputs, outputs),
        }
    }
}

fn load(width: usize) -> (Result<Mind, MindError>, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let (_folder, pack) = pack(width);
    let mind = Mind::load(&pack, None, &Writing(Rten::new(1), Arc::clone(&runs)));
    runs.store(0, Ordering::Relaxed);
    (mind, runs)
}

fn request(audio: Vec<f32>) -> Request {
    Request {
        utterance: 0,
        kind: Kind::Final,
        first: true,
        closing: false,
        start: 1_000,
        end: 1_000 + audio.len() as u64,
        audio_from: 1_000,
        clock: 1_000 + audio.len() as u64,
        audio,
        clipped: false,
        cut_from: None,
        cut_to: None,
    }
}

fn speech() -> Vec<f32> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/neutral.wav");
    let bytes = fs::read(path).unwrap();
    let samples = bytes[44..].chunks_exact(2);
    let samples = samples.map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0);
    samples.take(2 * RATE as usize).collect()
}

#[test]
fn words_are_the_writers_and_their_times_the_letters() {
    let (mind, runs) = load(WIDTH);
    let (mind, mut draft) = (mind.unwrap(), Draft::default());
    let request = request(speech());
    let first = mind.hear(&request, Some(&mut draft)).unwrap().units.unwrap();
    assert!((2..=6).contains(&runs.swap(0, Ordering::Relaxed)));
    assert_eq!(draft.of(&request), [3, 4, 6, 5, 7]);
    let within = request.start..request.end;
    assert!(first.words.windows(2).all(|pair| pair[0].end <= pair[1].start));
    assert!(
        first
            .words
            .iter()
            .all(|word| within.contains(&word.start) && word.start < word.end)
    );
    let texts: Vec<_> = first.words.iter().map(|word| word.text.as_str()).collect();
    assert!(
        !texts.is_empty() && texts.iter().all(|text| ["a", "dogs", "sat!"].contains(text)),
        "{texts:?}"
    );
    assert!(!first.phones.is_empty() && !first.syllables.is_empty());
    let again = mind.hear(&request, Some(&mut draft)).unwrap().units.unwrap();
    assert_eq!(again, first);
    assert_eq!(runs.load(Ordering::Relaxed), 1, "the draft is tried at once");
}

#[test]
fn nothing_is_written_where_nothing_is_said_or_nothing_wanted() {
    let (mind, runs) = load(WIDTH);
    let mind = mind.unwrap();
    let silent = mind.hear(&request(vec![0.0; 16_000]), Some(&mut Draft::default()));
    assert!(silent.unwrap().units.unwrap().words.is_empty());
    assert!(mind.hear(&request(speech()), None).unwrap().units.is_none());
    assert_eq!(runs.load(Ordering::Relaxed), 0);
}

#[test]
fn a_writer_that_does_not_fit_is_refused_by_name() {
    let told = load(WIDTH + 1).0.unwrap_err().to_string();
    assert!(
        told.contains("'english', writer_sound graph: sound_keys"),
        "{told}"
    );
}
