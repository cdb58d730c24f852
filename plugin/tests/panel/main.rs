//! The panel without a window: what it says to screen readers and the keyboard, in every state and size.
#![allow(clippy::unwrap_used, reason = "tests")]

#[cfg(target_os = "linux")]
mod cost;
mod feed;

use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui::{Key, Vec2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use feed::{Fed, said as words_of, update, word};
use undertone::{Activity, Label, Losses, Verdict};
use undertone_plugin::panel::{
    AGREE, LARGEST, LATER, Look, MidiOut, OscOut, Panel, SMALLEST, Settings, Stage, USUAL, WebOut, Wiring,
};

struct State {
    panel: Panel,
    feed: Fed,
    settings: Settings,
}

fn show(feed: Fed, settings: Settings, size: Vec2) -> Harness<'static, State> {
    let state = State {
        panel: Panel::new(),
        feed,
        settings,
    };
    let builder = Harness::builder().with_size(size).with_step_dt(1.0 / 60.0);
    let mut harness = builder.build_ui_state(
        |ui, state: &mut State| {
            let window = ui.ctx().content_rect();
            let mut whole = ui.new_child(egui::UiBuilder::new().max_rect(window));
            whole.set_clip_rect(window);
            state.panel.show(&mut whole, &mut state.feed, &mut state.settings);
        },
        state,
    );
    harness.run_steps(3);
    harness
}

fn agreed() -> Settings {
    Settings {
        consent: true,
        midi: Some(MidiOut::default()),
        wiring: Some(Wiring::default()),
        osc: Some(OscOut::default()),
        web: Some(WebOut::default()),
        ..Settings::default()
    }
}

/// Everything that the panel says to a screen reader.
fn said(harness: &Harness<'_, State>) -> String {
    let mut all = String::new();
    let mut waiting = vec![harness.root().accesskit_node()];
    while let Some(node) = waiting.pop() {
        for text in [node.label(), node.value()].into_iter().flatten() {
            all.push_str(&text);
            all.push('\n');
        }
        waiting.extend(node.children());
    }
    all
}

#[test]
fn every_label_and_the_verdict_are_named_with_their_figures() {
    let mut feed = Fed::new();
    feed.updates
        .push_back(update(0, Verdict::Known(Label::Angry), 9.9));
    let harness = show(feed, agreed(), USUAL);
    let said = said(&harness);
    for label in Label::ALL {
        assert!(
            said.contains(&format!("{label}: ")),
            "{label} is missing in\n{said}"
        );
    }
    assert!(said.contains("angry, 77 % sure, provisional"), "{said}");
    assert!(said.contains("Words: not again"), "{said}");
    assert!(
        said.contains("Valence -0.50, arousal +0.60, dominance +0.20"),
        "{said}"
    );
    assert!(
        said.contains("pack default-en 1.2.3") && said.contains("rten/cpu"),
        "{said}"
    );
    assert!(said.contains("148 ms"), "{said}");
}

#[test]
fn unknown_is_said_and_not_dressed_up() {
    let mut feed = Fed::new();
    feed.updates.push_back(update(0, Verdict::Unknown, 9.9));
    let said = said(&show(feed, agreed(), USUAL));
    assert!(
        said.contains("unknown: not sure enough to say; nearest angry"),
        "{said}"
    );
}

#[test]
fn a_clash_is_said_with_both_sides_and_only_where_there_is_one() {
    for clash in [false, true] {
        for size in [USUAL, SMALLEST] {
            let mut one = update(0, Verdict::Known(Label::Angry), 9.9);
            one.clash = clash;
            let mut feed = Fed::new();
            feed.updates.push_back(one);
            let said = said(&show(feed, agreed(), size));
            let found = said.contains("Clash: voice angry, words neutral");
            assert_eq!(found, clash, "{said}");
        }
    }
}

