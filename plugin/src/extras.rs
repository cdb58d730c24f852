//! What the framework has no place for, shared between the plugin and the door that the host comes through:
//! read-outs, the side-chain of the present block, and what the user wired where.
//!
//! Everything here is read and written by the audio thread, so it is atomics only: no lock, no allocation.
//! A door ([`crate::doors`]) stands between the host and the framework and makes one of these for each plugin.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::panel::{Ear, Reading, VoltageOut};

/// The most channels of a side-chain that are listened to.
pub const CHAIN_CHANNELS: usize = 2;

/// What the plugin does when the host has restored a project.
type Restored = Box<dyn Fn() + Send + Sync>;

/// One plugin's extras.
#[derive(Default)]
pub struct Extras {
    values: [AtomicU32; Reading::COUNT],
    /// [`VoltageOut`] and [`Ear`] in one word.
    wiring: AtomicU32,
    listening: AtomicBool,
    /// How far control voltages swing; 0 until the first block has said.
    depth: AtomicU32,
    chain: Chain,
    restored: OnceLock<Restored>,
}

impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extras")
            .field("values", &self.values())
            .field("chain", &self.chain)
            .finish_non_exhaustive()
    }
}

thread_local! {
    /// On the way from a door to the plugin that the framework makes for it.
    static HANDED: RefCell<Option<Arc<Extras>>> = const { RefCell::new(None) };
}

impl Extras {
    /// Makes a plugin through the framework, with extras that both it and the caller hold.
    pub fn with<W>(make: impl FnOnce() -> W) -> (W, Arc<Self>) {
        let extras = Arc::new(Self::default());
        HANDED.with_borrow_mut(|handed| *handed = Some(Arc::clone(&extras)));
        let done = make();
        HANDED.with_borrow_mut(Option::take);
        (done, extras)
    }

    /// The extras of the plugin that is being made; of its own where no door asked for it.
    pub fn handed() -> Arc<Self> {
        HANDED
            .with_borrow(|handed| handed.as_ref().map(Arc::clone))
            .unwrap_or_default()
    }

    /// Says what to do when the host has restored a project. It must not hold these extras itself.
    pub fn when_restored(&self, act: impl Fn() + Send + Sync + 'static) {
        // A plugin says it once, when it is made.
        let _ = self.restored.set(Box::new(act));
    }

    /// The host has restored a project; not on the audio thread. The framework tells only an open window.
    pub fn restored(&self) {
        if let Some(act) = self.restored.get() {
            act();
        }
    }

    /// What the score says now.
    pub fn write(&self, values: &[f32; Reading::COUNT]) {
        for (place, value) in self.values.iter().zip(values) {
            place.store(value.to_bits(), Ordering::Relaxed);
        }
    }

    /// The newest values.
    pub fn values(&self) -> [f32; Reading::COUNT] {
        let mut values = [Reading::REST; Reading::COUNT];
        for (value, place) in values.iter_mut().zip(&self.values) {
            *value = f32::from_bits(place.load(Ordering::Relaxed));
        }
        values
    }

    /// Whether sound is being taken in, so that a host must not let the plugin sleep in a pause.
    pub fn listening(&self) -> bool {
        self.listening.load(Ordering::Relaxed)
    }

    /// Says whether sound is being taken in.
    pub fn set_listening(&self, listening: bool) {
        self.listening.store(listening, Ordering::Relaxed);
    }

    /// How far control voltages swing.
    pub fn depth(&self) -> f32 {
        f32::from_bits(self.depth.load(Ordering::Relaxed))
    }

    /// Says how far control voltages swing.
    pub fn set_depth(&self, depth: f32) {
        self.depth.store(depth.to_bits(), Ordering::Relaxed);
    }

    /// What the user wired where.
    pub fn wire(&self, voltage: VoltageOut, ear: Ear) {
        #[allow(clippy::cast_possible_truncation, reason = "a dozen readings")]
        let place = |reading: Reading| reading.index() as u8;
        let flags = u8::from(voltage.on) | u8::from(ear == Ear::Sidechain) << 1;
        let word = u32::from_le_bytes([place(voltage.left), place(voltage.right), flags, 0]);
        self.wiring.store(word, Ordering::Relaxed);
    }

    /// What goes to the control voltages.
    pub fn voltage(&self) -> VoltageOut {
        let [left, right, flags, _] = self.wiring.load(Ordering::Relaxed).to_le_bytes();
        let reading = |place: u8| Reading::ALL.get(usize::from(place)).copied();
        VoltageOut {
            on: flags & 1 != 0,
            left: reading(left).unwrap_or(Reading::Valence),
            right: reading(right).unwrap_or(Reading::Arousal),
        }
    }

