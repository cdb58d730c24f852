//! The voice on one track: engine, stream and line, from consent to the end.
//!
//! Used by the host's main thread and the window's thread, never by the audio thread: it locks. No engine is
//! started, no model loaded and no sound taken before somebody agreed; when they take it back, the stream is
//! closed and, with the last one in the process, the models are freed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use undertone::{Engine, EngineConfig, Recogniser, Stream, StreamConfig};

use crate::courier::{Line, Receiver, Sender, pair};
use crate::extras::Extras;
use crate::outlets::{Outlets, Ways};
use crate::panel::{MidiOut, NoFeed, PanelFeed, Settings, Stage, StreamFeed};
use crate::rewording::Rewording;

/// The voice on one track.
#[derive(Debug)]
pub struct Voice {
    inner: Mutex<Inner>,
    /// [`MidiOut`] in one word, for the audio thread.
    midi: AtomicU32,
    extras: Arc<Extras>,
}

#[derive(Debug)]
struct Inner {
    sender: Sender,
    rate: Option<u32>,
    consent: bool,
    mind: Mind,
    ways: Ways,
    heard: Option<Heard>,
    trouble: Option<String>,
}

/// What an engine is started with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Mind {
    system: Option<String>,
    recogniser: Recogniser,
}

/// Everything that exists only while somebody is heard. What sends and shows goes first: it holds the stream's
/// and the engine's parts too.
#[derive(Debug)]
struct Heard {
    outlets: Outlets,
    feed: StreamFeed,
    stream: Stream,
    rate: u32,
    mind: Mind,
    rewording: Rewording,
    engine: Engine,
}

impl Voice {
    /// Nobody is heard yet.
    pub fn new(extras: Arc<Extras>) -> (Self, Receiver) {
        let (sender, receiver) = pair();
        let inner = Inner {
            sender,
            rate: None,
            consent: false,
            mind: Mind::default(),
            ways: Ways::default(),
            heard: None,
            trouble: None,
        };
        (
            Self {
                inner: Mutex::new(inner),
                midi: AtomicU32::new(0),
                extras,
            },
            receiver,
        )
    }

    /// The host will send sound at this rate; this is what the project says.
    pub fn activate(&self, rate: u32, settings: &Settings) {
        self.wire(settings);
        let mut inner = self.lock();
        inner.rate = Some(rate);
        inner.take(settings);
        inner.follow();
    }

    /// What the user set in the panel.
    pub fn set(&self, settings: &Settings) {
        self.wire(settings);
        let mut inner = self.lock();
        if inner.take(settings) {
            inner.follow();
        }
    }

    /// Lets the audio thread know.
    fn wire(&self, settings: &Settings) {
        self.midi
            .store(pack(settings.midi.unwrap_or_default()), Ordering::Relaxed);
        let wiring = settings.wiring.unwrap_or_default();
        self.extras.wire(wiring.voltage, wiring.ear);
    }

    /// What is to be sent as MIDI; for the audio thread.
    pub fn midi(&self) -> MidiOut {
        unpack(self.midi.load(Ordering::Relaxed))
    }

    /// Lends the feed to a panel for one frame.
    pub fn with_feed<R>(&self, show: impl FnOnce(&mut dyn PanelFeed) -> R) -> R {
        let mut inner = self.lock();
        if let Some(why) = inner.trouble.clone() {
            return show(&mut Trouble(why));
        }
        match &mut inner.heard {
            Some(heard) => {
                heard.feed.refresh(&heard.stream);
                let fault = heard.rewording.fault().or_else(|| heard.outlets.fault());
                heard.feed.set_sent(fault, heard.outlets.readers());
                show(&mut heard.feed)
            }
            None => show(&mut NoFeed),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Takes over what the stream depends on; answers whether it changed.
    fn take(&mut self, settings: &Settings) -> bool {
        let ways = Ways::of(settings);
        let mind = Mind {
            system: settings.system.clone(),
            recogniser: settings.recogniser,
        };
        let changed = self.consent != settings.consent || self.mind != mind || self.ways != ways;
        self.consent = settings.consent;
        self.mind = mind;
        self.ways = ways;
        changed
    }

    /// Makes what is so what should be so: a stream at the host's rate, or none. A fault of the engine ends
    /// here: the host's thread must not unwind.
    fn follow(&mut self) {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.try_follow()));
        let trouble = outcome.unwrap_or_else(|_| {
            Err(
                "The analysis failed. Sound still passes; stop and start listening in the settings."
                    .to_owned(),
            )
        });
        self.trouble = trouble.err();
        if self.trouble.is_some() {
            self.close();
        }
    }

    fn try_follow(&mut self) -> Result<(), String> {
        match self.rate.filter(|_| self.consent) {
            None => {
                self.close();
                Ok(())
            }
            Some(rate) => {
                if self
                    .heard
                    .as_ref()
                    .is_some_and(|heard| heard.mind.system != self.mind.system)
                {
                    self.close();
                }
                if let Some(heard) = self.heard.as_mut().filter(|heard| heard.mind != self.mind) {
                    heard.mind = self.mind.clone();
                    heard.rewording.ask(&heard.engine, self.mind.recogniser);
                }
                if self.heard.as_ref().is_none_or(|heard| heard.rate != rate) {
                    self.hear(rate)?;
                }
                if let Some(heard) = &mut self.heard {
                    heard.outlets.follow(&self.ways, &heard.stream);
                }
                Ok(())
            }
        }
    }

