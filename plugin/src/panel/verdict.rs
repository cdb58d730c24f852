//! The label, how sure it is, and a bar for every label: fused, voice and words.

use egui::{Align2, CornerRadius, Painter, Rect, Role, Shape, Stroke, Ui, pos2, vec2};
use undertone::{Label, Scores, Update, Verdict};

use super::draw;
use super::ink::Ink;
use super::status::Status;

/// Draws it.
pub fn show(
    ui: &Ui,
    rect: Rect,
    ink: &Ink,
    compact: bool,
    update: Option<&Update>,
    status: &Status,
    age_s: Option<f64>,
) {
    let painter = ui.painter_at(rect);
    draw::card(&painter, rect, ink);
    let pad = ink.px(if compact { 10.0 } else { 14.0 });
    let inner = rect.shrink2(vec2(pad, pad * if compact { 0.6 } else { 0.8 }));
    let title = title(&painter, inner, ink, compact, update, status, age_s);
    let bars = Rect::from_min_max(pos2(inner.left(), title), inner.max);
    let fused = update.map(|update| update.scores);
    let voice = update.and_then(|update| Some(update.speech.as_ref()?.scores));
    let words = update.and_then(|update| update.text.as_ref()?.scores);
    let faded = !status.is_live();
    let row = bars.height() / Label::COUNT as f32;
    for (index, label) in Label::ALL.into_iter().enumerate() {
        let top = bars.top() + row * index as f32;
        let rect = Rect::from_min_size(pos2(bars.left(), top), vec2(bars.width(), row));
        let best = update.is_some_and(|update| update.label == Verdict::Known(label));
        bar(
            &painter,
            rect,
            ink,
            compact,
            label,
            [fused, voice, words],
            best,
            faded,
        );
        draw::speak(ui, rect, label.name(), ink, Role::Meter, || {
            bar_words(label, [fused, voice, words])
        });
    }
}

/// The verdict as a sentence, for screen readers and tests.
pub fn sentence(update: Option<&Update>, status: &Status, age_s: Option<f64>) -> String {
    let Some(update) = update else {
        return format!("No score yet. {}", status.long());
    };
    if !status.is_live() {
        return format!("{}, an old score. {}", update.label, status.long());
    }
    let state = if update.is_final() { "final" } else { "provisional" };
    let age = age_s.map_or_else(String::new, |age| format!(", {}", age_text(age)));
    let sure = (update.confidence * 100.0).round();
    let clash = clash(update).map_or_else(String::new, |what| format!(". {what}"));
    match update.label {
        Verdict::Known(label) => format!("{label}, {sure:.0} % sure, {state}{age}{clash}"),
        Verdict::Unknown => {
            let (best, _) = update.scores.best();
            format!("unknown: not sure enough to say; nearest {best}, {sure:.0} %, {state}{age}{clash}")
        }
    }
}

/// What voice and words each say, where both are sure and do not agree.
pub fn clash(update: &Update) -> Option<String> {
    let voice = update.speech.as_ref().filter(|_| update.clash)?.scores.best().0;
    let words = update.text.as_ref()?.scores?.best().0;
    Some(format!("Clash: voice {voice}, words {words}"))
}

fn age_text(age_s: f64) -> String {
    if age_s < 1.5 {
        "now".to_owned()
    } else {
        format!("{age_s:.0} s ago")
    }
}

