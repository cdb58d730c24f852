//! `cargo xtask samples`: makes the recordings in `samples/` from the script, with espeak-ng and sox.
//!
//! The committed recordings are made by this and by nothing else: no third party's audio may get in.

mod script;
mod voice;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::machine;
use crate::say;

use script::{Line, RECORDINGS, Recording};

/// Samples per second of every recording: what the engine's networks hear.
const RATE: usize = 16_000;
/// Seconds of silence before the first line and after the last.
const EDGE_S: f64 = 0.5;

/// Makes them all.
pub fn run(root: &Path) -> Result<()> {
    for tool in ["espeak-ng", "sox"] {
        ensure!(
            machine::on_path(tool).is_some(),
            "{tool} is not installed; run `cargo xtask setup --test` first"
        );
    }
    let folder = root.join("samples");
    let work = root.join("target").join("samples");
    fs::create_dir_all(&folder)?;
    fs::create_dir_all(&work)?;

    say::plan("renders the script with espeak-ng, shapes it with sox and writes samples/");
    let mut table = String::from("file,channel,speaker,start_s,end_s,feeling,text\n");
    for recording in RECORDINGS {
        let seconds = render(recording, &work, &folder, &mut table)?;
        say::done(&format!("samples/{} ({seconds:.1} s)", recording.file));
    }
    fs::write(folder.join("script.csv"), table).context("samples/script.csv cannot be written")?;
    say::done("samples/script.csv");
    Ok(())
}

/// Makes one recording and adds its lines to the table; gives its length in seconds.
fn render(recording: &Recording, work: &Path, folder: &Path, table: &mut String) -> Result<f64> {
    let edge = samples(EDGE_S);
    let mut channels = vec![vec![0_i16; edge]; recording.channels];
    let mut at = edge;
    for line in recording.lines {
        at += samples(line.pause_s);
        let spoken = speak(line, work)?;
        let channel = &mut channels[line.channel];
        channel.resize(at, 0);
        channel.extend_from_slice(&spoken);
        row(table, recording.file, line, at, at + spoken.len())?;
        at += spoken.len();
    }
    let total = at + edge;
    for channel in &mut channels {
        channel.resize(total, 0);
    }

    let mut interleaved = Vec::with_capacity(total * recording.channels * 2);
    for index in 0..total {
        for channel in &channels {
            interleaved.extend_from_slice(&channel[index].to_le_bytes());
        }
    }
    write(&interleaved, recording, &folder.join(recording.file))?;
    Ok(total as f64 / RATE as f64)
}

/// One line as it is spoken, without the silence around it.
fn speak(line: &Line, work: &Path) -> Result<Vec<i16>> {
    let manner = voice::manner(line.feeling, line.speaker);
    let spoken = work.join("line.wav");
    let mut espeak = Command::new("espeak-ng");
    espeak
        .args(["-z", "-m", "-v", line.speaker.voice(), "-w"])
        .arg(&spoken);
    espeak.args([
        "-p",
        &manner.pitch.to_string(),
        "-s",
        &manner.words_per_minute.to_string(),
    ]);
    espeak.arg(format!(
        "<prosody range=\"{}%\">{}</prosody>",
        manner.range_percent, line.text
    ));
    output(&mut espeak)?;

    // `-R` and `-D`: the same script gives the same bytes, on every run.
    let mut sox = Command::new("sox");
    sox.args(["-R", "-D"]).arg(&spoken);
    sox.args([
        "-t",
        "raw",
        "-e",
        "signed",
        "-b",
        "16",
        "-c",
        "1",
        "-r",
        &RATE.to_string(),
        "-",
    ]);
    // A file at full scale leaves no room for filters and resampling.
    sox.args(["gain", "-6", "rate", "-h", &RATE.to_string()]);
    sox.args([
        "silence", "1", "0.01", "0.5%", "reverse", "silence", "1", "0.01", "0.5%", "reverse",
    ]);
    sox.args(manner.effects.split_whitespace());
    sox.args([
        "norm",
        &manner.peak_db.to_string(),
        "fade",
        "0.01",
        "reverse",
        "fade",
        "0.02",
        "reverse",
    ]);
    let bytes = output(&mut sox)?;
    let samples: Vec<i16> = bytes
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    ensure!(
        samples.len() > RATE / 2,
        "espeak-ng gave nothing for {:?}",
        line.text
    );
    Ok(samples)
}

/// Writes a recording in the form that its name's ending asks for.
fn write(interleaved: &[u8], recording: &Recording, path: &Path) -> Result<()> {
    let mut sox = Command::new("sox")
        .args([
            "-R",
            "-D",
            "-t",
            "raw",
            "-e",
            "signed",
            "-b",
            "16",
            "-r",
            &RATE.to_string(),
        ])
        .args(["-c", &recording.channels.to_string(), "-"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .context("sox cannot be started")?;
    sox.stdin
        .take()
        .context("sox takes no input")?
        .write_all(interleaved)?;
    let status = sox.wait()?;
    ensure!(status.success(), "sox could not write {}", path.display());
    Ok(())
}

fn row(table: &mut String, file: &str, line: &Line, start: usize, end: usize) -> Result<()> {
    let seconds = |index: usize| index as f64 / RATE as f64;
    writeln!(
        table,
        "{file},{},{},{:.3},{:.3},{},\"{}\"",
        line.channel,
        line.speaker.name(),
        seconds(start),
        seconds(end),
        line.feeling.name(),
        line.text.replace('"', "\"\""),
    )?;
    Ok(())
}

fn output(command: &mut Command) -> Result<Vec<u8>> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("{name} cannot be started"))?;
    ensure!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(output.stdout)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a few seconds, never negative"
)]
fn samples(seconds: f64) -> usize {
    (seconds * RATE as f64).round() as usize
}
