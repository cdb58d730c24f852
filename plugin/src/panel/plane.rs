//! The valence-arousal plane: where the voice is now, and the way it came.

use egui::{Align2, Pos2, Rect, Role, Shape, Stroke, Ui, pos2, vec2};
use undertone::Affect;

use super::draw;
use super::history::{History, Point};
use super::ink::Ink;
use crate::signed;

/// How much of the past the trail shows.
const TRAIL_S: f64 = 15.0;

/// Draws it. `live` is false when the newest score must not be taken for the present one.
pub fn show(ui: &Ui, rect: Rect, ink: &Ink, compact: bool, history: &History, live: bool) {
    let painter = ui.painter_at(rect);
    draw::card(&painter, rect, ink);
    let pad = ink.px(if compact { 8.0 } else { 14.0 });
    let head = if compact {
        rect.top() + pad * 0.5
    } else {
        draw::heading(
            &painter,
            rect.min + vec2(pad, pad * 0.8),
            "Valence and arousal",
            ink,
        ) + ink.px(4.0)
    };
    let foot = if compact { 0.0 } else { ink.px(20.0) };
    let room = Rect::from_min_max(
        pos2(rect.left() + pad, head),
        pos2(rect.right() - pad, rect.bottom() - pad * 0.7 - foot),
    );
    let label_height = ink.px(13.0);
    let side = room.width().min(room.height() - 2.0 * label_height).max(20.0);
    let field = Rect::from_center_size(room.center(), vec2(side, side));

    axes(&painter, field, ink);
    trail(&painter, field, ink, history, live);
    // Over the dot, which in a small panel lies on them often.
    names(&painter, field, ink, compact);

    let newest = history.points().next_back().copied();
    if !compact {
        let text = newest.map_or_else(
            || "No score yet".to_owned(),
            |point| {
                format!(
                    "valence {}   arousal {}   dominance {}",
                    signed(point.affect.valence),
                    signed(point.affect.arousal),
                    signed(point.affect.dominance)
                )
            },
        );
        let galley = draw::fit(
            &painter,
            &text,
            ink.font(11.5),
            ink.soft,
            rect.width() - 2.0 * pad,
        );
        let at = pos2(
            rect.center().x - galley.size().x / 2.0,
            rect.bottom() - pad * 0.7 - galley.size().y,
        );
        painter.galley(at, galley, ink.soft);
    }
    draw::speak(ui, rect, "plane", ink, Role::GraphicsObject, || {
        words(newest, live)
    })
    .on_hover_text(
        "Right is pleasant, up is excited. The dot is the newest score, the line the last 15 seconds; \
         a wider ring means more dominance.",
    );
}

fn words(newest: Option<Point>, live: bool) -> String {
    let Some(point) = newest else {
        return "Valence and arousal: no score yet".to_owned();
    };
    let Affect {
        valence,
        arousal,
        dominance,
    } = point.affect;
    let age = if live { "now" } else { "old" };
    format!(
        "Valence {}, arousal {}, dominance {} ({age})",
        signed(valence),
        signed(arousal),
        signed(dominance)
    )
}

fn axes(painter: &egui::Painter, field: Rect, ink: &Ink) {
    let centre = field.center();
    let radius = field.width() / 2.0;
    for part in [0.5, 1.0] {
        painter.circle_stroke(centre, radius * part, Stroke::new(1.0, ink.line));
    }
    painter.hline(field.x_range(), centre.y, Stroke::new(1.0, ink.line));
    painter.vline(centre.x, field.y_range(), Stroke::new(1.0, ink.line));
}

fn names(painter: &egui::Painter, field: Rect, ink: &Ink, compact: bool) {
    let centre = field.center();
    let font = ink.font(if compact { 10.0 } else { 11.0 });
    let gap = ink.px(2.0);
    painter.text(
        pos2(centre.x, field.top() - gap),
        Align2::CENTER_BOTTOM,
        "excited",
        font.clone(),
        ink.soft,
    );
    painter.text(
        pos2(centre.x, field.bottom() + gap),
        Align2::CENTER_TOP,
        "calm",
        font.clone(),
        ink.soft,
    );
    let inset = ink.px(4.0);
    painter.text(
        pos2(field.left() + inset, centre.y - gap),
        Align2::LEFT_BOTTOM,
        "unpleasant",
        font.clone(),
        ink.soft,
    );
    painter.text(
        pos2(field.right() - inset, centre.y - gap),
        Align2::RIGHT_BOTTOM,
        "pleasant",
        font,
        ink.soft,
    );
}

fn place(field: Rect, affect: Affect) -> Pos2 {
    let radius = field.width() / 2.0;
    // The axes are independent, so a corner lies outside the circle; it is pulled back to the rim.
    let offset = vec2(affect.valence, -affect.arousal);
    let offset = if offset.length() > 1.0 {
        offset.normalized()
    } else {
        offset
    };
    field.center() + offset * radius
}

fn trail(painter: &egui::Painter, field: Rect, ink: &Ink, history: &History, live: bool) {
    let now = history.clock_s();
    let freshness = |point: &Point| (1.0 - (now - point.at_s) / TRAIL_S).clamp(0.0, 1.0);
    let mut before: Option<&Point> = None;
    for point in history.points().filter(|point| now - point.at_s < TRAIL_S) {
        #[allow(clippy::cast_possible_truncation, reason = "a share between 0 and 1")]
        let fresh = freshness(point) as f32;
        let here = place(field, point.affect);
        let colour = ink
            .verdict(point.label)
            .gamma_multiply(0.08 + 0.72 * fresh * fresh);
        if let Some(before) = before.filter(|before| before.utterance == point.utterance) {
            let stretch = [place(field, before.affect), here];
            painter.line_segment(stretch, Stroke::new(ink.px(1.0) + 1.5 * fresh, colour));
        }
        painter.circle_filled(here, ink.scale * (1.4 + 1.8 * fresh), colour);
        before = Some(point);
    }
    let Some(point) = history.points().next_back() else {
        return;
    };
    let here = place(field, point.affect);
    let colour = if live { ink.verdict(point.label) } else { ink.faint };
    let ring = ink.scale * (11.0 + 4.0 * point.affect.dominance);
    if live {
        painter.circle_filled(here, ring * 1.8, colour.gamma_multiply(0.10));
        painter.circle_filled(here, ring, colour.gamma_multiply(0.18));
        painter.add(Shape::circle_stroke(here, ring, Stroke::new(1.5, colour)));
        painter.circle(here, ink.scale * 5.0, colour, Stroke::new(1.5, ink.card));
    } else {
        painter.circle_stroke(here, ink.scale * 5.0, Stroke::new(1.5, colour));
    }
}
