//! An evaluation for people (a table) and for programs (JSON).

use std::fmt::Write as _;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

use crate::fault::Fault;
use crate::whole;

use super::metrics::Part;
use super::{Report, refused, texts};

/// A progress bar, on a terminal only.
pub(super) fn progress(clips: usize, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(clips as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} clips, {eta} to go") {
        bar.set_style(style);
    }
    bar
}

/// Prints the table, and writes the JSON where it was asked for.
pub(super) fn show(report: &Report, json: Option<&Path>) -> Result<(), Fault> {
    write(report, json, &table(report))
}

/// The same for words without sound.
pub(super) fn texts(report: &texts::Report, json: Option<&Path>) -> Result<(), Fault> {
    write(report, json, &texts_table(report))
}

/// Writes any report: the table unless the JSON took its place, and then the JSON where it was asked for. A file that
/// cannot be written must not cost the table, nor a table that nobody reads the file.
pub(super) fn write<R: serde::Serialize>(report: &R, json: Option<&Path>, table: &str) -> Result<(), Fault> {
    use std::io::Write as _;
    let text = serde_json::to_string_pretty(report).map_err(|error| Fault::Broken(error.into()))?;
    let mut out = std::io::stdout().lock();
    match json {
        Some(path) if path.as_os_str() == "-" => writeln!(out, "{text}").map_err(Fault::output),
        json => {
            let printed = out.write_all(table.as_bytes()).and_then(|()| out.flush());
            if let Some(path) = json {
                whole::write(path, text.as_bytes()).map_err(|error| refused(path, &error))?;
            }
            printed.map_err(Fault::output)
        }
    }
}

fn texts_table(report: &texts::Report) -> String {
    let mut lines = vec![format!(
        "{:<16}{}, {}, {}",
        "pack", report.pack, report.system, report.runtime
    )];
    let mut line = |name: &str, value: String| lines.push(format!("{name:<16}{value}"));
    if let Some(f) = &report.figures {
        line("texts", format!("{} ({} without a word)", f.n, report.unheard));
        line("macro F1", percent(f.macro_f1));
        line("accuracy", percent(f.accuracy));
        line("UAR", percent(f.uar));
        line("ECE", format!("{:.3}", f.ece));
        for (label, recall) in &f.recall {
            line(&format!("  {label}"), percent(*recall));
        }
    }
    if let (Some(auroc), Some(n)) = (report.auroc, report.toxic_n) {
        line("toxicity", format!("AUROC {auroc:.3} on {n} texts"));
    }
    line("a text takes", format!("{:.1} ms", report.text_ms));
    lines.join("\n") + "\n"
}

fn table(report: &Report) -> String {
    let f = &report.figures;
    let mut text = String::new();
    // Writing to a String cannot fail.
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<16}{value}");
    };
    let part = |part: Part| {
        part.uar
            .map_or("-".into(), |uar| format!("{} of {} clips", percent(uar), part.n))
    };
    line(
        "pack",
        format!("{}, {}, {}", report.pack, report.system, report.runtime),
    );
    line(
        "clips",
        format!(
            "{} ({} without speech, {} left out)",
            f.n, report.unheard, report.missing
        ),
    );
    line("accuracy", percent(f.accuracy));
    line(
        "UAR",
        format!(
            "{}  (95 %: {} to {})",
            percent(f.uar),
            percent(f.uar_ci[0]),
            percent(f.uar_ci[1])
        ),
    );
    line("first hearing", part(f.first_hearing));
    line("after 30 s", part(f.after_30s));
    line("macro F1", percent(f.macro_f1));
    line("ECE", format!("{:.3}", f.ece));
    let sure = f.selective.accuracy.map_or("-".into(), percent);
    line(
        "when sure",
        format!(
            "{sure} of the {} above {:.2}",
            percent(f.selective.coverage),
            f.selective.threshold
        ),
    );
    if let Some(agreed) = agreement(report) {
        line("while speaking", agreed);
    }
    line("real time", format!("{:.1} times", 1.0 / report.rtf.max(1e-9)));
    for (label, recall) in &f.recall {
        let answers = f.confusion.get(label).into_iter().flatten();
        let answers: Vec<_> = answers.map(|(answer, n)| format!("{answer} {n}")).collect();
        line(
            &format!("  {label}"),
            format!("{}  ({})", percent(*recall), answers.join(", ")),
        );
    }
    text
}

/// How often what stood after 1 and 2 s was what the final said.
fn agreement(report: &Report) -> Option<String> {
    let [at_1s, at_2s] = report.agreement?.shares();
    let share = |share: Option<f64>| share.map_or("-".into(), percent);
    Some(format!(
        "{} named at 1 s what the final does, {} at 2 s",
        share(at_1s),
        share(at_2s)
    ))
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
