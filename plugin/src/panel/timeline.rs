//! The last minute: utterances as bands in their label's colour, valence and arousal as lines above.
//!
//! Hover, or focus it and use the arrow keys, to read any moment of it.

use egui::{
    Align2, Color32, CornerRadius, EventFilter, Id, Key, Painter, Pos2, Rect, Response, Role, Shape, Stroke,
    StrokeKind, Ui, pos2, vec2,
};
use undertone::{Affect, Update, Verdict};

use super::draw;
use super::history::{History, SPAN_S};
use super::ink::Ink;
use super::{verdict, words};
use crate::signed;

/// How far one arrow key moves.
const STEP_S: f64 = 0.5;

/// Draws it.
pub fn show(ui: &mut Ui, rect: Rect, ink: &Ink, compact: bool, history: &History) {
    let painter = ui.painter_at(rect);
    draw::card(&painter, rect, ink);
    let pad = ink.px(if compact { 8.0 } else { 14.0 });
    let inner = rect.shrink2(vec2(pad, pad * 0.6));
    let top = if compact {
        inner.top()
    } else {
        head(&painter, inner, ink)
    };
    let scale_height = if compact { 0.0 } else { ink.px(14.0) };
    let band_height = ink.px(if compact { 15.0 } else { 20.0 });
    let bands = Rect::from_min_max(
        pos2(inner.left(), inner.bottom() - scale_height - band_height),
        pos2(inner.right(), inner.bottom() - scale_height),
    );
    let lines = Rect::from_min_max(
        pos2(inner.left(), top),
        pos2(inner.right(), bands.top() - ink.px(4.0)),
    );

    grid(&painter, lines, bands, inner, ink, compact);
    draw_lines(&painter, lines, ink, history);
    for update in history.utterances() {
        band(&painter, bands, ink, update, history.clock_s());
    }

    let response = draw::speak(ui, rect, "timeline", ink, Role::GraphicsObject, || {
        summary(history)
    });
    if let Some(at_s) = cursor(ui, &response, inner, history.clock_s()) {
        read_out(ui, &painter, inner, ink, history, at_s);
    }
}

fn head(painter: &Painter, inner: Rect, ink: &Ink) -> f32 {
    let bottom = draw::heading(painter, inner.min, "Last minute", ink);
    let y = inner.top() + ink.px(7.0);
    let arousal = painter.text(
        pos2(inner.right(), y),
        Align2::RIGHT_CENTER,
        "arousal",
        ink.font(11.0),
        ink.soft,
    );
    let dash = [
        pos2(arousal.left() - ink.px(28.0), y),
        pos2(arousal.left() - ink.px(6.0), y),
    ];
    painter.extend(Shape::dashed_line(&dash, arousal_stroke(ink), 4.0, 3.0));
    let valence = painter.text(
        pos2(dash[0].x - ink.px(12.0), y),
        Align2::RIGHT_CENTER,
        "valence",
        ink.font(11.0),
        ink.soft,
    );
    let solid = [
        pos2(valence.left() - ink.px(28.0), y),
        pos2(valence.left() - ink.px(6.0), y),
    ];
    painter.line_segment(solid, valence_stroke(ink));
    bottom + ink.px(4.0)
}

fn valence_stroke(ink: &Ink) -> Stroke {
    Stroke::new(1.8, ink.accent)
}

fn arousal_stroke(ink: &Ink) -> Stroke {
    Stroke::new(1.5, ink.warn)
}

#[allow(clippy::cast_possible_truncation, reason = "a share of the width")]
fn x_of(rect: Rect, at_s: f64, now_s: f64) -> f32 {
    rect.right() - rect.width() * ((now_s - at_s) / SPAN_S) as f32
}

