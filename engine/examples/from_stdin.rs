//! The library in twenty lines: raw 16 kHz mono floats on standard input, updates as JSON lines out.
//!
//! `sox speech.flac -r 16000 -c 1 -t f32 - | cargo run -p undertone --example from_stdin`

use std::io::Read as _;

use undertone::{Engine, EngineConfig, StreamConfig};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let sound: Vec<f32> = bytes
        .as_chunks()
        .0
        .iter()
        .map(|four| f32::from_le_bytes(*four))
        .collect();

    let engine = Engine::start(EngineConfig::default());
    let mut session = engine.session(&StreamConfig::new("stdin", 16_000))?;
    let mut updates = Vec::new();
    session.push(&[&sound], &mut updates)?;
    session.finish(&mut updates)?;
    for update in &updates {
        println!("{}", serde_json::to_string(update)?);
    }
    Ok(())
}
