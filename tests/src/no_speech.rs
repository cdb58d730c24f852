//! Sounds in which nobody speaks, the same in every run.

use std::f32::consts::TAU;

/// Their rate.
pub const RATE: u32 = 16_000;

/// A number from 0 to 1, the same in every run.
fn dice(state: &mut u64) -> f32 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f32 / (1_u64 << 24) as f32
}

/// Wind and hiss.
pub fn noise(seconds: usize) -> Vec<f32> {
    let mut state = 7;
    let mut slow = 0.0;
    (0..seconds * RATE as usize)
        .map(|at| {
            let white = dice(&mut state) - 0.5;
            slow += 0.02 * (white - slow);
            // From hiss to rumble and back, with gusts.
            let share = 0.5 + 0.5 * (at as f32 / RATE as f32 / 7.0).sin();
            let gust = 0.6 + 0.4 * (at as f32 / RATE as f32 * 1.3).sin();
            0.2 * gust * (share * white + (1.0 - share) * 6.0 * slow)
        })
        .collect()
}

/// Chords of a plucked kind, two a second, with vibrato: music, as far as sines go.
pub fn tones(seconds: usize) -> Vec<f32> {
    let mut state = 11;
    let mut chord = [220.0, 277.2, 329.6];
    let mut phases = [0.0_f32; 3];
    (0..seconds * RATE as usize)
        .map(|at| {
            let beat = RATE as usize / 2;
            if at % beat == 0 {
                let root = 110.0 * 2.0_f32.powf((dice(&mut state) * 24.0).floor() / 12.0);
                chord = [root, root * 1.26, root * 1.5];
            }
            let fade = (-3.0 * (at % beat) as f32 / beat as f32).exp();
            let bend = 1.0 + 0.005 * (TAU * 5.5 * at as f32 / RATE as f32).sin();
            let mut sum = 0.0;
            for (phase, pitch) in phases.iter_mut().zip(chord) {
                *phase = (*phase + pitch * bend / RATE as f32).fract();
                sum += (TAU * *phase).sin() + 0.4 * (2.0 * TAU * *phase).sin();
            }
            0.12 * fade * sum
        })
        .collect()
}