#[test]
fn a_panel_draws_often_only_while_something_moves() {
    let next = |feed: Fed, consent: bool| {
        let settings = Settings { consent, ..agreed() };
        let harness = show(feed, settings, USUAL);
        let output = harness.output();
        output.viewport_output.values().next().unwrap().repaint_delay
    };
    let silent = |level: f32| Fed {
        activity: Activity::Silent,
        level,
        ..Fed::new()
    };
    assert!(
        next(Fed::new(), true) < Duration::from_millis(20),
        "somebody speaks"
    );
    let noisy = next(silent(0.01), true);
    assert!(
        noisy > Duration::from_millis(50) && noisy < Duration::from_millis(100),
        "{noisy:?}"
    );
    assert!(
        next(silent(0.0), true) > Duration::from_millis(900),
        "nothing moves"
    );
    assert!(
        next(Fed::new(), false) > Duration::from_millis(900),
        "nobody agreed"
    );
}

#[test]
fn nothing_is_asked_of_the_engine_before_consent_and_the_keyboard_can_give_it() {
    let settings = Settings {
        consent: false,
        ..agreed()
    };
    let mut harness = show(
        Fed {
            stage: Stage::Off,
            ..Fed::new()
        },
        settings,
        USUAL,
    );
    assert!(!harness.state().settings.consent);
    assert!(said(&harness).contains("May Undertone listen"));
    for _ in 0..12 {
        harness.key_press(Key::Tab);
        harness.run_steps(2);
        if harness.get_by_label(AGREE).accesskit_node().is_focused() {
            harness.key_press(Key::Enter);
            harness.run_steps(3);
            assert!(harness.state().settings.consent);
            return;
        }
    }
    panic!("the button that agrees cannot be reached by Tab");
}

#[test]
fn not_now_is_respected_and_can_be_changed() {
    let settings = Settings {
        consent: false,
        ..agreed()
    };
    let mut harness = show(
        Fed {
            stage: Stage::Off,
            ..Fed::new()
        },
        settings,
        USUAL,
    );
    harness.get_by_label(LATER).click();
    harness.run_steps(3);
    assert!(!harness.state().settings.consent);
    assert!(said(&harness).contains("Not listening"));
    harness.get_by_label(AGREE).click();
    harness.run_steps(3);
    assert!(harness.state().settings.consent);
}

#[test]
fn every_trouble_is_said() {
    let cases = [
        (
            Stage::Failed("The pack is broken; install it again.".into()),
            Activity::Speaking,
            0,
            "install it again",
        ),
        (Stage::Loading, Activity::Loading, 0, "Loading models"),
        (Fed::new().stage, Activity::Stalled, 0, "Stalled"),
        (Fed::new().stage, Activity::Speaking, 5, "No answer"),
    ];
    for (stage, activity, age_s, expected) in cases {
        let mut feed = Fed {
            stage,
            activity,
            ..Fed::new()
        };
        feed.written = Instant::now().checked_sub(Duration::from_secs(age_s)).unwrap();
        feed.updates
            .push_back(update(0, Verdict::Known(Label::Angry), 9.9));
        let said = said(&show(feed, agreed(), USUAL));
        assert!(said.contains(expected), "{expected} is missing in\n{said}");
    }
}

#[test]
fn losses_are_shown() {
    let feed = Fed {
        losses: Losses {
            dropped: 321,
            non_finite: 7,
        },
        ..Fed::new()
    };
    let said = said(&show(feed, agreed(), USUAL));
    assert!(
        said.contains("321 samples lost") && said.contains("7 invalid"),
        "{said}"
    );
}

#[test]
fn the_timeline_is_read_with_the_arrow_keys() {
    let mut feed = Fed::new();
    feed.updates
        .push_back(update(0, Verdict::Known(Label::Angry), 9.9));
    let mut harness = show(feed, agreed(), USUAL);
    for _ in 0..30 {
        harness.key_press(Key::Tab);
        harness.run_steps(2);
        let on_timeline = |harness: &Harness<'_, State>| {
            let mine = |node: &egui_kittest::kittest::AccessKitNode<'_>| {
                node.is_focused() && node.label().is_some_and(|label| label.starts_with("Last minute"))
            };
            harness.query_by(mine).is_some()
        };
        if on_timeline(&harness) {
            harness.key_press(Key::ArrowLeft);
            harness.run_steps(2);
            assert!(
                on_timeline(&harness),
                "the arrow moved the focus instead of the cursor"
            );
            return;
        }
    }
    panic!("the timeline cannot be reached by Tab");
}

