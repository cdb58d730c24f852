//! Counts of a recognition test, clip by clip.
//!
//! A shown word counts once, however many updates repeat it; it was revised if the settled text has no such
//! word in its place.

use std::time::Duration;

use undertone::{PackInfo, Study, Update, Word};

use super::clips::plain;
use super::normal;
use super::report::Report;

/// How far apart two sightings of one word may lie, in seconds.
const SAME_S: f64 = 0.4;

/// Wrong and all, over many clips.
#[derive(Debug, Default, Clone, Copy)]
struct Rate {
    wrong: usize,
    all: usize,
}

impl Rate {
    fn value(self) -> Option<f64> {
        (self.all > 0).then(|| self.wrong as f64 / self.all as f64)
    }
}

/// Everything counted so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    clips: usize,
    words: Rate,
    written: Rate,
    phones: Rate,
    without_phones: usize,
    boundaries: Vec<f64>,
    shown: Vec<f64>,
    settled: Vec<f64>,
    revised: Rate,
    changed: usize,
    confidence: Vec<(f64, bool)>,
    seconds: f64,
    work: Duration,
}

/// A word that was on the screen at some time.
struct Sighting {
    text: String,
    middle: f64,
    end: f64,
    shown_at: f64,
    settled_at: Option<f64>,
}

fn middle(word: &Word) -> f64 {
    f64::midpoint(word.start_s, word.end_s)
}

impl Tally {
    /// One more clip.
    pub(super) fn add(
        &mut self,
        text: &str,
        updates: &[Update],
        study: &Study,
        seconds: f64,
        work: Duration,
    ) {
        self.clips += 1;
        self.seconds += seconds;
        self.work += work;
        let found: Vec<&Word> = updates
            .iter()
            .filter(|update| update.is_final())
            .filter_map(|update| update.text.as_ref())
            .flat_map(|text| &text.words)
            .collect();
        let truth: Vec<&str> = text.split_whitespace().collect();
        let heard: Vec<String> = found.iter().map(|word| plain(&word.text)).collect();
        let pairs = align(&truth, &heard.iter().map(String::as_str).collect::<Vec<_>>());
        self.written.wrong += pairs.edits;
        self.written.all += truth.len();
        let (said, understood) = (normal::words(text), normal::words(&heard.join(" ")));
        self.words.wrong += align(&said, &understood).edits;
        self.words.all += said.len();
        let right: Vec<bool> = (0..found.len())
            .map(|at| pairs.equal.iter().any(|(_, heard)| *heard == at))
            .collect();
        self.confidence.extend(
            found
                .iter()
                .zip(&right)
                .map(|(word, right)| (f64::from(word.confidence), *right)),
        );
        match &study.said {
            Some(said) if !said.is_empty() => {
                self.phones.wrong += align(said, &study.phones).edits;
                self.phones.all += said.len();
            }
            _ => self.without_phones += 1,
        }
        if study.words.len() == truth.len() {
            for (known, heard) in &pairs.equal {
                let (known, heard) = (&study.words[*known], found[*heard]);
                self.boundaries.push((known.start_s - heard.start_s).abs());
                self.boundaries.push((known.end_s - heard.end_s).abs());
            }
        }
        self.follow(updates);
    }

    /// When each word came, settled, and whether it stayed.
    fn follow(&mut self, updates: &[Update]) {
        let mut utterance = None;
        let mut seen: Vec<Sighting> = Vec::new();
        let mut settled: Vec<Word> = Vec::new();
        for update in updates {
            let Some(text) = &update.text else { continue };
            if utterance != Some(update.utterance) {
                utterance = Some(update.utterance);
                settled.clear();
                seen.clear();
            }
            let known = settled.iter().zip(&text.words);
            self.changed += known.filter(|(before, now)| before.text != now.text).count();
            self.changed += settled.len().saturating_sub(text.words.len());
            settled = text
                .words
                .iter()
                .take_while(|word| word.stable)
                .cloned()
                .collect();
            // On the sound's clock, with what the machine took to think.
            let times = update.latency_ms;
            let at = update.emitted_s + f64::from(times.trunk + times.text + times.fuse) / 1e3;
            for word in &text.words {
                let same = |known: &&mut Sighting| {
                    known.text == word.text && (known.middle - middle(word)).abs() < SAME_S
                };
                if let Some(known) = seen.iter_mut().find(same) {
                    known.settled_at = known.settled_at.or(word.stable.then_some(at));
                } else {
                    seen.push(Sighting {
                        text: word.text.clone(),
                        middle: middle(word),
                        end: word.end_s,
                        shown_at: at,
                        settled_at: word.stable.then_some(at),
                    });
                }
            }
            if update.is_final() {
                for word in &seen {
                    let stayed = text
                        .words
                        .iter()
                        .any(|now| now.text == word.text && (middle(now) - word.middle).abs() < SAME_S);
                    self.revised.all += 1;
                    self.revised.wrong += usize::from(!stayed);
                    if stayed {
                        self.shown.push(word.shown_at - word.end);
                        self.settled.extend(word.settled_at.map(|at| at - word.end));
                    }
                }
            }
        }
    }

