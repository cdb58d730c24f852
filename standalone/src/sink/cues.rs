//! Subtitles: one cue for each settled utterance, with label, confidence and words.

use std::io::{self, Write as _};

use undertone::Update;

use super::{About, Entry, Sink, Target, WriteError};

/// The two kinds differ in their header, their clock and what must be escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Vtt,
    Srt,
}

/// Writes subtitles.
pub(super) struct Cues {
    target: Target,
    kind: Kind,
    count: u64,
}

impl Cues {
    pub(super) fn vtt(mut target: Target, about: &About) -> Result<Self, WriteError> {
        let note = escape(&about.name).replace("--", "- -");
        if let Err(source) = writeln!(target, "WEBVTT\n\nNOTE emotion heard in {note}\n") {
            return Err(target.fault(source));
        }
        Ok(Self {
            target,
            kind: Kind::Vtt,
            count: 0,
        })
    }

    pub(super) const fn srt(target: Target) -> Self {
        Self {
            target,
            kind: Kind::Srt,
            count: 0,
        }
    }

    fn cue(&mut self, entry: &Entry) -> io::Result<()> {
        self.count += 1;
        // A cue without length is not valid, and nobody could read it.
        let end_s = entry.end_s.max(entry.start_s + 0.1);
        let (start, end) = (clock(entry.start_s, self.kind), clock(end_s, self.kind));
        let confidence = entry.confidence.clamp(0.0, 1.0) * 100.0;
        writeln!(self.target, "{}\n{start} --> {end}", self.count)?;
        let speaker = match (&entry.speaker, self.kind) {
            (Some(name), Kind::Vtt) => format!("<v {}>", escape(name)),
            (Some(name), Kind::Srt) => format!("{}: ", harmless(name)),
            (None, _) => String::new(),
        };
        let remarks = std::iter::once("")
            .chain(entry.remarks())
            .collect::<Vec<_>>()
            .join(", ");
        writeln!(self.target, "{speaker}{} {confidence:.0} %{remarks}", entry.label)?;
        let words = match self.kind {
            Kind::Vtt => escape(&entry.words),
            Kind::Srt => harmless(&entry.words),
        };
        if !words.is_empty() {
            writeln!(self.target, "{words}")?;
        }
        writeln!(self.target)
    }
}

impl Sink for Cues {
    fn take(&mut self, update: &Update) -> io::Result<()> {
        if update.is_final() {
            self.cue(&Entry::from(update))
        } else {
            Ok(())
        }
    }

    fn finish(self: Box<Self>, _: &About) -> Result<(), WriteError> {
        self.target.commit()
    }
}

/// `00:00:01.500`, with a comma in `SubRip`.
fn clock(seconds: f64, kind: Kind) -> String {
    let ms = (seconds.max(0.0) * 1000.0).round();
    let (hours, minutes) = ((ms / 3_600_000.0).floor(), (ms / 60_000.0).floor() % 60.0);
    let (whole, rest) = ((ms / 1000.0).floor() % 60.0, ms % 1000.0);
    let point = if kind == Kind::Vtt { '.' } else { ',' };
    format!("{hours:02.0}:{minutes:02.0}:{whole:02.0}{point}{rest:03.0}")
}

/// One line of `WebVTT` text.
fn escape(text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One line of `SubRip` text, which knows tags but no escapes: look-alikes stand for what could be a tag.
fn harmless(text: &str) -> String {
    let text = text
        .replace('<', "‹")
        .replace('>', "›")
        .replace('{', "(")
        .replace('}', ")");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use undertone::Label;

    use super::super::tests::entry;
    use super::*;

    fn written(kind: Kind) -> String {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a");
        let target = Target::file(&path).expect("writable");
        let about = About {
            name: "odd --> <name>".into(),
            ..About::default()
        };
        let mut cues = match kind {
            Kind::Vtt => Cues::vtt(target, &about).expect("header"),
            Kind::Srt => Cues::srt(target),
        };
        let mut hostile = entry(3_661.5, 3_661.5, Label::Happy, "a <b>\n\n--> & {c}");
        hostile.speaker = Some("<Ann>".into());
        cues.cue(&hostile).expect("cue");
        Box::new(cues).finish(&About::default()).expect("written");
        std::fs::read_to_string(path).expect("there")
    }

    #[test]
    fn vtt_escapes_and_no_text_can_end_a_cue() {
        let text = written(Kind::Vtt);
        assert!(text.starts_with("WEBVTT\n\n"), "{text}");
        assert!(
            text.contains("01:01:01.500 --> 01:01:01.600\n<v &lt;Ann&gt;>happy 75 %\n"),
            "{text}"
        );
        assert!(text.contains("a &lt;b&gt; --&gt; &amp; {c}\n\n"), "{text}");
        assert_eq!(text.matches("-->").count(), 1, "{text}");
    }

    #[test]
    fn srt_has_commas_and_no_tags() {
        let text = written(Kind::Srt);
        assert_eq!(
            text,
            "1\n01:01:01,500 --> 01:01:01,600\n‹Ann›: happy 75 %\na ‹b› --› & (c)\n\n"
        );
    }
}
