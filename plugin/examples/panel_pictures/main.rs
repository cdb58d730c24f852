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

mod script;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use egui_kittest::Harness;
use undertone::{Activity, Engine, EngineConfig, Losses, Snapshot, StreamConfig, Update};
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
        updates: script::updates(scene).into_iter(),
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
        depth: Some(70),
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
