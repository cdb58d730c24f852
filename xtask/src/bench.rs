//! `cargo xtask bench`: measures what the engine costs and how soon it scores, beside the figures it is held to.
//!
//! Everything is measured in this run, on this machine; nothing is remembered from another.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::job::Job;
use crate::say;

/// The speech that is played, over and over.
const SAMPLE: &str = "samples/demo.wav";
/// Voices of the runs, and the seconds each plays.
const RUNS: &[(u32, u32)] = &[(1, 30), (4, 30), (10, 30)];

/// Runs the command: the figures, or criterion's benches.
pub fn run(root: &Path, words: &[&str]) -> Result<()> {
    match words {
        [] => figures(root),
        ["criterion", filter @ ..] => {
            let job = Job::cargo(root).words("bench --locked --package undertone --benches --");
            filter.iter().fold(job, Job::arg).run()
        }
        [word, ..] => bail!("bench does not know '{word}'; it knows `criterion [FILTER]`"),
    }
}

/// A line of the table: what, what it is to be, what it is.
struct Row {
    what: String,
    bound: Option<f64>,
    found: Option<f64>,
    unit: &'static str,
}

fn figures(root: &Path) -> Result<()> {
    say::plan("leave the machine alone meanwhile, or the figures tell about something else");
    Job::cargo(root)
        .words("build --release --locked --package undertone-app --bin undertone")
        .run()?;
    let undertone = crate::target(root)
        .join("release")
        .join(format!("undertone{}", std::env::consts::EXE_SUFFIX));
    let mut rows = Vec::new();
    let mut alone = None;
    for &(voices, seconds) in RUNS {
        say::plan(&format!("{voices} live voices for {seconds} s"));
        let told = bench(root, &undertone, voices, seconds)?;
        let each = number(&told, "cpu_percent_per_voice", None);
        if voices == 1 {
            alone = each;
            rows.extend(one_voice(&told));
        } else {
            let apart = each
                .zip(alone)
                .map(|(each, alone)| (each / alone - 1.0).abs() * 100.0);
            rows.extend(many_voices(&told, voices, each, apart));
        }
    }
    let first = Some(cold(root, &undertone)?);
    rows.push(row(
        "cold start to the first score, 5 s of sound",
        Some(1.0),
        first,
        "s",
    ));
    say::heading("the figures");
    rows.iter().for_each(show);
    say::note(
        "the plugin's rows (scan, first open, further instances): \
         `cargo test --release -p undertone-tests --test plugin_figures -- --nocapture`",
    );
    Ok(())
}

fn row(what: impl Into<String>, bound: Option<f64>, found: Option<f64>, unit: &'static str) -> Row {
    Row {
        what: what.into(),
        bound,
        found,
        unit,
    }
}

/// What is measured with one voice alone.
fn one_voice(told: &str) -> Vec<Row> {
    let of = |key: &str| number(told, key, None);
    let middle = |key: &str| number(told, key, Some("median"));
    let copy = middle("copy_ns");
    let beyond = |part: &str| {
        let push = number(told, "push_ns", Some(part));
        push.zip(copy).map(|(push, copy)| (push - copy).max(0.0) / 1e3)
    };
    let speaking = of("cpu_percent_speaking_per_voice");
    let silent = of("cpu_percent_silent_per_voice");
    let first = middle("first_provisional_ms");
    vec![
        row(
            "audio thread, 64 stereo frames, median",
            Some(1.0),
            beyond("median"),
            "µs",
        ),
        row(
            "audio thread, 64 stereo frames, p99.9",
            Some(5.0),
            beyond("p999"),
            "µs",
        ),
        row("first score after speech begins", Some(500.0), first, "ms"),
        row(
            "final score after speech ends",
            Some(350.0),
            middle("final_ms"),
            "ms",
        ),
        row("one voice, speaking", Some(10.0), speaking, "% of a core"),
        row("one voice, silent", Some(1.0), silent, "% of a core"),
        row("memory, one voice", Some(250.0), of("memory_mb"), "MB"),
    ]
}

