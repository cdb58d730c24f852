//! `undertone bench`: many live voices on this machine, and what they cost.
//!
//! Plays real speech into live streams at the pace of a microphone and measures what a user would feel (how
//! soon scores come) and pay (processor, memory, the audio thread's time). Nothing is estimated: every figure
//! is counted in this run.

mod machine;
mod voices;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use undertone::{Engine, EngineConfig};

use crate::analyze::{config, ready};
use crate::fault::{Ending, Fault};
use crate::settings::Settings;
use crate::sound::{Origin, Sound};

use voices::Sample;

/// `undertone bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// Voices at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub streams: u32,
    /// How long to play, in seconds
    #[arg(long, value_name = "S", default_value_t = 20.0, value_parser = crate::cli::seconds)]
    pub seconds: f64,
    /// The speech to play, over and over
    #[arg(long, value_name = "FILE")]
    pub file: PathBuf,
    /// Requests of different voices that may run at once [default: what suits the runtime]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub batch: Option<u16>,
    /// Print JSON for programs instead of text for people
    #[arg(long)]
    pub json: bool,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Voices at once.
    pub streams: u32,
    /// Seconds played.
    pub seconds: f64,
    /// Share of the played sound that was scored as speech.
    pub speech_share: f64,
    /// From the start of the process's work to a pack that can score, in milliseconds.
    pub load_ms: f64,
    /// From the start of speech to its first provisional score, in milliseconds.
    pub first_provisional_ms: Spread,
    /// From the end of speech to its final score, in milliseconds.
    pub final_ms: Spread,
    /// Utterances that were begun and got no final. Anything but 0 is a fault.
    pub finals_lost: usize,
    /// One core's share in percent, all voices together; absent where it cannot be read.
    pub cpu_percent: Option<f64>,
    /// The same for one voice.
    pub cpu_percent_per_voice: Option<f64>,
    /// One core's share in percent of one voice while all are silent.
    pub cpu_percent_silent_per_voice: Option<f64>,
    /// The same for one voice while it speaks: what it costs over silence, by its share of speech.
    pub cpu_percent_speaking_per_voice: Option<f64>,
    /// Of one voice's share, the part of the speech encoder, by the time that its runs took.
    pub encoder_percent_per_voice: f64,
    /// The part of the pack's own words, in the same way.
    pub words_percent_per_voice: f64,
    /// Resident memory with all voices, in MB.
    pub memory_mb: Option<f64>,
    /// What each voice beyond the models adds, in MB.
    pub memory_mb_per_voice: Option<f64>,
    /// A push of 64 stereo frames, in nanoseconds.
    pub push_ns: Spread,
    /// A plain copy of them, in nanoseconds.
    pub copy_ns: Spread,
    /// Frames lost; anything but 0 is a fault.
    pub dropped: u64,
    /// Updates that said that something was degraded.
    pub degraded: usize,
    /// The pack and the system that ran.
    pub pack: String,
    /// What ran the networks.
    pub runtime: String,
    /// Requests that may run at once there.
    pub batch: usize,
    /// Runs of the encoder.
    pub encoder_runs: u64,
    /// Requests heard in one run, on average.
    pub requests_per_run: f64,
    /// The most that were heard in one.
    pub requests_per_run_max: u64,
}

/// How a figure spreads.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Spread {
    /// How many were measured.
    pub n: usize,
    /// The middle one.
    pub median: f64,
    /// Nine of ten are below.
    pub p90: f64,
    /// 99 of 100 are below.
    pub p99: f64,
    /// 999 of 1000 are below.
    pub p999: f64,
    /// The worst.
    pub max: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let n = values.len();
        let at = |share: f64| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
            let place = ((n as f64 * share) as usize).min(n.saturating_sub(1));
            values.get(place).copied().unwrap_or(0.0)
        };
        Self {
            n,
            median: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: at(1.0),
        }
    }
}