/// The large line and the small one; answers where the bars begin.
fn title(
    painter: &Painter,
    inner: Rect,
    ink: &Ink,
    compact: bool,
    update: Option<&Update>,
    status: &Status,
    age_s: Option<f64>,
) -> f32 {
    let colour = if status.is_trouble() { ink.bad } else { ink.text };
    let (large, small) = match (update, status) {
        (_, Status::Failed(why)) => ("Cannot score".to_owned(), why.clone()),
        (None, _) => (status.short().to_owned(), status.long().to_owned()),
        (Some(update), _) => (
            verdict_name(update.label),
            small_line(update, status, age_s, compact),
        ),
    };
    let shown = update.filter(|_| !matches!(status, Status::Failed(_)));
    let mut x = inner.left();
    let large_size = if compact { 20.0 } else { 30.0 };
    let faded = shown.is_some() && !status.is_live();
    let large = draw::fit(
        painter,
        &large,
        ink.font(large_size),
        if faded { ink.soft } else { colour },
        inner.width() * 0.62,
    );
    let height = large.size().y;
    if let Some(update) = shown {
        let width = ink.px(if compact { 4.0 } else { 5.0 });
        let mark = Rect::from_min_size(pos2(x, inner.top() + height * 0.14), vec2(width, height * 0.72));
        painter.rect_filled(mark, CornerRadius::same(2), ink.verdict(update.label));
        x = mark.right() + ink.px(if compact { 7.0 } else { 10.0 });
    }
    let large_right = x + large.size().x;
    painter.galley(pos2(x, inner.top()), large, colour);

    if let Some(update) = shown {
        // What the figure means stands beside it, and it never looks surer than it is.
        let figure = format!("{:.0} %", update.confidence * 100.0);
        let size = if compact { 15.0 } else { 21.0 };
        let at = pos2(inner.right(), inner.top() + height / 2.0);
        let colour = if faded { ink.soft } else { ink.text };
        let right = painter.text(at, Align2::RIGHT_CENTER, figure, ink.font(size), colour);
        if right.left() - large_right > ink.px(60.0) {
            let name = if update.label == Verdict::Unknown {
                "at most"
            } else {
                "sure"
            };
            let at = pos2(right.left() - ink.px(6.0), at.y + ink.px(1.0));
            painter.text(at, Align2::RIGHT_CENTER, name, ink.font(11.5), ink.soft);
        }
    }
    let rows = if shown.is_some() { 1 } else { 4 };
    let colour = if status.is_trouble() { ink.bad } else { ink.soft };
    let small_font = ink.font(if compact { 11.0 } else { 12.5 });
    let small = draw::wrap(painter, &small, small_font, colour, inner.width(), rows);
    let top = inner.top() + height + ink.px(if compact { 0.0 } else { 2.0 });
    let bottom = top + small.size().y;
    painter.galley(pos2(inner.left(), top), small, colour);
    let legend_row = Rect::from_min_max(pos2(inner.left(), bottom + ink.px(3.0)), inner.right_bottom());
    let legend_height = legend(
        painter,
        legend_row,
        ink,
        compact,
        shown.filter(|_| status.is_live()),
        shown,
    );
    bottom + legend_height + ink.px(if compact { 2.0 } else { 6.0 })
}

/// The label as it is written large.
pub fn verdict_name(verdict: Verdict) -> String {
    let name = verdict.name();
    let mut letters = name.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn small_line(update: &Update, status: &Status, age_s: Option<f64>, compact: bool) -> String {
    if !status.is_live() {
        // Its age is not told: the clock it would be read from is as old.
        return format!("{}: this is an old score", status.short());
    }
    let mut parts: Vec<String> = Vec::with_capacity(4);
    // Where there is room it has a place of its own, beside the legend.
    parts.extend(clash(update).filter(|_| compact));
    if update.label == Verdict::Unknown {
        parts.push(format!(
            "not sure enough to say; nearest {}",
            update.scores.best().0
        ));
    }
    parts.push(
        if update.is_final() {
            "final"
        } else {
            "may still change"
        }
        .to_owned(),
    );
    if let Some(age) = age_s {
        parts.push(age_text(age));
    }
    parts.join("  ·  ")
}

/// What bar, ring and diamond mean, and at the left a clash; answers its height, 0 where only the bar is drawn.
fn legend(
    painter: &Painter,
    row: Rect,
    ink: &Ink,
    compact: bool,
    live: Option<&Update>,
    update: Option<&Update>,
) -> f32 {
    let Some(update) = update.filter(|_| !compact) else {
        return 0.0;
    };
    let weight = |part: f32| format!("{:.0} %", part * 100.0);
    let font = ink.font(11.0);
    let mut x = row.right();
    let y = row.top() + ink.px(7.0);
    let mut entry = |text: String, mark: Mark| {
        let rect = painter.text(pos2(x, y), Align2::RIGHT_CENTER, text, font.clone(), ink.soft);
        let at = pos2(rect.left() - ink.px(9.0), y);
        mark.draw(painter, at, ink);
        x = at.x - ink.px(14.0);
    };
    if let Some(part) = update.text.as_ref().filter(|part| part.scores.is_some()) {
        entry(format!("words {}", weight(part.weight)), Mark::Words);
    }
    if let Some(part) = &update.speech {
        entry(format!("voice {}", weight(part.weight)), Mark::Voice);
    }
    entry("together".to_owned(), Mark::Fused);
    if let Some(what) = live.and_then(clash) {
        draw::warning(painter, pos2(row.left() + ink.px(5.0), y), ink.px(9.0), ink.warn);
        let left = row.left() + ink.px(15.0);
        let galley = draw::fit(painter, &what, ink.font(11.5), ink.warn, x - left);
        painter.galley(pos2(left, y - galley.size().y / 2.0), galley, ink.warn);
    }
    ink.px(16.0)
}

/// How a branch is drawn, so that it is known by its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Fused,
    Voice,
    Words,
}

