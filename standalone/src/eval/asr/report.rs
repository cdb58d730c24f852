//! A recognition test for people (a table) and for programs (JSON).

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use crate::fault::Fault;

/// All that is reported.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::eval) struct Report {
    /// Clips judged.
    pub clips: usize,
    /// Rows left out because their file was missing.
    pub missing: usize,
    /// Words in the transcripts.
    pub words: usize,
    /// Word error rate of the finals, both sides in one way of writing.
    pub wer: f64,
    /// The same without that: "mr" is wrong for "mister".
    pub wer_as_written: f64,
    /// Phone error rate; absent where the pack tells no phones.
    pub per: Option<f64>,
    /// Clips with a word whose phones are not known, or too long to be looked at whole; they are not part of `per`.
    pub clips_without_phones: usize,
    /// Median distance of the starts and ends of right words from the forced alignment.
    pub boundary_error_ms: Option<f64>,
    /// Median time from a word's end to its being shown.
    pub shown_after_s: Option<f64>,
    /// Median time from a word's end to its being settled.
    pub settled_after_s: Option<f64>,
    /// Share of shown words that the final does not have.
    pub revised_share: f64,
    /// Settled words that changed afterwards; never more than 0.
    pub settled_changed: usize,
    /// Expected calibration error of the words' confidence.
    pub confidence_ece: Option<f64>,
    /// Seconds of work for each second of sound, with provisional scores as in live use.
    pub rtf: f64,
    /// The pack that ran.
    pub pack: String,
    /// What ran the networks.
    pub runtime: String,
}

/// Prints the table, and writes the JSON where it was asked for.
pub(super) fn show(report: &Report, json: Option<&Path>) -> Result<(), Fault> {
    super::show::write(report, json, &table(report))
}

fn table(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<22}{value}");
    };
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".into());
    line(
        "word error rate",
        format!(
            "{} of {} words in {} clips",
            percent(report.wer),
            report.words,
            report.clips
        ),
    );
    line("  as written", percent(report.wer_as_written));
    line("phone error rate", or_none(report.per.map(percent)));
    line(
        "word boundaries",
        or_none(
            report
                .boundary_error_ms
                .map(|ms| format!("{ms:.0} ms off (median)")),
        ),
    );
    line(
        "shown after",
        or_none(report.shown_after_s.map(|s| format!("{s:.2} s (median)"))),
    );
    line(
        "settled after",
        or_none(report.settled_after_s.map(|s| format!("{s:.2} s (median)"))),
    );
    line("revised", percent(report.revised_share));
    line("settled, yet changed", report.settled_changed.to_string());
    line(
        "confidence is off by",
        or_none(report.confidence_ece.map(percent)),
    );
    line("work", format!("{:.3} s for 1 s of sound", report.rtf));
    line("pack", format!("{} on {}", report.pack, report.runtime));
    if report.missing > 0 {
        line("missing", report.missing.to_string());
    }
    text
}
