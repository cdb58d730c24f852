//! What the user may set, and the page that sets it, with plain explanations.
//!
//! The settings belong to whoever shows the panel (the plugin's state, the app's file); the page only
//! changes them.

use egui::{ComboBox, DragValue, Rect, RichText, ScrollArea, Ui, UiBuilder};
use serde::{Deserialize, Serialize};

use super::draw;
use super::feed::Stage;
use super::ink::Ink;

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", from = "String")]
pub enum Look {
    /// As the system says.
    #[default]
    System,
    /// Dark letters on a light ground.
    Light,
    /// Light letters on a dark ground.
    Dark,
}

impl Look {
    const ALL: [(Self, &'static str); 3] = [
        (Self::System, "As the system"),
        (Self::Light, "Light"),
        (Self::Dark, "Dark"),
    ];
}

impl From<String> for Look {
    /// A look that this version does not know is the system's: a newer project must still open.
    fn from(name: String) -> Self {
        match name.as_str() {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }
}

/// Scores as MIDI controllers, for hosts that take them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MidiOut {
    /// Whether anything is sent.
    pub on: bool,
    /// The channel, 0 to 15.
    pub channel: u8,
    /// The controller of the first label; the other labels and the three axes follow it.
    pub first: u8,
    /// Two controllers a value (the second 32 above the first), for 16,384 steps.
    pub fine: bool,
    /// A held note for the label too.
    pub notes: bool,
}

impl MidiOut {
    /// How many values are sent: every label and the three axes.
    #[allow(clippy::cast_possible_truncation, reason = "seven")]
    pub const VALUES: u8 = undertone::Label::COUNT as u8 + 3;

    /// The highest first controller: all values, and their fine halves 32 above, stay below the reserved 120
    /// and, when fine, among the 32 that have fine halves.
    pub const fn last_first(fine: bool) -> u8 {
        if fine {
            32 - Self::VALUES
        } else {
            120 - Self::VALUES
        }
    }

    /// With everything in its range.
    #[must_use]
    pub fn vetted(self) -> Self {
        Self {
            channel: self.channel.min(15),
            first: self.first.clamp(1, Self::last_first(self.fine)),
            ..self
        }
    }
}

impl Default for MidiOut {
    fn default() -> Self {
        Self {
            on: false,
            channel: 0,
            first: 20,
            fine: false,
            notes: false,
        }
    }
}

/// What the user may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Somebody agreed, for everyone heard here.
    pub consent: bool,
    /// Light or dark.
    pub look: Look,
    /// No glow, no movement but the data's.
    pub reduced_motion: bool,
    /// Scores as MIDI; `None` where there is no host to take them.
    pub midi: Option<MidiOut>,
}

/// Draws the page.
pub fn show(ui: &mut Ui, rect: Rect, ink: &Ink, settings: &mut Settings, stage: &Stage) {
    draw::card(ui.painter(), rect, ink);
    let inner = rect.shrink(ink.px(16.0));
    ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.set_max_width((inner.width() - ink.px(12.0)).min(ink.px(680.0)));
            listening(ui, ink, settings);
            appearance(ui, ink, settings);
            if let Some(midi) = &mut settings.midi {
                outputs(ui, ink, midi);
            }
            about(ui, ink, stage);
        });
    });
}

fn section(ui: &mut Ui, ink: &Ink, title: &str) {
    ui.add_space(ink.px(4.0));
    ui.label(RichText::new(title).font(ink.font(16.0)).color(ink.text));
}

fn explain(ui: &mut Ui, ink: &Ink, text: &str) {
    ui.label(RichText::new(text).font(ink.font(12.5)).color(ink.soft));
}

fn listening(ui: &mut Ui, ink: &Ink, settings: &mut Settings) {
    section(ui, ink, "Listening and privacy");
    ui.checkbox(
        &mut settings.consent,
        "Listen to this track; everyone heard agrees",
    );
    explain(
        ui,
        ink,
        "Off: sound passes through and nothing is analysed. On: analysis runs on this computer only. No sound \
         and no words are stored, and nothing is sent anywhere. The answer is saved with your project.",
    );
    ui.add_space(ink.px(8.0));
}

fn appearance(ui: &mut Ui, ink: &Ink, settings: &mut Settings) {
    section(ui, ink, "Appearance");
    ui.horizontal_wrapped(|ui| {
        for (look, name) in Look::ALL {
            ui.radio_value(&mut settings.look, look, name);
        }
    });
    ui.checkbox(&mut settings.reduced_motion, "Reduced motion");
    explain(
        ui,
        ink,
        "Reduced motion draws four times a second instead of thirty. Colours are safe for any colour vision.",
    );
    ui.add_space(ink.px(8.0));
}

fn outputs(ui: &mut Ui, ink: &Ink, midi: &mut MidiOut) {
    section(ui, ink, "Scores as MIDI controllers");
    ui.checkbox(&mut midi.on, "Send controllers to the host");
    explain(
        ui,
        ink,
        "One controller for each feeling, then valence, arousal and dominance (64 is the middle). Sent when a value \
         changes, at most 50 times a second. Route this plugin's MIDI output to what it should move.",
    );
    ui.add_enabled_ui(midi.on, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.label("Channel");
            let mut channel = midi.channel + 1;
            ui.add(DragValue::new(&mut channel).range(1..=16));
            midi.channel = channel.saturating_sub(1);
            ui.label("First controller");
            ui.add(DragValue::new(&mut midi.first).range(1..=MidiOut::last_first(midi.fine)));
            ui.checkbox(&mut midi.fine, "14 bit");
            ui.checkbox(&mut midi.notes, "Notes");
        });
        let name = |offset: u8| u16::from(midi.first) + u16::from(offset);
        let labels = undertone::Label::ALL.map(undertone::Label::name).join(", ");
        explain(
            ui,
            ink,
            &format!(
                "{} to {}: {labels}. {} to {}: valence, arousal, dominance. Notes: the label holds a key, from middle C \
                 up in the same order; none while it is unknown.",
                name(0),
                name(6),
                name(7),
                name(9)
            ),
        );
    });
    ui.add_space(ink.px(8.0));
}

fn about(ui: &mut Ui, ink: &Ink, stage: &Stage) {
    section(ui, ink, "What the scores come from");
    match stage {
        Stage::Ready(source) => {
            explain(
                ui,
                ink,
                &format!(
                    "Pack {} {}, {}, {}. Runs on {}.",
                    source.pack,
                    source.version,
                    source.licence,
                    source
                        .origin
                        .as_deref()
                        .map_or("inside the program".to_owned(), |path| format!("from {path}")),
                    source.runtime
                ),
            );
            if source.systems.len() > 1 {
                ui.horizontal(|ui| {
                    ui.label("System in use");
                    let mut shown = source.system.clone();
                    ui.add_enabled_ui(false, |ui| {
                        ComboBox::from_id_salt("system")
                            .selected_text(source.system.as_str())
                            .show_ui(ui, |ui| {
                                for system in &source.systems {
                                    ui.selectable_value(&mut shown, system.clone(), system);
                                }
                            });
                    });
                });
            }
        }
        Stage::Loading => explain(ui, ink, "The model pack is being loaded."),
        Stage::Off => explain(ui, ink, "No model is loaded until somebody agrees to be heard."),
        Stage::Failed(why) => {
            ui.label(RichText::new(why.as_str()).font(ink.font(12.5)).color(ink.bad));
        }
    }
}
