//! Fusion by hand-made evidence.

use super::*;
use proptest::prelude::*;

fn recipe() -> Recipe {
    Recipe {
        weights: Fusion {
            own: 0.5,
            speech: 1.0,
            text: 0.8,
            gamma: 1.0,
            doubt: 1.0,
            lift: 0.0,
            temperature: 1.0,
            unknown_below: 0.5,
        },
        alone: false,
        trained: [true, true, true, true, true, true, false],
    }
}

/// A side that gives so much to one label and shares the rest.
fn side(label: Label, share: f32, quality: f32) -> Side {
    let mut shares = [(1.0 - share) / 6.0; Label::COUNT];
    shares[label as usize] = share;
    Side {
        scores: Scores::from_shares(&shares),
        affect: Affect::new([if label == Label::Happy { 0.8 } else { -0.4 }, 0.2, 0.0]),
        quality,
    }
}

fn both(voice: Side, words: Side) -> Fused {
    fuse(
        &recipe(),
        &Evidence {
            voice: Some(voice),
            words: Some(words),
            own: None,
        },
    )
}

#[test]
fn agreeing_sides_are_surer_than_each() {
    let fused = both(side(Label::Angry, 0.6, 1.0), side(Label::Angry, 0.7, 1.0));
    assert_eq!(fused.label, Verdict::Known(Label::Angry));
    assert!(fused.confidence > 0.75, "{fused:?}");
    assert!(!fused.clash);
    assert!((fused.speech_weight + fused.text_weight - 1.0).abs() < 1e-6);
}

#[test]
fn plain_words_do_not_drown_the_voice() {
    let alone = fuse(
        &recipe(),
        &Evidence {
            voice: Some(side(Label::Sad, 0.7, 1.0)),
            ..Evidence::default()
        },
    );
    let fused = both(side(Label::Sad, 0.7, 1.0), side(Label::Neutral, 0.95, 1.0));
    assert_eq!(fused.label, Verdict::Known(Label::Sad));
    assert!(fused.text_weight < 0.06, "{fused:?}");
    assert!(
        (fused.confidence - alone.confidence).abs() < 0.05,
        "{fused:?} {alone:?}"
    );
}

#[test]
fn noise_hands_the_weight_to_the_words_and_doubt_hands_it_back() {
    let noisy = both(side(Label::Neutral, 0.5, 0.1), side(Label::Happy, 0.8, 1.0));
    assert_eq!(noisy.scores.best().0, Label::Happy);
    assert!(noisy.text_weight > 0.8, "{noisy:?}");
    let mumbled = both(side(Label::Angry, 0.7, 1.0), side(Label::Happy, 0.9, 0.1));
    assert_eq!(mumbled.label, Verdict::Known(Label::Angry));
    assert!(mumbled.speech_weight > 0.9 && !mumbled.clash, "{mumbled:?}");
}

#[test]
fn words_stand_in_for_a_voice_that_cannot_be_heard() {
    let under = |lift, quality| {
        let mut wary = recipe();
        (wary.weights.text, wary.weights.lift) = (0.1, lift);
        let evidence = Evidence {
            voice: Some(side(Label::Angry, 0.9, quality)),
            words: Some(side(Label::Happy, 0.7, 1.0)),
            own: None,
        };
        fuse(&wary, &evidence)
    };
    // A voice that is well heard is not contradicted more for it.
    assert_eq!(under(4.0, 1.0), under(0.0, 1.0));
    let (kept, handed) = (under(0.0, 0.3), under(4.0, 0.3));
    assert_eq!(kept.scores.best().0, Label::Angry, "{kept:?}");
    assert_eq!(handed.label, Verdict::Known(Label::Happy), "{handed:?}");
    assert!(handed.text_weight > 0.6, "{handed:?}");
}

#[test]
fn a_branch_that_is_soon_lost_in_noise_loses_weight_sooner() {
    let under = |doubt, quality| {
        let mut wary = recipe();
        (wary.weights.text, wary.weights.doubt) = (0.3, doubt);
        let evidence = Evidence {
            voice: Some(side(Label::Angry, 0.7, quality)),
            words: Some(side(Label::Happy, 0.7, 1.0)),
            own: Some(side(Label::Angry, 0.5, 1.0).scores),
        };
        fuse(&wary, &evidence).scores.best().0
    };
    assert_eq!((under(1.0, 1.0), under(4.0, 1.0)), (Label::Angry, Label::Angry));
    assert_eq!((under(1.0, 0.6), under(4.0, 0.6)), (Label::Angry, Label::Happy));
}