    /// Which input is listened to.
    pub fn ear(&self) -> Ear {
        let [_, _, flags, _] = self.wiring.load(Ordering::Relaxed).to_le_bytes();
        if flags & 2 != 0 {
            Ear::Sidechain
        } else {
            Ear::Track
        }
    }

    /// The side-chain of the present block.
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }
}

/// The side-chain's sound, lent for one call of the framework's `process`.
#[derive(Debug, Default)]
pub struct Chain {
    channels: [AtomicPtr<f32>; CHAIN_CHANNELS],
    count: AtomicUsize,
    frames: AtomicUsize,
    /// Frames already taken: the framework may cut a block into several.
    taken: AtomicUsize,
}

impl Chain {
    /// Lends a block's sound.
    ///
    /// # Safety
    ///
    /// Each pointer must be good for reading `frames` samples until [`Self::end`], and from here to there only
    /// this thread may use the chain.
    pub unsafe fn lend(&self, channels: &[*mut f32], frames: usize) {
        let count = channels.len().min(CHAIN_CHANNELS);
        for (place, channel) in self.channels.iter().zip(channels) {
            place.store(*channel, Ordering::Relaxed);
        }
        self.frames.store(frames, Ordering::Relaxed);
        self.taken.store(0, Ordering::Relaxed);
        self.count.store(count, Ordering::Relaxed);
    }

    /// Takes it back.
    pub fn end(&self) {
        self.count.store(0, Ordering::Relaxed);
    }

    /// Gives the next frames to `hear`, where a side-chain is connected. Answers whether one is.
    pub fn next(&self, frames: usize, hear: impl FnOnce(&[&[f32]])) -> bool {
        let count = self.count.load(Ordering::Relaxed);
        let from = self.taken.load(Ordering::Relaxed);
        let end = from.saturating_add(frames);
        if count == 0 || end > self.frames.load(Ordering::Relaxed) {
            return false;
        }
        self.taken.store(end, Ordering::Relaxed);
        let mut slices: [&[f32]; CHAIN_CHANNELS] = [&[]; CHAIN_CHANNELS];
        for (slice, channel) in slices.iter_mut().zip(&self.channels[..count]) {
            // SAFETY: `count` is not 0 only between `lend` and `end`, when whoever lent it vouches for
            // `self.frames` samples behind each of the first `count` pointers; `end` lies within them. `hear`
            // cannot keep the slices, as it knows no lifetime for them.
            *slice = unsafe { std::slice::from_raw_parts(channel.load(Ordering::Relaxed).add(from), frames) };
        }
        hear(&slices[..count]);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use undertone::Label;

    #[test]
    fn the_wiring_survives_the_word() {
        let extras = Extras::default();
        let voltage = VoltageOut {
            on: true,
            left: Reading::Label,
            right: Reading::Score(Label::Surprised),
        };
        extras.wire(voltage, Ear::Sidechain);
        assert_eq!(extras.voltage(), voltage);
        assert_eq!(extras.ear(), Ear::Sidechain);
        extras.wire(VoltageOut::default(), Ear::Track);
        assert_eq!(extras.ear(), Ear::Track);
    }

    #[test]
    fn extras_are_handed_to_the_plugin_that_is_made_and_to_no_other() {
        let (inner, outer) = Extras::with(Extras::handed);
        assert!(Arc::ptr_eq(&inner, &outer));
        assert!(!Arc::ptr_eq(&Extras::handed(), &outer));
    }

    #[test]
    fn the_chain_is_there_only_while_it_is_lent() {
        let chain = Chain::default();
        let mut sound = [[1.0_f32, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let pointers = sound.each_mut().map(|channel| channel.as_mut_ptr());
        assert!(!chain.next(3, |_| panic!("nothing is lent")));
        // SAFETY: `sound` lives to the end of the test, and no other thread knows the chain.
        unsafe { chain.lend(&pointers, 3) };
        assert!(chain.next(1, |channels| assert_eq!(channels, [[1.0], [4.0]])));
        assert!(chain.next(2, |channels| assert_eq!(channels, [[2.0, 3.0], [5.0, 6.0]])));
        assert!(!chain.next(1, |_| panic!("more than was lent")));
        chain.end();
        assert!(!chain.next(0, |_| panic!("it was taken back")));
    }
}
