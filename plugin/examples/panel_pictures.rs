//! Draws the panel into PNG files, without a window: the pictures of the docs, and a look at every page.
//!
//! ```text
//! cargo run -p undertone-plugin --features pictures --example panel_pictures -- [FOLDER] [PICTURE...]
//! ```
//!
//! What the panel shows here is a scripted minute, the same every time; it is no claim about any recording.
//! With `UNDERTONE_VOICE=FILE.wav` (16 bit) the pictures named `heard-…` show what the engine really says of
//! that file.
//! Needs a Vulkan driver; without a GPU, apt's `mesa-vulkan-drivers` draws on the CPU.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a tool for developers")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use egui_kittest::Harness;
use undertone::{
    Activity, Affect, Degraded, Engine, EngineConfig, Kind, Label, Latency, Losses, Scores, Snapshot,
    SpeechEvidence, StreamConfig, TextEvidence, Update, Verdict, Word,
};
use undertone_plugin::panel::{
    Look, MidiOut, OscOut, Panel, PanelFeed, Settings, Source, Stage, WebOut, Wiring,
};

/// The pictures: name, scene, look, width, height.
const PICTURES: &[(&str, Scene, Look, f32, f32)] = &[
    ("panel-dark", Scene::Speaking, Look::Dark, 900.0, 600.0),
    ("panel-light", Scene::Speaking, Look::Light, 900.0, 600.0),
    ("panel-dark-small", Scene::Speaking, Look::Dark, 480.0, 320.0),
    ("panel-light-small", Scene::Speaking, Look::Light, 480.0, 320.0),
    ("panel-dark-large", Scene::Speaking, Look::Dark, 1600.0, 1000.0),
    ("panel-light-large", Scene::Speaking, Look::Light, 1600.0, 1000.0),
    ("consent-light", Scene::Consent, Look::Light, 900.0, 600.0),
    ("consent-dark-small", Scene::Consent, Look::Dark, 480.0, 320.0),
    ("settings-dark", Scene::Settings, Look::Dark, 900.0, 600.0),
    ("settings-light-small", Scene::Settings, Look::Light, 480.0, 320.0),
    ("unknown-dark", Scene::Unknown, Look::Dark, 900.0, 600.0),
    ("clash-dark", Scene::Clash, Look::Dark, 900.0, 600.0),
    ("clash-light-small", Scene::Clash, Look::Light, 480.0, 320.0),
    ("stalled-light", Scene::Stalled, Look::Light, 900.0, 600.0),
    ("failed-dark", Scene::Failed, Look::Dark, 900.0, 600.0),
    ("failed-light-small", Scene::Failed, Look::Light, 480.0, 320.0),
    ("loading-light", Scene::Loading, Look::Light, 900.0, 600.0),
    ("hover-light", Scene::Hover, Look::Light, 900.0, 600.0),
    ("heard-dark", Scene::Heard, Look::Dark, 900.0, 600.0),
    ("heard-light", Scene::Heard, Look::Light, 900.0, 600.0),
    ("declined-dark", Scene::Declined, Look::Dark, 900.0, 600.0),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scene {
    Heard,
    Speaking,
    Consent,
    Settings,
    Unknown,
    Clash,
    Stalled,
    Failed,
    Loading,
    Hover,
    Declined,
}

/// One utterance of the scripted minute: start, end, label, sureness, words.
const SCRIPT: &[(f64, f64, Label, f32, &str)] = &[
    (
        3.0,
        7.5,
        Label::Neutral,
        0.71,
        "so this is the second take of the scene",
    ),
    (
        10.0,
        15.0,
        Label::Happy,
        0.83,
        "oh that is wonderful news I cannot believe it",
    ),
    (18.5, 21.0, Label::Surprised, 0.64, "wait you did what"),
    (
        24.0,
        31.0,
        Label::Angry,
        0.78,
        "I told you twice not to open that door",
    ),
    (34.0, 38.0, Label::Fearful, 0.41, "somebody is out there"),
    (
        42.0,
        48.0,
        Label::Sad,
        0.74,
        "he left without saying anything at all",
    ),
    (
        52.0,
        58.2,
        Label::Happy,
        0.76,
        "but then he came back and we laughed about it",
    ),
];

struct Script {
    scene: Scene,
    clock_s: f64,
    source: Source,
    updates: std::vec::IntoIter<Update>,
}

impl PanelFeed for Script {
    fn stage(&self) -> Stage {
        match self.scene {
            Scene::Consent | Scene::Declined => Stage::Off,
            Scene::Loading => Stage::Loading,
            Scene::Failed => Stage::Failed(
                "The pack \"default-en\" cannot be used: the file trunk.onnx was changed after it was packed. \
                 Install it again with `undertone models install default-en`."
                    .to_owned(),
            ),
            _ => Stage::Ready(self.source.clone()),
        }
    }

    fn snapshot(&mut self) -> Option<Snapshot> {
        let activity = match self.scene {
            Scene::Consent | Scene::Declined => return None,
            Scene::Loading => Activity::Loading,
            Scene::Stalled => Activity::Stalled,
            _ => Activity::Speaking,
        };
        Some(Snapshot {
            activity,
            score: None,
            clock_s: self.clock_s,
            peak: 0.42,
            rms: 0.11,
            voice: 0.92,
            written: Instant::now(),
        })
    }

    fn next_update(&mut self) -> Option<Arc<Update>> {
        self.updates.next().map(Arc::new)
    }

    fn losses(&self) -> Losses {
        Losses {
            dropped: if self.scene == Scene::Stalled { 4_410 } else { 0 },
            non_finite: 0,
        }
    }
}

fn scripted(scene: Scene) -> Script {
    Script {
        scene,
        clock_s: 58.9,
        updates: updates(scene).into_iter(),
        source: Source {
            pack: "scripted".to_owned(),
            version: "0.0.0".to_owned(),
            licence: "CC BY 4.0".to_owned(),
            system: "late".to_owned(),
            systems: vec!["late".to_owned(), "joint".to_owned()],
            runtime: "rten/cpu".to_owned(),
            origin: None,
            hears_words: true,
        },
    }
}

/// What the engine says of the file named by `UNDERTONE_VOICE`.
fn heard() -> Option<Script> {
    let path = std::env::var_os("UNDERTONE_VOICE")?;
    let mut reader = hound::WavReader::open(&path).expect("UNDERTONE_VOICE names a WAV file");
    let spec = reader.spec();
    let sound: Vec<f32> = reader
        .samples::<i16>()
        .step_by(spec.channels.into())
        .map(|sample| f32::from(sample.expect("16 bit samples")) / 32_768.0)
        .collect();
    let engine = Engine::start(EngineConfig::default());
    let info = engine.wait_ready().expect("a pack");
    let mut session = engine
        .session(&StreamConfig::new("picture", spec.sample_rate))
        .expect("a session");
    let mut updates = Vec::new();
    session.push(&[&sound], &mut updates).expect("sound");
    let clock_s = session.clock_s();
    Some(Script {
        scene: Scene::Heard,
        clock_s,
        updates: updates.into_iter(),
        source: Source {
            pack: info.name.clone(),
            version: info.version.clone(),
            licence: info.licence.clone(),
            system: info.system.clone(),
            systems: info.systems.clone(),
            runtime: info.runtime.clone(),
            origin: None,
            hears_words: info.hears_words,
        },
    })
}

fn scores(label: Label, sure: f32, second: Label) -> Scores {
    let rest = 1.0 - sure;
    // Uneven, as real scores are.
    let mut logits = [0.12, 0.06, 0.10, 0.04, 0.08, 0.05, 0.05].map(|share: f32| (share * rest).ln());
    logits[second as usize] = (rest * 0.5).ln();
    logits[label as usize] = sure.ln();
    Scores::from_logits(&logits, 1.0)
}

fn affect(label: Label, wobble: f32) -> Affect {
    let (valence, arousal, dominance) = match label {
        Label::Neutral => (0.05, -0.1, 0.1),
        Label::Happy => (0.68, 0.46, 0.4),
        Label::Sad => (-0.58, -0.5, -0.5),
        Label::Angry => (-0.55, 0.66, 0.6),
        Label::Fearful => (-0.5, 0.4, -0.6),
        Label::Disgusted => (-0.6, 0.1, 0.2),
        Label::Surprised => (0.2, 0.72, 0.0),
    };
    Affect::new([
        valence + 0.16 * wobble.sin(),
        arousal + 0.13 * (wobble * 1.7).cos(),
        dominance,
    ])
}

fn second(label: Label) -> Label {
    match label {
        Label::Neutral => Label::Sad,
        Label::Sad | Label::Surprised => Label::Fearful,
        Label::Angry => Label::Disgusted,
        Label::Happy | Label::Fearful => Label::Surprised,
        Label::Disgusted => Label::Angry,
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a script of a minute"
)]
fn updates(scene: Scene) -> Vec<Update> {
    let mut all = Vec::new();
    if matches!(
        scene,
        Scene::Heard | Scene::Consent | Scene::Loading | Scene::Failed | Scene::Declined
    ) {
        return all;
    }
    for (utterance, &(start_s, end_s, label, sure, text)) in SCRIPT.iter().enumerate() {
        let last = utterance + 1 == SCRIPT.len();
        let sure = if last && scene == Scene::Unknown {
            0.31
        } else {
            sure
        };
        let words: Vec<&str> = text.split(' ').collect();
        let steps = ((end_s - start_s) / 0.25) as usize;
        for step in 1..=steps {
            let share = step as f64 / steps as f64;
            let ready = sure * (0.55 + 0.45 * share as f32);
            let heard = (words.len() as f64 * share) as usize;
            let is_final = step == steps && !last;
            let transcript = words[..heard]
                .iter()
                .enumerate()
                .map(|(index, word)| Word {
                    text: (*word).to_owned(),
                    start_s: start_s + index as f64 * 0.4,
                    end_s: start_s + index as f64 * 0.4 + 0.35,
                    confidence: 0.9,
                    stable: is_final || index + 3 < heard,
                })
                .collect();
            let voice = scores(label, (ready * 1.08).min(0.95), second(label));
            let said = scores(second(label), 0.34, label);
            let mut update = Update::blank("script");
            update.utterance = utterance as u64;
            update.kind = if is_final { Kind::Final } else { Kind::Provisional };
            update.start_s = start_s;
            update.end_s = start_s + (end_s - start_s) * share;
            update.label = if ready < 0.45 {
                Verdict::Unknown
            } else {
                Verdict::Known(label)
            };
            update.scores = scores(label, ready, second(label));
            update.affect = affect(label, step as f32 * 0.5 + utterance as f32);
            update.confidence = update.scores.best().1;
            update.clash = scene == Scene::Clash && last;
            update.speech = Some(SpeechEvidence {
                scores: voice,
                weight: 0.7,
                quality: 1.0,
                baseline_clips: 4.0,
            });
            update.text = Some(TextEvidence {
                scores: Some(said),
                weight: 0.3,
                recogniser: None,
                confidence: 0.9,
                quality: None,
                transcript: words[..heard].join(" "),
                words: transcript,
            });
            update.toxicity = Some(0.04);
            update.latency_ms = Latency {
                capture: 12.0,
                queue: 4.0,
                trunk: 86.0,
                text: 21.0,
                fuse: 1.0,
                total: 148.0,
            };
            if scene == Scene::Stalled {
                update.degraded.push(Degraded::HopsLengthened);
            }
            all.push(update);
        }
    }
    all
}

fn draw(folder: &std::path::Path, &(name, scene, look, width, height): &(&str, Scene, Look, f32, f32)) {
    let mut panel = Panel::new();
    let mut feed = match scene {
        Scene::Heard => match heard() {
            Some(feed) => feed,
            None => return,
        },
        _ => scripted(scene),
    };
    let mut settings = Settings {
        consent: !matches!(scene, Scene::Consent | Scene::Declined),
        look,
        reduced_motion: false,
        midi: Some(MidiOut {
            on: true,
            ..MidiOut::default()
        }),
        wiring: Some(Wiring::default()),
        osc: Some(OscOut::default()),
        web: Some(WebOut::default()),
        ..Settings::default()
    };
    let mut harness = Harness::builder()
        .with_size([width, height])
        .with_pixels_per_point(if width > 1000.0 { 1.0 } else { 1.5 })
        .wgpu()
        .build_ui(|ui| {
            // The harness has a margin of its own; the panel has the whole window.
            let window = ui.ctx().content_rect();
            let mut whole = ui.new_child(egui::UiBuilder::new().max_rect(window));
            whole.set_clip_rect(window);
            panel.show(&mut whole, &mut feed, &mut settings);
        });
    harness.run_steps(2);
    if let Some(button) = match scene {
        Scene::Settings => Some("Settings"),
        Scene::Declined => Some(undertone_plugin::panel::LATER),
        _ => None,
    } {
        use egui_kittest::kittest::Queryable as _;
        harness.get_by_label(button).click();
        harness.run_steps(3);
        harness.remove_cursor();
    }
    if scene == Scene::Hover {
        harness.hover_at(egui::pos2(width * 0.47, height - 75.0));
    }
    harness.run_steps(3);
    let path = folder.join(format!("{name}.png"));
    harness
        .render()
        .expect("a picture")
        .save(&path)
        .expect("a place to write");
    println!("{}", path.display());
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "out/panel".to_owned()));
    let wanted: Vec<String> = arguments.collect();
    std::fs::create_dir_all(&folder).expect("a folder to write to");
    for picture in PICTURES
        .iter()
        .filter(|(name, ..)| wanted.is_empty() || wanted.iter().any(|want| want == name))
    {
        draw(&folder, picture);
    }
}
