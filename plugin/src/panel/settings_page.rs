//! The page that sets what the user may set, with plain explanations.

use std::fmt::Write as _;
use std::net::SocketAddr;

use egui::{ComboBox, DragValue, Id, Rect, RichText, ScrollArea, Slider, TextEdit, Ui, UiBuilder};

use undertone::Recogniser;

use super::draw;
use super::feed::{Readers, Stage};
use super::ink::Ink;
use super::reading::Reading;
use super::settings::{Ear, Look, MidiOut, OscOut, Settings, WebOut, Wiring};

/// Draws the page. `fault` is what is wrong with what leaves the host, `readers` who reads it.
pub fn show(
    ui: &mut Ui,
    rect: Rect,
    ink: &Ink,
    settings: &mut Settings,
    stage: &Stage,
    fault: Option<&str>,
    readers: Option<Readers>,
) {
    draw::card(ui.painter(), rect, ink);
    let inner = rect.shrink(ink.px(16.0));
    ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.set_max_width((inner.width() - ink.px(12.0)).min(ink.px(680.0)));
            listening(ui, ink, settings);
            scoring(ui, ink, settings, stage);
            appearance(ui, ink, settings);
            if let Some(midi) = &mut settings.midi {
                controllers(ui, ink, midi);
            }
            if let Some(wiring) = &mut settings.wiring {
                voltages(ui, ink, wiring);
            }
            if let Some(depth) = &mut settings.depth {
                swing(ui, ink, depth);
            }
            if settings.wiring.is_some() {
                read_outs(ui, ink);
            }
            if let Some(osc) = &mut settings.osc {
                network(ui, ink, osc);
            }
            if let Some(web) = &mut settings.web {
                server(ui, ink, web, readers);
            }
            if let Some(fault) = fault {
                ui.label(RichText::new(fault).font(ink.font(12.5)).color(ink.bad));
            }
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
         and no words are stored, and nothing leaves it unless you switch on the network below. The answer is \
         saved with your project.",
    );
    if let Some(wiring) = &mut settings.wiring {
        ui.horizontal_wrapped(|ui| {
            ui.label("Listen to");
            for (ear, name) in Ear::ALL {
                ui.radio_value(&mut wiring.ear, ear, name);
            }
        });
        explain(
            ui,
            ink,
            "The side-chain is for a voice on another track: route it to this plugin's side-chain input.",
        );
    }
    ui.add_space(ink.px(8.0));
}

/// Pack, system, words, runtime.
fn scoring(ui: &mut Ui, ink: &Ink, settings: &mut Settings, stage: &Stage) {
    section(ui, ink, "What the scores come from");
    match stage {
        Stage::Ready(source) => {
            let place = source.origin.as_deref();
            explain(
                ui,
                ink,
                &format!(
                    "Pack {} {}, {}, {}. Runs on {}. {}",
                    source.pack,
                    source.version,
                    source.licence,
                    place.map_or("inside the program".to_owned(), |path| format!("from {path}")),
                    source.runtime,
                    if source.hears_words {
                        "Words are recognised by the pack's own recogniser."
                    } else {
                        "This pack recognises no words."
                    }
                ),
            );
            systems(ui, settings, &source.systems, &source.system);
            explain(ui, ink, system_words(&source.system));
            recogniser(ui, ink, settings);
        }
        Stage::Loading => explain(ui, ink, "The model pack is being loaded."),
        Stage::Off => explain(ui, ink, "No model is loaded until somebody agrees to be heard."),
        Stage::Failed(why) => {
            ui.label(RichText::new(why.as_str()).font(ink.font(12.5)).color(ink.bad));
            if settings.recogniser != Recogniser::First
                && ui.button("Use the pack's own recogniser").clicked()
            {
                settings.recogniser = Recogniser::First;
            }
            if settings.system.is_some() && ui.button("Use the pack's own system").clicked() {
                settings.system = None;
            }
        }
    }
    ui.add_space(ink.px(8.0));
}

fn systems(ui: &mut Ui, settings: &mut Settings, offered: &[String], running: &str) {
    ui.horizontal(|ui| {
        ui.label("System");
        let chosen = settings
            .system
            .as_deref()
            .map_or_else(|| format!("The pack's choice ({running})"), str::to_owned);
        ComboBox::from_id_salt("system")
            .selected_text(chosen)
            .width(ui.spacing().interact_size.x * 5.0)
            .show_ui(ui, |ui| {
                ui.selectable_value(&mut settings.system, None, "The pack's choice");
                for system in offered {
                    ui.selectable_value(&mut settings.system, Some(system.clone()), system);
                }
            });
    });
}

fn recogniser(ui: &mut Ui, ink: &Ink, settings: &mut Settings) {
    ui.horizontal_wrapped(|ui| {
        ui.label("Words by");
        for one in Recogniser::ALL {
            ui.radio_value(&mut settings.recogniser, one, one.name());
        }
    });
    explain(
        ui,
        ink,
        "first: the pack's own, nothing to install. moonshine and vosk hear better and need an install: \
         `undertone models add` does it, `undertone doctor` says what is here.",
    );
}

/// What a system does, in one line.
fn system_words(system: &str) -> &'static str {
    match system {
        "speech_only" => "speech_only: the voice alone decides; words are shown and do not count.",
        "text_only" => "text_only: the words alone decide.",
        "late" => "late: voice and words are judged apart and then weighed.",
        "multilevel" => {
            "multilevel: the voice is heard along phones, syllables and words, and weighed with the words."
        }
        "joint" => "joint: voice and words are judged together in one network.",
        _ => "A system of this pack's own.",
    }
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
        "Reduced motion draws four times a second instead of sixty. Colours are safe for any colour vision.",
    );
    ui.add_space(ink.px(8.0));
}