#[test]
fn words_without_any_voice_are_as_sure_as_they_are() {
    let mut wary = recipe();
    (wary.weights.text, wary.weights.lift, wary.weights.gamma) = (0.1, 9.0, 0.0);
    wary.weights.temperature = 1.3;
    let fused = fuse(
        &wary,
        &Evidence {
            words: Some(side(Label::Sad, 0.8, 1.0)),
            ..Evidence::default()
        },
    );
    assert!((fused.confidence - 0.8).abs() < 1e-5, "{fused:?}");
    assert!((fused.text_weight - 1.0).abs() < 1e-6);
}

#[test]
fn a_clash_of_equals_is_flagged_and_unknown() {
    let fused = both(side(Label::Angry, 0.8, 1.0), side(Label::Happy, 0.95, 1.0));
    assert!(fused.clash);
    assert_eq!(fused.label, Verdict::Unknown);
    // Both opinions stand; nothing that neither said is on top.
    let (angry, happy) = (fused.scores.of(Label::Angry), fused.scores.of(Label::Happy));
    assert!(angry > 0.3 && happy > 0.3, "{fused:?}");
}

#[test]
fn in_a_clash_words_that_weigh_nothing_else_are_still_seen() {
    let mut silent = recipe();
    silent.weights = Fusion {
        own: 1.0,
        speech: 1.0,
        text: 0.0,
        gamma: 0.5,
        lift: 4.0,
        temperature: 1.4,
        ..silent.weights
    };
    let torn = |words_quality| Evidence {
        voice: Some(side(Label::Neutral, 0.8, 1.0)),
        words: Some(side(Label::Sad, 0.9, words_quality)),
        own: Some(side(Label::Happy, 0.7, 1.0).scores),
    };
    let fused = fuse(&silent, &torn(1.0));
    assert!(fused.clash);
    // The recipe's tests hold the same numbers.
    let near = |label, share: f32| (fused.scores.of(label) - share).abs() < 1e-5;
    assert!(
        near(Label::Neutral, 0.619_231) && near(Label::Sad, 0.233_333),
        "{fused:?}"
    );
    // What the graph for both names is neither's opinion.
    assert!(near(Label::Happy, 0.029_487), "{fused:?}");
    assert_eq!(fused.label, Verdict::Known(Label::Neutral));
    assert!((fused.text_weight - 0.3 / 1.3).abs() < 1e-6 && (fused.speech_weight - 1.0 / 1.3).abs() < 1e-6);
    // The poorer their evidence, the less.
    let doubted = fuse(&silent, &torn(0.6));
    assert!(
        doubted.clash && doubted.scores.of(Label::Sad) < 0.2,
        "{doubted:?}"
    );
}

#[test]
fn in_a_clash_a_pack_that_weighs_neither_side_leaves_it_to_its_graph() {
    let mut own = recipe();
    (own.weights.own, own.weights.speech, own.weights.text) = (1.0, 0.0, 0.0);
    let said = side(Label::Happy, 0.7, 1.0).scores;
    let evidence = Evidence {
        voice: Some(side(Label::Angry, 0.8, 1.0)),
        words: Some(side(Label::Sad, 0.9, 1.0)),
        own: Some(said),
    };
    let fused = fuse(&own, &evidence);
    assert!(fused.clash);
    for label in Label::ALL {
        assert!(
            (fused.scores.of(label) - said.of(label)).abs() < 1e-5,
            "{fused:?}"
        );
    }
}

#[test]
fn in_a_clash_a_clearly_stronger_side_is_named() {
    let fused = both(side(Label::Angry, 0.95, 1.0), side(Label::Happy, 0.7, 0.5));
    assert!(fused.clash);
    assert_eq!(fused.label, Verdict::Known(Label::Angry));
    assert!(fused.scores.of(Label::Happy) > 0.1, "{fused:?}");
}

