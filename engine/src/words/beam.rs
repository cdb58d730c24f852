//! The likeliest words over a stretch of phone probabilities: a time-synchronous beam over the tree of words.
//!
//! Costs are counted against the best phone of every frame, so that a path's score says how much it had to
//! bend what was heard. Must never look at sound or letters.

use std::collections::HashMap;

use super::front::{Front, NOWHERE, Path};
use super::letters::Letters;
use super::lexicon::Lexicon;

/// How widely is searched, and how words weigh against sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Search {
    /// Paths kept from frame to frame.
    pub paths: usize,
    /// How far behind the best a path may fall.
    pub behind: f32,
    /// Phones less likely than this, against the best of the frame, are not followed.
    pub unlikely: f32,
    /// Weight of how likely the words are.
    pub words: f32,
    /// What every word costs.
    pub each: f32,
    /// Share of the blank from which nothing else is looked at.
    pub silent: f32,
    /// Weight of what the letters say about a word.
    pub letters: f32,
    /// Weight of what the letters say about the gap after a word.
    pub gaps: f32,
    /// How many nats behind the best a path counts e times less when paths are asked whether they agree.
    pub doubt: f32,
    /// Share of the paths that must agree on a word before it is told while the sound is open.
    pub agreed: f32,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            paths: 160,
            behind: 16.0,
            unlikely: 9.0,
            words: 1.0,
            each: 0.7,
            silent: 0.98,
            letters: 0.3,
            gaps: 0.3,
            doubt: 3.0,
            agreed: 0.6,
        }
    }
}

/// A word on the best path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    /// Its number in the lexicon.
    pub word: u32,
    /// The frames of its first and last phone.
    pub first: usize,
    pub last: usize,
    /// How much worse than the best of every frame it fits, in nats.
    pub bent: f32,
    /// Log probability of its coming after the word before it.
    pub likely: f32,
    /// Share of all paths left at the end that have the same words up to this one.
    pub agreed: f32,
}

#[derive(Debug, Clone, Copy)]
struct Said {
    found: Found,
    before: u32,
    /// `sound` where it ended.
    sound: f32,
}

