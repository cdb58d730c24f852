//! Every score for programs: JSON objects a line, or rows of a table.

use std::io::{self, Write as _};

use undertone::{Label, Update};

use super::{About, Entry, Part, Sink, Target, WriteError};

/// One JSON object a line, as the update's schema says.
pub(super) struct Jsonl {
    target: Target,
}

impl Jsonl {
    pub(super) const fn new(target: Target) -> Self {
        Self { target }
    }
}

impl Sink for Jsonl {
    fn take(&mut self, update: &Update) -> io::Result<()> {
        serde_json::to_writer(&mut self.target, update)?;
        self.target.write_all(b"\n")?;
        // Whoever reads standard output wants each line when it comes.
        if matches!(self.target, Target::Output(_)) {
            self.target.flush()
        } else {
            Ok(())
        }
    }

    fn finish(self: Box<Self>, _: &About) -> Result<(), WriteError> {
        self.target.commit()
    }
}

/// One row a score.
pub(super) struct Csv {
    rows: csv::Writer<Target>,
    stream: String,
}

impl Csv {
    pub(super) fn new(target: Target) -> Result<Self, WriteError> {
        let mut rows = csv::Writer::from_writer(target);
        let labels = Label::ALL.map(Label::name);
        let header = [
            "stream",
            "speaker",
            "utterance",
            "revision",
            "kind",
            "start_s",
            "end_s",
            "label",
            "confidence",
        ]
        .into_iter()
        .chain(labels)
        .chain(["valence", "arousal", "dominance", "words"])
        // What came later stands behind, so that columns keep their numbers.
        .chain([
            "voice_label",
            "voice_share",
            "voice_weight",
            "words_label",
            "words_share",
            "words_weight",
            "clash",
            "toxicity",
        ]);
        if let Err(error) = rows.write_record(header) {
            return Err(rows.get_ref().fault(error.into()));
        }
        Ok(Self {
            rows,
            stream: String::new(),
        })
    }

    fn row(&mut self, entry: &Entry, revision: u32) -> io::Result<()> {
        let kind = if entry.is_final { "final" } else { "provisional" };
        let affect = [entry.affect.valence, entry.affect.arousal, entry.affect.dominance];
        let first = [
            self.stream.clone(),
            entry.speaker.clone().unwrap_or_default(),
            entry.utterance.to_string(),
            revision.to_string(),
            kind.to_owned(),
            format!("{:.3}", entry.start_s),
            format!("{:.3}", entry.end_s),
            entry.label.to_string(),
            format!("{:.4}", entry.confidence),
        ];
        let scores = entry
            .scores
            .values()
            .iter()
            .chain(&affect)
            .map(|value| format!("{value:.4}"));
        let part = |part: Option<Part>| match part {
            Some(part) => [
                part.label.name().to_owned(),
                format!("{:.4}", part.share),
                format!("{:.4}", part.weight),
            ],
            None => [const { String::new() }; 3],
        };
        let row = first
            .into_iter()
            .chain(scores)
            .chain([harmless(&entry.words)])
            .chain(part(entry.voice))
            .chain(part(entry.said))
            .chain([
                entry.clash.to_string(),
                entry
                    .toxicity
                    .map_or(String::new(), |toxicity| format!("{toxicity:.4}")),
            ]);
        Ok(self.rows.write_record(row)?)
    }
}

/// A text that a spreadsheet will not take for a formula.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

impl Sink for Csv {
    fn take(&mut self, update: &Update) -> io::Result<()> {
        self.stream = harmless(&update.stream);
        self.row(&Entry::from(update), update.revision)
    }

    fn finish(self: Box<Self>, _: &About) -> Result<(), WriteError> {
        let target = self.rows.into_inner().map_err(|error| {
            let source = io::Error::new(error.error().kind(), error.error().to_string());
            error.into_error_target(source)
        })?;
        target.commit()
    }
}

/// The csv crate gives the writer back with its error; the writer knows what it was writing.
trait IntoErrorTarget {
    fn into_error_target(self, source: io::Error) -> WriteError;
}

impl IntoErrorTarget for csv::IntoInnerError<csv::Writer<Target>> {
    fn into_error_target(self, source: io::Error) -> WriteError {
        self.into_inner().get_ref().fault(source)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::entry;
    use super::*;

    #[test]
    fn rows_are_quoted_and_have_as_many_fields_as_the_header() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.csv");
        let mut sink = Csv::new(Target::file(&path).expect("writable")).expect("header");
        sink.row(&entry(0.5, 2.0, Label::Angry, "=he said \"no\", twice"), 3)
            .expect("row");
        Box::new(sink).finish(&About::default()).expect("written");
        let mut reader = csv::Reader::from_path(&path).expect("there");
        let header = reader.headers().expect("a header").clone();
        let columns = header.len();
        let row = reader.records().next().expect("a row").expect("well-formed");
        assert_eq!(row.len(), columns);
        assert_eq!(row.get(7), Some("angry"));
        let words = header.iter().position(|name| name == "words");
        assert_eq!(
            row.get(words.expect("a column of words")),
            Some("'=he said \"no\", twice")
        );
    }
}
