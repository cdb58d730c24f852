//! Figures of an evaluation: recall, confusion, calibration, what the unknown threshold buys.
//!
//! Everything is computed from judged clips; nothing here knows where they came from. The bootstrap draws
//! from a fixed seed, so that the same judgements give the same interval.

use std::collections::BTreeMap;

use serde::Serialize;
use undertone::Label;

/// Bootstrap draws for the interval.
const DRAWS: usize = 1_000;
/// Bins of the calibration error.
const BINS: usize = 15;

/// One judged item: the truth, and a probability for each class.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// What it is said to carry.
    pub truth: Label,
    /// Probability of each class, in the order of the classes; they sum to one.
    pub scores: Vec<f32>,
    /// Seconds of this speaker heard before.
    pub heard_before_s: f64,
    /// The speaker's first.
    pub first: bool,
}

/// Unweighted recall over some of the items.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Part {
    /// Unweighted average recall; absent when there is nothing to average.
    pub uar: Option<f64>,
    /// Items.
    pub n: usize,
}

/// What answering only when sure buys.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Selective {
    /// Confidence under which the label is unknown.
    pub threshold: f64,
    /// Share of items that are answered.
    pub coverage: f64,
    /// Accuracy on these; absent when none is.
    pub accuracy: Option<f64>,
}

/// All figures of a set of judged items.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Items.
    pub n: usize,
    /// Share that is right.
    pub accuracy: f64,
    /// Unweighted average recall over the classes that occur.
    pub uar: f64,
    /// Its 95 % bootstrap interval.
    pub uar_ci: [f64; 2],
    /// Mean F1 over the classes that occur.
    pub macro_f1: f64,
    /// Recall of each class that occurs.
    pub recall: BTreeMap<&'static str, f64>,
    /// Truth → answer → number.
    pub confusion: BTreeMap<&'static str, BTreeMap<&'static str, usize>>,
    /// Expected calibration error.
    pub ece: f64,
    /// At the pack's threshold.
    pub selective: Selective,
    /// Only the first item of each speaker.
    pub first_hearing: Part,
    /// Only items after 30 s of the same speaker.
    pub after_30s: Part,
}

/// Computes everything.
pub fn figures(items: &[Judged], classes: &[Label], threshold: f64) -> Figures {
    let answers: Vec<(usize, usize)> = items
        .iter()
        .map(|item| (place(classes, item.truth), best(&item.scores)))
        .collect();
    let right = |item: &(usize, usize)| item.0 == item.1;
    let share = |part: usize, all: usize| if all == 0 { 0.0 } else { part as f64 / all as f64 };
    let sure: Vec<bool> = items.iter().map(|item| confidence(item) >= threshold).collect();
    let answered = sure.iter().filter(|sure| **sure).count();
    let right_when_sure = answers
        .iter()
        .zip(&sure)
        .filter(|(a, sure)| **sure && right(a))
        .count();
    let part = |keep: &dyn Fn(&Judged) -> bool| {
        let chosen: Vec<_> = answers
            .iter()
            .zip(items)
            .filter(|(_, item)| keep(item))
            .map(|(a, _)| *a)
            .collect();
        Part {
            uar: (!chosen.is_empty()).then(|| uar(&chosen, classes.len())),
            n: chosen.len(),
        }
    };
    Figures {
        n: items.len(),
        accuracy: share(answers.iter().filter(|a| right(a)).count(), items.len()),
        uar: uar(&answers, classes.len()),
        uar_ci: interval(&answers, classes.len()),
        macro_f1: macro_f1(&answers, classes.len()),
        recall: classes
            .iter()
            .enumerate()
            .filter_map(|(at, label)| recall(&answers, at).map(|recall| (label.name(), recall)))
            .collect(),
        confusion: confusion(&answers, classes),
        ece: ece(items, &answers),
        selective: Selective {
            threshold,
            coverage: share(answered, items.len()),
            accuracy: (answered > 0).then(|| share(right_when_sure, answered)),
        },
        first_hearing: part(&|item| item.first),
        after_30s: part(&|item| item.heard_before_s >= 30.0),
    }
}

/// The probability that a marked item stands above an unmarked one; absent where either kind is missing.
pub fn auroc(items: &[(bool, f32)]) -> Option<f64> {
    let mut sorted: Vec<_> = items.to_vec();
    sorted.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (mut below, mut wins) = (0.0, 0.0);
    // Items of the same score share a place.
    for same in sorted.chunk_by(|a, b| a.1.total_cmp(&b.1).is_eq()) {
        let marked = same.iter().filter(|item| item.0).count() as f64;
        let unmarked = same.len() as f64 - marked;
        wins += marked * (below + unmarked / 2.0);
        below += unmarked;
    }
    let marked = items.len() as f64 - below;
    (marked > 0.0 && below > 0.0).then(|| wins / (marked * below))
}

fn place(classes: &[Label], label: Label) -> usize {
    classes.iter().position(|class| *class == label).unwrap_or(0)
}

fn best(scores: &[f32]) -> usize {
    let start = (0, f32::NEG_INFINITY);
    scores
        .iter()
        .enumerate()
        .fold(start, |best, (at, &s)| if s > best.1 { (at, s) } else { best })
        .0
}

fn confidence(item: &Judged) -> f64 {
    f64::from(item.scores.iter().copied().fold(0.0, f32::max))
}

fn recall(answers: &[(usize, usize)], class: usize) -> Option<f64> {
    let of_class = answers.iter().filter(|(truth, _)| *truth == class);
    let (all, right) = of_class.fold((0, 0), |(n, right), (t, a)| (n + 1, right + usize::from(t == a)));
    (all > 0).then(|| f64::from(u32::try_from(right).unwrap_or(u32::MAX)) / f64::from(all))
}

