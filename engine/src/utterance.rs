//! Where an utterance starts, when it is scored, and where it ends.
//!
//! Works on 16 kHz samples and counts time in them. Must never look at a clock, so that the same sound
//! always gives the same requests.

use crate::detect::{FRAME, Voice};
use crate::update::Kind;

/// Samples in a millisecond.
const MS: usize = 16;
/// Sound kept from before the first voiced frame: the encoder hears the onset whole.
const PRE_ROLL: usize = 200 * MS;
/// Voiced frames, of the last four, that make an onset.
const ONSET_FRAMES: u32 = 3;
/// Probability from which a frame may start an utterance.
const START: f32 = 0.5;
/// Probability from which a frame keeps an utterance going.
const KEEP: f32 = 0.35;
/// Sound kept after the last voiced frame: soft endings.
const TAIL: usize = 80 * MS;
/// The same for a recogniser that hears finals again, of what there is: the last sounds of a word are often under
/// what counts as voiced.
const LATE_TAIL: usize = 200 * MS;
/// Voiced sound under which an utterance that was never shown is dropped as a click.
const CLICK: usize = 160 * MS;
/// Voiced sound before the first provisional score.
const FIRST: usize = 300 * MS;
/// Speech after which hops have doubled, as far as they may: scores change less and less.
const SETTLING: u64 = 1_500 * MS as u64;
/// The longest hop of a machine that keeps up, in milliseconds. Words wait for a hop to be shown and for two to settle:
/// with 450 they are shown and settled 0.07 s sooner, for a tenth more passes.
const LONGEST_HOP_MS: u64 = 560;
/// The newest sound that a provisional score looks at: what it costs must not grow with the utterance.
const WINDOW: usize = 3_200 * MS;
/// Silence after which an utterance may be over: it is looked at whole, with the very sound its final would have,
/// so that the final need not be heard again if nothing more comes. No other score is made in a pause.
const PAUSE: u64 = 96 * MS as u64;
/// How near to the edge of the sound a word counts as cut, in samples.
const EDGE: u64 = 300 * MS as u64;
/// The longest utterance, in milliseconds.
const LONGEST_MS: u32 = 12_000;
/// How far back from the longest utterance a quiet place for the cut is looked for.
const CUT_SEARCH: usize = 2_000 * MS;
/// Sound from the other side of a cut that is heard with each: a word on the cut is heard whole by both.
const OVERLAP: usize = 480 * MS;
/// Level from which a sample counts as clipped.
const FULL_SCALE: f32 = 0.995;
/// Share of clipped samples from which the voice counts as distorted.
const CLIPPED_SHARE: f32 = 0.01;

/// How utterances are cut; in milliseconds, because people write them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cutting {
    /// From one provisional score to the next.
    pub hop_ms: u32,
    /// Silence that ends an utterance.
    pub hangover_ms: u32,
    /// The longest utterance; a longer one is cut at its quietest place near the end.
    pub longest_ms: u32,
    /// Whether provisional scores are wanted at all.
    pub provisional: bool,
}

impl Default for Cutting {
    fn default() -> Self {
        Self {
            hop_ms: 250,
            hangover_ms: 224,
            longest_ms: LONGEST_MS,
            provisional: true,
        }
    }
}

/// Speech to be scored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    /// Number of the utterance in its stream.
    pub utterance: u64,
    /// Whether the utterance is over.
    pub kind: Kind,
    /// The first request of its utterance.
    pub first: bool,
    /// A provisional one that hears what the final will, if nothing more is said.
    pub closing: bool,
    /// The voiced span on the stream's clock, in samples.
    pub start: u64,
    /// Its end.
    pub end: u64,
    /// Where `audio` begins on the stream's clock; before `start` by the pre-roll.
    pub audio_from: u64,
    /// The sound, pre-roll and the longest tail included.
    pub audio: Vec<f32>,
    /// The stream's clock when this was asked.
    pub clock: u64,
    /// So much of it is at full scale that the voice is distorted.
    pub clipped: bool,
    /// Where the utterance begins because the one before was cut there; the sound from before belongs to that.
    pub cut_from: Option<u64>,
    /// Where it was cut; the sound from there on belongs to the next.
    pub cut_to: Option<u64>,
}

impl Request {
    /// The sound as the pack hears it: with the tail that it learnt.
    pub(crate) fn for_pack(&self) -> &[f32] {
        let whole = self.audio.len();
        let tail = (self.end + TAIL as u64).saturating_sub(self.audio_from);
        let until = match self.cut_to {
            None => usize::try_from(tail).unwrap_or(whole).min(whole),
            Some(_) => whole,
        };
        &self.audio[..until]
    }

    /// From where on a word may yet turn out to be the next utterance's, because this one is cut if it does not end.
    pub(crate) fn may_be_cut_from(&self) -> u64 {
        self.start + u64::from(LONGEST_MS) * MS as u64 - CUT_SEARCH as u64
    }

