//! The first page: what this is, in one screen, and the question. Nothing is heard before it is answered.

use egui::{Align2, Button, Rect, RichText, Role, Ui, pos2, vec2};

use super::draw;
use super::ink::Ink;

/// What the page says, and what a test looks for.
pub const LINES: [(&str, &str); 4] = [
    (
        "What it does",
        "It estimates what a voice and its words carry: seven feelings, how pleasant and how excited.",
    ),
    (
        "What it leaves alone",
        "Your sound. Output is input, bit for bit, with no delay.",
    ),
    (
        "What stays here",
        "Everything. Analysis runs on this computer; no sound is stored and nothing is sent.",
    ),
    (
        "What it is not",
        "The truth about a person. It is often wrong. Ask whoever speaks first, and judge nobody by it.",
    ),
];

/// The button that agrees.
pub const AGREE: &str = "Everyone heard agrees: start";

/// The button that does not.
pub const LATER: &str = "Not now";

/// Draws it; answers what was pressed: agreed or not now.
pub fn show(ui: &mut Ui, rect: Rect, ink: &Ink, compact: bool) -> Option<bool> {
    let painter = ui.painter_at(rect);
    draw::card(&painter, rect, ink);
    let pad = ink.px(if compact { 12.0 } else { 32.0 });
    let width = (rect.width() - 2.0 * pad).min(ink.px(640.0));
    let left = rect.center().x - width / 2.0;
    let gap = ink.px(if compact { 5.0 } else { 16.0 });
    let body = if compact { 11.5 } else { 14.0 };

    let title = draw::wrap(
        &painter,
        "May Undertone listen to this track?",
        ink.font(if compact { 17.0 } else { 27.0 }),
        ink.text,
        width,
        2,
    );
    let parts: Vec<_> = LINES
        .iter()
        .map(|(name, text)| {
            let name = draw::wrap(&painter, name, ink.font(body), ink.accent, width, 1);
            let text_width = if compact { width - ink.px(118.0) } else { width };
            (
                name,
                draw::wrap(&painter, text, ink.font(body), ink.text, text_width, 4),
            )
        })
        .collect();
    let height_of = |name: f32, text: f32| {
        if compact {
            name.max(text)
        } else {
            name + ink.px(2.0) + text
        }
    };
    let button = vec2(
        ink.px(if compact { 210.0 } else { 250.0 }),
        ink.px(if compact { 28.0 } else { 36.0 }),
    );
    let needed = title.size().y
        + parts
            .iter()
            .map(|(name, text)| gap + height_of(name.size().y, text.size().y))
            .sum::<f32>()
        + gap * 1.5
        + button.y;
    let mut y = rect.top() + ((rect.height() - needed) / 2.0).max(pad * 0.4);

    painter.galley(pos2(left, y), title.clone(), ink.text);
    y += title.size().y;
    for (name, text) in parts {
        y += gap;
        let height = height_of(name.size().y, text.size().y);
        let name_height = name.size().y;
        painter.galley(pos2(left, y), name, ink.accent);
        let at = if compact {
            pos2(left + ink.px(118.0), y)
        } else {
            pos2(left, y + name_height + ink.px(2.0))
        };
        painter.galley(at, text, ink.text);
        y += height;
    }
    draw::speak(
        ui,
        Rect::from_min_max(rect.min, pos2(rect.right(), y)),
        "consent",
        ink,
        Role::Paragraph,
        || {
            let lines = LINES.map(|(name, text)| format!("{name}: {text}"));
            format!("May Undertone listen to this track? {}", lines.join(" "))
        },
    );

    y += gap * 1.5;
    let agree = Rect::from_min_size(pos2(left, y), button);
    let later = Rect::from_min_size(
        pos2(agree.right() + ink.px(10.0), y),
        vec2(ink.px(96.0), button.y),
    );
    let strong = RichText::new(AGREE).color(if ink.dark { ink.ground } else { ink.card });
    let mut answer = None;
    if ui.put(agree, Button::new(strong).fill(ink.accent)).clicked() {
        answer = Some(true);
    }
    if ui.put(later, Button::new(LATER)).clicked() {
        answer = Some(false);
    }
    if !compact {
        let at = pos2(left, later.bottom() + ink.px(10.0));
        let note = "You can stop it at any time in the settings.";
        painter.text(at, Align2::LEFT_TOP, note, ink.font(11.5), ink.soft);
    }
    answer
}
