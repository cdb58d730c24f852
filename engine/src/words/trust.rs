//! How sure a word is.
//!
//! Of a word that was searched for, a logistic rule over what the search and the letters say, fitted on held-out
//! speakers; of one that was written, another over the writer's own probability and what the letters say. Their
//! weights belong to how the decoders count, not to a pack: each is about cost per phone or letter, not about one
//! network's scale.

use super::beam::Found;

/// Under this a word is not said to have been heard.
pub(crate) const LEAST: f32 = 0.04;
/// Under this the letters' own spelling is more likely right than the lexicon's word.
pub(crate) const SPELL: f32 = 0.2;

/// Probability that a word is right. `fit` is what [`super::letters::Letters::fit`] says of it, `sure` the mean
/// log probability of the best phone of each of its frames.
pub(crate) fn word(found: &Found, fit: f32, sure: f32, text: &str) -> f32 {
    let letters = text.len().max(1) as f32;
    let doubt = 0.21 * found.bent.min(8.0)
        + 0.99 * (-fit / letters).clamp(0.0, 3.0)
        + 2.2 / letters
        + 0.143 * -found.likely
        + 2.86 * (-sure).clamp(0.0, 1.0);
    1.0 / (1.0 + (doubt - 4.3).exp())
}

/// Probability that a written word is right. `sure` is the geometric mean of its tokens' probabilities, `fit` what
/// [`super::letters::Letters::fit`] says of it for each letter; a word that could not be placed has none.
pub(crate) fn written(sure: f32, fit: Option<f32>) -> f32 {
    let sure = sure.clamp(1e-4, 1.0 - 1e-4);
    let doubt = fit.map_or(1.0, |fit| (-fit).clamp(0.0, 3.0));
    let odds = 2.06 * (sure / (1.0 - sure)).ln() - 0.35 * doubt + 1.1;
    1.0 / (1.0 + (-odds).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bent: f32, likely: f32) -> Found {
        Found {
            word: 0,
            first: 0,
            last: 9,
            bent,
            likely,
            agreed: 1.0,
        }
    }

    #[test]
    fn every_doubt_lowers_confidence() {
        let clear = word(&found(0.0, -4.0), 0.0, -0.05, "morning");
        assert!(clear > 0.9);
        for worse in [
            word(&found(6.0, -4.0), 0.0, -0.05, "morning"),
            word(&found(0.0, -14.0), 0.0, -0.05, "morning"),
            word(&found(0.0, -4.0), -14.0, -0.05, "morning"),
            word(&found(0.0, -4.0), 0.0, -0.8, "morning"),
            word(&found(0.0, -4.0), 0.0, -0.05, "a"),
        ] {
            assert!(worse < clear - 0.05, "{worse} {clear}");
        }
    }

    #[test]
    fn a_written_word_is_doubted_by_its_tokens_and_by_its_letters() {
        let clear = written(0.9, Some(0.0));
        assert!(clear > 0.9 && written(1.0, Some(0.0)) <= 1.0);
        for worse in [
            written(0.6, Some(0.0)),
            written(0.9, Some(-2.0)),
            written(0.9, None),
        ] {
            assert!(worse < clear, "{worse} {clear}");
        }
        assert!(written(0.5, Some(-3.0)) < written(0.5, Some(0.0)) - 0.1);
        assert!(written(0.1, Some(-6.0)) < LEAST, "made up");
        assert!(written(0.9, Some(-6.0)) > LEAST, "the letters may be wrong");
    }
}
