//! Scores as MIDI controllers: one for each label, then valence, arousal and dominance.
//!
//! Runs on the audio thread: no allocation, no lock. Sends only what changed, and not more often than a
//! controller can be followed.

use undertone::{Label, Scored};

use crate::panel::MidiOut;

/// The shortest time between two sendings, in seconds.
const PACE_S: f32 = 0.02;

const VALUES: usize = MidiOut::VALUES as usize;

/// One controller to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control {
    /// The controller's number.
    pub number: u8,
    /// Its value, 0 to 127.
    pub value: u8,
}

/// What was sent last, and when.
#[derive(Debug, Default)]
pub struct Controls {
    sent: [Option<u16>; VALUES],
    waited_s: f32,
    settings: Option<MidiOut>,
}

impl Controls {
    /// Moves on by one block and gives what is to be sent to `send`, until it answers that the host is full.
    pub fn run(
        &mut self,
        settings: MidiOut,
        block_s: f32,
        score: Option<&Scored>,
        depth: f32,
        mut send: impl FnMut(Control) -> bool,
    ) {
        if self.settings != Some(settings) {
            *self = Self {
                settings: Some(settings),
                waited_s: PACE_S,
                ..Self::default()
            };
        }
        self.waited_s += block_s;
        let Some(score) = score.filter(|_| settings.on && self.waited_s >= PACE_S) else {
            return;
        };
        for (index, value) in values(score, depth).into_iter().enumerate() {
            let steps = if settings.fine { 16_383.0 } else { 127.0 };
            // The value lies between 0 and 1, so the product fits.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let value = (value * steps).round() as u16;
            if self.sent[index] == Some(value) {
                continue;
            }
            #[allow(clippy::cast_possible_truncation, reason = "ten values, seven bits")]
            let (number, [high, low]) = (
                settings.first + index as u8,
                [(value >> 7) as u8, (value & 0x7F) as u8],
            );
            let whole = if settings.fine {
                send(Control { number, value: high })
                    && send(Control {
                        number: number + 32,
                        value: low,
                    })
            } else {
                send(Control { number, value: low })
            };
            if !whole {
                // The host's buffer is full; the rest comes with a later block.
                return;
            }
            self.sent[index] = Some(value);
            self.waited_s = 0.0;
        }
    }
}

/// All values between 0 and 1, in the order of the controllers. The less the depth, the closer to rest: nothing of a
/// label, the middle of an axis.
fn values(score: &Scored, depth: f32) -> [f32; VALUES] {
    let mut values = [0.0; VALUES];
    let labels = score.scores.values();
    for (value, label) in values.iter_mut().zip(labels) {
        *value = label * depth;
    }
    let affect = [score.affect.valence, score.affect.arousal, score.affect.dominance];
    for (value, axis) in values[Label::COUNT..].iter_mut().zip(affect) {
        *value = f32::midpoint(axis * depth, 1.0);
    }
    values.map(|value| value.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use undertone::{Affect, Kind, Scores, Verdict};

    fn score(valence: f32) -> Scored {
        Scored {
            utterance: 0,
            revision: 0,
            kind: Kind::Provisional,
            start_s: 0.0,
            end_s: 1.0,
            label: Verdict::Unknown,
            scores: Scores::default(),
            affect: Affect::new([valence, 0.0, 1.0]),
            confidence: 0.2,
        }
    }

    fn run(controls: &mut Controls, settings: MidiOut, block_s: f32, score: &Scored) -> Vec<Control> {
        let mut sent = Vec::new();
        controls.run(settings, block_s, Some(score), 1.0, |control| {
            sent.push(control);
            true
        });
        sent
    }

    const ON: MidiOut = MidiOut {
        on: true,
        channel: 0,
        first: 20,
        fine: false,
        notes: false,
    };

    #[test]
    fn first_everything_then_only_changes() {
        let mut controls = Controls::default();
        let all = run(&mut controls, ON, 0.001, &score(0.0));
        assert_eq!(all.len(), VALUES);
        assert_eq!(
            all[7],
            Control {
                number: 27,
                value: 64
            }
        );
        assert_eq!(
            all[9],
            Control {
                number: 29,
                value: 127
            }
        );
        assert!(run(&mut controls, ON, 1.0, &score(0.0)).is_empty());
        assert_eq!(
            run(&mut controls, ON, 1.0, &score(-1.0)),
            [Control { number: 27, value: 0 }]
        );
    }

    #[test]
    fn never_faster_than_the_pace() {
        let mut controls = Controls::default();
        run(&mut controls, ON, 0.001, &score(0.0));
        let sent: usize = (0_u8..100)
            .map(|step| {
                let valence = if step % 2 == 0 { 1.0 } else { -1.0 };
                run(&mut controls, ON, 0.001, &score(valence)).len()
            })
            .sum();
        assert!((3..=5).contains(&sent), "{sent} in 0.1 s");
    }

    #[test]
    fn fine_values_come_in_two_halves() {
        let mut controls = Controls::default();
        let settings = MidiOut { fine: true, ..ON };
        let all = run(&mut controls, settings, 0.001, &score(1.0));
        assert_eq!(all.len(), VALUES * 2);
        assert_eq!(
            all[14..16],
            [
                Control {
                    number: 27,
                    value: 127
                },
                Control {
                    number: 59,
                    value: 127
                }
            ]
        );
    }

    #[test]
    fn a_full_host_gets_the_rest_later() {
        let mut controls = Controls::default();
        let mut room = 4;
        controls.run(ON, 0.001, Some(&score(0.0)), 1.0, |_| {
            room -= 1;
            room >= 0
        });
        assert_eq!(run(&mut controls, ON, 1.0, &score(0.0)).len(), VALUES - 4);
    }

    #[test]
    fn depth_draws_labels_to_nothing_and_axes_to_the_middle() {
        let mut happy = score(1.0);
        happy.scores = Scores::from_logits(&[0.0, 9.0, 0.0, 0.0, 0.0, 0.0, 0.0], 1.0);
        let [whole, half, none] = [1.0, 0.5, 0.0].map(|depth| values(&happy, depth));
        assert_eq!(half[1].to_bits(), (whole[1] / 2.0).to_bits());
        assert_eq!((whole[7], half[7], none[7]), (1.0, 0.75, 0.5));
        assert!(none[..Label::COUNT].iter().all(|value| *value == 0.0));
    }

    #[test]
    fn off_sends_nothing() {
        let off = MidiOut { on: false, ..ON };
        assert!(run(&mut Controls::default(), off, 1.0, &score(0.5)).is_empty());
    }
}