    fn hear(&mut self, rate: u32) -> Result<(), String> {
        if let Some(heard) = &mut self.heard {
            let tap = heard.stream.retap(rate).map_err(|error| error.to_string())?;
            heard.rate = rate;
            self.sender.send(Some(Line {
                tap,
                latest: heard.stream.latest(),
            }));
            return Ok(());
        }
        let engine = Engine::start(EngineConfig {
            system: self.mind.system.clone(),
            recogniser: self.mind.recogniser,
            ..EngineConfig::default()
        });
        let (tap, stream) = engine
            .open(&StreamConfig::new("plugin", rate))
            .map_err(|error| error.to_string())?;
        self.sender.send(Some(Line {
            tap,
            latest: stream.latest(),
        }));
        self.heard = Some(Heard {
            outlets: Outlets::default(),
            feed: StreamFeed::new(&engine, &stream),
            stream,
            rate,
            mind: self.mind.clone(),
            rewording: Rewording::default(),
            engine,
        });
        Ok(())
    }

    /// Takes the line from the audio thread and closes the stream.
    fn close(&mut self) {
        self.sender.send(None);
        let heard = self.heard.take();
        // A fault while closing is of no more interest to anybody.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(heard)));
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// The feed of a stream that could not be opened.
struct Trouble(String);

impl PanelFeed for Trouble {
    fn stage(&self) -> Stage {
        Stage::Failed(self.0.clone())
    }

    fn snapshot(&mut self) -> Option<undertone::Snapshot> {
        None
    }

    fn next_update(&mut self) -> Option<Arc<undertone::Update>> {
        None
    }

    fn losses(&self) -> undertone::Losses {
        undertone::Losses::default()
    }
}

fn pack(midi: MidiOut) -> u32 {
    let MidiOut {
        on,
        channel,
        first,
        fine,
        notes,
    } = midi.vetted();
    let flags = u8::from(on) | u8::from(fine) << 1 | u8::from(notes) << 2;
    u32::from_le_bytes([channel, first, flags, 0])
}

fn unpack(word: u32) -> MidiOut {
    let [channel, first, flags, _] = word.to_le_bytes();
    MidiOut {
        on: flags & 1 != 0,
        channel,
        first,
        fine: flags & 2 != 0,
        notes: flags & 4 != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midi_settings_survive_the_word() {
        let midi = MidiOut {
            on: true,
            channel: 9,
            first: 17,
            fine: true,
            notes: true,
        };
        assert_eq!(unpack(pack(midi)), midi);
    }

    fn settings(consent: bool) -> Settings {
        Settings {
            consent,
            ..Settings::default()
        }
    }

    #[test]
    fn nothing_is_heard_before_consent_and_nothing_after_it_is_taken_back() {
        let (voice, mut receiver) = Voice::new(Arc::default());
        voice.activate(48_000, &settings(false));
        assert!(receiver.line().is_none());
        assert_eq!(voice.with_feed(|feed| feed.stage()), Stage::Off);
        voice.set(&settings(true));
        assert_eq!(receiver.line().map(|line| line.tap.rate()), Some(48_000));
        voice.activate(96_000, &settings(true));
        assert_eq!(receiver.line().map(|line| line.tap.rate()), Some(96_000));
        voice.set(&settings(false));
        assert!(receiver.line().is_none());
        assert_eq!(voice.with_feed(|feed| feed.stage()), Stage::Off);
    }

    #[test]
    fn a_rate_that_cannot_be_heard_is_said_and_forgotten_at_the_next() {
        let (voice, mut receiver) = Voice::new(Arc::default());
        voice.activate(1_000_000, &settings(true));
        assert!(receiver.line().is_none());
        assert!(matches!(voice.with_feed(|feed| feed.stage()), Stage::Failed(_)));
        voice.activate(44_100, &settings(true));
        assert!(receiver.line().is_some());
        assert!(!matches!(voice.with_feed(|feed| feed.stage()), Stage::Failed(_)));
    }

    #[test]
    fn another_recogniser_is_no_other_stream_and_one_that_is_not_there_is_said() {
        let (voice, mut receiver) = Voice::new(Arc::default());
        voice.activate(48_000, &settings(true));
        assert!(receiver.line().is_some());
        // What is heard, by something that is made with it.
        let heard = || voice.lock().heard.as_ref().map(|heard| heard.rewording.mark());
        let before = heard();
        let vosk = Settings {
            recogniser: Recogniser::Vosk,
            ..settings(true)
        };
        voice.set(&vosk);
        assert!(receiver.line().is_some());
        assert!(before.is_some() && heard() == before, "the same stream goes on");
        let said = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            let fault = voice.with_feed(|feed| feed.fault());
            fault.is_some_and(|why| why.contains("models add vosk"))
        });
        assert!(said);
        assert!(!matches!(voice.with_feed(|feed| feed.stage()), Stage::Failed(_)));
    }

    #[test]
    fn another_system_is_another_stream_and_a_system_that_is_not_there_is_said() {
        let (voice, mut receiver) = Voice::new(Arc::default());
        voice.activate(48_000, &settings(true));
        let other = Settings {
            system: Some("oracle".to_owned()),
            ..settings(true)
        };
        voice.set(&other);
        assert!(receiver.line().is_some());
        let failed = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            matches!(voice.with_feed(|feed| feed.stage()), Stage::Failed(why) if why.contains("oracle"))
        });
        assert!(failed);
    }
}
