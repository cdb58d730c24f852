//! The bottom line: what the scores come from, how long they take, what was lost.

use egui::{Rect, Role, Ui, pos2, vec2};
use undertone::{Degraded, Latency, Losses, Update};

use super::draw;
use super::feed::Stage;
use super::ink::Ink;
use super::status;

/// Draws it.
pub fn show(
    ui: &Ui,
    rect: Rect,
    ink: &Ink,
    compact: bool,
    stage: &Stage,
    update: Option<&Update>,
    losses: Losses,
) {
    let painter = ui.painter_at(rect.expand(2.0));
    let font = ink.font(11.0);
    let (left, left_colour) = match update.and_then(|update| update.degraded.first()) {
        Some(what) => (status::degraded(*what).to_owned(), ink.warn),
        None => (source_words(stage, compact), ink.soft),
    };
    let right = right_words(update, losses, compact);
    let trouble = losses.dropped > 0 || losses.non_finite > 0;
    let right_colour = if trouble { ink.warn } else { ink.soft };
    let right = draw::fit(&painter, &right, font.clone(), right_colour, rect.width() * 0.62);
    let left = draw::fit(
        &painter,
        &left,
        font,
        left_colour,
        rect.width() - right.size().x - ink.px(32.0),
    );
    let y = |height: f32| rect.center().y - height / 2.0;
    let mut left_x = rect.left();
    if left_colour == ink.warn {
        draw::warning(
            &painter,
            pos2(left_x + ink.px(5.0), rect.center().y),
            ink.px(9.0),
            ink.warn,
        );
        left_x += ink.px(15.0);
    }
    let left_rect = Rect::from_min_size(
        pos2(left_x, y(left.size().y)),
        vec2(left.size().x.max(20.0), left.size().y),
    );
    let right_at = pos2(rect.right() - right.size().x, y(right.size().y));
    let right_rect = Rect::from_min_size(right_at, right.size());
    painter.galley(left_rect.min, left, left_colour);
    painter.galley(right_at, right, right_colour);

    let all: &[Degraded] = update.map_or(&[][..], |update| &update.degraded[..]);
    draw::speak(ui, left_rect, "source", ink, Role::Label, || {
        let mut text = source_words(stage, false);
        for what in all {
            text.push_str(". ");
            text.push_str(status::degraded(*what));
        }
        text
    })
    .on_hover_text(source_tip(stage));
    draw::speak(ui, right_rect, "latency", ink, Role::Label, || {
        right_words(update, losses, false)
    })
    .on_hover_text(latency_tip(update.map(|update| update.latency_ms), losses));
}

fn source_words(stage: &Stage, compact: bool) -> String {
    match stage {
        Stage::Off => "Not listening".to_owned(),
        Stage::Loading => "Loading the model pack".to_owned(),
        Stage::Failed(_) => "No model pack in use".to_owned(),
        Stage::Ready(source) if compact => format!("{} {}", source.pack, source.version),
        Stage::Ready(source) => {
            format!(
                "pack {} {}   ·   {}   ·   {}",
                source.pack, source.version, source.system, source.runtime
            )
        }
    }
}

fn source_tip(stage: &Stage) -> String {
    let Stage::Ready(source) = stage else {
        return source_words(stage, false);
    };
    format!(
        "Pack {} {} ({}), from {}.\nSystem: {}. Runs on {}, on this computer.",
        source.pack,
        source.version,
        source.licence,
        source.origin.as_deref().unwrap_or("inside the program"),
        source.system,
        source.runtime
    )
}

fn right_words(update: Option<&Update>, losses: Losses, compact: bool) -> String {
    let mut parts = Vec::with_capacity(3);
    if let Some(Latency {
        total,
        queue,
        trunk,
        text,
        ..
    }) = update.map(|update| update.latency_ms)
    {
        parts.push(if compact {
            format!("{total:.0} ms")
        } else {
            format!("score after {total:.0} ms (queue {queue:.0}, voice {trunk:.0}, words {text:.0})")
        });
    }
    parts.push(if compact {
        format!("lost {}", losses.dropped)
    } else {
        format!("{} samples lost", losses.dropped)
    });
    if losses.non_finite > 0 {
        parts.push(format!("{} invalid", losses.non_finite));
    }
    parts.join("   ·   ")
}

fn latency_tip(latency: Option<Latency>, losses: Losses) -> String {
    let lost = format!(
        "Lost because the analysis fell behind: {} samples. Not numbers, heard as silence: {}.\n\
         The sound you hear is never touched.",
        losses.dropped, losses.non_finite
    );
    let Some(parts) = latency else { return lost };
    format!(
        "From the end of the scored speech to the score: {:.0} ms.\n\
         capture {:.0} · queue {:.0} · voice {:.0} · words {:.0} · fusion {:.0} ms\n{lost}",
        parts.total, parts.capture, parts.queue, parts.trunk, parts.text, parts.fuse
    )
}
