//! The whole chain on the caller's thread, for sound that can wait: files, tests, evaluation.
//!
//! Same stages as a live stream, no threads, no clock: the same sound gives the same updates (but for the
//! measured parts of `latency_ms`), as fast as the machine can.

use std::sync::Arc;

use crate::ahead::Ahead;
use crate::ears::Ears;
use crate::losses::Told;
use crate::mind::{Mind, MindError};
use crate::profile::{Profile, ProfileError};
use crate::recognise::{InUse, Loaded, hear_again, recognise};
use crate::resample::ResampleError;
use crate::said::{Readings, Said};
use crate::stream::{StreamConfig, lock, ms};
use crate::tap::{self, Counters, Drain, Losses, Tap};
use crate::track::{Origin, Track, seconds_of};
use crate::update::{Latency, Update};
use crate::utterance::Request;
use crate::words::Draft;

/// Why a session cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The sound could not be resampled.
    #[error(transparent)]
    Resample(#[from] ResampleError),
    /// The networks could not be run.
    #[error(transparent)]
    Mind(#[from] MindError),
}

/// A stream whose caller waits for the scores.
#[derive(Debug)]
pub struct Session {
    mind: Arc<Mind>,
    tap: Tap,
    drain: Drain,
    counters: Arc<Counters>,
    ears: Ears,
    track: Track,
    recogniser: Arc<Loaded>,
    in_use: InUse,
    ahead: Ahead,
    draft: Draft,
    losses: Told,
    mono: Vec<f32>,
    requests: Vec<Request>,
}

impl Session {
    pub(crate) fn new(
        mind: Arc<Mind>,
        recogniser: Arc<Loaded>,
        config: &StreamConfig,
    ) -> Result<Self, ResampleError> {
        let counters = Arc::new(Counters::default());
        let (tap, drain) = tap::pair(config.rate, Arc::clone(&counters));
        Ok(Self {
            mind,
            tap,
            drain,
            counters,
            ears: Ears::new(config.rate, config.cutting())?,
            track: Track::new(Origin::of(config)),
            recogniser,
            in_use: InUse::default(),
            ahead: Ahead::default(),
            draft: Draft::default(),
            losses: Told::default(),
            mono: Vec::new(),
            requests: Vec::new(),
        })
    }

    /// Takes a block of any length and appends the updates that it completes.
    pub fn push(&mut self, channels: &[&[f32]], out: &mut Vec<Update>) -> Result<(), SessionError> {
        let frames = channels.iter().map(|channel| channel.len()).min().unwrap_or(0);
        let mut from = 0;
        while from < frames {
            // Through the same tap as live sound, a ring's worth at a time.
            let now = self.tap.room().min(frames - from);
            let part: Vec<&[f32]> = channels
                .iter()
                .map(|channel| &channel[from..from + now])
                .collect();
            self.tap.push(&part);
            self.mono.clear();
            self.drain.take(&mut self.mono);
            self.ears.push(&self.mono, &mut self.requests)?;
            self.answer(out)?;
            from += now;
        }
        Ok(())
    }

    /// The sound is over: scores what was still being said.
    pub fn finish(mut self, out: &mut Vec<Update>) -> Result<(), SessionError> {
        self.end_clip(out)
    }

    /// A clip ends here and another of the same speaker follows: scores what was being said. What was learnt
    /// about the speaker stays.
    pub fn end_clip(&mut self, out: &mut Vec<Update>) -> Result<(), SessionError> {
        self.ears.finish(&mut self.requests)?;
        self.answer(out)?;
        lock(&self.in_use.past()).forget();
        Ok(())
    }

    /// Where the words of what is scored from here on come from.
    pub fn say(&mut self, said: Said) {
        self.track.say(said);
    }

    /// What was learnt about the speaker, to be given to a later session; `None` for a system that judges no
    /// voice.
    pub fn profile(&self) -> Option<Profile> {
        self.track.profile(&self.mind)
    }

    /// Begins with what was learnt about this speaker before, by the same pack and branch.
    pub fn set_profile(&mut self, profile: &Profile) -> Result<(), ProfileError> {
        self.track.set_profile(&self.mind, profile)
    }

    /// How often the words were read.
    pub fn readings(&self) -> Readings {
        self.track.readings
    }

    /// What is pushed from here on has another rate; the clock goes on.
    pub fn set_rate(&mut self, rate: u32) -> Result<(), SessionError> {
        if rate != self.tap.rate() {
            self.ears.set_rate(rate, &mut self.requests)?;
            (self.tap, self.drain) = tap::pair(rate, Arc::clone(&self.counters));
        }
        Ok(())
    }

    /// What was lost or replaced on the way in.
    pub fn losses(&self) -> Losses {
        self.counters.read()
    }

    /// Where the stream's clock stands, in seconds.
    pub fn clock_s(&self) -> f64 {
        seconds_of(self.ears.clock())
    }

    fn answer(&mut self, out: &mut Vec<Update>) -> Result<(), SessionError> {
        for request in self.requests.drain(..) {
            let mut frames = if let Some(frames) = self.ahead.take(&request) {
                frames
            } else {
                let wanted = self.track.wants_words(&self.mind);
                self.mind.hear(&request, wanted.then_some(&mut self.draft))?
            };
            self.ahead.keep(&request, &frames, true);
            let mut degraded = Vec::new();
            if recognise(
                &mut self.in_use,
                &self.recogniser,
                &request,
                &mut frames,
                &mut degraded,
            ) {
                // Nobody waits: it is heard again here and now.
                let past = self.in_use.past();
                hear_again(&self.recogniser, &past, &request, &mut frames, &mut degraded);
            }
            let latency = Latency {
                trunk: ms(frames.trunk_time),
                text: ms(frames.words_time),
                ..Latency::default()
            };
            degraded.extend(self.losses.since_final(self.counters.read(), request.kind));
            let emitted = seconds_of(request.clock);
            let mut update = self
                .track
                .settle(&self.mind, &request, &frames, latency, emitted, degraded)?;
            let times = &mut update.latency_ms;
            let heard_late = (request.clock - request.end) as f32 / 16.0;
            times.total = heard_late + times.trunk + times.text + times.fuse;
            out.push(update);
        }
        Ok(())
    }
}
