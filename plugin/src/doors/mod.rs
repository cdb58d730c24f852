//! What a host really meets: a thin layer of ours around the framework's plugin, one for CLAP, one for VST3.
//!
//! The framework (nice-plug 0.4.2) has no read-only parameters, mixes up auxiliary ports, and ends the host's
//! process when it is asked for a parameter that is not there, when `process` comes before `activate`, when a
//! port has other channels than agreed, or when a window is opened by a host that offers no window. A door
//! answers all of that itself: read-outs, side-chain and control voltages never reach the framework, and what
//! it could trip over is turned away. Whatever happens, a door hands the sound on as it came.
//!
//! This is the only place, beside [`crate::extras`], with unsafe code of ours: hosts speak C.

pub mod clap;
mod clap_exts;
mod clap_gui;
mod port;
mod vst3;
mod vst3_class;
mod vst3_params;

use std::sync::atomic::{AtomicBool, Ordering};

use crate::panel::{Reading, VoltageOut};
use crate::voltage::Voltage;

/// The most channels of a main port.
pub const MOST_CHANNELS: usize = 8;

/// Channels of the side-chain and of the control voltages.
pub const EXTRA_CHANNELS: u32 = 2;

/// Names of the extra ports.
pub const CHAIN_NAME: &str = "Side-chain";
pub const VOLTAGE_NAME: &str = "Control voltages";

/// The identity of a read-out in every project: this plus its place.
pub const FIRST_ID: u32 = 0x0055_0000;

/// The shortest time between two changes of read-outs, in seconds.
const PACE_S: f32 = 0.02;

/// The reading that has this identity.
pub fn reading(id: u32) -> Option<Reading> {
    let place = usize::try_from(id.checked_sub(FIRST_ID)?).ok()?;
    Reading::ALL.get(place).copied()
}

/// The identity of a reading.
#[allow(clippy::cast_possible_truncation, reason = "a dozen readings")]
pub const fn id(reading: Reading) -> u32 {
    FIRST_ID + reading.index() as u32
}

/// The name that a person sees.
pub fn title(reading: Reading) -> String {
    let name = reading.name();
    let mut letters = name.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What the audio thread keeps from block to block.
#[derive(Debug)]
pub struct Audio {
    voltage: Voltage,
    sent: [Option<f32>; Reading::COUNT],
    waited_s: f32,
    rate: f32,
}

impl Audio {
    /// At rest, for this sample rate.
    pub fn new(rate: f32) -> Self {
        Self {
            voltage: Voltage::new(rate),
            sent: [None; Reading::COUNT],
            waited_s: PACE_S,
            rate: rate.max(1.0),
        }
    }

    /// Gives what changed to `send`, until it answers that the host is full. Not faster than the pace.
    pub fn changes(
        &mut self,
        values: &[f32; Reading::COUNT],
        frames: usize,
        mut send: impl FnMut(Reading, f32) -> bool,
    ) {
        #[allow(clippy::cast_precision_loss, reason = "blocks are small")]
        let block_s = frames as f32 / self.rate;
        self.waited_s += block_s;
        if self.waited_s < PACE_S {
            return;
        }
        for ((reading, value), sent) in Reading::ALL.into_iter().zip(values).zip(&mut self.sent) {
            if sent.map(f32::to_bits) == Some(value.to_bits()) {
                continue;
            }
            if !send(reading, *value) {
                return;
            }
            *sent = Some(*value);
            self.waited_s = 0.0;
        }
    }

    /// Writes the control voltages into a port's channels; a channel too many is silent.
    pub fn voltages<'a>(
        &mut self,
        settings: VoltageOut,
        values: &[f32; Reading::COUNT],
        depth: f32,
        channels: impl Iterator<Item = &'a mut [f32]>,
    ) {
        self.voltage.aim(settings, values, depth);
        for (side, channel) in channels.enumerate() {
            self.voltage.fill(side, channel);
        }
    }
}

/// A door that one audio thread goes through at a time. A host that sends two at once breaks its own rules;
/// the second then only has its sound handed on.
#[derive(Debug, Default)]
pub struct Turnstile(AtomicBool);

impl Turnstile {
    /// Goes in, where nobody is.
    pub fn enter(&self) -> Option<Turn<'_>> {
        // Lazily: a turn that is made and dropped opens the door for whoever comes next.
        (!self.0.swap(true, Ordering::Acquire)).then(|| Turn(self))
    }
}

/// Being inside; over when dropped.
#[derive(Debug)]
pub struct Turn<'a>(&'a Turnstile);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Release);
    }
}

/// Writes text into a host's array, cut to fit and ended with a zero.
pub fn write_text<T: Copy + Default>(to: &mut [T], letters: impl Iterator<Item = T>) {
    let room = to.len().saturating_sub(1);
    let mut end = 0;
    for (place, letter) in to[..room].iter_mut().zip(letters) {
        *place = letter;
        end += 1;
    }
    if let Some(last) = to.get_mut(end) {
        *last = T::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_lead_back() {
        for one in Reading::ALL {
            assert_eq!(reading(id(one)), Some(one));
        }
        assert_eq!(reading(0), None);
        assert_eq!(reading(FIRST_ID + 99), None);
    }

    #[test]
    fn changes_come_once_and_at_the_pace() {
        let mut audio = Audio::new(48_000.0);
        let mut values = [0.0; Reading::COUNT];
        let count = |audio: &mut Audio, values: &_, frames| {
            let mut sent = 0;
            audio.changes(values, frames, |_, _| {
                sent += 1;
                true
            });
            sent
        };
        assert_eq!(count(&mut audio, &values, 64), Reading::COUNT);
        values[0] = 0.5;
        assert_eq!(count(&mut audio, &values, 64), 0, "too soon");
        assert_eq!(count(&mut audio, &values, 960), 1);
        assert_eq!(count(&mut audio, &values, 9_600), 0, "nothing changed");
    }

    #[test]
    fn one_at_a_time() {
        let turnstile = Turnstile::default();
        let turn = turnstile.enter();
        assert!(turn.is_some());
        for _ in 0..3 {
            assert!(
                turnstile.enter().is_none(),
                "whoever is turned away opens nothing"
            );
        }
        drop(turn);
        assert!(turnstile.enter().is_some());
    }

    #[test]
    fn text_is_cut_and_ended() {
        let mut room = [9_u8; 4];
        write_text(&mut room, "abcdef".bytes());
        assert_eq!(&room, b"abc\0");
        write_text(&mut room, "x".bytes());
        assert_eq!(&room[..2], b"x\0");
    }
}