/// The words of a pass. `scores` are log probabilities, frames × `width`, index 0 the blank. Where the sound is
/// `open` at its end, a word that has only begun is left out, and so is all from the first word on that too few of
/// the paths agree on: the next pass would change it. Else the words must fill the sound.
pub(crate) fn words(
    lexicon: &Lexicon,
    scores: &[f32],
    width: usize,
    letters: &Letters<'_>,
    search: &Search,
    open: bool,
) -> Vec<Found> {
    let mut log: Vec<Said> = Vec::new();
    let (mut now, mut next) = (Front::default(), Front::default());
    now.clear();
    now.offer(Path {
        node: 0,
        word: lexicon.start(),
        phone: 0,
        log: NOWHERE,
        first: 0,
        sound: 0.0,
        score: 0.0,
    });
    let silent = search.silent.ln();
    let mut fits = HashMap::new();
    for (frame, row) in scores.chunks_exact(width.max(1)).enumerate() {
        let best = row.iter().fold(f32::NEG_INFINITY, |best, score| best.max(*score));
        next.clear();
        fits.clear();
        let quiet = row[0] >= silent;
        for path in &now.paths {
            step(
                lexicon, letters, search, frame, row, best, quiet, path, &mut next, &mut log, &mut fits,
            );
        }
        std::mem::swap(&mut now, &mut next);
        now.prune(search.behind, search.paths);
    }
    let whole = now.paths.iter().filter(|path| open || path.node == 0);
    let Some(winner) = whole.max_by(|a, b| a.score.total_cmp(&b.score)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut at = winner.log;
    while let Some(said) = log.get(at as usize) {
        let before = log.get(said.before as usize).map_or(0.0, |before| before.sound);
        found.push(Found {
            bent: before - said.sound,
            ..said.found
        });
        at = said.before;
    }
    found.reverse();
    if open {
        agree(&mut found, &now.paths, winner.score, &log, search.doubt);
        let sure = found.iter().take_while(|found| found.agreed >= search.agreed);
        let sure = sure.count();
        found.truncate(sure);
    }
    found
}

/// Asks every path that is left how far it has the winner's words: one in which a word only goes on has not.
fn agree(found: &mut [Found], paths: &[Path], best: f32, log: &[Said], doubt: f32) {
    let mut words = Vec::new();
    let mut all = 0.0;
    for path in paths {
        words.clear();
        let mut at = path.log;
        while let Some(said) = log.get(at as usize) {
            words.push(said.found.word);
            at = said.before;
        }
        let share = ((path.score - best) / doubt).exp();
        all += share;
        for (found, _) in found
            .iter_mut()
            .zip(words.iter().rev())
            .take_while(|(found, word)| found.word == **word)
        {
            found.agreed += share;
        }
    }
    for found in found {
        found.agreed /= all;
    }
}

#[allow(clippy::too_many_arguments, reason = "the inside of one loop")]
fn step(
    lexicon: &Lexicon,
    letters: &Letters<'_>,
    search: &Search,
    frame: usize,
    row: &[f32],
    best: f32,
    quiet: bool,
    path: &Path,
    next: &mut Front,
    log: &mut Vec<Said>,
    fits: &mut HashMap<(u32, u32), f32>,
) {
    let stay = |phone: u8, cost: f32| Path {
        phone,
        sound: path.sound + cost,
        score: path.score + cost,
        ..*path
    };
    next.offer(stay(0, row[0] - best));
    if quiet {
        return;
    }
    if path.phone != 0 {
        next.offer(stay(path.phone, row[path.phone as usize] - best));
    }
    for (node, phone) in lexicon.under(path.node) {
        let cost = row[phone as usize] - best;
        // The same phone twice needs a blank between.
        if phone == path.phone || cost < -search.unlikely {
            continue;
        }
        let ahead = search.words
            * (lexicon.best(node)
                - if path.node == 0 {
                    0.0
                } else {
                    lexicon.best(path.node)
                });
        let first = if path.node == 0 { frame as u32 } else { path.first };
        let (sound, score) = (path.sound + cost, path.score + cost + ahead);
        // Where no longer word goes on, only whole words do.
        if !lexicon.is_leaf(node) {
            next.offer(Path {
                node,
                phone,
                first,
                sound,
                score,
                ..*path
            });
        }
        let gap = if search.gaps > 0.0 && !lexicon.endings(node).is_empty() {
            search.gaps * letters.gap(frame)
        } else {
            0.0
        };
        for word in lexicon.endings(node) {
            let likely = lexicon.after(path.word, *word);
            let mut told = search.words * (likely - lexicon.best(node)) - search.each + gap;
            // The letters can only take away, and cost the most to ask: not about a word that will not be kept.
            if score + told < next.best - search.behind {
                continue;
            }
            if search.letters > 0.0 {
                // Many paths ask about the same word, come to from different ones.
                let fit = fits
                    .entry((*word, first))
                    .or_insert_with(|| letters.fit(lexicon.text(*word), first as usize, frame));
                told += search.letters * *fit;
            }
            let entry = log.len() as u32;
            log.push(Said {
                found: Found {
                    word: *word,
                    first: first as usize,
                    last: frame,
                    bent: 0.0,
                    likely,
                    agreed: 0.0,
                },
                before: path.log,
                sound,
            });
            next.offer(Path {
                node: 0,
                word: *word,
                phone,
                log: entry,
                first,
                sound,
                score: score + told,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::letters;
    use super::super::lexicon_file::tests::written;
    use super::*;

    fn lexicon() -> Lexicon {
        let file = written(
            &[
                ("a", 36, 0, &[&[1]]),
                ("ab", 36, 0, &[&[1, 2]]),
                ("aba", 60, 0, &[&[1, 2, 1]]),
                ("ba", 48, 0, &[&[2, 1]]),
            ],
            0,
            &[],
        );
        Lexicon::parse(&file, 3).unwrap()
    }

    /// Scores that favour these phones, 0 being the blank.
    fn scores(path: &[usize]) -> Vec<f32> {
        let mut scores = vec![-6.0; path.len() * 3];
        for (frame, best) in path.iter().enumerate() {
            scores[frame * 3 + best] = -0.05;
        }
        scores
    }

    fn texts(path: &[usize], search: &Search, open: bool) -> Vec<String> {
        let lexicon = lexicon();
        let (blank, places) = (vec![0.0; path.len()], letters::places(&[String::new()]));
        let letters = Letters::new(&blank, 1, &places);
        words(&lexicon, &scores(path), 3, &letters, search, open)
            .iter()
            .map(|found| lexicon.text(found.word).to_owned())
            .collect()
    }

    fn sounds_only() -> Search {
        Search {
            letters: 0.0,
            gaps: 0.0,
            ..Search::default()
        }
    }

    #[test]
    fn phones_become_the_likeliest_words() {
        assert_eq!(texts(&[0, 1, 2, 1, 0], &sounds_only(), false), ["aba"]);
        assert_eq!(texts(&[0, 1, 0, 1, 2, 0], &sounds_only(), false), ["a", "ab"]);
        assert!(texts(&[0, 0, 0], &sounds_only(), false).is_empty());
        assert!(texts(&[], &sounds_only(), false).is_empty());
    }

    #[test]
    fn a_doubled_phone_needs_a_blank_between() {
        assert_eq!(texts(&[1, 1, 1], &sounds_only(), false), ["a"]);
        assert_eq!(texts(&[1, 0, 1], &sounds_only(), false), ["a", "a"]);
    }

    #[test]
    fn a_word_that_has_only_begun_waits_while_the_sound_is_open() {
        let search = Search {
            agreed: 0.0,
            ..sounds_only()
        };
        assert_eq!(texts(&[0, 1, 2, 0, 2], &search, true), ["ab"]);
    }

    #[test]
    fn a_word_that_may_still_become_another_waits_while_the_sound_is_open() {
        let told = |path: &[usize], agreed, open| {
            let search = Search {
                agreed,
                each: -0.5,
                ..sounds_only()
            };
            texts(path, &search, open)
        };
        // "ab" may be the beginning of "aba"; nothing goes on from "ba".
        assert_eq!(told(&[0, 1, 2, 0], 0.0, true), ["ab"]);
        assert!(told(&[0, 1, 2, 0], 0.5, true).is_empty());
        assert_eq!(told(&[0, 1, 2, 0], 0.5, false), ["ab"]);
        assert_eq!(told(&[0, 2, 1, 0], 0.5, true), ["ba"]);
    }

    #[test]
    fn what_had_to_be_bent_is_counted_against_the_word() {
        let lexicon = lexicon();
        let (blank, places) = (vec![0.0; 3], letters::places(&[String::new()]));
        let letters = Letters::new(&blank, 1, &places);
        let found = words(&lexicon, &scores(&[1, 2, 2]), 3, &letters, &sounds_only(), false);
        assert!(found[0].bent.abs() < 1e-5);
        let bent = words(&lexicon, &scores(&[2, 2, 2]), 3, &letters, &sounds_only(), false);
        assert!(bent.iter().map(|found| found.bent).sum::<f32>() > 4.0);
    }
}