fn controllers(ui: &mut Ui, ink: &Ink, midi: &mut MidiOut) {
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

fn voltages(ui: &mut Ui, ink: &Ink, wiring: &mut Wiring) {
    section(ui, ink, "Scores as control voltages");
    let voltage = &mut wiring.voltage;
    ui.checkbox(&mut voltage.on, "Put them on the second output pair");
    explain(
        ui,
        ink,
        "Slow signals between \u{2212}1 and 1, for hosts that modulate from sound. They are not for ears: send them to no \
         loudspeaker. Off, that pair is silent. The track's own sound is never touched.",
    );
    ui.add_enabled_ui(voltage.on, |ui| {
        ui.horizontal_wrapped(|ui| {
            reading(ui, "Left", &mut voltage.left);
            reading(ui, "Right", &mut voltage.right);
        });
    });
    ui.add_space(ink.px(8.0));
}

fn reading(ui: &mut Ui, side: &str, chosen: &mut Reading) {
    ui.label(side);
    ComboBox::from_id_salt(side)
        .selected_text(chosen.name())
        .show_ui(ui, |ui| {
            for reading in Reading::ALL {
                ui.selectable_value(chosen, reading, reading.name());
            }
        });
}

fn swing(ui: &mut Ui, ink: &Ink, depth: &mut u8) {
    section(ui, ink, "How far controllers and voltages swing");
    ui.horizontal_wrapped(|ui| {
        let label = ui.label("Depth");
        ui.add(Slider::new(depth, 0..=100).suffix(" %"))
            .labelled_by(label.id);
    });
    explain(
        ui,
        ink,
        "At 0 % they rest. The host knows it as the parameter Depth and can automate it. Notes, the scores that it sees as \
         parameters and what goes over the network stay as they are.",
    );
    ui.add_space(ink.px(8.0));
}

fn read_outs(ui: &mut Ui, ink: &Ink) {
    section(ui, ink, "Scores as parameters");
    explain(
        ui,
        ink,
        "The host sees every score as a read-only parameter: to show, or to link to another plugin's parameter. \
         Nothing needs to be switched on. To record scores, take the controllers or the voltages.",
    );
    ui.add_space(ink.px(8.0));
}

fn network(ui: &mut Ui, ink: &Ink, osc: &mut OscOut) {
    section(ui, ink, "Scores over the network (OSC)");
    ui.checkbox(&mut osc.on, "Send scores as Open Sound Control");
    explain(
        ui,
        ink,
        "For lights, overlays and other programs. Off, nothing is ever sent. On, every score goes out as one UDP packet \
         and the level ten times a second; 127.0.0.1 is this computer, any other address leaves it. No sound is sent, \
         and words only if you say so.",
    );
    ui.add_enabled_ui(osc.on, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.label("To");
            address(ui, ink, &mut osc.to);
            ui.label("as");
            ui.add(TextEdit::singleline(&mut osc.name).desired_width(ink.px(110.0)).char_limit(64));
            ui.checkbox(&mut osc.words, "Words too");
        });
        explain(
            ui,
            ink,
            &format!(
                "Addresses begin with /undertone/{}/: label, confidence, valence, arousal, dominance, scores, score/happy \
                 and so on.",
                if osc.name.is_empty() { "voice" } else { &osc.name }
            ),
        );
    });
    ui.add_space(ink.px(8.0));
}

fn server(ui: &mut Ui, ink: &Ink, web: &mut WebOut, readers: Option<Readers>) {
    section(ui, ink, "Scores for programs on this computer (WebSocket)");
    ui.checkbox(&mut web.on, "Serve scores to programs on this computer");
    explain(
        ui,
        ink,
        "For overlays, scripts and pages of your own. Off, nothing is opened. On, every score is one JSON message; only \
         programs and pages on this computer are answered. No sound is sent, and words only if you say so.",
    );
    ui.add_enabled_ui(web.on, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.label("Port");
            // Typed, not dragged: every port on the way would be opened.
            let port = DragValue::new(&mut web.port).range(WebOut::LOWEST..=u16::MAX);
            ui.add(port.speed(0.0).update_while_editing(false));
            ui.label("as");
            ui.add(
                TextEdit::singleline(&mut web.name)
                    .desired_width(ink.px(110.0))
                    .char_limit(64),
            );
            ui.checkbox(&mut web.words, "Words too");
        });
        let mut text = format!(
            "ws://127.0.0.1:{}/. All instances in this host share it.",
            web.port
        );
        if let Some(Readers { now, dropped }) = readers {
            let _ = write!(
                text,
                " Readers now: {now}; dropped because they did not read: {dropped}."
            );
        }
        explain(ui, ink, &text);
    });
    ui.add_space(ink.px(8.0));
}

/// An address to write; what is no address yet is kept on the screen and changes nothing.
fn address(ui: &mut Ui, ink: &Ink, to: &mut SocketAddr) {
    let id = Id::unique("undertone osc address");
    let mut text = ui
        .ctx()
        .data(|data| data.get_temp::<String>(id))
        .unwrap_or_else(|| to.to_string());
    let parsed = text.trim().parse::<SocketAddr>();
    let colour = if parsed.is_ok() { ink.text } else { ink.bad };
    let field = TextEdit::singleline(&mut text)
        .desired_width(ink.px(160.0))
        .text_color(colour);
    let response = ui
        .add(field)
        .on_hover_text("Address and port, such as 127.0.0.1:9000");
    if let Ok(parsed) = text.trim().parse() {
        *to = parsed;
    }
    if response.has_focus() {
        ui.ctx().data_mut(|data| data.insert_temp(id, text));
    } else {
        ui.ctx().data_mut(|data| data.remove::<String>(id));
    }
}
