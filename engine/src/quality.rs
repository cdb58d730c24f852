//! How good the evidence is, 0 to 1: of the voice by noise, clipping, length and band; of the words by the
//! recogniser's confidence, their number, and whether they are words of the language at all.
//!
//! Pure, from what one request holds. A quality lowers a weight; it must never raise one.

use crate::resample::RATE;
use crate::utterance::Request;

/// Sound is measured in pieces this long, in samples.
const PIECE: usize = 256;
/// The quietest share of the pieces stands for what is there without the voice: about as much as the sound
/// kept before and after it.
const FLOOR_SHARE: usize = 10;
/// Signal to noise, in decibels, at which a voice says next to nothing, and from which it says all it can.
const NOISE_DB: (f32, f32) = (-6.0, 14.0);
/// What even the noisiest voice keeps.
const NOISY: f32 = 0.1;
/// Share of samples at full scale at which a voice keeps the least.
const CLIPPED_SHARE: f32 = 0.08;
const CLIPPED: f32 = 0.3;
/// Seconds of speech from which length is no reason to doubt; at none, this much is kept.
const LONG_ENOUGH_S: f32 = 1.0;
const SHORT: f32 = 0.4;
/// Power over 5.5 kHz below this share of all is a telephone's band.
const BAND_SHARE: f32 = 3e-7;
const BAND_LIMITED: f32 = 0.85;

/// Confidence of the recogniser at which its words count for next to nothing, and from which they count whole.
const CONFIDENCE: (f32, f32) = (0.4, 0.85);
const DOUBTED: f32 = 0.05;
/// Pieces a word: a language's own words are mostly one piece each, noise and other languages are not.
/// (95 of 100 sentences of `GoEmotions` stay under 1.4; German and mishearings reach 1.6 to 2.)
const PIECES: (f32, f32) = (2.2, 1.4);
const FOREIGN: f32 = 0.1;
/// Words from which their number is no reason to doubt.
const ENOUGH_WORDS: f32 = 3.0;
const ONE_WORD: f32 = 0.5;

/// `least` at `from` and beyond, 1 at `to` and beyond, linear in between.
fn ramp(value: f32, (from, to): (f32, f32), least: f32) -> f32 {
    let along = ((value - from) / (to - from)).clamp(0.0, 1.0);
    if along.is_nan() {
        return least;
    }
    least + (1.0 - least) * along
}

/// How good a request's voice is as evidence.
pub(crate) fn of_voice(request: &Request) -> f32 {
    let voice = Voice::measure(request);
    let seconds = (request.end - request.start) as f32 / RATE as f32;
    let band = if voice.high_share < BAND_SHARE {
        BAND_LIMITED
    } else {
        1.0
    };
    ramp(voice.snr_db, NOISE_DB, NOISY)
        * ramp(CLIPPED_SHARE - voice.full_share, (0.0, CLIPPED_SHARE), CLIPPED)
        * ramp(seconds, (0.0, LONG_ENOUGH_S), SHORT)
        * band
}

/// How good words are as evidence, from each word's confidence and the pieces they fall into.
pub(crate) fn of_words(confidences: impl Iterator<Item = f32>, pieces: usize) -> f32 {
    let (sum, count) = confidences.fold((0.0, 0.0), |(sum, count), c| (sum + c, count + 1.0));
    if count == 0.0 {
        return 0.0;
    }
    ramp(sum / count, CONFIDENCE, DOUBTED)
        * ramp(pieces as f32 / count, PIECES, FOREIGN)
        * ramp(count, (1.0, ENOUGH_WORDS), ONE_WORD)
}

/// What can be measured of a voice.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Voice {
    snr_db: f32,
    /// Share of samples at full scale.
    full_share: f32,
    /// Share of the power that lies over 5.5 kHz.
    high_share: f32,
}

impl Voice {
    fn measure(request: &Request) -> Self {
        let audio = request.audio.as_slice();
        let at = |time: u64| {
            usize::try_from(time.saturating_sub(request.audio_from))
                .unwrap_or(usize::MAX)
                .min(audio.len())
        };
        let voiced = &audio[at(request.start)..at(request.end)];
        let voiced = if voiced.is_empty() { audio } else { voiced };
        let power = |sound: &[f32]| sound.iter().map(|x| x * x).sum::<f32>() / sound.len().max(1) as f32;
        let mut pieces: Vec<f32> = audio.chunks_exact(PIECE).map(power).collect();
        pieces.sort_by(f32::total_cmp);
        // The middle one of the quietest: a single loud one among them says nothing about the room.
        let quiet = &pieces[..pieces.len().div_ceil(FLOOR_SHARE)];
        let noise = quiet.get(quiet.len() / 2).copied().unwrap_or(0.0);
        let all = power(voiced);
        let full = voiced.iter().filter(|x| x.abs() >= 0.995).count();
        Self {
            // The noise goes on under the voice: what is above it is the voice.
            snr_db: 10.0 * ((all - noise).max(all * 1e-3).max(1e-12) / noise.max(1e-12)).log10(),
            full_share: full as f32 / voiced.len().max(1) as f32,
            high_share: power(&high(voiced)) / all.max(1e-12),
        }
    }
}