    /// Until where a word was heard cut, because the sound begins within the utterance: an earlier pass knows it better.
    pub(crate) fn cut_until(&self) -> u64 {
        if self.audio_from > self.start {
            self.audio_from + EDGE
        } else {
            0
        }
    }
}

#[derive(Debug)]
struct Speaking {
    number: u64,
    /// First voiced sample.
    start: u64,
    /// First sample kept.
    from: u64,
    /// It goes on from a cut.
    goes_on: bool,
    voiced_end: u64,
    voiced: usize,
    next_hop: u64,
    shown: bool,
    /// Where the voice ended when the utterance was last looked at as if it were over.
    closed_at: u64,
    /// Probability of every frame since `CUT_SEARCH` ago, newest last, to find the place for a cut.
    recent: std::collections::VecDeque<f32>,
}

/// Cuts one stream's sound into utterances.
#[derive(Debug)]
pub(crate) struct Segmenter {
    cutting: Cutting,
    voice: Voice,
    /// Sound that may still be needed; begins at `kept_from` on the stream's clock.
    kept: Vec<f32>,
    kept_from: u64,
    /// Samples at the end of `kept` that are not a whole frame yet.
    unheard: usize,
    onset: [bool; 4],
    speaking: Option<Speaking>,
    next_number: u64,
    /// Probability of the newest frame.
    pub(crate) probability: f32,
    /// How many times longer hops are while the machine is behind.
    pub(crate) stretch: u32,
}

impl Segmenter {
    pub(crate) fn new(cutting: Cutting) -> Self {
        Self {
            cutting,
            voice: Voice::new(),
            kept: Vec::new(),
            kept_from: 0,
            unheard: 0,
            onset: [false; 4],
            speaking: None,
            next_number: 0,
            probability: 0.0,
            stretch: 1,
        }
    }

    /// Where the stream's clock stands, in samples.
    pub(crate) fn clock(&self) -> u64 {
        self.kept_from + self.kept.len() as u64
    }

    pub(crate) fn is_speaking(&self) -> bool {
        self.speaking.is_some()
    }

    /// Takes 16 kHz sound and says what is to be scored.
    pub(crate) fn push(&mut self, sound: &[f32], out: &mut Vec<Request>) {
        self.kept.extend_from_slice(sound);
        self.unheard += sound.len();
        while self.unheard >= FRAME {
            let from = self.kept.len() - self.unheard;
            let mut frame = [0.0; FRAME];
            frame.copy_from_slice(&self.kept[from..from + FRAME]);
            self.unheard -= FRAME;
            self.probability = self.voice.probability(&frame);
            let frame_start = self.kept_from + from as u64;
            self.step(frame_start, frame_start + FRAME as u64, out);
        }
        self.forget();
    }

    /// The sound is over: ends the utterance that is going on.
    pub(crate) fn finish(&mut self, out: &mut Vec<Request>) {
        if let Some(speaking) = self.speaking.take() {
            let end = speaking.voiced_end;
            self.close(&speaking, end, self.clock(), None, out);
        }
        self.onset = [false; 4];
    }

    fn step(&mut self, frame_start: u64, now: u64, out: &mut Vec<Request>) {
        let Some(mut speaking) = self.speaking.take() else {
            self.onset.rotate_left(1);
            self.onset[3] = self.probability >= START;
            let voiced = self.onset.iter().map(|on| u32::from(*on)).sum::<u32>();
            if voiced >= ONSET_FRAMES {
                let back = self.onset.iter().position(|on| *on).map_or(0, |at| 3 - at) * FRAME;
                let start = frame_start.saturating_sub(back as u64);
                self.speaking = Some(self.begin(start, now, voiced as usize * FRAME));
                self.onset = [false; 4];
            }
            return;
        };
        speaking.recent.push_back(self.probability);
        if speaking.recent.len() > CUT_SEARCH / FRAME {
            speaking.recent.pop_front();
        }
        if self.probability >= KEEP {
            speaking.voiced_end = now;
            speaking.voiced += FRAME;
        }
        let silent = now - speaking.voiced_end;
        if silent >= u64::from(self.cutting.hangover_ms) * MS as u64 {
            let end = speaking.voiced_end;
            self.close(&speaking, end, now, None, out);
        } else if now - speaking.start >= u64::from(self.cutting.longest_ms) * MS as u64 {
            let cut = quietest(&speaking, now);
            self.close(&speaking, cut, now, Some(cut), out);
            // The rest goes on as the next utterance: not one sample lies between the two.
            let rest = usize::try_from(now - cut).unwrap_or(0);
            let mut next = self.begin(cut, now, rest);
            next.from = cut.saturating_sub(OVERLAP as u64).max(speaking.from);
            next.goes_on = true;
            self.speaking = Some(next);
        } else {
            if self.cutting.provisional {
                self.look(&mut speaking, now, out);
            }
            self.speaking = Some(speaking);
        }
    }