    /// The figures.
    pub(super) fn report(mut self, pack: &PackInfo, missing: usize) -> Report {
        Report {
            clips: self.clips,
            missing,
            words: self.words.all,
            wer: self.words.value().unwrap_or(0.0),
            wer_as_written: self.written.value().unwrap_or(0.0),
            per: self.phones.value(),
            clips_without_phones: self.without_phones,
            boundary_error_ms: median(&mut self.boundaries).map(|s| s * 1e3),
            shown_after_s: median(&mut self.shown),
            settled_after_s: median(&mut self.settled),
            revised_share: self.revised.value().unwrap_or(0.0),
            settled_changed: self.changed,
            confidence_ece: calibration(&self.confidence),
            rtf: if self.seconds > 0.0 {
                self.work.as_secs_f64() / self.seconds
            } else {
                0.0
            },
            pack: format!("{} {}", pack.name, pack.version),
            runtime: pack.runtime.clone(),
        }
    }
}

/// The fewest edits between two sequences, and which items are equal on that way.
struct Alignment {
    edits: usize,
    equal: Vec<(usize, usize)>,
}

fn align<T: AsRef<str>>(truth: &[T], heard: &[T]) -> Alignment {
    let width = heard.len() + 1;
    let mut cost = vec![0_usize; (truth.len() + 1) * width];
    let same = |i: usize, j: usize| truth[i].as_ref() == heard[j].as_ref();
    for i in 0..=truth.len() {
        for j in 0..width {
            cost[i * width + j] = match (i, j) {
                (0, j) => j,
                (i, 0) => i,
                (i, j) => (cost[(i - 1) * width + j] + 1)
                    .min(cost[i * width + j - 1] + 1)
                    .min(cost[(i - 1) * width + j - 1] + usize::from(!same(i - 1, j - 1))),
            };
        }
    }
    let (mut i, mut j) = (truth.len(), heard.len());
    let mut equal = Vec::new();
    while i > 0 && j > 0 {
        let here = cost[i * width + j];
        let fits = same(i - 1, j - 1);
        if here == cost[(i - 1) * width + j - 1] + usize::from(!fits) {
            (i, j) = (i - 1, j - 1);
            if fits {
                equal.push((i, j));
            }
        } else if here == cost[(i - 1) * width + j] + 1 {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    equal.reverse();
    Alignment {
        edits: cost[cost.len() - 1],
        equal,
    }
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Expected calibration error over ten bins; absent without words.
fn calibration(words: &[(f64, bool)]) -> Option<f64> {
    let mut bins = [(0.0, 0.0, 0.0); 10];
    for (confidence, right) in words {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a probability"
        )]
        let bin = &mut bins[((confidence * 10.0) as usize).min(9)];
        *bin = (
            bin.0 + 1.0,
            bin.1 + confidence,
            bin.2 + f64::from(u8::from(*right)),
        );
    }
    let off: f64 = bins.iter().map(|(_, sum, right)| (sum - right).abs()).sum();
    (!words.is_empty()).then(|| off / words.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted_and_equal_words_paired() {
        let found = align(&["the", "cat", "sat", "down"], &["a", "cat", "down"]);
        assert_eq!((found.edits, found.equal), (2, vec![(1, 1), (3, 2)]));
        assert_eq!(align(&["a"], &[]).edits, 1);
        assert_eq!(align::<&str>(&[], &["a", "b"]).edits, 2);
    }

    #[test]
    fn medians_and_calibration_are_what_they_say() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut []), None);
        let sure = [(0.75, true), (0.75, false)];
        assert!((calibration(&sure).unwrap() - 0.25).abs() < 1e-9);
        assert_eq!(calibration(&[]), None);
    }
}
