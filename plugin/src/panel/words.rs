//! The transcript: what is settled and what may still change told apart, the newest line last.

use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{Align2, Painter, Rect, Role, Stroke, Ui, pos2, vec2};
use undertone::{Update, Word};

use super::draw;
use super::feed::Stage;
use super::history::History;
use super::ink::Ink;

/// How many past utterances may stand above the newest.
const PAST: usize = 8;

/// From here on the reader is warned.
const TOXIC: f32 = 0.5;

/// Draws it.
pub fn show(ui: &Ui, rect: Rect, ink: &Ink, compact: bool, history: &History, stage: &Stage) {
    let painter = ui.painter_at(rect);
    draw::card(&painter, rect, ink);
    let pad = ink.px(if compact { 8.0 } else { 14.0 });
    let inner = rect.shrink2(vec2(pad, pad * 0.7));
    let top = if compact {
        inner.top()
    } else {
        let below = draw::heading(&painter, inner.min, "Words", ink) + ink.px(4.0);
        toxicity(&painter, inner, ink, history.newest());
        below
    };
    let spoken: Vec<&Update> = history
        .utterances()
        .rev()
        .filter(|update| !heard(update).is_empty())
        .take(PAST)
        .collect();
    let clip = Rect::from_min_max(pos2(inner.left(), top), inner.max);
    let painter = painter.with_clip_rect(clip);
    if spoken.is_empty() {
        let text = empty_words(stage);
        let galley = draw::wrap(
            &painter,
            text,
            ink.font(12.5),
            ink.soft,
            inner.width(),
            if compact { 1 } else { 3 },
        );
        painter.galley(clip.min, galley, ink.soft);
    } else {
        lines(&painter, clip, ink, compact, &spoken);
    }
    draw::speak(ui, rect, "words", ink, Role::Paragraph, || {
        spoken.first().map_or_else(
            || empty_words(stage).to_owned(),
            |update| format!("Words: {}{}", plain(update), toxic_words(update)),
        )
    })
    .on_hover_text("Upright words are settled. Slanted, dotted ones may still change.");
}

/// Says at the right of the heading how toxic the newest words are, where the pack can tell.
fn toxicity(painter: &Painter, inner: Rect, ink: &Ink, newest: Option<&Update>) {
    let Some(toxicity) = newest.and_then(|update| update.toxicity) else {
        return;
    };
    let colour = if toxicity >= TOXIC { ink.bad } else { ink.soft };
    let at = pos2(inner.right(), inner.top());
    let text = format!("toxic {:.0} %", toxicity * 100.0);
    let rect = painter.text(at, Align2::RIGHT_TOP, text, ink.font(11.5), colour);
    if toxicity >= TOXIC {
        let centre = pos2(rect.left() - ink.px(9.0), rect.center().y);
        draw::warning(painter, centre, ink.px(9.0), colour);
    }
}

fn toxic_words(update: &Update) -> String {
    update.toxicity.map_or_else(String::new, |toxicity| {
        format!(" (toxic {:.0} %)", toxicity * 100.0)
    })
}

/// The newest utterance, and above it as many older ones as fit; `spoken` begins with the newest.
fn lines(painter: &Painter, clip: Rect, ink: &Ink, compact: bool, spoken: &[&Update]) {
    let mark = ink.px(4.0);
    let gap = ink.px(4.0);
    let mut room = clip.height();
    let mut shown = Vec::with_capacity(spoken.len());
    for (index, update) in spoken.iter().enumerate() {
        let width = clip.width() - mark - ink.px(8.0);
        let galley = painter.layout_job(line(update, ink, compact, index == 0, width));
        room -= galley.size().y + gap;
        // The newest is shown even where it is cut; an older one only where it fits.
        if room < -gap && index > 0 {
            break;
        }
        shown.push((*update, galley));
    }
    let mut top = clip.top();
    for (index, (update, galley)) in shown.into_iter().enumerate().rev() {
        let height = galley.size().y;
        let stripe = Rect::from_min_size(pos2(clip.left(), top + 2.0), vec2(mark * 0.7, height - 4.0));
        let tint = ink.verdict(update.label);
        let tint = if index == 0 {
            tint
        } else {
            tint.gamma_multiply(0.5)
        };
        painter.rect_filled(stripe, 1.0, tint);
        painter.galley(pos2(clip.left() + mark + ink.px(6.0), top), galley, ink.text);
        top += height + gap;
    }
}

fn empty_words(stage: &Stage) -> &'static str {
    match stage {
        Stage::Ready(source) if !source.hears_words => {
            "This model pack judges the voice only; it hears no words."
        }
        _ => "Words appear here when somebody speaks.",
    }
}

/// The words of an utterance.
fn heard(update: &Update) -> &[Word] {
    update.text.as_ref().map_or(&[][..], |text| &text.words[..])
}

/// The words of an utterance as one line.
pub fn plain(update: &Update) -> String {
    heard(update)
        .iter()
        .map(|word| word.text.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

fn line(update: &Update, ink: &Ink, compact: bool, newest: bool, width: f32) -> LayoutJob {
    let size = match (compact, newest) {
        (true, _) => 12.0,
        (false, true) => 15.0,
        (false, false) => 13.0,
    };
    let mut job = LayoutJob {
        wrap: TextWrapping {
            max_width: width.max(1.0),
            max_rows: if newest { 3 } else { 2 },
            ..TextWrapping::default()
        },
        ..LayoutJob::default()
    };
    for (index, word) in heard(update).iter().enumerate() {
        let settled = word.stable || update.is_final();
        let colour = match (newest, settled) {
            (true, true) => ink.text,
            _ => ink.soft,
        };
        let format = TextFormat {
            font_id: ink.font(size),
            color: colour,
            italics: !settled,
            underline: if settled {
                Stroke::NONE
            } else {
                Stroke::new(1.0, ink.faint)
            },
            ..TextFormat::default()
        };
        if index > 0 {
            job.append(" ", 0.0, TextFormat::simple(ink.font(size), colour));
        }
        job.append(&word.text, 0.0, format);
    }
    job
}