#[test]
fn a_label_the_voice_never_learnt_is_reached_through_words() {
    let mut shares = [0.2, 0.3, 0.1, 0.2, 0.1, 0.1, 0.0];
    shares[Label::Surprised as usize] = 1e-6;
    let voice = Side {
        scores: Scores::from_shares(&shares),
        ..side(Label::Happy, 0.5, 1.0)
    };
    let fused = both(voice, side(Label::Surprised, 0.9, 1.0));
    assert_eq!(fused.scores.best().0, Label::Surprised, "{fused:?}");
}

#[test]
fn the_own_graph_counts_no_more_than_the_worse_evidence() {
    let evidence = |quality| Evidence {
        voice: Some(side(Label::Sad, 0.5, 1.0)),
        words: Some(side(Label::Sad, 0.5, quality)),
        own: Some(side(Label::Fearful, 0.99, 1.0).scores),
    };
    let mut strong = recipe();
    strong.weights.own = 3.0;
    assert_eq!(fuse(&strong, &evidence(1.0)).scores.best().0, Label::Fearful);
    assert_eq!(fuse(&strong, &evidence(0.0)).scores.best().0, Label::Sad);
}

#[test]
fn what_the_graph_for_both_weighs_is_shown_as_half_of_either() {
    let mut silent = recipe();
    (silent.weights.own, silent.weights.text) = (1.0, 0.0);
    let evidence = Evidence {
        voice: Some(side(Label::Sad, 0.8, 1.0)),
        words: Some(side(Label::Happy, 0.5, 1.0)),
        own: Some(side(Label::Sad, 0.6, 1.0).scores),
    };
    let fused = fuse(&silent, &evidence);
    assert!((fused.text_weight - 0.25).abs() < 1e-6 && (fused.speech_weight - 0.75).abs() < 1e-6);
    // The axes are told by the sides alone: the graph knows none.
    let voice = evidence.voice.unwrap().affect;
    assert!((fused.affect.valence - voice.valence).abs() < 1e-6);
}

#[test]
fn one_side_alone_is_taken_as_it_is() {
    let alone = |speech, text| Recipe {
        weights: Fusion {
            own: 0.0,
            speech,
            text,
            gamma: 0.0,
            ..recipe().weights
        },
        alone: true,
        ..recipe()
    };
    let evidence = Evidence {
        voice: Some(side(Label::Sad, 0.7, 0.2)),
        words: Some(side(Label::Neutral, 0.9, 1.0)),
        own: None,
    };
    let voice = fuse(&alone(1.0, 0.0), &evidence);
    assert!((voice.confidence - 0.7).abs() < 1e-5 && !voice.clash, "{voice:?}");
    assert!((voice.speech_weight - 1.0).abs() < 1e-6 && voice.text_weight.abs() < 1e-6);
    let words = fuse(&alone(0.0, 1.0), &evidence);
    assert_eq!(words.label, Verdict::Known(Label::Neutral));
    assert!((words.text_weight - 1.0).abs() < 1e-6);
}

#[test]
fn without_any_evidence_nothing_is_known() {
    let fused = fuse(&recipe(), &Evidence::default());
    assert_eq!((fused.label, fused.clash), (Verdict::Unknown, false));
    assert!(fused.speech_weight.abs() + fused.text_weight.abs() < 1e-9);
}

proptest! {
    #[test]
    fn scores_and_weights_always_sum_to_one(
        a in prop::array::uniform7(-30.0f32..30.0),
        b in prop::array::uniform7(-30.0f32..30.0),
        c in prop::array::uniform7(-30.0f32..30.0),
        q in (0.0f32..=1.0, 0.0f32..=1.0),
        lift in 0.0f32..20.0,
    ) {
        let made = |logits: &[f32; 7], quality| Side {
            scores: Scores::from_logits(logits, 1.0),
            affect: Affect::new([0.5, -0.5, 0.1]),
            quality,
        };
        let evidence = Evidence {
            voice: Some(made(&a, q.0)),
            words: Some(made(&b, q.1)),
            own: Some(Scores::from_logits(&c, 1.0)),
        };
        let mut recipe = recipe();
        recipe.weights.lift = lift;
        let fused = fuse(&recipe, &evidence);
        let sum: f32 = fused.scores.values().iter().sum();
        prop_assert!((sum - 1.0).abs() < 1e-4);
        let weights = fused.speech_weight + fused.text_weight;
        prop_assert!((weights - 1.0).abs() < 1e-4 || weights == 0.0);
        prop_assert_eq!(fused, fuse(&recipe, &evidence));
    }
}
