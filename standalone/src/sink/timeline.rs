//! The timeline on a terminal: one line for each settled utterance.

use std::io::{self, Write};

use console::{Style, Term};

use super::{About, Entry, shares};
use crate::term;

/// Columns before the words.
const MARGIN: usize = 46;

/// Prints the timeline of one sound after another.
#[derive(Debug)]
pub struct Timeline {
    finals: Vec<Entry>,
    width: Option<usize>,
}

impl Default for Timeline {
    /// A timeline as wide as the terminal, or unbroken where there is none.
    fn default() -> Self {
        let term = Term::stdout();
        let width = term.is_term().then(|| usize::from(term.size().1));
        Self {
            finals: Vec::new(),
            width,
        }
    }
}

impl Timeline {
    /// The lines of one settled utterance.
    pub(crate) fn lines(entry: &Entry, width: Option<usize>) -> Vec<String> {
        let colour = term::style(entry.label);
        let span = format!("{} – {}", term::clock(entry.start_s), term::clock(entry.end_s));
        let label = colour.apply_to(format!("{:<10}", entry.label));
        let bar = colour.apply_to(term::bar(entry.confidence, 10));
        let head = format!("{span:>17}  {label} {bar} {}", term::percent(entry.confidence));
        let words = match &entry.speaker {
            Some(name) if !entry.words.is_empty() => term::plain(&format!("{name}: {}", entry.words)),
            _ => term::plain(&entry.words),
        };
        let room = width.map_or(usize::MAX, |width| width.saturating_sub(MARGIN + 3).max(20));
        let remarks = entry.remarks();
        let words = if remarks.is_empty() {
            words
        } else {
            format!("{words} [{}]", remarks.join(", "))
                .trim_start()
                .to_owned()
        };
        let mut lines = term::wrap(&words, room).into_iter();
        let first = format!("{head}   {}", lines.next().unwrap_or_default())
            .trim_end()
            .to_owned();
        let indent = " ".repeat(MARGIN + 3);
        std::iter::once(first)
            .chain(lines.map(|line| format!("{indent}{line}")))
            .collect()
    }

    /// Prints the name of the sound.
    pub fn begin(&self, out: &mut impl Write, about: &About) -> io::Result<()> {
        let name = Style::new().bold().apply_to(term::plain(&about.name));
        writeln!(out, "{name}  ({} Hz)", about.rate)
    }

    /// Prints an utterance, if it is settled.
    pub(crate) fn take(&mut self, out: &mut impl Write, entry: Entry) -> io::Result<()> {
        if !entry.is_final {
            return Ok(());
        }
        for line in Self::lines(&entry, self.width) {
            writeln!(out, "{line}")?;
        }
        self.finals.push(Entry {
            words: String::new(),
            ..entry
        });
        Ok(())
    }

    /// Prints the sum of it.
    pub fn end(&mut self, out: &mut impl Write, about: &About) -> io::Result<()> {
        let spoken: f64 = self.finals.iter().map(Entry::length_s).sum();
        let dim = Style::new().dim();
        if self.finals.is_empty() {
            let none = format!("no speech heard in {:.1} s", about.seconds);
            return writeln!(out, "{:>17}  {}\n", "", dim.apply_to(none));
        }
        let parts: Vec<_> = shares(&self.finals)
            .into_iter()
            .map(|(label, lasted)| {
                let share = format!("{label} {:.0} %", lasted / spoken.max(1e-9) * 100.0);
                term::style(label).apply_to(share).to_string()
            })
            .collect();
        let count = match self.finals.len() {
            1 => "1 utterance".to_owned(),
            many => format!("{many} utterances"),
        };
        let sum = format!("{count}, {spoken:.1} s of speech in {:.1} s: ", about.seconds);
        writeln!(out, "{}{}", dim.apply_to(sum), parts.join(", "))?;
        let made = format!("pack {}, system {}, {}", about.pack, about.system, about.runtime);
        writeln!(out, "{}\n", dim.apply_to(made))
    }
}

#[cfg(test)]
mod tests {
    use undertone::Label;

    use super::super::tests::entry;
    use super::*;

    #[test]
    fn words_are_wrapped_under_themselves_and_made_safe() {
        let lines = Timeline::lines(
            &entry(1.0, 2.5, Label::Sad, "one two three four\u{1b}[2J five"),
            Some(70),
        );
        assert!(lines.len() > 1, "{lines:?}");
        let flat: Vec<_> = lines
            .iter()
            .map(|line| console::strip_ansi_codes(line).into_owned())
            .collect();
        let column = flat[0]
            .find("one")
            .map(|at| console::measure_text_width(&flat[0][..at]));
        assert_eq!(column, Some(MARGIN + 3), "{flat:?}");
        assert!(flat.iter().all(|line| !line.contains('\u{1b}')), "{flat:?}");
    }

    #[test]
    fn silence_is_said_in_words() {
        let mut out = Vec::new();
        let about = About {
            seconds: 3.0,
            ..About::default()
        };
        Timeline::default().end(&mut out, &about).expect("written");
        assert!(String::from_utf8_lossy(&out).contains("no speech heard in 3.0 s"));
    }
}