/// Runs the command.
pub fn run(args: &Bench, settings: &Settings) -> Result<Ending, Fault> {
    let sample = read(args)?;
    let began = Instant::now();
    let engine = Engine::start(EngineConfig {
        batch: args.batch.map(usize::from),
        ..config(settings)
    });
    let pack = ready(&engine, settings)?;
    let load_ms = began.elapsed().as_secs_f64() * 1e3;
    let before = engine.runs().unwrap_or_default();
    let run = voices::play(&engine, &sample, args.streams, args.seconds)
        .map_err(|error| Fault::Broken(error.into()))?;
    let after = engine.runs().unwrap_or_default();
    let encoder_runs = after.runs - before.runs;
    let per_voice = |all: f64| all / f64::from(args.streams);
    let speech_share = run.speech_s / (args.seconds * f64::from(args.streams));
    let speaking = run
        .cpu
        .zip(run.cpu_silent)
        .map(|(all, silent)| per_voice((all - silent * (1.0 - speech_share)) / speech_share.max(0.01)));
    let part = |time: Duration| per_voice(time.as_secs_f64() / args.seconds * 100.0);
    let report = Report {
        encoder_percent_per_voice: part(after.trunk.saturating_sub(before.trunk)),
        words_percent_per_voice: part(after.words.saturating_sub(before.words)),
        streams: args.streams,
        seconds: args.seconds,
        speech_share,
        cpu_percent_speaking_per_voice: speaking,
        load_ms,
        first_provisional_ms: Spread::of(run.first_ms),
        final_ms: Spread::of(run.final_ms),
        finals_lost: run.lost,
        cpu_percent: run.cpu,
        cpu_percent_per_voice: run.cpu.map(per_voice),
        cpu_percent_silent_per_voice: run.cpu_silent.map(per_voice),
        memory_mb: run.memory_mb,
        memory_mb_per_voice: run.memory_growth_mb.map(per_voice),
        push_ns: Spread::of(run.push_ns),
        copy_ns: Spread::of(run.copy_ns),
        dropped: run.dropped,
        degraded: run.degraded,
        pack: format!("{} {}, {}", pack.name, pack.version, pack.system),
        runtime: pack.runtime.clone(),
        batch: pack.batch,
        encoder_runs,
        requests_per_run: (after.requests - before.requests) as f64 / encoder_runs.max(1) as f64,
        requests_per_run_max: after.largest,
    };
    let mut out = std::io::stdout().lock();
    if args.json {
        let text = serde_json::to_string_pretty(&report).map_err(|error| Fault::Broken(error.into()))?;
        writeln!(out, "{text}").map_err(Fault::output)?;
    } else {
        out.write_all(table(&report).as_bytes()).map_err(Fault::output)?;
    }
    Ok(Ending::Good)
}

fn read(args: &Bench) -> Result<Sample, Fault> {
    let user = |error: &dyn std::fmt::Display| Fault::User(error.to_string());
    let mut sound = Sound::open(&Origin::from_argument(&args.file), None).map_err(|e| user(&e))?;
    let rate = sound.rate();
    let mut mono = Vec::new();
    while let Some(block) = sound.next_block().map_err(|e| user(&e))? {
        if let Some(first) = block.first() {
            mono.extend_from_slice(first);
        }
        // A loop of a few minutes is as good as an hour.
        if mono.len() > 300 * rate as usize {
            break;
        }
    }
    if mono.is_empty() {
        return Err(Fault::User(format!(
            "{} holds no sound; give a recording of speech",
            args.file.display()
        )));
    }
    Ok(Sample { mono, rate })
}

fn table(report: &Report) -> String {
    let mut lines = Vec::new();
    let mut line = |name: &str, value: String| lines.push(format!("{name:<34}{value}\n"));
    let spread = |s: Spread| {
        format!(
            "median {:.0}  p90 {:.0}  p99 {:.0}  worst {:.0}  (n {})",
            s.median, s.p90, s.p99, s.max, s.n
        )
    };
    let known = |value: Option<f64>, unit: &str| {
        value.map_or("not to be had here".into(), |v| format!("{v:.2} {unit}"))
    };
    line("pack", format!("{}, {}", report.pack, report.runtime));
    line(
        "voices",
        format!(
            "{} for {:.0} s, speech {:.0} %",
            report.streams,
            report.seconds,
            report.speech_share * 100.0
        ),
    );
    line("pack loaded", format!("{:.0} ms", report.load_ms));
    line(
        "first provisional after onset, ms",
        spread(report.first_provisional_ms),
    );
    line("final after end of speech, ms", spread(report.final_ms));
    line("finals lost", report.finals_lost.to_string());
    line(
        "encoder runs, voices in each",
        format!(
            "{}, mean {:.2}, most {} of {}",
            report.encoder_runs, report.requests_per_run, report.requests_per_run_max, report.batch
        ),
    );
    line("one core, all voices", known(report.cpu_percent, "%"));
    line("one core, each voice", known(report.cpu_percent_per_voice, "%"));
    line(
        "one core, each voice, silent",
        known(report.cpu_percent_silent_per_voice, "%"),
    );
    line(
        "one core, each voice, speaking",
        known(report.cpu_percent_speaking_per_voice, "%"),
    );
    line(
        "of it the encoder, all the time",
        format!("{:.2} %", report.encoder_percent_per_voice),
    );
    line(
        "of it the words, all the time",
        format!("{:.2} %", report.words_percent_per_voice),
    );
    line("memory", known(report.memory_mb, "MB"));
    line("memory, each voice", known(report.memory_mb_per_voice, "MB"));
    line(
        "push of 64 stereo frames, ns",
        format!(
            "median {:.0}  p99.9 {:.0}",
            report.push_ns.median, report.push_ns.p999
        ),
    );
    line(
        "a plain copy of them, ns",
        format!("median {:.0}", report.copy_ns.median),
    );
    line("frames lost", report.dropped.to_string());
    line("updates that were degraded", report.degraded.to_string());
    lines.concat()
}
