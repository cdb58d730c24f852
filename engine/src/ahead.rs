//! What was heard of an utterance in a pause that may have been its end: if it was, its final is there already.
//!
//! Holds one request's frames at most. Must never answer for other sound than the final's own.

use std::time::Duration;

use crate::mind::Frames;
use crate::update::Kind;
use crate::utterance::Request;

/// The newest closing look of a stream.
#[derive(Debug, Default)]
pub(crate) struct Ahead(Option<(Sound, Frames)>);

/// Which sound was heard.
#[derive(Debug, PartialEq, Eq)]
struct Sound {
    utterance: u64,
    from: u64,
    end: u64,
    samples: usize,
    cut: (Option<u64>, Option<u64>),
}

impl Sound {
    fn of(request: &Request) -> Self {
        Self {
            utterance: request.utterance,
            from: request.audio_from,
            end: request.end,
            samples: request.for_pack().len(),
            cut: (request.cut_from, request.cut_to),
        }
    }
}

impl Ahead {
    /// Whether the sound of this final was looked at before.
    pub(crate) fn knows(&self, request: &Request) -> bool {
        let known = self.0.as_ref().filter(|_| request.kind == Kind::Final);
        known.is_some_and(|(sound, _)| *sound == Sound::of(request))
    }

    /// What was heard in the sound of this final, if it was looked at before. Nobody waited for it now.
    pub(crate) fn take(&mut self, request: &Request) -> Option<Frames> {
        if request.kind != Kind::Final {
            return None;
        }
        let known = self.knows(request);
        let (_, mut frames) = self.0.take()?;
        (frames.trunk_time, frames.words_time) = (Duration::ZERO, Duration::ZERO);
        known.then_some(frames)
    }

    /// Keeps what a closing look heard, if it was `complete`: one that went without words is no final.
    pub(crate) fn keep(&mut self, request: &Request, frames: &Frames, complete: bool) {
        if request.closing && complete {
            self.0 = Some((Sound::of(request), frames.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(kind: Kind, end: u64) -> Request {
        Request {
            utterance: 3,
            kind,
            first: false,
            closing: kind == Kind::Provisional,
            start: 100,
            end,
            audio_from: 50,
            audio: vec![0.0; 400],
            clock: 600,
            clipped: false,
            cut_from: None,
            cut_to: None,
        }
    }

    fn frames() -> Frames {
        Frames::of_silence()
    }

    #[test]
    fn a_final_of_the_same_sound_is_there_already() {
        let mut ahead = Ahead::default();
        ahead.keep(&request(Kind::Provisional, 500), &frames(), true);
        assert!(ahead.knows(&request(Kind::Final, 500)) && !ahead.knows(&request(Kind::Final, 516)));
        let known = ahead.take(&request(Kind::Final, 500));
        assert_eq!(known.map(|frames| frames.trunk_time), Some(Duration::ZERO));
        assert!(
            ahead.take(&request(Kind::Final, 500)).is_none(),
            "it is used once"
        );
    }

    #[test]
    fn other_sound_or_missing_words_are_heard_anew() {
        let mut ahead = Ahead::default();
        ahead.keep(&request(Kind::Provisional, 500), &frames(), true);
        assert!(ahead.take(&request(Kind::Final, 516)).is_none(), "more was said");
        ahead.keep(&request(Kind::Provisional, 500), &frames(), false);
        assert!(
            ahead.take(&request(Kind::Final, 500)).is_none(),
            "it had no words"
        );
        ahead.keep(&request(Kind::Provisional, 500), &frames(), true);
        assert!(
            ahead.take(&request(Kind::Provisional, 500)).is_none(),
            "a provisional score waits for nobody"
        );
    }
}
