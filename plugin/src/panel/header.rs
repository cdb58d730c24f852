//! The top line: name, state, level and voice activity, buttons.

use egui::{Align2, Button, CornerRadius, Painter, Rect, Role, Stroke, StrokeKind, Ui, pos2, vec2};
use undertone::Snapshot;

use super::draw;
use super::ink::Ink;
use super::status::Status;

/// What the reader pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressed {
    /// Open or close the settings.
    Settings,
    /// Change between light and dark.
    Theme,
}

/// The level below which the meter is empty, in decibels.
const FLOOR_DB: f32 = -60.0;

/// Draws it.
pub fn show(
    ui: &mut Ui,
    rect: Rect,
    ink: &Ink,
    compact: bool,
    status: &Status,
    snapshot: Option<&Snapshot>,
    in_settings: bool,
) -> Option<Pressed> {
    let painter = ui.painter().clone();
    let mid = rect.center().y;
    let size = if compact { 16.0 } else { 20.0 };
    let name = painter.text(
        pos2(rect.left(), mid),
        Align2::LEFT_CENTER,
        "Undertone",
        ink.font(size),
        ink.text,
    );

    let pressed = buttons(ui, rect, ink, compact, in_settings);

    let chip = chip(&painter, pos2(name.right() + ink.px(14.0), mid), ink, status);
    draw::speak(ui, chip, "status", ink, Role::Status, || {
        format!("State: {}. {}", status.short(), status.long())
    })
    .on_hover_text(status.long());

    let right = rect.right() - buttons_width(ink, compact) - ink.px(14.0);
    let width = if compact { ink.px(96.0) } else { ink.px(190.0) };
    let left = (right - width).max(chip.right() + ink.px(14.0));
    if right - left > 40.0 {
        let meter_rect = Rect::from_min_max(pos2(left, mid - ink.px(9.0)), pos2(right, mid + ink.px(9.0)));
        meter(&painter, meter_rect, ink, snapshot.filter(|_| status.is_live()));
        draw::speak(ui, meter_rect, "level", ink, Role::Meter, || {
            meter_words(snapshot)
        })
        .on_hover_text(meter_words(snapshot));
    }
    pressed
}

fn button_size(ink: &Ink, compact: bool) -> egui::Vec2 {
    vec2(ink.px(78.0), if compact { 22.0 } else { ink.px(28.0) })
}

fn buttons_width(ink: &Ink, compact: bool) -> f32 {
    let size = button_size(ink, compact);
    size.x + ink.px(6.0) + ink.px(54.0)
}

fn buttons(ui: &mut Ui, rect: Rect, ink: &Ink, compact: bool, in_settings: bool) -> Option<Pressed> {
    let size = button_size(ink, compact);
    let mid = rect.center().y;
    let settings = Rect::from_center_size(pos2(rect.right() - size.x / 2.0, mid), size);
    let theme_size = vec2(ink.px(54.0), size.y);
    let theme = Rect::from_center_size(
        pos2(settings.left() - ink.px(6.0) - theme_size.x / 2.0, mid),
        theme_size,
    );
    let mut pressed = None;
    let text = if ink.dark { "Light" } else { "Dark" };
    let tip = if ink.dark {
        "Change to light colours"
    } else {
        "Change to dark colours"
    };
    if ui.put(theme, Button::new(text)).on_hover_text(tip).clicked() {
        pressed = Some(Pressed::Theme);
    }
    let text = if in_settings { "Back" } else { "Settings" };
    if ui.put(settings, Button::new(text)).clicked() {
        pressed = Some(Pressed::Settings);
    }
    pressed
}

/// The state as a shape, a colour and words.
fn chip(painter: &Painter, left_mid: egui::Pos2, ink: &Ink, status: &Status) -> Rect {
    let colour = match status {
        Status::Speaking => ink.good,
        Status::Stale | Status::Stalled | Status::Failed(_) => ink.bad,
        Status::Loading | Status::NoSound => ink.warn,
        Status::Silent | Status::NotListening => ink.soft,
    };
    let galley = painter.layout_no_wrap(status.short().to_owned(), ink.font(12.0), colour);
    let dot = ink.px(8.0);
    let pad = ink.px(8.0);
    let rect = Rect::from_min_size(
        pos2(left_mid.x, left_mid.y - galley.size().y / 2.0 - ink.px(3.0)),
        vec2(
            pad * 2.0 + dot + ink.px(6.0) + galley.size().x,
            galley.size().y + ink.px(6.0),
        ),
    );
    let round = CornerRadius::same(255);
    painter.rect(
        rect,
        round,
        colour.gamma_multiply(0.12),
        Stroke::new(1.0, colour.gamma_multiply(0.35)),
        StrokeKind::Inside,
    );
    let centre = pos2(rect.left() + pad + dot / 2.0, left_mid.y);
    match status {
        // A full disc speaks, a ring waits, a triangle warns: told apart without colour.
        Status::Speaking => {
            painter.circle_filled(centre, dot / 2.0, colour);
        }
        _ if status.is_trouble() => {
            draw::warning(painter, centre, dot, colour);
        }
        _ => {
            painter.circle_stroke(centre, dot / 2.0 - 1.0, Stroke::new(1.5, colour));
        }
    }
    painter.galley(
        pos2(
            centre.x + dot / 2.0 + ink.px(6.0),
            left_mid.y - galley.size().y / 2.0,
        ),
        galley,
        colour,
    );
    rect
}

fn decibels(linear: f32) -> f32 {
    if linear > 0.0 {
        (20.0 * linear.log10()).max(FLOOR_DB)
    } else {
        FLOOR_DB
    }
}

fn share(linear: f32) -> f32 {
    (1.0 - decibels(linear) / FLOOR_DB).clamp(0.0, 1.0)
}

/// Level above, voice below.
fn meter(painter: &Painter, rect: Rect, ink: &Ink, snapshot: Option<&Snapshot>) {
    let gap = ink.px(4.0);
    let level = Rect::from_min_max(
        rect.min,
        pos2(rect.right(), rect.center().y - gap / 2.0 + ink.px(2.0)),
    );
    let voice = Rect::from_min_max(pos2(rect.left(), level.bottom() + gap), rect.max);
    let round = CornerRadius::same(3);
    painter.rect_filled(level, round, ink.line);
    painter.rect_filled(voice, round, ink.line);
    let Some(snapshot) = snapshot else { return };
    let fill = |track: Rect, share: f32| {
        Rect::from_min_max(
            track.min,
            pos2(track.left() + track.width() * share, track.bottom()),
        )
    };
    let clipped = snapshot.peak >= 0.999;
    painter.rect_filled(
        fill(level, share(snapshot.rms)),
        round,
        if clipped { ink.bad } else { ink.soft },
    );
    let peak = level.left() + level.width() * share(snapshot.peak);
    painter.vline(
        peak,
        level.y_range(),
        Stroke::new(2.0, if clipped { ink.bad } else { ink.text }),
    );
    painter.rect_filled(fill(voice, snapshot.voice.clamp(0.0, 1.0)), round, ink.good);
}

fn meter_words(snapshot: Option<&Snapshot>) -> String {
    snapshot.map_or_else(
        || "Level: none".to_owned(),
        |now| {
            format!(
                "Level {:.0} dB, peak {:.0} dB (upper bar); voice {:.0} % (lower bar)",
                decibels(now.rms),
                decibels(now.peak),
                now.voice * 100.0
            )
        },
    )
}
