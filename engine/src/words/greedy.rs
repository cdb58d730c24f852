//! From the words head's character probabilities to words with times.
//!
//! Greedy: the best character of every frame, repeats and blanks taken out. Good enough to show and to
//! point at; better decoding goes here without anyone else noticing.

use super::Heard;

/// Decodes `log_probs` (frames × alphabet). `time` gives the middle of a frame on the stream's clock.
pub(crate) fn words(log_probs: &[f32], alphabet: &[String], time: impl Fn(usize) -> u64) -> Vec<Heard> {
    let mut words: Vec<Heard> = Vec::new();
    let mut building: Option<(Heard, f32, u32)> = None;
    let mut before = 0;
    let mut finish = |building: &mut Option<(Heard, f32, u32)>| {
        if let Some((mut word, sum, count)) = building.take() {
            word.confidence = (sum / count.max(1) as f32).clamp(0.0, 1.0);
            words.push(word);
        }
    };
    for (frame, scores) in log_probs.chunks_exact(alphabet.len().max(1)).enumerate() {
        let (best, score) = scores
            .iter()
            .enumerate()
            .fold((0, f32::NEG_INFINITY), |best, (at, &score)| {
                if score > best.1 { (at, score) } else { best }
            });
        let symbol = alphabet.get(best).map_or("", String::as_str);
        let repeated = best == before;
        before = best;
        if best == 0 {
            continue;
        }
        if symbol.trim().is_empty() {
            finish(&mut building);
            continue;
        }
        let (word, sum, count) = building.get_or_insert_with(|| {
            (
                Heard {
                    text: String::new(),
                    start: time(frame),
                    end: time(frame),
                    confidence: 0.0,
                },
                0.0,
                0,
            )
        });
        word.end = time(frame);
        if !repeated {
            word.text.push_str(symbol);
            *sum += score.exp();
            *count += 1;
        }
    }
    finish(&mut building);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alphabet() -> Vec<String> {
        ["", " ", "a", "b"].map(String::from).to_vec()
    }

    fn scores(path: &[usize]) -> Vec<f32> {
        let mut scores = vec![(0.1_f32 / 3.0).ln(); path.len() * 4];
        for (frame, best) in path.iter().enumerate() {
            scores[frame * 4 + best] = 0.9_f32.ln();
        }
        scores
    }

    fn decode(path: &[usize]) -> Vec<Heard> {
        words(&scores(path), &alphabet(), |frame| frame as u64 * 10)
    }

    #[test]
    fn repeats_and_blanks_are_taken_out() {
        let words = decode(&[0, 2, 2, 0, 2, 3, 1, 0, 3]);
        let texts: Vec<_> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["aab", "b"]);
        assert_eq!((words[0].start, words[0].end), (10, 50));
        assert!((words[0].confidence - 0.9).abs() < 1e-5);
    }

    #[test]
    fn nothing_but_blanks_and_spaces_is_no_word() {
        assert!(decode(&[0, 1, 1, 0, 1]).is_empty());
        assert!(decode(&[]).is_empty());
    }
}
