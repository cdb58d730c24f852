//! `undertone doctor`: everything that is needed, tried out for real, and what to do about what is missing.

use std::io::{self, Write as _};
use std::path::Path;
use std::time::Instant;

use console::Style;
use serde::Serialize;
use undertone::{Engine, models};

use crate::analyze::{start, stream_config};
use crate::fault::{Ending, Fault};
use crate::inputs;
use crate::models::place;
use crate::settings::{Settings, SettingsError};
use crate::term;

/// Sample rate of the test signal, in Hz: not the networks' own, so that resampling is tried too.
const RATE: u32 = 48_000;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Good,
    /// Something is missing that the main job does not need.
    Missing,
    /// The main job cannot run.
    Broken,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Check {
    fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Good,
            found: found.into(),
            remedy: None,
        }
    }

    fn bad(name: &'static str, state: State, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into()).filter(|remedy| !remedy.is_empty());
        Self {
            name,
            state,
            found: found.into(),
            remedy,
        }
    }
}

#[derive(Serialize)]
struct Report {
    version: &'static str,
    works: bool,
    checks: Vec<Check>,
}

/// Runs the command.
pub fn run(json: bool, settings: Result<Settings, SettingsError>) -> Result<Ending, Fault> {
    let mut checks = Vec::new();
    let settings = match settings {
        Ok(settings) => {
            term::set_colours(settings.color);
            checks.push(file(&settings));
            settings
        }
        Err(error) => {
            checks.push(Check::bad("settings", State::Broken, error.to_string(), ""));
            return tell(json, checks);
        }
    };
    checks.extend([processor(), pack(&settings)]);
    let began = Instant::now();
    let engine = start(&settings);
    checks.extend([inference(&engine, began, &settings), runtime(&engine, &settings)]);
    checks.extend([data(), audio(&settings)]);
    tell(json, checks)
}

fn tell(json: bool, checks: Vec<Check>) -> Result<Ending, Fault> {
    let works = checks.iter().all(|check| check.state < State::Broken);
    let ending = if works { Ending::Good } else { Ending::Broken };
    let mut out = io::stdout().lock();
    if json {
        crate::models::print_json(
            &mut out,
            &Report {
                version: env!("CARGO_PKG_VERSION"),
                works,
                checks,
            },
        )?;
        return Ok(ending);
    }
    for check in &checks {
        let mark = match check.state {
            State::Good => Style::new().green().apply_to("✓"),
            State::Missing => Style::new().yellow().apply_to("!"),
            State::Broken => Style::new().red().apply_to("✗"),
        };
        writeln!(out, "{mark} {:<10} {}", check.name, term::plain(&check.found)).map_err(Fault::output)?;
        if let Some(remedy) = &check.remedy {
            writeln!(out, "{:13}→ {remedy}", "").map_err(Fault::output)?;
        }
    }
    let sum = if works {
        "Files can be analysed."
    } else {
        "Files cannot be analysed until this is mended."
    };
    writeln!(out, "\n{sum}").map_err(Fault::output)?;
    Ok(ending)
}

fn file(settings: &Settings) -> Check {
    let found = match (&settings.file, settings.file_found) {
        (Some(path), true) => format!("{} is read and understood", path.display()),
        (Some(path), false) => format!("no file at {}; the defaults hold", path.display()),
        (None, _) => "this system names no place for a settings file; the defaults hold".to_owned(),
    };
    Check::good("settings", found)
}

fn processor() -> Check {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (features, fast) = features();
    let found = format!(
        "{}, {cores} cores, {}",
        std::env::consts::ARCH,
        features.join(" ")
    );
    if fast {
        Check::good("processor", found)
    } else {
        let remedy =
            "without wide vector instructions the networks run slowly; analysis of files still works";
        Check::bad("processor", State::Missing, found, remedy)
    }
}