fn grid(painter: &Painter, lines: Rect, bands: Rect, inner: Rect, ink: &Ink, compact: bool) {
    painter.hline(lines.x_range(), lines.center().y, Stroke::new(1.0, ink.line));
    painter.rect_filled(bands, CornerRadius::same(4), ink.line.gamma_multiply(0.45));
    for step in 0..=4_u8 {
        let x = inner.right() - inner.width() * f32::from(step) / 4.0;
        painter.vline(x, lines.y_range(), Stroke::new(1.0, ink.line.gamma_multiply(0.7)));
        if !compact {
            let (align, text) = match step {
                0 => (Align2::RIGHT_BOTTOM, "now".to_owned()),
                4 => (Align2::LEFT_BOTTOM, "60 s".to_owned()),
                _ => (Align2::CENTER_BOTTOM, format!("{} s", u16::from(step) * 15)),
            };
            painter.text(
                pos2(x, inner.bottom() + ink.px(2.0)),
                align,
                text,
                ink.font(10.5),
                ink.soft,
            );
        }
    }
}

fn draw_lines(painter: &Painter, lines: Rect, ink: &Ink, history: &History) {
    let now = history.clock_s();
    let height = lines.height() / 2.0 - 2.0;
    let mut valence = Vec::new();
    let mut arousal = Vec::new();
    let mut utterance = None;
    let flush = |valence: &mut Vec<_>, arousal: &mut Vec<_>| {
        if let ([v], [a]) = (valence.as_slice(), arousal.as_slice()) {
            // An utterance with one score only still shows.
            painter.circle_filled(*v, 1.6, ink.accent);
            painter.circle_filled(*a, 1.6, ink.warn);
        }
        painter.extend(Shape::dashed_line(arousal, arousal_stroke(ink), 4.0, 3.0));
        if valence.len() > 1 {
            painter.line(std::mem::take(valence), valence_stroke(ink));
        }
        valence.clear();
        arousal.clear();
    };
    for point in history.points() {
        if utterance != Some(point.utterance) {
            flush(&mut valence, &mut arousal);
            utterance = Some(point.utterance);
        }
        let x = x_of(lines, point.at_s, now);
        // Two points on one pixel show no more than one.
        if valence.last().is_some_and(|last: &Pos2| x - last.x < 0.5) {
            continue;
        }
        let Affect {
            valence: v,
            arousal: a,
            ..
        } = point.affect;
        valence.push(pos2(x, lines.center().y - v * height));
        arousal.push(pos2(x, lines.center().y - a * height));
    }
    flush(&mut valence, &mut arousal);
}

fn band(painter: &Painter, bands: Rect, ink: &Ink, update: &Update, now_s: f64) {
    let left = x_of(bands, update.start_s, now_s).max(bands.left());
    let right = x_of(bands, update.end_s, now_s)
        .max(left + 3.0)
        .min(bands.right());
    let rect = Rect::from_min_max(pos2(left, bands.top()), pos2(right, bands.bottom()));
    let colour = ink.verdict(update.label);
    let round = CornerRadius::same(4);
    match update.label {
        // Not known: an empty frame, so that nothing looks claimed.
        Verdict::Unknown => {
            painter.rect(
                rect,
                round,
                ink.card,
                Stroke::new(1.0, colour),
                StrokeKind::Inside,
            );
        }
        Verdict::Known(_) => {
            painter.rect_filled(
                rect,
                round,
                if update.is_final() {
                    colour
                } else {
                    colour.gamma_multiply(0.55)
                },
            );
        }
    }
    if update.clash {
        // Voice and words disagree: a notch at the foot.
        let at = pos2(rect.center().x, rect.bottom() - ink.px(2.0));
        draw::warning(painter, at, ink.px(7.0), ink.warn);
    }
    let text = match update.label {
        Verdict::Unknown => ink.soft,
        Verdict::Known(_) => readable_on(colour),
    };
    // A short band still names itself by its first letters: no colour carries a meaning alone.
    let name = update.label.name();
    for written in [name, &name[..3]] {
        let galley = painter.layout_no_wrap(written.to_owned(), ink.font(10.5), text);
        if galley.size().x + 6.0 < rect.width() {
            painter.galley(rect.center() - galley.size() / 2.0, galley, text);
            return;
        }
    }
}