fn uar(answers: &[(usize, usize)], classes: usize) -> f64 {
    let (mut all, mut right) = (vec![0_u32; classes], vec![0_u32; classes]);
    for &(truth, answer) in answers {
        all[truth] += 1;
        right[truth] += u32::from(truth == answer);
    }
    let occurring = all.iter().zip(&right).filter(|(n, _)| **n > 0);
    let (sum, count) = occurring.fold((0.0, 0), |(sum, count), (n, r)| {
        (sum + f64::from(*r) / f64::from(*n), count + 1)
    });
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}

fn macro_f1(answers: &[(usize, usize)], classes: usize) -> f64 {
    let mut scores = Vec::new();
    for class in 0..classes {
        let hits = answers.iter().filter(|(t, a)| *t == class && *a == class).count();
        let truths = answers.iter().filter(|(t, _)| *t == class).count();
        let said = answers.iter().filter(|(_, a)| *a == class).count();
        if truths > 0 {
            scores.push(2.0 * hits as f64 / (truths + said) as f64);
        }
    }
    if scores.is_empty() {
        0.0
    } else {
        scores.iter().sum::<f64>() / scores.len() as f64
    }
}

fn confusion(
    answers: &[(usize, usize)],
    classes: &[Label],
) -> BTreeMap<&'static str, BTreeMap<&'static str, usize>> {
    let mut table = BTreeMap::new();
    for &(truth, answer) in answers {
        let row: &mut BTreeMap<_, usize> = table.entry(classes[truth].name()).or_default();
        *row.entry(classes[answer].name()).or_default() += 1;
    }
    table
}

fn ece(items: &[Judged], answers: &[(usize, usize)]) -> f64 {
    let mut bins = [(0.0_f64, 0_u32, 0_u32); BINS];
    for (item, (truth, answer)) in items.iter().zip(answers) {
        let sure = confidence(item).clamp(0.0, 1.0);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to BINS"
        )]
        let bin = &mut bins[((sure * BINS as f64) as usize).min(BINS - 1)];
        *bin = (bin.0 + sure, bin.1 + u32::from(truth == answer), bin.2 + 1);
    }
    let gap = bins
        .iter()
        .map(|(sure, right, _)| (sure - f64::from(*right)).abs())
        .sum::<f64>();
    if items.is_empty() {
        0.0
    } else {
        gap / items.len() as f64
    }
}

fn interval(answers: &[(usize, usize)], classes: usize) -> [f64; 2] {
    if answers.is_empty() {
        return [0.0, 0.0];
    }
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draws: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let sample: Vec<_> = (0..answers.len())
                .map(|_| {
                    // xorshift: good enough to draw with, and the same everywhere.
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    answers[usize::try_from(state % answers.len() as u64).unwrap_or(0)]
                })
                .collect();
            uar(&sample, classes)
        })
        .collect();
    draws.sort_by(f64::total_cmp);
    [draws[DRAWS / 40], draws[DRAWS - 1 - DRAWS / 40]]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: [Label; 2] = [Label::Happy, Label::Sad];

    fn item(truth: Label, happy: f32, first: bool, before: f64) -> Judged {
        Judged {
            truth,
            scores: vec![happy, 1.0 - happy],
            heard_before_s: before,
            first,
        }
    }

    #[test]
    fn recall_is_averaged_over_classes_not_items() {
        let items = [
            item(Label::Happy, 0.9, true, 0.0),
            item(Label::Happy, 0.9, false, 5.0),
            item(Label::Happy, 0.9, false, 40.0),
            item(Label::Sad, 0.8, false, 50.0),
        ];
        let f = figures(&items, &TWO, 0.85);
        assert!((f.accuracy - 0.75).abs() < 1e-9);
        assert!((f.uar - 0.5).abs() < 1e-9);
        assert_eq!((f.recall["happy"], f.recall["sad"]), (1.0, 0.0));
        assert_eq!(f.confusion["sad"]["happy"], 1);
        assert!((f.macro_f1 - 3.0 / 7.0).abs() < 1e-9);
        assert!((f.selective.coverage - 0.75).abs() < 1e-9);
        assert_eq!(f.selective.accuracy, Some(1.0));
        assert_eq!((f.first_hearing.n, f.first_hearing.uar), (1, Some(1.0)));
        assert_eq!((f.after_30s.n, f.after_30s.uar), (2, Some(0.5)));
        assert!(f.uar_ci[0] <= f.uar && f.uar <= f.uar_ci[1]);
    }

    #[test]
    fn auroc_counts_pairs_in_the_right_order() {
        let perfect = [(false, 0.1), (false, 0.2), (true, 0.8)];
        assert_eq!(auroc(&perfect), Some(1.0));
        let mixed = [(true, 0.1), (false, 0.2), (true, 0.2), (true, 0.9)];
        assert_eq!(auroc(&mixed), Some(0.5));
        assert_eq!(auroc(&[(true, 0.5)]), None);
    }

    #[test]
    fn calibration_error_is_the_gap_between_sure_and_right() {
        let items: Vec<_> = (0..10)
            .map(|i| item(if i < 6 { Label::Happy } else { Label::Sad }, 0.9, i == 0, 0.0))
            .collect();
        assert!((figures(&items, &TWO, 0.5).ece - 0.3).abs() < 1e-6);
    }

    #[test]
    fn a_class_that_never_occurs_does_not_count() {
        let items = [item(Label::Happy, 0.9, true, 0.0)];
        let f = figures(&items, &TWO, 0.95);
        assert!((f.uar - 1.0).abs() < 1e-9);
        assert_eq!((f.selective.accuracy, f.recall.len()), (None, 1));
    }
}
