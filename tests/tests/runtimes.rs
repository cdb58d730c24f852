//! ONNX Runtime in the embedded runtime's place: the same scores, what really runs is told, and what cannot run is
//! told with what to do.
//!
//! Needs its library: `UNDERTONE_ONNXRUNTIME` names its file or folder. `cargo xtask test` fetches it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use undertone::{Engine, EngineConfig, RuntimeChoice, Scores, StreamConfig, Update};
use undertone_tests::samples::sample;
use undertone_tests::skipped;

/// The library to test with.
fn library() -> Option<std::path::PathBuf> {
    let named = std::env::var_os("UNDERTONE_ONNXRUNTIME").filter(|path| !path.is_empty());
    if named.is_none() {
        skipped(
            "ONNX Runtime is not tested: UNDERTONE_ONNXRUNTIME names no library (`pip download onnxruntime` has it)",
        );
    }
    named.map(Into::into)
}

fn engine(runtime: RuntimeChoice, library: Option<&std::path::Path>) -> Engine {
    Engine::start(EngineConfig {
        runtime,
        onnxruntime: library.map(Into::into),
        ..EngineConfig::default()
    })
}

fn scores(engine: &Engine) -> Vec<Update> {
    let (rate, sound) = sample("demo");
    heard(engine, rate, &sound)
}

fn heard(engine: &Engine, rate: u32, sound: &[f32]) -> Vec<Update> {
    let mut session = engine.session(&StreamConfig::new("file", rate)).unwrap();
    let mut out = Vec::new();
    session.push(&[sound], &mut out).unwrap();
    session.finish(&mut out).unwrap();
    out
}

#[test]
fn onnx_runtime_gives_the_embedded_runtimes_scores_and_says_that_it_ran() {
    let Some(library) = library() else { return };
    let embedded = scores(&engine(RuntimeChoice::Cpu, None));
    let other = engine(RuntimeChoice::OnnxRuntime, Some(&library));
    let pack = other.wait_ready().unwrap();
    assert_eq!(
        (pack.runtime.as_str(), &pack.remarks),
        ("onnxruntime/cpu", &vec![])
    );
    let found = scores(&other);
    assert_eq!(found.len(), embedded.len());
    let (mut voice, mut finals) = (0.0_f32, 0.0_f32);
    for (found, wanted) in found.iter().zip(&embedded) {
        assert_eq!(
            &*found.runtime, "onnxruntime/cpu",
            "every update says what really ran"
        );
        assert_eq!((found.utterance, found.kind), (wanted.utterance, wanted.kind));
        let heard = [found, wanted].map(|update| update.speech.as_ref().unwrap().scores);
        voice = voice.max(apart(&heard[0], &heard[1]));
        // The two round 8-bit products differently, and of two readings of unfinished words as likely as each other
        // each may take another.
        if found.is_final() {
            finals = finals.max(apart(&found.scores, &wanted.scores));
        }
    }
    println!(
        "{} updates, the voice at most {voice:.1e} apart, finals {finals:.4}",
        found.len()
    );
    assert!(voice < 1e-3, "{voice}");
    assert!(finals < 0.05, "{finals}");
}

#[test]
fn auto_takes_what_proves_itself_and_says_why_not_the_others() {
    let Some(library) = library() else { return };
    let engine = engine(RuntimeChoice::Auto, Some(&library));
    let pack = engine.wait_ready().unwrap();
    println!("{}: {:?}", pack.runtime, pack.remarks);
    match pack.runtime.as_str() {
        "rten/cpu" => assert!(pack.remarks.iter().any(|why| why.starts_with("onnxruntime "))),
        other => assert!(other.starts_with("onnxruntime/")),
    }
}

#[test]
fn an_accelerator_that_is_not_there_is_told_and_the_cpu_runs() {
    let Some(library) = library() else { return };
    let engine = engine(RuntimeChoice::Cuda, Some(&library));
    let pack = engine.wait_ready().unwrap();
    if pack.runtime == "onnxruntime/cuda" {
        assert!(pack.remarks.is_empty());
        assert!(!scores(&engine).is_empty());
        return;
    }
    skipped(format!("CUDA is not tested: {}", pack.remarks.join("; ")));
    assert_eq!(pack.runtime, "rten/cpu");
    assert!(
        pack.remarks[0].contains("cuda is not used: "),
        "{:?}",
        pack.remarks
    );
    assert!(!scores(&engine).is_empty(), "the CPU runs instead");
}

/// How far the furthest two scores are apart.
fn apart(found: &Scores, wanted: &Scores) -> f32 {
    let pairs = found.values().iter().zip(wanted.values());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Voices that speak at once.
const VOICES: usize = 32;

#[test]
fn requests_of_many_voices_run_together_and_every_one_gets_the_final_it_would_get_alone() {
    let Some(library) = library() else { return };
    let engine = Engine::start(EngineConfig {
        runtime: RuntimeChoice::OnnxRuntime,
        onnxruntime: Some(library),
        batch: Some(8),
        ..EngineConfig::default()
    });
    let pack = engine.wait_ready().unwrap();
    assert_eq!((pack.runtime.as_str(), pack.batch), ("onnxruntime/cpu", 8));
    let (rate, sound) = sample("neutral");
    let from = |voice: usize| (rate as usize / 2 + voice * 160) % (rate as usize);
    // As much as fits into a tap, in which everyone begins elsewhere, so that no two are as long.
    let said = |voice: usize| {
        let mut said = sound[from(voice)..from(voice) + rate as usize * 5 / 4].to_vec();
        said.resize(rate as usize * 19 / 10, 0.0);
        said
    };
    let voices: Vec<_> = (0..VOICES)
        .map(|voice| {
            let (mut tap, stream) = engine.open(&StreamConfig::new(format!("{voice}"), rate)).unwrap();
            let updates = stream.updates(64);
            tap.push(&[&said(voice)]);
            (tap, stream, updates)
        })
        .collect();
    let deadline = Instant::now() + Duration::from_mins(2);
    let finals: Vec<Arc<Update>> = voices
        .iter()
        .enumerate()
        .map(|(voice, (_tap, stream, updates))| {
            loop {
                let left = deadline.saturating_duration_since(Instant::now());
                match updates.next_timeout(left) {
                    Some(update) if update.is_final() => return update,
                    Some(_) => {}
                    None => panic!("voice {voice} has lost its final: {:?}", stream.failure()),
                }
            }
        })
        .collect();
    let runs = engine.runs().unwrap();
    assert!(runs.largest > 1 && runs.largest <= 8, "{runs:?}");
    let mut largest = 0.0_f32;
    for (voice, found) in finals.iter().enumerate() {
        let alone = heard(&engine, rate, &said(voice));
        let wanted = alone.iter().find(|update| update.is_final()).unwrap();
        let span = |update: &Update| (update.start_s, update.end_s);
        assert_eq!(span(found), span(wanted), "voice {voice}");
        // What the words come to hangs on which looks came before, and so on how busy the machine is.
        let sides = [found, wanted].map(|update: &Update| update.speech.as_ref().unwrap().scores);
        largest = largest.max(apart(&sides[0], &sides[1]));
    }
    println!("{runs:?}, scores at most {largest:.1e} apart");
    assert!(largest < 1e-3, "{largest}");
}