impl Mark {
    fn draw(self, painter: &Painter, at: egui::Pos2, ink: &Ink) {
        let r = ink.scale * 3.6;
        match self {
            Self::Fused => {
                let rect = Rect::from_center_size(at, vec2(r * 3.0, r * 1.4));
                painter.rect_filled(rect, CornerRadius::same(2), ink.soft);
            }
            Self::Voice => {
                painter.circle(at, r, ink.card, Stroke::new(1.5, ink.text));
            }
            Self::Words => {
                let r = r * 1.25;
                let points = vec![
                    at + vec2(0.0, -r),
                    at + vec2(r, 0.0),
                    at + vec2(0.0, r),
                    at + vec2(-r, 0.0),
                ];
                painter.add(Shape::convex_polygon(
                    points,
                    ink.card,
                    Stroke::new(1.5, ink.text),
                ));
            }
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "a drawing, called from one place")]
fn bar(
    painter: &Painter,
    rect: Rect,
    ink: &Ink,
    compact: bool,
    label: Label,
    [fused, voice, words]: [Option<Scores>; 3],
    best: bool,
    faded: bool,
) {
    let mid = rect.center().y;
    let size = if compact { 11.0 } else { 13.0 };
    let colour = if best && !faded { ink.text } else { ink.soft };
    painter.text(
        pos2(rect.left(), mid),
        Align2::LEFT_CENTER,
        label.name(),
        ink.font(size),
        colour,
    );
    let figure_width = ink.px(if compact { 32.0 } else { 40.0 });
    let thick = (rect.height() * 0.42).clamp(4.0, ink.px(14.0));
    let track = Rect::from_min_max(
        pos2(
            rect.left() + ink.px(if compact { 62.0 } else { 82.0 }),
            mid - thick / 2.0,
        ),
        pos2(rect.right() - figure_width, mid + thick / 2.0),
    );
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few points"
    )]
    let round = CornerRadius::same((thick / 2.0) as u8);
    painter.rect_filled(track, round, ink.line.gamma_multiply(0.8));
    let x = |share: f32| track.left() + track.width() * share.clamp(0.0, 1.0);
    if let Some(scores) = fused {
        let share = scores.of(label);
        let fill = Rect::from_min_max(
            track.min,
            pos2(x(share).max(track.left() + thick), track.bottom()),
        );
        let tint = ink.label(label);
        let tint = match (faded, best) {
            (true, _) => tint.gamma_multiply(0.35),
            (false, true) => tint,
            (false, false) => tint.gamma_multiply(0.75),
        };
        if share >= 0.005 {
            painter.rect_filled(fill, round, tint);
        }
        let text = format!("{:.0} %", share * 100.0);
        painter.text(
            pos2(rect.right(), mid),
            Align2::RIGHT_CENTER,
            text,
            ink.font(size - 1.0),
            colour,
        );
    }
    if faded {
        return;
    }
    // Marks stay on the track at both ends.
    let x = |share: f32| x(share).clamp(track.left() + thick * 0.5, track.right() - thick * 0.5);
    if let Some(scores) = voice {
        Mark::Voice.draw(painter, pos2(x(scores.of(label)), mid), ink);
    }
    if let Some(scores) = words {
        Mark::Words.draw(painter, pos2(x(scores.of(label)), mid), ink);
    }
}

fn bar_words(label: Label, [fused, voice, words]: [Option<Scores>; 3]) -> String {
    let Some(fused) = fused else {
        return format!("{label}: no score yet");
    };
    let part = |name: &str, scores: Option<Scores>| {
        scores.map_or_else(String::new, |scores| {
            format!(", {name} {:.0} %", scores.of(label) * 100.0)
        })
    };
    format!(
        "{label}: {:.0} %{}{}",
        fused.of(label) * 100.0,
        part("voice", voice),
        part("words", words)
    )
}
