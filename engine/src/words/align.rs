//! Where known letters lie in letter probabilities: the best CTC path that spells exactly them.

use super::phones::Won;

/// Every symbol with its first and last frame; `None` if there are too few frames. `scores` are log
/// probabilities, frames × `width`, index 0 the blank.
pub(crate) fn align(scores: &[f32], width: usize, symbols: &[usize]) -> Option<Vec<Won>> {
    let frames = scores.len() / width.max(1);
    let states = 2 * symbols.len() + 1;
    let symbol = |state: usize| {
        if state.is_multiple_of(2) {
            0
        } else {
            symbols[state / 2]
        }
    };
    if symbols.is_empty() || symbols.iter().any(|symbol| *symbol >= width) {
        return None;
    }
    let mut score = vec![f32::NEG_INFINITY; states];
    // How many states back each step came from.
    let mut steps = vec![0_u8; frames * states];
    for frame in 0..frames {
        for state in (0..states).rev() {
            let mut best = if frame == 0 {
                (if state < 2 { 0.0 } else { f32::NEG_INFINITY }, 0)
            } else {
                (score[state], 0)
            };
            if frame > 0 && state > 0 && score[state - 1] > best.0 {
                best = (score[state - 1], 1);
            }
            let skips = state % 2 == 1 && state > 1 && symbol(state) != symbol(state - 2);
            if frame > 0 && skips && score[state - 2] > best.0 {
                best = (score[state - 2], 2);
            }
            score[state] = best.0 + scores[frame * width + symbol(state)];
            steps[frame * states + state] = best.1;
        }
    }
    let mut state = if score[states - 1] >= score[states - 2] {
        states - 1
    } else {
        states - 2
    };
    if !score[state].is_finite() {
        return None;
    }
    let mut places = vec![(usize::MAX, 0); symbols.len()];
    for frame in (0..frames).rev() {
        if state % 2 == 1 {
            let place = &mut places[state / 2];
            *place = (frame, place.1.max(frame));
        }
        state -= usize::from(steps[frame * states + state]);
    }
    let symbols = symbols.iter().zip(places);
    Some(
        symbols
            .map(|(&phone, (first, last))| Won { phone, first, last })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_symbols_find_their_frames() {
        // Frames that favour: blank, 1, 1, blank, 1, 2.
        let mut scores = vec![-4.0; 6 * 3];
        for (frame, best) in [0, 1, 1, 0, 1, 2].into_iter().enumerate() {
            scores[frame * 3 + best] = -0.1;
        }
        let lain = align(&scores, 3, &[1, 1, 2]).unwrap();
        assert_eq!(lain.iter().map(|won| won.phone).collect::<Vec<_>>(), [1, 1, 2]);
        let frames: Vec<_> = lain.iter().map(|won| (won.first, won.last)).collect();
        assert_eq!(frames, [(1, 2), (4, 4), (5, 5)]);
        assert_eq!(align(&scores, 3, &[1; 7]), None);
        assert_eq!(align(&scores, 3, &[]), None);
    }
}
