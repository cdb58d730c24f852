//! What the letters say about a word that the phones propose: whether it is spelt so, whether a gap follows.

/// Frames by which the letters may come before the first phone or after the last.
const EARLY: usize = 2;
const LATE: usize = 3;
/// A letter's cost never counts for more than this.
const WORST: f32 = 6.0;

/// Letter probabilities of a pass.
#[derive(Debug)]
pub(crate) struct Letters<'a> {
    scores: &'a [f32],
    /// Of every letter of every frame, how far it is below the frame's best, `WORST` at most.
    costs: Vec<f32>,
    width: usize,
    /// The place of every ASCII letter in the alphabet; 0 where there is none.
    places: &'a [u8; 128],
    gaps: Vec<f32>,
}

/// The place of every ASCII letter in an alphabet.
pub(crate) fn places(alphabet: &[String]) -> [u8; 128] {
    let mut places = [0; 128];
    for (at, symbol) in alphabet.iter().enumerate().take(256) {
        if let [letter @ 0..128] = symbol.as_bytes() {
            places[*letter as usize] = at as u8;
        }
    }
    places
}

impl<'a> Letters<'a> {
    /// `scores` are log probabilities, frames × `width`, index 0 the blank.
    pub(crate) fn new(scores: &'a [f32], width: usize, places: &'a [u8; 128]) -> Self {
        let space = places[b' ' as usize] as usize;
        let count = scores.len() / width.max(1);
        let at = |frame: usize| {
            if space > 0 {
                scores[frame * width + space].exp()
            } else {
                0.5
            }
        };
        let gaps = (0..count)
            .map(|frame| {
                let around = frame.saturating_sub(1)..(frame + LATE + 1).min(count);
                let share = around.map(at).fold(0.0, f32::max).clamp(0.02, 0.98);
                (share / (1.0 - share)).ln()
            })
            .collect();
        let mut costs = Vec::with_capacity(scores.len());
        for row in scores.chunks_exact(width.max(1)) {
            let top = row.iter().fold(f32::NEG_INFINITY, |top, score| top.max(*score));
            costs.extend(row.iter().map(|score| (score - top).max(-WORST)));
        }
        Self {
            scores,
            costs,
            width,
            places,
            gaps,
        }
    }

    /// Log odds that a gap follows the word whose last phone is at this frame.
    pub(crate) fn gap(&self, frame: usize) -> f32 {
        self.gaps.get(frame).copied().unwrap_or(0.0)
    }

    /// How well a word's letters fit around its phones, in nats below the best of every frame: 0 is perfect.
    pub(crate) fn fit(&self, word: &str, first: usize, last: usize) -> f32 {
        let count = self.gaps.len();
        let (from, to) = (first.saturating_sub(EARLY), (last + LATE + 1).min(count));
        // After so many letters: the newest frame held the letter itself, or a blank after it.
        let mut on = [f32::NEG_INFINITY; 33];
        let mut off = [f32::NEG_INFINITY; 33];
        let length = word.len().min(32);
        off[0] = 0.0;
        let mut best = f32::NEG_INFINITY;
        let letters = word.as_bytes();
        for frame in from..to {
            let costs = &self.costs[frame * self.width..(frame + 1) * self.width];
            let blank = costs[0];
            for at in (1..=length).rev() {
                let letter = costs[self.places[(letters[at - 1] & 127) as usize] as usize];
                let doubled = at > 1 && letters[at - 1] == letters[at - 2];
                let fresh = if doubled {
                    off[at - 1]
                } else {
                    off[at - 1].max(on[at - 1])
                };
                off[at] = off[at].max(on[at]) + blank;
                on[at] = on[at].max(fresh) + letter;
            }
            // What comes before the word is another word's.
            off[0] = if frame <= first + 1 { 0.0 } else { off[0] + blank };
            best = best.max(on[length].max(off[length]));
        }
        best.max(-WORST * length as f32)
    }

    /// The letters heard around a word's phones, where the lexicon has nothing that fits.
    pub(crate) fn spell(&self, alphabet: &[String], first: usize, last: usize) -> String {
        let count = self.gaps.len();
        let mut spelt = String::new();
        let mut before = 0;
        for frame in first.saturating_sub(1)..(last + LATE).min(count) {
            let row = &self.scores[frame * self.width..(frame + 1) * self.width];
            let (best, _) = row
                .iter()
                .enumerate()
                .fold((0, f32::NEG_INFINITY), |best, (at, score)| {
                    if *score > best.1 { (at, *score) } else { best }
                });
            if best != before && best != 0 {
                spelt.push_str(alphabet.get(best).map_or("", String::as_str));
            }
            before = best;
        }
        spelt
            .split(' ')
            .max_by_key(|part| part.len())
            .unwrap_or_default()
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blank, space, a, b.
    fn alphabet() -> Vec<String> {
        ["", " ", "a", "b"].map(String::from).to_vec()
    }

    fn scores(path: &[usize]) -> Vec<f32> {
        let mut scores = vec![-5.0; path.len() * 4];
        for (frame, best) in path.iter().enumerate() {
            scores[frame * 4 + best] = -0.05;
        }
        scores
    }

    #[test]
    fn the_word_that_is_spelt_so_fits_best() {
        let (scores, places) = (scores(&[0, 2, 0, 3, 0, 3, 1, 2, 0]), places(&alphabet()));
        let letters = Letters::new(&scores, 4, &places);
        assert!(letters.fit("abb", 1, 5).abs() < 1e-5);
        assert!(letters.fit("ab", 1, 5) > letters.fit("ba", 1, 5));
        assert!(letters.fit("aab", 1, 5) < -4.0);
        assert_eq!(letters.spell(&alphabet(), 1, 5), "abb");
    }

    #[test]
    fn a_space_is_a_gap_and_its_absence_is_none() {
        let (scores, places) = (scores(&[0, 2, 0, 3, 0, 3, 1, 2, 0]), places(&alphabet()));
        let letters = Letters::new(&scores, 4, &places);
        assert!(letters.gap(5) > 2.0 && letters.gap(1) < -2.0);
    }
}
