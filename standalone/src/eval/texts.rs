//! Words without sound through the engine: what they feel like, and whether they are toxic.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use undertone::{Engine, EngineError, Label};

use crate::analyze::{start, unready};
use crate::fault::{Ending, Fault};
use crate::settings::Settings;

use super::metrics::{self, Figures, Judged};
use super::{Eval, manifest, show, threshold};

/// Why a file of texts cannot be used.
#[derive(Debug, thiserror::Error)]
enum TextsError {
    #[error("cannot read {}: {source}; give a CSV with the columns text,label or text,toxic", path.display())]
    Read { path: PathBuf, source: csv::Error },
    #[error("{} line {line}: {what}", path.display())]
    Row { path: PathBuf, line: u64, what: String },
    #[error("{} has neither a column label nor a column toxic; give a CSV with text,label or text,toxic", .0.display())]
    Columns(PathBuf),
    #[error("{} holds no text to judge", .0.display())]
    Empty(PathBuf),
    #[error("pack '{0}' has no text branch; give one that has with --pack")]
    Silent(String),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

#[derive(Debug, Deserialize)]
struct Row {
    text: String,
    label: Option<String>,
    toxic: Option<String>,
}

/// A text and what is known of it.
#[derive(Debug)]
struct Item {
    text: String,
    label: Option<Label>,
    toxic: Option<bool>,
}

/// All that is reported about words.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Over the texts with a label; absent where none has one.
    #[serde(flatten)]
    pub figures: Option<Figures>,
    /// How well toxic texts stand above the others; absent where no text is marked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auroc: Option<f64>,
    /// Texts marked toxic or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toxic_n: Option<usize>,
    /// Texts without a word.
    pub unheard: usize,
    /// Milliseconds a text.
    pub text_ms: f64,
    /// Seconds of work for each second of sound: there is no sound.
    pub rtf: Option<f64>,
    pub system: String,
    pub pack: String,
    pub runtime: String,
}

/// Runs the command on words.
pub(super) fn run(file: &Path, classes: &[Label], args: &Eval, settings: &Settings) -> Result<Ending, Fault> {
    let user = |error: TextsError| Fault::User(error.to_string());
    let items = read(file, classes).map_err(user)?;
    // Words alone are what is asked about, whatever system the pack would choose.
    let mut settings = settings.clone();
    if settings.system.is_none() {
        settings.system = Some("text_only".into());
    }
    let engine = start(&settings);
    let pack = engine.wait_ready().map_err(|error| unready(&error, &settings))?;
    if !pack.reads_words {
        return Err(user(TextsError::Silent(pack.name.clone())));
    }
    let threshold = threshold(&settings, &pack.system)?;
    let began = Instant::now();
    let bar = show::progress(items.len(), settings.quiet);
    let judged = judge(&engine, &items, classes, &bar).map_err(|error| user(error.into()))?;
    bar.finish_and_clear();
    let work = began.elapsed().as_secs_f64();
    let labelled =
        (!judged.labelled.is_empty()).then(|| metrics::figures(&judged.labelled, classes, threshold));
    let report = Report {
        figures: labelled,
        auroc: metrics::auroc(&judged.toxic),
        toxic_n: (!judged.toxic.is_empty()).then_some(judged.toxic.len()),
        unheard: judged.unheard,
        text_ms: work * 1e3 / items.len() as f64,
        rtf: None,
        system: pack.system.clone(),
        pack: format!("{} {}", pack.name, pack.version),
        runtime: pack.runtime.clone(),
    };
    show::texts(&report, args.json.as_deref())?;
    Ok(Ending::Good)
}

struct Results {
    labelled: Vec<Judged>,
    /// Whether a text is toxic, and how toxic it was found.
    toxic: Vec<(bool, f32)>,
    unheard: usize,
}

