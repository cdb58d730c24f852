//! The committed samples, as the tests push them into the engine.

use std::path::PathBuf;

/// The folder of the committed samples.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../samples")
}

/// Rate and first channel of a sample, which is a 16-bit WAV.
pub fn sample(name: &str) -> (u32, Vec<f32>) {
    let path = folder().join(format!("{name}.wav"));
    let mut reader =
        hound::WavReader::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let spec = reader.spec();
    let sound = reader
        .samples::<i16>()
        .step_by(usize::from(spec.channels))
        .map(|sample| f32::from(sample.unwrap()) / 32_768.0)
        .collect();
    (spec.sample_rate, sound)
}