#[test]
fn settings_open_by_keyboard_and_close_by_escape() {
    let mut harness = show(Fed::new(), agreed(), USUAL);
    harness.get_by_label("Settings").focus();
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    assert!(said(&harness).contains("Scores as MIDI controllers"));
    harness
        .get_by_label("Listen to this track; everyone heard agrees")
        .click();
    harness.run_steps(3);
    assert!(!harness.state().settings.consent);
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(!said(&harness).contains("Scores as MIDI controllers"));
}

#[test]
fn the_depth_is_set_by_keyboard_where_there_is_a_host() {
    let settings = Settings {
        depth: Some(100),
        ..agreed()
    };
    let mut harness = show(Fed::new(), settings, USUAL);
    harness.get_by_label("Settings").click();
    harness.run_steps(3);
    harness.get_by_role_and_label(Role::Slider, "Depth").focus();
    harness.run_steps(2);
    for _ in 0..3 {
        harness.key_press(Key::ArrowLeft);
        harness.run_steps(2);
    }
    assert_eq!(harness.state().settings.depth, Some(97));

    let mut alone = show(Fed::new(), agreed(), USUAL);
    alone.get_by_label("Settings").click();
    alone.run_steps(3);
    assert!(
        !said(&alone).contains("Depth"),
        "an app's own window has no parameters"
    );
}

#[test]
fn every_size_look_and_page_draws() {
    for size in [
        SMALLEST,
        USUAL,
        LARGEST,
        vec2(480.0, 1000.0),
        vec2(1600.0, 320.0),
        vec2(200.0, 100.0),
    ] {
        for look in [Look::Light, Look::Dark] {
            for consent in [false, true] {
                let mut feed = Fed::new();
                for step in 0..40_u32 {
                    let verdict = Label::ALL
                        .get(step as usize % 9)
                        .map_or(Verdict::Unknown, |l| Verdict::Known(*l));
                    feed.updates
                        .push_back(update(u64::from(step / 4), verdict, f64::from(step) * 0.25));
                }
                let mut harness = show(
                    feed,
                    Settings {
                        look,
                        consent,
                        depth: Some(40),
                        ..agreed()
                    },
                    size,
                );
                harness.get_by_label("Settings").click();
                harness.run_steps(3);
            }
        }
    }
}

#[test]
fn any_letters_and_a_flood_of_scores_are_borne() {
    let mut harness = show(Fed::new(), agreed(), USUAL);
    // The tests' toolkit panics on letters that no font has; a user's draws a box.
    harness
        .ctx
        .set_missing_glyph_policy(egui::MissingGlyphPolicy::Tofu);
    for index in 0..20_000_u32 {
        let mut one = update(
            u64::from(index),
            Verdict::Known(Label::Happy),
            f64::from(index) * 0.0005,
        );
        one.text = Some(words_of(vec![
            word("жизнь 生活 🎭 \u{0}\u{202e}ظ", index % 2 == 0),
            word(&"x".repeat(500), true),
        ]));
        harness.state_mut().feed.updates.push_back(one);
    }
    let start = Instant::now();
    harness.run_steps(60);
    assert!(
        harness.state().feed.updates.is_empty(),
        "{} left",
        harness.state().feed.updates.len()
    );
    assert!(start.elapsed() < Duration::from_mins(1));
}

#[test]
fn a_new_stream_does_not_show_the_old_ones_scores() {
    let mut feed = Fed {
        clock_s: 500.0,
        ..Fed::new()
    };
    feed.updates
        .push_back(update(0, Verdict::Known(Label::Angry), 499.9));
    let mut harness = show(feed, agreed(), USUAL);
    assert!(said(&harness).contains("angry, 77 %"));
    harness.state_mut().feed.clock_s = 0.2;
    harness.run_steps(3);
    assert!(said(&harness).contains("No score yet"), "{}", said(&harness));
}
