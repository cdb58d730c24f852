//! Small drawing helpers that the panel's parts share.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{
    Align2, Color32, CornerRadius, FontId, Galley, Id, Painter, Pos2, Rect, Response, Role, Sense, Shape,
    Stroke, StrokeKind, Ui, WidgetInfo, vec2,
};

use super::ink::Ink;

/// A card: the ground of one part.
pub fn card(painter: &Painter, rect: Rect, ink: &Ink) {
    painter.rect(
        rect,
        radius(ink),
        ink.card,
        Stroke::new(1.0, ink.line),
        StrokeKind::Inside,
    );
}

/// The corners of a card.
pub fn radius(ink: &Ink) -> CornerRadius {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small positive number of points"
    )]
    CornerRadius::same(ink.px(9.0) as u8)
}

/// The small heading of a card; answers its lower edge.
pub fn heading(painter: &Painter, at: Pos2, text: &str, ink: &Ink) -> f32 {
    painter
        .text(at, Align2::LEFT_TOP, text, ink.font(11.5), ink.soft)
        .bottom()
}

/// One line of text that ends in an ellipsis where it does not fit.
pub fn fit(painter: &Painter, text: &str, font: FontId, colour: Color32, width: f32) -> Arc<Galley> {
    let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(font, colour));
    job.wrap = TextWrapping::truncate_at_width(width.max(1.0));
    painter.layout_job(job)
}

/// Text over as many lines as it needs, at most `rows`.
pub fn wrap(
    painter: &Painter,
    text: &str,
    font: FontId,
    colour: Color32,
    width: f32,
    rows: usize,
) -> Arc<Galley> {
    let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(font, colour));
    job.wrap = TextWrapping {
        max_width: width.max(1.0),
        max_rows: rows,
        ..TextWrapping::default()
    };
    painter.layout_job(job)
}

/// A triangle that warns; drawn, because the fonts have no such letter.
pub fn warning(painter: &Painter, centre: Pos2, size: f32, colour: Color32) {
    let r = size * 0.62;
    let points = vec![
        centre + vec2(0.0, -r),
        centre + vec2(r, r * 0.85),
        centre + vec2(-r, r * 0.85),
    ];
    painter.add(Shape::convex_polygon(points, colour, Stroke::NONE));
}

/// Makes a drawn part known to the keyboard and to screen readers, with what it says in words.
pub fn speak(ui: &Ui, rect: Rect, name: &str, ink: &Ink, role: Role, words: impl Fn() -> String) -> Response {
    let response = ui.interact(
        rect,
        part_id(ui, name),
        Sense::focusable_noninteractive().union(Sense::hover()),
    );
    response.widget_info(|| WidgetInfo::labeled(role, true, words()));
    if response.has_focus() {
        ui.painter()
            .rect_stroke(rect, radius(ink), ink.focus(), StrokeKind::Inside);
    }
    response
}

/// The identity of a drawn part.
fn part_id(ui: &Ui, name: &str) -> Id {
    ui.scope_id().with(("undertone", name))
}
