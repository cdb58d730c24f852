//! The colours of feelings, once, for everything that draws them: the panel and the report.
//!
//! They are Okabe and Ito's, which people with any colour vision can tell apart, on a dark and on a light ground.
//! No colour carries a meaning alone: a name, a number or a shape always stands beside it.

use undertone::{Label, Verdict};

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// The ground that something is drawn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Light letters on dark.
    Dark,
    /// Dark letters on light.
    Light,
}

/// The colour of a label.
pub const fn label(label: Label, ground: Ground) -> Rgb {
    match (label, ground) {
        (Label::Neutral, Ground::Dark) => [0xA9, 0xAD, 0xB5],
        (Label::Neutral, Ground::Light) => [0x7A, 0x7E, 0x86],
        (Label::Happy, _) => [0xE6, 0x9F, 0x00],
        (Label::Sad, Ground::Dark) => [0x2B, 0x8F, 0xD0],
        (Label::Sad, Ground::Light) => [0x00, 0x72, 0xB2],
        (Label::Angry, _) => [0xD5, 0x5E, 0x00],
        (Label::Fearful, _) => [0xCC, 0x79, 0xA7],
        (Label::Disgusted, _) => [0x00, 0x9E, 0x73],
        (Label::Surprised, _) => [0x56, 0xB4, 0xE9],
    }
}

/// The colour of a verdict; *unknown* is barely there.
pub const fn verdict(verdict: Verdict, ground: Ground) -> Rgb {
    match (verdict, ground) {
        (Verdict::Known(known), ground) => label(known, ground),
        (Verdict::Unknown, Ground::Dark) => [0x5A, 0x61, 0x6E],
        (Verdict::Unknown, Ground::Light) => [0xA6, 0xA8, 0xAC],
    }
}

/// A colour as a style sheet writes it.
pub fn css([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a colour looks to somebody without one kind of cone (Viénot, Brettel and Mollon 1999; for blue the
    /// usual rough matrix), in linear light.
    const KINDS: [(&str, [[f32; 3]; 3]); 3] = [
        ("all cones", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        (
            "no red",
            [[0.112, 0.888, 0.0], [0.112, 0.888, 0.0], [0.004, -0.004, 1.0]],
        ),
        (
            "no green",
            [[0.293, 0.707, 0.0], [0.293, 0.707, 0.0], [-0.021, 0.021, 1.0]],
        ),
    ];

    fn seen(colour: Rgb, matrix: [[f32; 3]; 3]) -> [f32; 3] {
        let linear = colour.map(|byte| (f32::from(byte) / 255.0).powf(2.2));
        matrix.map(|row| {
            let sum: f32 = row.iter().zip(linear).map(|(weight, part)| weight * part).sum();
            sum.clamp(0.0, 1.0).powf(1.0 / 2.2)
        })
    }

    #[test]
    fn any_two_labels_can_be_told_apart_with_any_colour_vision() {
        for ground in [Ground::Dark, Ground::Light] {
            for (kind, matrix) in KINDS {
                for (index, one) in Label::ALL.into_iter().enumerate() {
                    for other in Label::ALL.into_iter().skip(index + 1) {
                        let (a, b) = (
                            seen(label(one, ground), matrix),
                            seen(label(other, ground), matrix),
                        );
                        let apart: f32 = a
                            .iter()
                            .zip(b)
                            .map(|(a, b)| (a - b) * (a - b))
                            .sum::<f32>()
                            .sqrt();
                        assert!(apart > 0.08, "{one} and {other}, {kind}, {ground:?}: {apart}");
                    }
                }
            }
        }
    }

    #[test]
    fn css_is_six_digits() {
        assert_eq!(css([0, 158, 115]), "#009e73");
    }
}
