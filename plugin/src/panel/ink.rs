//! Colours, type and spacing: the panel's look, in one place.
//!
//! Label colours are the [`crate::palette`]'s. No colour carries a meaning alone: a name, a number or a shape
//! always stands beside it.

use egui::{Color32, CornerRadius, FontId, Stroke, Style, TextStyle, Vec2, Visuals};
use undertone::{Label, Verdict};

use crate::palette::{self, Ground, Rgb};

const fn colour([red, green, blue]: Rgb) -> Color32 {
    Color32::from_rgb(red, green, blue)
}

/// The colours of one theme, and the scale of everything.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ink {
    /// Light letters on a dark ground.
    pub dark: bool,
    /// Behind everything.
    pub ground: Color32,
    /// The cards on it.
    pub card: Color32,
    /// Grooves, tracks and hairlines.
    pub line: Color32,
    /// What is read.
    pub text: Color32,
    /// What is read second.
    pub soft: Color32,
    /// What is barely there: axes and grids.
    pub faint: Color32,
    /// What can be acted on.
    pub accent: Color32,
    /// All is well.
    pub good: Color32,
    /// Look here.
    pub warn: Color32,
    /// Something is wrong.
    pub bad: Color32,
    /// Size of things, 1 at 900 × 600.
    pub scale: f32,
}

impl Ink {
    /// The colours for a window of this size.
    pub fn new(dark: bool, window: Vec2) -> Self {
        let scale = (window.x / 900.0).min(window.y / 600.0).clamp(0.84, 1.3);
        if dark {
            Self {
                dark,
                ground: Color32::from_rgb(0x12, 0x14, 0x18),
                card: Color32::from_rgb(0x1A, 0x1D, 0x23),
                line: Color32::from_rgb(0x2B, 0x2F, 0x38),
                text: Color32::from_rgb(0xEC, 0xEE, 0xF2),
                soft: Color32::from_rgb(0xA3, 0xAA, 0xB6),
                faint: Color32::from_rgb(0x5A, 0x61, 0x6E),
                accent: Color32::from_rgb(0x7C, 0xC4, 0xF0),
                good: Color32::from_rgb(0x35, 0xC2, 0x96),
                warn: Color32::from_rgb(0xF0, 0xB4, 0x3C),
                bad: Color32::from_rgb(0xF0, 0x83, 0x4C),
                scale,
            }
        } else {
            Self {
                dark,
                ground: Color32::from_rgb(0xF3, 0xF2, 0xEF),
                card: Color32::from_rgb(0xFF, 0xFF, 0xFF),
                line: Color32::from_rgb(0xE2, 0xE0, 0xDB),
                text: Color32::from_rgb(0x1B, 0x1E, 0x24),
                soft: Color32::from_rgb(0x5B, 0x61, 0x6C),
                faint: Color32::from_rgb(0xA6, 0xA8, 0xAC),
                accent: Color32::from_rgb(0x00, 0x68, 0xA8),
                good: Color32::from_rgb(0x00, 0x72, 0x52),
                warn: Color32::from_rgb(0x9A, 0x62, 0x00),
                bad: Color32::from_rgb(0xB8, 0x47, 0x00),
                scale,
            }
        }
    }

    /// A length at this scale.
    pub fn px(&self, length: f32) -> f32 {
        (length * self.scale).round()
    }

    /// A letter size at this scale.
    pub fn font(&self, size: f32) -> FontId {
        FontId::proportional(size * self.scale)
    }

    /// The colour of a label.
    pub const fn label(&self, label: Label) -> Color32 {
        colour(palette::label(label, self.on()))
    }

    /// The colour of a verdict.
    pub const fn verdict(&self, verdict: Verdict) -> Color32 {
        colour(palette::verdict(verdict, self.on()))
    }

    const fn on(&self) -> Ground {
        if self.dark { Ground::Dark } else { Ground::Light }
    }

    /// The line around what has the keyboard.
    pub fn focus(&self) -> Stroke {
        Stroke::new(2.0, self.accent)
    }

    /// The toolkit's own widgets in these colours.
    pub fn style(&self) -> Style {
        let mut style = Style {
            visuals: self.visuals(),
            ..Style::default()
        };
        style.text_styles = [
            (TextStyle::Small, self.font(11.5)),
            (TextStyle::Body, self.font(13.5)),
            (TextStyle::Button, self.font(13.5)),
            (TextStyle::Monospace, FontId::monospace(12.5 * self.scale)),
            (TextStyle::Heading, self.font(22.0)),
        ]
        .into();
        style.spacing.item_spacing = Vec2::new(self.px(8.0), self.px(6.0));
        style.spacing.button_padding = Vec2::new(self.px(10.0), self.px(4.0));
        style.spacing.interact_size.y = self.px(26.0);
        style
    }

    fn visuals(&self) -> Visuals {
        let mut visuals = if self.dark {
            Visuals::dark()
        } else {
            Visuals::light()
        };
        visuals.panel_fill = self.ground;
        visuals.window_fill = self.card;
        visuals.window_stroke = Stroke::new(1.0, self.line);
        visuals.override_text_color = None;
        visuals.hyperlink_color = self.accent;
        visuals.extreme_bg_color = self.ground;
        visuals.faint_bg_color = self.line;
        visuals.warn_fg_color = self.warn;
        visuals.error_fg_color = self.bad;
        visuals.selection.bg_fill = self.accent.gamma_multiply(if self.dark { 0.35 } else { 0.25 });
        visuals.selection.stroke = Stroke::new(1.0, self.text);
        let radius = CornerRadius::same(6);
        let widgets = &mut visuals.widgets;
        for widget in [
            &mut widgets.noninteractive,
            &mut widgets.inactive,
            &mut widgets.hovered,
            &mut widgets.active,
            &mut widgets.open,
        ] {
            widget.corner_radius = radius;
            widget.fg_stroke = Stroke::new(1.0, self.text);
            widget.bg_stroke = Stroke::new(1.0, self.line);
            widget.bg_fill = self.line;
            widget.weak_bg_fill = self.line.gamma_multiply(0.7);
            widget.expansion = 0.0;
        }
        widgets.hovered.bg_stroke = Stroke::new(1.0, self.faint);
        widgets.hovered.weak_bg_fill = self.line;
        widgets.active.bg_stroke = self.focus();
        widgets.active.weak_bg_fill = self.line;
        visuals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance after the WCAG.
    fn luminance(colour: Color32) -> f32 {
        let linear = |byte: u8| {
            let value = f32::from(byte) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
    }

    fn contrast(a: Color32, b: Color32) -> f32 {
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn text_can_be_read_in_both_themes() {
        for dark in [false, true] {
            let ink = Ink::new(dark, Vec2::new(900.0, 600.0));
            for ground in [ink.ground, ink.card] {
                for text in [ink.text, ink.soft, ink.accent, ink.good, ink.warn, ink.bad] {
                    assert!(
                        contrast(text, ground) >= 4.5,
                        "{text:?} on {ground:?}, dark {dark}"
                    );
                }
            }
        }
    }

    #[test]
    fn label_colours_stand_out_from_the_cards() {
        for dark in [false, true] {
            let ink = Ink::new(dark, Vec2::new(900.0, 600.0));
            for label in Label::ALL {
                assert!(
                    contrast(ink.label(label), ink.card) >= 2.0,
                    "{label}, dark {dark}"
                );
            }
        }
    }
}