    /// Asks for a provisional score if one is due.
    fn look(&self, speaking: &mut Speaking, now: u64, out: &mut Vec<Request>) {
        let (end, paused) = (speaking.voiced_end, now - speaking.voiced_end >= PAUSE);
        let request = if paused {
            if speaking.closed_at == end || speaking.voiced < CLICK {
                return;
            }
            speaking.closed_at = end;
            let until = end + TAIL as u64;
            Request {
                closing: true,
                ..self.request(
                    speaking,
                    Kind::Provisional,
                    speaking.from,
                    (end, until),
                    now,
                    None,
                )
            }
        } else {
            if now < speaking.next_hop || speaking.voiced < FIRST {
                return;
            }
            let from = speaking.from.max(now.saturating_sub(WINDOW as u64));
            self.request(speaking, Kind::Provisional, from, (end, now), now, None)
        };
        out.push(request);
        speaking.shown = true;
        speaking.next_hop = now + self.hop_ms(now - speaking.start) * MS as u64;
    }

    /// From one provisional score to the next, so far into an utterance.
    fn hop_ms(&self, into: u64) -> u64 {
        let base = u64::from(self.cutting.hop_ms);
        let grown = base + base * into / SETTLING;
        grown.min(LONGEST_HOP_MS.max(base)) * u64::from(self.stretch)
    }

    fn begin(&mut self, start: u64, now: u64, voiced: usize) -> Speaking {
        let number = self.next_number;
        self.next_number += 1;
        Speaking {
            number,
            start,
            from: start.saturating_sub(PRE_ROLL as u64).max(self.kept_from),
            goes_on: false,
            voiced_end: now,
            voiced,
            next_hop: start + FIRST as u64,
            shown: false,
            closed_at: 0,
            recent: std::collections::VecDeque::new(),
        }
    }

    fn close(&mut self, speaking: &Speaking, end: u64, now: u64, cut: Option<u64>, out: &mut Vec<Request>) {
        if speaking.voiced < CLICK && !speaking.shown {
            // Nobody has seen it: its number goes to the next.
            self.next_number = speaking.number;
            return;
        }
        let after = if cut.is_some() { OVERLAP } else { LATE_TAIL };
        let until = (end + after as u64).min(now);
        out.push(self.request(speaking, Kind::Final, speaking.from, (end, until), now, cut));
    }

    fn request(
        &self,
        speaking: &Speaking,
        kind: Kind,
        from: u64,
        (end, until): (u64, u64),
        clock: u64,
        cut_to: Option<u64>,
    ) -> Request {
        let at = |time: u64| {
            usize::try_from(time.saturating_sub(self.kept_from))
                .unwrap_or(0)
                .min(self.kept.len())
        };
        let audio = self.kept[at(from)..at(until)].to_vec();
        let loud = audio.iter().filter(|sample| sample.abs() >= FULL_SCALE).count();
        Request {
            utterance: speaking.number,
            kind,
            first: !speaking.shown,
            closing: false,
            start: speaking.start,
            end,
            audio_from: from.max(self.kept_from),
            clipped: loud as f32 > audio.len() as f32 * CLIPPED_SHARE,
            audio,
            clock,
            cut_from: speaking.goes_on.then_some(speaking.start),
            cut_to,
        }
    }

    /// Throws away what no utterance can need any more.
    fn forget(&mut self) {
        let needed = match &self.speaking {
            Some(speaking) => speaking.from,
            None => self.clock().saturating_sub((PRE_ROLL + 8 * FRAME) as u64),
        };
        let old = usize::try_from(needed.saturating_sub(self.kept_from)).unwrap_or(0);
        // Moving the rest costs its length: wait until it is worth it.
        if old > FORGET_FROM {
            self.kept.drain(..old);
            self.kept_from += old as u64;
        }
    }
}

/// How much forgotten sound may pile up before it is moved out, in samples.
const FORGET_FROM: usize = 16_000;

/// The best place to cut speech that does not stop: the end of its least voiced frame of late.
fn quietest(speaking: &Speaking, now: u64) -> u64 {
    let frames = speaking.recent.len();
    // Not in the newest sound: the next utterance needs something to begin with, and a word on the cut its end.
    let usable = frames.saturating_sub(OVERLAP.div_ceil(FRAME)).max(1);
    let lowest = speaking
        .recent
        .iter()
        .take(usable)
        .enumerate()
        .min_by(|a, b| a.1.total_cmp(b.1))
        .map_or(0, |(at, _)| at);
    now - ((frames - lowest).saturating_sub(1) * FRAME) as u64
}

#[cfg(test)]
#[path = "utterance_tests.rs"]
mod tests;
