//! Readings as control voltages: two channels of slow "sound" between −1 and 1 for hosts that modulate from audio.
//!
//! Runs on the audio thread: no allocation, no lock. A change is a straight line over [`GLIDE_S`], so that
//! whatever follows it does not click; the same readings at the same samples always give the same line.

use crate::panel::{Reading, VoltageOut};

/// How long a change takes, in seconds.
const GLIDE_S: f32 = 0.02;

/// One channel on its way to a value.
#[derive(Debug, Clone, Copy, Default)]
struct Glide {
    now: f32,
    target: f32,
    step: f32,
    left: u32,
}

impl Glide {
    fn aim(&mut self, target: f32, frames: u32) {
        // Bits, because the question is whether it is another number, not how far away.
        if target.to_bits() == self.target.to_bits() {
            return;
        }
        self.target = target;
        self.left = frames.max(1);
        #[allow(clippy::cast_precision_loss, reason = "some thousand frames")]
        let frames = self.left as f32;
        self.step = (target - self.now) / frames;
    }

    fn fill(&mut self, out: &mut [f32]) {
        for sample in out {
            if self.left > 0 {
                self.left -= 1;
                self.now = if self.left == 0 {
                    self.target
                } else {
                    self.now + self.step
                };
            }
            *sample = self.now;
        }
    }
}

/// Both channels.
#[derive(Debug, Clone, Copy, Default)]
pub struct Voltage {
    sides: [Glide; 2],
    glide: u32,
}

impl Voltage {
    /// At rest, for this sample rate.
    pub fn new(rate: f32) -> Self {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive rate"
        )]
        let glide = (rate.max(1.0) * GLIDE_S) as u32;
        Self {
            glide,
            ..Self::default()
        }
    }

    /// Aims at what the readings are now, times the depth; switched off, at 0.
    pub fn aim(&mut self, settings: VoltageOut, values: &[f32; Reading::COUNT], depth: f32) {
        for (side, reading) in self.sides.iter_mut().zip([settings.left, settings.right]) {
            let target = if settings.on {
                voltage(reading, values[reading.index()]) * depth
            } else {
                0.0
            };
            side.aim(target, self.glide);
        }
    }

    /// The next samples of a channel, 0 is the left one.
    pub fn fill(&mut self, side: usize, out: &mut [f32]) {
        match self.sides.get_mut(side) {
            Some(glide) => glide.fill(out),
            None => out.fill(0.0),
        }
    }
}

/// −1 to 1 for an axis, 0 to 1 for everything else.
fn voltage(reading: Reading, value: f32) -> f32 {
    match reading {
        Reading::Label => reading.share(value),
        _ => value,
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "a glide ends exactly where it aims")]
mod tests {
    use super::*;

    const ON: VoltageOut = VoltageOut {
        on: true,
        left: Reading::Valence,
        right: Reading::Label,
    };

    fn values(valence: f32, label: f32) -> [f32; Reading::COUNT] {
        let mut values = [0.0; Reading::COUNT];
        values[Reading::Valence.index()] = valence;
        values[Reading::Label.index()] = label;
        values
    }

    #[test]
    fn a_change_is_a_straight_line_without_a_click() {
        let mut voltage = Voltage::new(48_000.0);
        voltage.aim(ON, &values(-1.0, 7.0), 1.0);
        let (mut left, mut right) = ([0.0; 2_000], [0.0; 2_000]);
        voltage.fill(0, &mut left);
        voltage.fill(1, &mut right);
        let steepest = left.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
        assert!(steepest <= 1.0 / 960.0 * 1.01, "{steepest}");
        assert_eq!(left[959..].iter().copied().fold(0.0, f32::min), -1.0);
        assert!(left[959..].iter().all(|sample| *sample == -1.0));
        assert!(right[959..].iter().all(|sample| *sample == 1.0));
    }

    #[test]
    fn the_line_is_the_same_whatever_the_blocks() {
        let line = |size: usize| {
            let mut voltage = Voltage::new(44_100.0);
            let mut all = Vec::new();
            voltage.aim(ON, &values(0.7, 0.0), 1.0);
            while all.len() < 1_200 {
                let mut block = vec![0.0; size];
                voltage.aim(ON, &values(0.7, 0.0), 1.0);
                voltage.fill(0, &mut block);
                all.extend(block);
            }
            all.truncate(1_200);
            all
        };
        assert_eq!(line(1), line(400));
        assert_eq!(line(7), line(1_200));
    }

    #[test]
    fn half_the_depth_is_half_the_voltage() {
        let mut voltage = Voltage::new(8_000.0);
        voltage.aim(ON, &values(-1.0, 7.0), 0.5);
        let mut block = [9.0; 400];
        voltage.fill(0, &mut block);
        assert_eq!(block[399], -0.5);
        voltage.fill(1, &mut block);
        assert_eq!(block[399], 0.5);
    }

    #[test]
    fn switched_off_it_comes_to_rest_at_silence() {
        let mut voltage = Voltage::new(8_000.0);
        voltage.aim(ON, &values(1.0, 3.0), 1.0);
        let mut block = [9.0; 400];
        voltage.fill(0, &mut block);
        voltage.aim(VoltageOut { on: false, ..ON }, &values(1.0, 3.0), 1.0);
        voltage.fill(0, &mut block);
        assert_eq!(block[399], 0.0);
    }
}