fn judge(
    engine: &Engine,
    items: &[Item],
    classes: &[Label],
    bar: &indicatif::ProgressBar,
) -> Result<Results, EngineError> {
    let mut results = Results {
        labelled: Vec::new(),
        toxic: Vec::new(),
        unheard: 0,
    };
    for item in items {
        bar.inc(1);
        let reading = engine.read(&item.text)?;
        results.unheard += usize::from(reading.is_none());
        if let Some(truth) = item.label {
            let shares: Vec<f32> = classes
                .iter()
                .map(|class| reading.map_or(1.0, |reading| reading.scores.of(*class)))
                .collect();
            let all: f32 = shares.iter().sum();
            results.labelled.push(Judged {
                truth,
                scores: shares
                    .iter()
                    .map(|share| share / all.max(f32::MIN_POSITIVE))
                    .collect(),
                heard_before_s: 0.0,
                first: false,
            });
        }
        if let Some(toxic) = item.toxic {
            results
                .toxic
                .push((toxic, reading.map_or(0.0, |reading| reading.toxicity)));
        }
    }
    Ok(results)
}

/// Reads the texts. Rows whose label is not among `classes` are left out.
fn read(path: &Path, classes: &[Label]) -> Result<Vec<Item>, TextsError> {
    let refused = |source| TextsError::Read {
        path: path.to_owned(),
        source,
    };
    let mut reader = csv::Reader::from_path(path).map_err(refused)?;
    let header = reader.headers().map_err(refused)?;
    if !header.iter().any(|name| name == "label" || name == "toxic") {
        return Err(TextsError::Columns(path.to_owned()));
    }
    let mut items = Vec::new();
    for (at, row) in reader.deserialize::<Row>().enumerate() {
        let row = row.map_err(refused)?;
        let wrong = |what: String| TextsError::Row {
            path: path.to_owned(),
            line: at as u64 + 2,
            what,
        };
        let label = match row
            .label
            .as_deref()
            .map(str::trim)
            .filter(|label| !label.is_empty())
        {
            Some(name) => Some(manifest::label(name).ok_or_else(|| wrong(manifest::unknown(name)))?),
            None => None,
        };
        let toxic = match row
            .toxic
            .as_deref()
            .map(str::trim)
            .filter(|toxic| !toxic.is_empty())
        {
            Some("0" | "0.0" | "false") => Some(false),
            Some("1" | "1.0" | "true") => Some(true),
            Some(other) => return Err(wrong(format!("toxic is '{other}'; give 0 or 1"))),
            None => None,
        };
        let label = label.filter(|label| classes.contains(label));
        if label.is_some() || toxic.is_some() {
            items.push(Item {
                text: row.text,
                label,
                toxic,
            });
        }
    }
    if items.is_empty() {
        return Err(TextsError::Empty(path.to_owned()));
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(csv: &str) -> Result<Vec<Item>, TextsError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("t.csv");
        std::fs::write(&file, csv).unwrap();
        read(&file, &[Label::Happy, Label::Sad])
    }

    #[test]
    fn texts_with_labels_or_marks_are_read_and_others_left_out() {
        let items = texts("text,label,toxic\nyay,joy,\nboo,,1\nhm,neutral,\nwell,sad,0\n").unwrap();
        let known: Vec<_> = items.iter().map(|item| (item.label, item.toxic)).collect();
        assert_eq!(
            known,
            [
                (Some(Label::Happy), None),
                (None, Some(true)),
                (Some(Label::Sad), Some(false))
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (csv, told) in [
            ("text,label\nyay,joy\nhm,bored\n", "line 3: unknown label 'bored'"),
            ("text,toxic\nhm,maybe\n", "toxic is 'maybe'"),
            ("text,mood\nhm,1\n", "neither a column label"),
            ("label,toxic\nsad,1\n", "text"),
            ("text,label\n", "no text"),
        ] {
            let error = texts(csv).unwrap_err().to_string();
            assert!(error.contains(told), "{csv}: {error}");
        }
    }
}
