//! ONNX Runtime's real library, on the processor, given what cards are given. Needs `UNDERTONE_ONNXRUNTIME`, as
//! `cargo xtask test` sets it.

use std::time::{Duration, Instant};

use undertone_models::{Bytes, Pack, Role};

use super::super::{LENGTHS, distance, library, noise};
use super::*;

fn environment() -> Option<Environment> {
    let named = std::env::var_os("UNDERTONE_ONNXRUNTIME").filter(|path| !path.is_empty());
    let Some(named) = named else {
        eprintln!("skipped: ONNX Runtime's graphs are not tested: UNDERTONE_ONNXRUNTIME names no library");
        return None;
    };
    let path = library::find(Some(named.as_ref()), "onnxruntime").unwrap();
    Some(library::open(&path).unwrap())
}

fn trunk(environment: &Environment, numbers: Numbers, lengths: bool) -> Box<dyn Graph> {
    let pack = Pack::embedded().unwrap();
    let bytes = Bytes::Owned(pack.graph(Role::Trunk).unwrap().to_vec());
    let mut inputs = vec!["audio".to_owned()];
    inputs.extend(lengths.then(|| LENGTHS.to_owned()));
    let runtime = Ort::new(environment.clone(), Provider::Cpu, 1, numbers, 8);
    let outputs = ["mix".to_owned(), "top".to_owned()];
    runtime.load(&bytes, &inputs, &outputs).unwrap()
}

fn hear(graph: &dyn Graph, sound: &[f32]) -> Vec<Output> {
    graph.run(&[Input::floats(sound, &[1, sound.len()])]).unwrap()
}

#[test]
fn halves_stay_within_what_the_probe_allows() {
    let Some(environment) = environment() else { return };
    let sound = noise(24_000);
    let floats = hear(trunk(&environment, Numbers::Floats, false).as_ref(), &sound);
    let halves = hear(trunk(&environment, Numbers::Halves, false).as_ref(), &sound);
    let apart = distance(&halves, &floats);
    println!("16 and 32 bits are {apart:.1e} apart");
    assert!(apart > 0.0 && apart < 2e-2, "{apart}");
}

#[test]
fn memory_that_is_kept_gives_what_fresh_memory_gives() {
    let Some(environment) = environment() else { return };
    let graph = trunk(&environment, Numbers::Stored, false);
    let clips: Vec<Vec<f32>> = (0..9).map(|at| noise(9_000 + 1_000 * at)).collect();
    let first: Vec<_> = clips.iter().map(|clip| hear(graph.as_ref(), clip)).collect();
    // More shapes than are kept, and each more than once, with other sound in between.
    for (clip, wanted) in clips.iter().zip(&first).rev() {
        let loud: Vec<f32> = clip.iter().map(|sample| sample * 3.0).collect();
        assert_ne!(&hear(graph.as_ref(), &loud), wanted);
        assert_eq!(&hear(graph.as_ref(), clip), wanted, "{} samples", clip.len());
    }
}

/// Not a test of anything: what binding and batches cost and save on this machine. `--ignored --nocapture` shows it.
#[test]
#[ignore = "a measurement"]
fn measure() {
    let Some(environment) = environment() else { return };
    let best = |mut work: Box<dyn FnMut()>| {
        work();
        let times = (0..12).map(|_| {
            let began = Instant::now();
            work();
            began.elapsed()
        });
        times.min().unwrap_or(Duration::MAX)
    };
    let pack = Pack::embedded().unwrap();
    let bytes = pack.graph(Role::Trunk).unwrap();
    let runtime = Ort::new(environment.clone(), Provider::Cpu, 1, Numbers::Stored, 1);
    for samples in [16_000_u32, 64_000] {
        let sound = noise(samples as usize);
        let mut session = runtime.session(bytes).unwrap();
        let given = sound.clone();
        let plain = best(Box::new(move || {
            let view = ort::value::TensorRef::from_array_view(([1, given.len()], given.as_slice())).unwrap();
            let results = session.run(ort::inputs!["audio" => view]).unwrap();
            for name in ["mix", "top"] {
                std::hint::black_box(results[name].try_extract_tensor::<f32>().unwrap().1.to_vec());
            }
        }));
        let graph = trunk(&environment, Numbers::Stored, false);
        let given = sound.clone();
        let bound = best(Box::new(move || {
            std::hint::black_box(hear(graph.as_ref(), &given));
        }));
        println!("{samples} samples, 8 bits: run {plain:.2?}, bound {bound:.2?}");
        for count in [1_u32, 2, 4, 8] {
            let graph = trunk(&environment, Numbers::Floats, true);
            let sound = noise((count * samples) as usize);
            let lengths = vec![i64::from(samples); count as usize];
            let shape = [count as usize, samples as usize];
            let time = best(Box::new(move || {
                let inputs = [Input::floats(&sound, &shape), Input::ids(&lengths, &shape[..1])];
                std::hint::black_box(graph.run(&inputs).unwrap());
            }));
            println!(
                "{samples} samples, floats, {count} together: {:.2?} each",
                time / count
            );
        }
    }
}