/// What is measured with several; `each` costs so much, and is so far from one voice alone.
fn many_voices(told: &str, voices: u32, each: Option<f64>, apart: Option<f64>) -> Vec<Row> {
    let of = |key: &str| number(told, key, None);
    let worst = |key: &str| number(told, key, Some("max"));
    let name = |what: &str| format!("{voices} voices: {what}");
    let further = of("memory_mb_per_voice");
    let first = worst("first_provisional_ms");
    vec![
        row(name("each"), None, each, "% of a core"),
        row(name("each, from one voice alone"), Some(10.0), apart, "% apart"),
        row(name("all"), Some(100.0), of("cpu_percent"), "% of a core"),
        row(name("first score, worst"), Some(1_000.0), first, "ms"),
        row(name("final score, worst"), None, worst("final_ms"), "ms"),
        row(name("finals lost"), Some(0.0), of("finals_lost"), ""),
        row(name("memory of each further"), Some(4.0), further, "MB"),
    ]
}

fn show(row: &Row) {
    let Row {
        what,
        bound,
        found,
        unit,
    } = row;
    let reached = found.map_or("not to be had here".into(), |found| format!("{found:.2} {unit}"));
    let wanted = bound.map_or(String::new(), |bound| format!("at most {bound} {unit}"));
    let mark = match (found, bound) {
        (Some(found), Some(bound)) if found > bound => say::styled("31", "✗"),
        (Some(_), Some(_)) => say::styled("32", "✓"),
        _ => " ".to_owned(),
    };
    println!("{mark} {what:<48}{reached:>24}   {wanted}");
}

/// One run of `undertone bench`, as it prints it.
fn bench(root: &Path, undertone: &Path, voices: u32, seconds: u32) -> Result<String> {
    let output = Command::new(undertone)
        .current_dir(root)
        .args(["bench", "--json", "--file", SAMPLE])
        .args([
            "--streams",
            &voices.to_string(),
            "--seconds",
            &seconds.to_string(),
        ])
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("{} cannot be started", undertone.display()))?;
    if !output.status.success() {
        bail!("`undertone bench` failed ({})", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Seconds from starting the program on five seconds of sound to its first score.
fn cold(root: &Path, undertone: &Path) -> Result<f64> {
    // 44 bytes of header, 16-bit samples, one channel, 16 kHz.
    let sound = std::fs::read(root.join(SAMPLE))?;
    let sound = sound
        .get(44..44 + 160_000)
        .context("the sample is shorter than 5 s")?
        .to_vec();
    let mut times = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        let mut child = Command::new(undertone)
            .args(["analyze", "-", "--json", "--rate", "16000", "--quiet"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut pipe = child.stdin.take().context("no pipe")?;
        let sound = sound.clone();
        let feeder = std::thread::spawn(move || pipe.write_all(&sound));
        let mut first = String::new();
        BufReader::new(child.stdout.take().context("no pipe")?).read_line(&mut first)?;
        times.push(began.elapsed().as_secs_f64());
        // Whoever reads no further closes the pipe, and that ends both.
        let _ = feeder.join();
        child.wait()?;
        if first.is_empty() {
            bail!("`undertone analyze` gave no score");
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// A number in the report: that of a key, or of a part of it.
fn number(report: &str, key: &str, part: Option<&str>) -> Option<f64> {
    let after = |text: &str, key: &str| {
        let name = format!("\"{key}\":");
        text.find(&name).map(|at| text[at + name.len()..].to_owned())
    };
    let mut text = after(report, key)?;
    if let Some(part) = part {
        text = after(&text, part)?;
    }
    let end = text.find([',', '}', '\n']).unwrap_or(text.len());
    text[..end].trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_key_and_part() {
        let report =
            "{\n  \"a\": 1.5,\n  \"b\": {\n    \"n\": 3,\n    \"median\": 7.25\n  },\n  \"c\": null\n}";
        assert_eq!(number(report, "a", None), Some(1.5));
        assert_eq!(number(report, "b", Some("median")), Some(7.25));
        assert_eq!(
            (number(report, "c", None), number(report, "d", None)),
            (None, None)
        );
    }
}