/// Vector instructions that the networks use, and whether they are wide ones.
#[cfg(target_arch = "x86_64")]
fn features() -> (Vec<&'static str>, bool) {
    let all = [
        ("sse4.1", is_x86_feature_detected!("sse4.1")),
        ("avx", is_x86_feature_detected!("avx")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512vnni", is_x86_feature_detected!("avx512vnni")),
    ];
    let found = all
        .iter()
        .filter(|feature| feature.1)
        .map(|feature| feature.0)
        .collect();
    (
        found,
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
    )
}

/// Other processors of today have their vector instructions always.
#[cfg(not(target_arch = "x86_64"))]
fn features() -> (Vec<&'static str>, bool) {
    (vec!["vector instructions of its base set"], true)
}

fn pack(settings: &Settings) -> Check {
    let checked = models::resolve(settings.pack.as_deref()).and_then(|pack| pack.verify().map(|()| pack));
    match checked {
        Ok(pack) => {
            let manifest = pack.manifest();
            let (name, version, place) = (&manifest.name, &manifest.version, place(&pack));
            Check::good(
                "pack",
                format!("{name} {version} ({place}); every file matches its hash"),
            )
        }
        Err(error) => Check::bad("pack", State::Broken, error.to_string(), ""),
    }
}

/// Runs the whole chain on a signal that sounds like a voice.
fn inference(engine: &Engine, began: Instant, settings: &Settings) -> Check {
    let name = "inference";
    let tried = || -> Result<Check, String> {
        let config = stream_config("doctor", RATE, settings);
        let mut session = engine.session(&config).map_err(|error| error.to_string())?;
        let ready = began.elapsed();
        let mut updates = Vec::new();
        let signal = voice(RATE, 2.0);
        session
            .push(&[&signal], &mut updates)
            .map_err(|error| error.to_string())?;
        session.finish(&mut updates).map_err(|error| error.to_string())?;
        let Some(last) = updates.iter().rfind(|update| update.is_final()) else {
            let remedy = "please report this with the output of `undertone doctor --json`";
            return Ok(Check::bad(
                name,
                State::Broken,
                "a test voice was not heard as speech",
                remedy,
            ));
        };
        let whole = began.elapsed();
        Ok(Check::good(
            name,
            format!(
                "{} scores for a test voice of 2 s on {}: ready after {:.0} ms, done after {:.0} ms",
                updates.len(),
                last.runtime,
                ready.as_secs_f64() * 1e3,
                whole.as_secs_f64() * 1e3
            ),
        ))
    };
    tried().unwrap_or_else(|error| Check::bad(name, State::Broken, error, ""))
}

/// What really runs the networks, and why nothing else does.
fn runtime(engine: &Engine, settings: &Settings) -> Check {
    let name = "runtime";
    let Ok(pack) = engine.wait_ready() else {
        // Told above, with its reason.
        return Check::bad(name, State::Broken, "nothing runs without a pack", "");
    };
    let found = format!(
        "{} runs the networks ({} was asked for)",
        pack.runtime, settings.runtime
    );
    let (slower, refused): (Vec<_>, Vec<_>) = pack
        .remarks
        .iter()
        .partition(|remark| remark.contains("works and is not used"));
    if refused.is_empty() {
        let found = slower
            .iter()
            .fold(found, |found, remark| format!("{found}; {remark}"));
        Check::good(name, found)
    } else {
        let refused: Vec<_> = refused.into_iter().map(String::as_str).collect();
        Check::bad(name, State::Missing, found, refused.join("; "))
    }
}

fn data() -> Check {
    let name = "data";
    let Some(dir) = models::data_dir() else {
        let remedy = "set UNDERTONE_DATA to a folder that you may write to, if you want to install packs";
        return Check::bad(name, State::Missing, "this system names no data folder", remedy);
    };
    // The folder is made when something is installed; until then, the first one above it that is there decides.
    let there = dir.ancestors().find(|dir| dir.is_dir()).unwrap_or(Path::new("."));
    match tempfile::tempfile_in(there) {
        Ok(_) => {
            let packs = models::installed().len();
            Check::good(
                name,
                format!("{} can be written to; {packs} packs installed", dir.display()),
            )
        }
        Err(error) => Check::bad(
            name,
            State::Missing,
            format!("{} cannot be written to ({error})", dir.display()),
            "set UNDERTONE_DATA to a folder that you may write to, if you want to install packs",
        ),
    }
}

fn audio(settings: &Settings) -> Check {
    let name = "audio";
    let remedy = "only `undertone live` needs one; on Debian and Ubuntu, PulseAudio or PipeWire brings it";
    match inputs::find(settings.input.as_deref()) {
        Ok(input) => {
            let count = inputs::list().map_or(0, |inputs| inputs.len());
            let (what, rate, system) = (input.name, input.rate, input.system);
            Check::good(
                name,
                format!("{count} inputs; `live` would take {what} ({rate} Hz, {system})"),
            )
        }
        Err(error) => Check::bad(name, State::Missing, error.to_string(), remedy),
    }
}

/// Something that sounds like vowels in syllables: pulses of a voice through three resonances.
fn voice(rate: u32, seconds: f64) -> Vec<f32> {
    const VOWELS: [[f64; 3]; 4] = [
        [730.0, 1090.0, 2440.0],
        [530.0, 1840.0, 2480.0],
        [570.0, 840.0, 2410.0],
        [390.0, 1990.0, 2550.0],
    ];
    let rate = f64::from(rate);
    let mut state = [[0.0_f64; 2]; 3];
    let mut phase = 0.0_f64;
    let mut out = Vec::new();
    // A few seconds of sound, a positive number of samples.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let count = (seconds * rate) as u32;
    for frame in 0..count {
        let at = f64::from(frame) / rate;
        let syllable = at * 4.5;
        // The pitch moves as it does in a sentence, and a little from pulse to pulse.
        phase += (125.0 + 25.0 * (at * 2.1).sin() + 3.0 * (at * 31.0).sin()) / rate;
        let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
        phase = phase.fract();
        // At most four vowels, and time is positive.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let vowel = VOWELS[syllable as usize % VOWELS.len()];
        let mut sum = 0.0;
        for ((frequency, width), memory) in vowel.into_iter().zip([80.0, 100.0, 140.0]).zip(&mut state) {
            let radius = (-std::f64::consts::PI * width / rate).exp();
            let turn = 2.0 * radius * (std::f64::consts::TAU * frequency / rate).cos();
            let value = pulse + turn * memory[0] - radius * radius * memory[1];
            *memory = [value, memory[0]];
            sum += value;
        }
        let open = (syllable.fract() * std::f64::consts::PI).sin().powf(0.6);
        // A sample of sound; the step to single precision is meant.
        #[allow(clippy::cast_possible_truncation)]
        out.push((sum * open * 0.03) as f32);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_voice_is_loud_enough_and_not_too_loud() {
        let signal = voice(16_000, 1.0);
        assert_eq!(signal.len(), 16_000);
        let peak = signal.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!((0.05..0.99).contains(&peak), "{peak}");
    }
}