/// Black or white, whichever can be read on this colour.
fn readable_on(colour: Color32) -> Color32 {
    let brightness =
        0.299 * f32::from(colour.r()) + 0.587 * f32::from(colour.g()) + 0.114 * f32::from(colour.b());
    if brightness > 115.0 {
        Color32::from_rgb(0x10, 0x12, 0x16)
    } else {
        Color32::WHITE
    }
}

/// The time that the pointer or the arrow keys ask about.
fn cursor(ui: &Ui, response: &Response, inner: Rect, now_s: f64) -> Option<f64> {
    if let Some(at) = response.hover_pos().filter(|at| inner.x_range().contains(at.x)) {
        return Some(now_s - f64::from((inner.right() - at.x) / inner.width()) * SPAN_S);
    }
    if !response.has_focus() {
        return None;
    }
    let id: Id = response.id.with("back");
    let mut back_s = ui.data(|data| data.get_temp::<f64>(id)).unwrap_or_default();
    // Otherwise the arrows would move the focus away.
    let filter = EventFilter {
        horizontal_arrows: true,
        ..EventFilter::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    ui.input(|input| {
        back_s += f64::from(u8::from(input.key_pressed(Key::ArrowLeft))) * STEP_S;
        back_s -= f64::from(u8::from(input.key_pressed(Key::ArrowRight))) * STEP_S;
    });
    back_s = back_s.clamp(0.0, SPAN_S);
    ui.data_mut(|data| data.insert_temp(id, back_s));
    Some(now_s - back_s)
}

/// What was there at this time, in words.
pub fn at_words(history: &History, at_s: f64) -> String {
    let ago = format!("{:.1} s ago", history.clock_s() - at_s);
    let point = history.point_near(at_s);
    let Some(update) = history.at(at_s) else {
        return format!("{ago}: nobody spoke");
    };
    let affect = point.map_or(update.affect, |point| point.affect);
    let clash = verdict::clash(update).map_or_else(String::new, |what| format!("\n{what}"));
    let said = match words::plain(update) {
        said if said.is_empty() => said,
        said => format!("\n“{said}”"),
    };
    format!(
        "{ago}: {}, {:.0} %\nvalence {}, arousal {}{clash}{said}",
        update.label,
        update.confidence * 100.0,
        signed(affect.valence),
        signed(affect.arousal)
    )
}

fn read_out(ui: &Ui, painter: &Painter, inner: Rect, ink: &Ink, history: &History, at_s: f64) {
    let x = x_of(inner, at_s, history.clock_s());
    painter.vline(x, inner.y_range(), Stroke::new(1.0, ink.text));
    let painter = ui.ctx().debug_painter();
    let text = at_words(history, at_s);
    let galley = draw::wrap(&painter, &text, ink.font(12.0), ink.text, ink.px(260.0), 6);
    let pad = ink.px(8.0);
    let size = galley.size() + vec2(pad, pad) * 2.0;
    let left = (x - size.x / 2.0).clamp(inner.left(), (inner.right() - size.x).max(inner.left()));
    let rect = Rect::from_min_size(pos2(left, (inner.top() - size.y - ink.px(10.0)).max(4.0)), size);
    painter.rect(
        rect,
        draw::radius(ink),
        ink.card,
        Stroke::new(1.0, ink.faint),
        StrokeKind::Inside,
    );
    painter.galley(rect.min + vec2(pad, pad), galley, ink.text);
}

fn summary(history: &History) -> String {
    let count = history.utterances().count();
    let newest = history
        .newest()
        .map_or_else(String::new, |update| format!(", the newest {}", update.label));
    format!("Last minute: {count} utterances{newest}. Arrow keys move through it.")
}
