//! Who turns speech into words: the pack's own first pass, or a recogniser that a person installed.
//!
//! One trait, three implementations. A recogniser is asked once for each request and gets its sound, so that one
//! may take the place of another between two requests and no sound is lost. Must never hold a stream up: one that
//! is slow says so and hears finals apart, after everything that somebody waits for.

mod align;
mod beam;
mod choice;
mod decoder;
mod error;
mod first_pass;
mod hearings;
mod later;
mod libvosk;
mod moonshine;
mod ours;
mod past;
mod vosk;

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

pub use self::choice::{Recogniser, UnknownRecogniser};
pub use self::error::RecogniserError;
pub(crate) use self::later::{LATER_AT_MOST, Later, LaterQueue};
use self::ours::within;
pub(crate) use self::past::Past;
use crate::mind::Frames;
use crate::update::{Degraded, Kind};
use crate::utterance::Request;
use crate::words::Heard;

/// Something that recognises one stream's speech.
pub(crate) trait Recognizer: Send {
    /// Which one it is.
    fn which(&self) -> Recogniser;

    /// Whether it takes its time with finals: they are then heard on a thread of their own, and the pack's first
    /// pass is shown until they are. It is asked about finals only.
    fn takes_time(&self) -> bool {
        false
    }

    /// The words of a request. `first` is what the pack's first pass heard in the same sound.
    fn hear(&mut self, request: &Request, first: &[Heard]) -> Result<Vec<Heard>, RecogniserError>;
}

/// A recogniser that is loaded, from which each stream opens its own.
#[derive(Clone)]
pub(crate) enum Loaded {
    /// The pack's first pass; nothing to load.
    First,
    Moonshine(Arc<moonshine::Moonshine>),
    Vosk(Arc<libvosk::Model>),
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.which().name())
    }
}

impl Loaded {
    /// Loads a recogniser, or finds it loaded; takes as long as that takes.
    pub(crate) fn load(which: Recogniser, threads: usize) -> Result<Self, RecogniserError> {
        static MOONSHINE: Mutex<Weak<moonshine::Moonshine>> = Mutex::new(Weak::new());
        static VOSK: Mutex<Weak<libvosk::Model>> = Mutex::new(Weak::new());
        match which {
            Recogniser::First => Ok(Self::First),
            Recogniser::Moonshine => {
                shared(&MOONSHINE, || moonshine::Moonshine::load(threads)).map(Self::Moonshine)
            }
            Recogniser::Vosk => shared(&VOSK, vosk::load).map(Self::Vosk),
        }
    }

    pub(crate) fn which(&self) -> Recogniser {
        match self {
            Self::First => Recogniser::First,
            Self::Moonshine(_) => Recogniser::Moonshine,
            Self::Vosk(_) => Recogniser::Vosk,
        }
    }

    fn open(&self, past: &Arc<Mutex<Past>>) -> Box<dyn Recognizer> {
        match self {
            Self::First => Box::new(first_pass::FirstPass),
            Self::Moonshine(shared) => Box::new(moonshine::OfStream {
                shared: Arc::clone(shared),
                past: Arc::clone(past),
            }),
            Self::Vosk(model) => Box::new(vosk::OfStream::new(Arc::clone(model))),
        }
    }
}

/// Loads a recogniser and lets it go again: whether it would run, and if not, why.
pub fn try_recogniser(which: Recogniser) -> Result<(), RecogniserError> {
    Loaded::load(which, 1).map(drop)
}

/// One of a kind in the process, however many engines ask for it.
fn shared<T>(
    known: &Mutex<Weak<T>>,
    load: impl FnOnce() -> Result<T, RecogniserError>,
) -> Result<Arc<T>, RecogniserError> {
    // Held while loading, so that two engines that start together load once.
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(loaded) = known.upgrade() {
        return Ok(loaded);
    }
    let loaded = Arc::new(load()?);
    *known = Arc::downgrade(&loaded);
    Ok(loaded)
}

/// The recogniser that a stream uses, opened from what its engine has loaded at the moment.
#[derive(Default)]
pub(crate) struct InUse {
    opened: Option<(Arc<Loaded>, Box<dyn Recognizer>)>,
    past: Arc<Mutex<Past>>,
}

impl std::fmt::Debug for InUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("InUse")
            .field(&self.opened.as_ref().map(|(loaded, _)| loaded))
            .finish()
    }
}

impl InUse {
    /// The recogniser of this request: another one from this request on if the engine has changed to it.
    pub(crate) fn of(&mut self, loaded: &Arc<Loaded>) -> &mut dyn Recognizer {
        let opened = match self.opened.take() {
            Some((of, opened)) if Arc::ptr_eq(&of, loaded) => opened,
            _ => loaded.open(&self.past),
        };
        self.opened.insert((Arc::clone(loaded), opened)).1.as_mut()
    }

    /// What was said just before, as those know it who hear finals again.
    pub(crate) fn past(&self) -> Arc<Mutex<Past>> {
        Arc::clone(&self.past)
    }
}

/// Hears a request with the recogniser in use. Says whether the request is to be heard again, apart.
pub(crate) fn recognise(
    in_use: &mut InUse,
    loaded: &Arc<Loaded>,
    request: &Request,
    frames: &mut Frames,
    degraded: &mut Vec<Degraded>,
) -> bool {
    let recognizer = in_use.of(loaded);
    if !recognizer.takes_time() {
        hear_with(recognizer, request, frames, degraded);
        return false;
    }
    frames.tentative = true;
    if request.kind == Kind::Final {
        // What lies past a cut stays until then: the words there are told from our own by it.
        return true;
    }
    keep_own(request, frames);
    false
}

/// Leaves the first pass's words that belong to the request.
pub(crate) fn keep_own(request: &Request, frames: &mut Frames) {
    if let Some(first) = frames.take_words() {
        frames.put_words(within(first, request), Recogniser::First);
    }
}

/// Hears a final again, with a recogniser that takes its time.
pub(crate) fn hear_again(
    loaded: &Loaded,
    past: &Arc<Mutex<Past>>,
    request: &Request,
    frames: &mut Frames,
    degraded: &mut Vec<Degraded>,
) {
    hear_with(loaded.open(past).as_mut(), request, frames, degraded);
}

fn hear_with(
    recognizer: &mut dyn Recognizer,
    request: &Request,
    frames: &mut Frames,
    degraded: &mut Vec<Degraded>,
) {
    // Without words wanted there is nothing to better, and nothing to do.
    let Some(first) = frames.take_words() else { return };
    let began = Instant::now();
    if let Ok(words) = recognizer.hear(request, &first) {
        frames.put_words(within(words, request), recognizer.which());
    } else {
        degraded.push(Degraded::RecogniserFailed);
        frames.put_words(within(first, request), Recogniser::First);
    }
    frames.words_time += began.elapsed();
}

/// How sure a recogniser is of all that it heard: each letter of it counts alike.
pub(crate) fn confidence(words: &[Heard]) -> f32 {
    let letters = |word: &Heard| word.text.chars().count().max(1) as f32;
    let all: f32 = words.iter().map(letters).sum();
    if all == 0.0 {
        return 0.0;
    }
    words
        .iter()
        .map(|word| word.confidence * letters(word))
        .sum::<f32>()
        / all
}
