//! Where everything lies, for any window from 480 × 320 to 1600 × 1000.
//!
//! Only arithmetic: nothing is drawn here, so that a test can try every size.

use egui::{Rect, Vec2, pos2, vec2};

use super::ink::Ink;

/// The smallest window, in points.
pub const SMALLEST: Vec2 = vec2(480.0, 320.0);

/// The largest window, in points.
pub const LARGEST: Vec2 = vec2(1600.0, 1000.0);

/// The window at first.
pub const USUAL: Vec2 = vec2(900.0, 600.0);

/// The places of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Areas {
    /// Name, state, level, buttons.
    pub header: Rect,
    /// The valence-arousal plane.
    pub plane: Rect,
    /// The label and its bars.
    pub verdict: Rect,
    /// The transcript.
    pub words: Rect,
    /// The last minute.
    pub timeline: Rect,
    /// Pack, runtime, latency, losses.
    pub footer: Rect,
    /// Whether there is little room: shorter texts, thinner cards.
    pub compact: bool,
}

impl Areas {
    /// Divides a window.
    pub fn of(window: Rect, ink: &Ink) -> Self {
        let compact = window.width() < 700.0 || window.height() < 460.0;
        let margin = if compact { 8.0 } else { ink.px(14.0) };
        let gap = if compact { 6.0 } else { ink.px(10.0) };
        let inner = window.shrink(margin);
        let header_height = if compact { 26.0 } else { ink.px(38.0) };
        let footer_height = if compact { 14.0 } else { ink.px(18.0) };
        let timeline_height = if compact {
            (inner.height() * 0.17).max(48.0)
        } else {
            (inner.height() * 0.21).clamp(96.0, 190.0)
        };
        let words_height = if compact {
            (inner.height() * 0.13).max(36.0)
        } else {
            0.0
        };

        let header = Rect::from_min_size(inner.min, vec2(inner.width(), header_height));
        let footer = Rect::from_min_max(pos2(inner.left(), inner.bottom() - footer_height), inner.max);
        let timeline = Rect::from_min_max(
            pos2(inner.left(), footer.top() - gap - timeline_height),
            pos2(inner.right(), footer.top() - gap),
        );
        let body = Rect::from_min_max(
            pos2(inner.left(), header.bottom() + gap),
            pos2(inner.right(), timeline.top() - gap),
        );

        if compact {
            let words = Rect::from_min_max(pos2(body.left(), body.bottom() - words_height), body.max);
            let top = Rect::from_min_max(body.min, pos2(body.right(), words.top() - gap));
            let side = top.height().min(body.width() * 0.42);
            let plane = Rect::from_min_size(top.min, vec2(side, top.height()));
            let verdict = Rect::from_min_max(pos2(plane.right() + gap, top.top()), top.max);
            return Self {
                header,
                plane,
                verdict,
                words,
                timeline,
                footer,
                compact,
            };
        }
        let side = (body.height()).min(body.width() * 0.45);
        let plane = Rect::from_min_size(body.min, vec2(side, body.height()));
        let right = Rect::from_min_max(pos2(plane.right() + gap, body.top()), body.max);
        let verdict = Rect::from_min_size(right.min, vec2(right.width(), (right.height() * 0.70).round()));
        let words = Rect::from_min_max(pos2(right.left(), verdict.bottom() + gap), right.max);
        Self {
            header,
            plane,
            verdict,
            words,
            timeline,
            footer,
            compact,
        }
    }

    /// All places.
    #[cfg(test)]
    const fn all(&self) -> [Rect; 6] {
        [
            self.header,
            self.plane,
            self.verdict,
            self.words,
            self.timeline,
            self.footer,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_overlaps_or_leaves_the_window_at_any_size() {
        for width in (480..=1600_u16).step_by(35) {
            for height in (320..=1000_u16).step_by(17) {
                let size = vec2(f32::from(width), f32::from(height));
                let window = Rect::from_min_size(pos2(0.0, 0.0), size);
                let areas = Areas::of(window, &Ink::new(true, size));
                let all = areas.all();
                for (index, place) in all.iter().enumerate() {
                    assert!(window.contains_rect(*place), "{size:?}: {place:?}");
                    assert!(
                        place.width() > 100.0 && place.height() >= 13.0,
                        "{size:?}: {place:?}"
                    );
                    for other in &all[index + 1..] {
                        assert!(
                            !place.shrink(0.5).intersects(*other),
                            "{size:?}: {place:?} {other:?}"
                        );
                    }
                }
                assert!(areas.plane.height() >= 120.0, "{size:?}: {:?}", areas.plane);
            }
        }
    }
}
