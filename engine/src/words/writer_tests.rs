//! What is written and in how many runs, with graphs that follow a rule.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::super::tiny_writer::{Sound, Step, VOCABULARY, WIDTH};
use super::*;

/// Twelve tokens of one letter.
fn tokens() -> Tokens {
    let table: Vec<u8> = (b'a'..).take(VOCABULARY).flat_map(|letter| [1, letter]).collect();
    Tokens::read(&table).unwrap()
}

fn writer(rule: impl Fn(&[usize]) -> usize + Send + Sync + 'static) -> (Writer, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let step = Step {
        rule,
        runs: Arc::clone(&runs),
    };
    let writer = Writer {
        sound: Box::new(Sound),
        step: Box::new(step),
        tokens: tokens(),
        longest: 30,
        width: WIDTH,
    };
    (writer, runs)
}

fn top() -> Output {
    Output {
        data: vec![0.0; 20],
        shape: vec![1, 5, 4],
    }
}

/// What is written in `seconds`, and in how many runs.
fn written(
    rule: impl Fn(&[usize]) -> usize + Send + Sync + 'static,
    seconds: usize,
    draft: &[usize],
) -> (Vec<usize>, usize) {
    heard(rule, seconds, draft, "", false)
}

/// The same where the letters spell a word, and the utterance may be `open`.
fn heard(
    rule: impl Fn(&[usize]) -> usize + Send + Sync + 'static,
    seconds: usize,
    draft: &[usize],
    spelt: &str,
    open: bool,
) -> (Vec<usize>, usize) {
    let (writer, runs) = writer(rule);
    let spelt = Spelt::new([spelt].into_iter());
    let row = writer.write(&top(), seconds * 16_000, draft, &spelt, open);
    let row = row.unwrap();
    let row = row.into_iter().map(|(token, log)| {
        assert!(log > -0.01 && log <= 0.0, "{log}");
        token
    });
    (row.collect(), runs.load(Ordering::Relaxed))
}

/// Writes these and ends.
fn text(row: &[usize]) -> usize {
    [5, 6, 7, 8, 6, 9].get(row.len()).copied().unwrap_or(END)
}

#[test]
fn the_likeliest_token_is_written_each_time() {
    assert_eq!(written(text, 2, &[]), (vec![5, 6, 7, 8, 6, 9], 7));
    assert_eq!(written(|_| END, 2, &[]), (vec![], 1));
}

#[test]
fn a_draft_saves_runs() {
    let all = vec![5, 6, 7, 8, 6, 9];
    assert_eq!(written(text, 2, &all), (all.clone(), 1));
    assert_eq!(written(text, 2, &all[..4]), (all.clone(), 3), "more was said");
    assert_eq!(
        written(text, 2, &[6, 7, 8, 6, 9]),
        (all.clone(), 3),
        "its begin is gone"
    );
    assert_eq!(
        written(text, 2, &[5, 6, 4, 8, 6, 9]),
        (all.clone(), 3),
        "one is wrong"
    );
    assert_eq!(written(text, 2, &[4, 4, 4]), (all, 7), "all is wrong");
}

#[test]
fn what_the_letters_spell_saves_runs_and_right_or_wrong_changes_nothing() {
    let all = vec![5, 6, 7, 8, 6, 9];
    // No token of this table begins a word, so the first is never guessed.
    assert_eq!(heard(text, 2, &[], "fghigj", false), (all.clone(), 3));
    assert_eq!(
        heard(text, 2, &all[..3], "fghigj", false),
        (all.clone(), 1),
        "after the draft"
    );
    assert_eq!(heard(text, 2, &[], "fkhkkk", false).0, all);
    assert_eq!(
        heard(text, 2, &[], "fghig", false),
        (all, 4),
        "more was said than heard"
    );
}

#[test]
fn while_an_utterance_is_open_nothing_is_asked_after_its_last_letter() {
    assert_eq!(heard(text, 2, &[], "fghig", true), (vec![5, 6, 7, 8, 6], 2));
    assert_eq!(heard(text, 2, &[], "", true), (vec![5], 1), "one run at least");
    let all = vec![5, 6, 7, 8, 6, 9];
    assert_eq!(heard(text, 2, &all, "fghigj", true), (all.clone(), 1));
}

#[test]
fn no_more_is_written_than_can_be_said_and_nothing_in_circles() {
    // Never the end, and never three times the same.
    let endless = |row: &[usize]| 3 + row.len() * row.len() / 3 % 9;
    for draft in [vec![], (0..40).map(|at| 3 + at * at / 3 % 9).collect()] {
        assert_eq!(written(endless, 1, &draft).0.len(), 9);
        assert_eq!(written(endless, 9, &draft).0.len(), 29, "the longest row");
    }
    assert_eq!(written(|_| 4, 3, &[4; 20]).0, [4]);
}

#[test]
fn what_does_not_fit_is_told_with_the_graph() {
    let told = |mut writer: Writer, change: fn(&mut Writer)| {
        change(&mut writer);
        match writer.try_out(&top()) {
            Err(ReadError::Shape(role, what)) => format!("{role}: {what}"),
            other => panic!("{other:?}"),
        }
    };
    let (good, runs) = writer(text);
    good.try_out(&top()).unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 2, "with and without a past");
    let wider = told(good, |writer| writer.width = 3);
    assert!(wider.starts_with("writer_sound: sound_keys and"), "{wider}");
    let more = told(writer(text).0, |writer| {
        writer.tokens = Tokens::read(&[1, b'a'].repeat(VOCABULARY + 1)).unwrap();
    });
    assert!(
        more.starts_with("writer: logits is [1, 2, 12], wanted [1, 2, 13]"),
        "{more}"
    );
}

proptest! {
    #[test]
    fn neither_draft_nor_letters_change_what_is_written(
        seed in 0_usize..1_000,
        draft in prop::collection::vec(3_usize..VOCABULARY, 0..20),
        keep in 0_usize..12,
        spelt in "[a-l]{0,12}",
    ) {
        let rule = move |row: &[usize]| {
            let last = row.iter().rev().take(2).fold(seed, |sum, token| sum * 31 + token);
            let next = (last * 7_919 + row.len()) % 11 + 2;
            if row.len() > 3 || next != END { next.min(VOCABULARY - 1) } else { 3 }
        };
        let (plain, most) = written(rule, 3, &[]);
        // Partly what will be written, partly anything.
        let mixed: Vec<usize> = plain.iter().take(keep).chain(&draft).copied().collect();
        let (drafted, runs) = heard(rule, 3, &mixed, &spelt, false);
        prop_assert_eq!(&drafted, &plain);
        prop_assert!(runs <= most);
    }
}