/// What lies over about 5.5 kHz; under 4 kHz less than a ten-millionth of the power gets through.
fn high(sound: &[f32]) -> Vec<f32> {
    const TAPS: usize = 47;
    let middle = (TAPS / 2) as f32;
    let cut = 5_500.0 / RATE as f32;
    let low: Vec<f32> = (0..TAPS)
        .map(|at| {
            use std::f32::consts::PI;
            let n = at as f32 - middle;
            let low = if n == 0.0 {
                2.0 * cut
            } else {
                (2.0 * PI * cut * n).sin() / (PI * n)
            };
            let phase = 2.0 * PI * at as f32 / (TAPS - 1) as f32;
            let window = 0.42 - 0.5 * phase.cos() + 0.08 * (2.0 * phase).cos();
            low * window
        })
        .collect();
    // What is not low is high; nothing of a constant is.
    let all: f32 = low.iter().sum();
    let taps: Vec<f32> = (0..TAPS)
        .zip(&low)
        .map(|(at, low)| f32::from(at == TAPS / 2) - low / all)
        .collect();
    // Every other output is enough for a power.
    sound
        .windows(TAPS)
        .step_by(2)
        .map(|near| near.iter().zip(&taps).map(|(x, tap)| x * tap).sum())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::Kind;

    /// Noise that is the same everywhere.
    fn noise(seed: u32) -> impl FnMut() -> f32 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        }
    }

    /// Two seconds of a buzzing, breathing voice with 200 ms of the room before it.
    fn spoken(noise_level: f32, gain: f32) -> Request {
        let (mut hiss, mut breath) = (noise(1), noise(2));
        let audio: Vec<f32> = (0..35_200_u32)
            .map(|n| {
                let t = n as f32 / 16_000.0;
                let voice = if n < 3_200 {
                    0.0
                } else {
                    let swell = (t * 9.0).sin().abs();
                    let buzz = (1..12)
                        .map(|h| (t * 754.0 * h as f32).sin() / h as f32)
                        .sum::<f32>();
                    swell * (0.2 * buzz + 0.01 * breath())
                };
                ((voice + noise_level * hiss()) * gain).clamp(-1.0, 1.0)
            })
            .collect();
        Request {
            utterance: 0,
            kind: Kind::Final,
            first: true,
            closing: false,
            start: 3_200,
            end: 35_200,
            audio_from: 0,
            clock: 35_200,
            audio,
            clipped: false,
            cut_from: None,
            cut_to: None,
        }
    }

    #[test]
    fn noise_lowers_the_voice_step_by_step() {
        // The voice's mean power is about 0.016; noise of level a has a²/3.
        let at = |db: f32| of_voice(&spoken((3.0 * 0.016 / 10_f32.powf(db / 10.0)).sqrt(), 0.5));
        let [clean, good, even, bad] = [at(40.0), at(15.0), at(0.0), at(-10.0)];
        assert!(clean > 0.95, "{clean}");
        assert!(good > 0.8, "{good}");
        assert!((0.2..0.6).contains(&even), "{even}");
        assert!(bad < even && bad < 0.3, "{bad}");
    }

    #[test]
    fn clipping_shortness_and_a_narrow_band_lower_it_too() {
        let clean = of_voice(&spoken(0.001, 0.5));
        assert!(of_voice(&spoken(0.001, 20.0)) < 0.5 * clean);
        let mut short = spoken(0.001, 0.5);
        short.end = short.start + 4_000;
        assert!(of_voice(&short) < 0.7 * clean);
        let mut narrow = spoken(0.0, 0.5);
        let tone = |n: usize| ((n as f32) * 0.05).sin() * 0.3;
        narrow.audio = (0..35_200)
            .map(|n| if n < 3_200 { 0.0 } else { tone(n) })
            .collect();
        let q = of_voice(&narrow);
        assert!((q - BAND_LIMITED).abs() < 0.02, "{q}");
    }

    #[test]
    fn a_gain_changes_nothing() {
        let (soft, loud) = (of_voice(&spoken(0.02, 0.05)), of_voice(&spoken(0.02, 0.5)));
        assert!((soft - loud).abs() < 1e-3, "{soft} {loud}");
    }

    #[test]
    fn silence_is_no_number_out_of_range() {
        let mut silent = spoken(0.0, 0.0);
        assert!((0.0..=1.0).contains(&of_voice(&silent)));
        silent.audio.clear();
        assert!((0.0..=1.0).contains(&of_voice(&silent)));
    }

    #[test]
    fn doubtful_few_or_foreign_words_count_less() {
        let words = |confidence: f32, count: usize, pieces: usize| {
            of_words(std::iter::repeat_n(confidence, count), pieces)
        };
        assert!((words(0.95, 6, 7) - 1.0).abs() < 1e-6);
        assert!(words(0.5, 6, 7) < 0.35);
        assert!(words(0.95, 1, 1) < 0.6);
        assert!(words(0.95, 6, 16) < 0.15);
        assert!(words(0.95, 0, 0) == 0.0);
    }
}
