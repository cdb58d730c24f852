//! The graphs that feel: the voice's branch, the words' branch, and those that hear and read together.
//!
//! Which of them a mind holds is its system's choice; each answers with what it alone would say.

use undertone_models::{Manifest, Role};

use super::familiar::Guard;
use super::{Frames, Mind, MindError};
use crate::label::Label;
use crate::pooling::{Grid, Pooling, pooling};
use crate::runtime::{Graph, Input, Output};
use crate::text::{Read, TextError};
use crate::utterance::Request;
use crate::words::Span;

/// What the voice says, raw.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Feeling {
    pub logits: [f32; Label::COUNT],
    pub affect: [f32; 3],
    pub stats: Vec<f32>,
    /// How far to believe it: the voice may be none that the head knows anything about.
    pub familiar: f32,
}

/// The voice's branch: the head on the trunk's frames, or an encoder of its own that hears the sound.
pub(super) struct Voice {
    pub graph: Box<dyn Graph>,
    pub role: Role,
    /// Of the head on the trunk's frames, where the pack has one.
    guard: Option<Guard>,
    temperature: f32,
    temperature_short: Vec<[f32; 2]>,
    stats_width: usize,
    /// Of the encoder; the head takes any number of frames.
    min_samples: usize,
}

impl Voice {
    pub(super) fn load<E>(
        role: Role,
        manifest: &Manifest,
        load: impl Fn(Role) -> Result<Box<dyn Graph>, E>,
    ) -> Result<Self, E> {
        let graph = load(role)?;
        if let (Some(late), Role::LateSpeech) = (&manifest.late_speech, role) {
            return Ok(Self {
                graph,
                role,
                guard: None,
                temperature: late.temperature,
                temperature_short: late.temperature_short.clone(),
                stats_width: late.stats_width,
                min_samples: late.min_samples,
            });
        }
        let guard = manifest
            .familiar
            .map(|limits| load(Role::Familiar).map(|graph| Guard { graph, limits }));
        Ok(Self {
            graph,
            role,
            guard: guard.transpose()?,
            temperature: manifest.speech.temperature,
            temperature_short: manifest.speech.temperature_short.clone(),
            stats_width: manifest.speech.stats_width,
            min_samples: 0,
        })
    }

    /// How much to cool the logits of so much speech: short speech is less certain than it seems.
    fn temperature(&self, seconds: f64) -> f32 {
        #[allow(clippy::cast_possible_truncation, reason = "seconds of an utterance")]
        let seconds = seconds as f32;
        let points = &self.temperature_short;
        let Some(after) = points.iter().position(|[at, _]| *at > seconds) else {
            return self.temperature;
        };
        let [right_s, right_t] = points[after];
        let [left_s, left_t] = if after == 0 { points[0] } else { points[after - 1] };
        if right_s <= left_s {
            return right_t;
        }
        left_t + (right_t - left_t) * (seconds - left_s) / (right_s - left_s)
    }
}

impl Mind {
    /// Width of the speaker's baseline; 0 where no voice is judged.
    pub(crate) fn stats_width(&self) -> usize {
        self.voice.as_ref().map_or(0, |voice| voice.stats_width)
    }

    /// The branch that judges the voice, by its role's name.
    pub(crate) fn branch(&self) -> Option<&'static str> {
        self.voice.as_ref().map(|voice| voice.role.name())
    }

    /// How much to cool what the voice says in so much speech.
    pub(crate) fn temperature(&self, seconds: f64) -> f32 {
        self.voice
            .as_ref()
            .map_or(1.0, |voice| voice.temperature(seconds))
    }

    /// Whether the words are read, and not only written down.
    pub(crate) fn reads(&self) -> bool {
        self.text.is_some()
    }

    /// Whether it asks where units lie, whoever knows the words.
    pub(crate) fn pools(&self) -> bool {
        self.own
            .as_ref()
            .is_some_and(|(role, _)| *role == Role::Multilevel)
    }

    /// What the voice says, compared with the speaker's past; `None` where the system does not ask it.
    pub(crate) fn feel(
        &self,
        request: &Request,
        frames: &Frames,
        past: &[f32],
        clips: f32,
    ) -> Result<Option<Feeling>, MindError> {
        let Some(voice) = &self.voice else {
            return Ok(None);
        };
        let (stats_shape, clips) = ([1, voice.stats_width], [clips]);
        let sound;
        let (data, shape) = if voice.role == Role::LateSpeech {
            sound = whole(request, voice.min_samples);
            (sound.as_slice(), vec![1, sound.len()])
        } else {
            (frames.mix.as_slice(), frames.shape(self))
        };
        let inputs = [
            Input::floats(data, &shape),
            Input::floats(past, &stats_shape),
            Input::floats(&clips, &[1, 1]),
        ];
        let [logits, affect, own] = self.run(voice.role, voice.graph.as_ref(), &inputs)?;
        let (Ok(logits), Ok(affect)) = (logits.data.try_into(), affect.data.try_into()) else {
            return Err(self.misshapen(voice.role, "logits must be 7 wide and affect 3"));
        };
        if own.data.len() != voice.stats_width {
            return Err(self.misshapen(
                voice.role,
                &format!("stats are {} wide, not {}", own.data.len(), voice.stats_width),
            ));
        }
        Ok(Some(Feeling {
            logits,
            affect,
            familiar: self.familiarity(voice.guard.as_ref(), request, &own.data)?,
            stats: own.data,
        }))
    }

    /// What words in one of the forms of `writing` say; `None` where the system does not read.
    pub(crate) fn read(&self, words: &str) -> Result<Option<Read>, MindError> {
        let Some(text) = self.text.as_ref().filter(|_| !words.is_empty()) else {
            return Ok(None);
        };
        text.read(words).map(Some).map_err(|error| self.unread(error))
    }

    pub(super) fn unread(&self, error: TextError) -> MindError {
        match error {
            TextError::Run(source) => MindError::Graph {
                pack: self.info.name.clone(),
                role: Role::Text,
                source,
            },
            other => self.misshapen(Role::Text, &other.to_string()),
        }
    }

    /// What the system's own graph says of voice and words together; `None` where it has none.
    pub(crate) fn both(
        &self,
        frames: &Frames,
        read: &Read,
        past: &[f32],
        clips: f32,
    ) -> Result<Option<[f32; Label::COUNT]>, MindError> {
        let Some((role, graph)) = &self.own else {
            return Ok(None);
        };
        let (mix_shape, stats_shape, clips) = (frames.shape(self), [1, past.len()], [clips]);
        let mut inputs = vec![
            Input::floats(&frames.mix, &mix_shape),
            Input::floats(past, &stats_shape),
            Input::floats(&clips, &[1, 1]),
        ];
        let layer = if *role == Role::Joint {
            &read.lower
        } else {
            &read.tokens
        };
        let layer_shape = [1, read.count, layer.len() / read.count.max(1)];
        let units: Vec<(Pooling, [usize; 3])> = if *role == Role::Multilevel {
            self.units(frames)
                .into_iter()
                .map(|made| {
                    let shape = [1, made.rows, frames.count];
                    (made, shape)
                })
                .collect()
        } else {
            Vec::new()
        };
        inputs.extend(units.iter().map(|(made, shape)| Input::floats(&made.data, shape)));
        inputs.push(Input::floats(layer, &layer_shape));
        let [logits]: [Output; 1] = self.run(*role, graph.as_ref(), &inputs)?;
        let logits = logits.data.try_into();
        logits
            .map(Some)
            .map_err(|_| self.misshapen(*role, "logits must be 7 wide"))
    }

    /// Phones, syllables and words as matrices, in the order of the graph's inputs.
    fn units(&self, frames: &Frames) -> Vec<Pooling> {
        let grid = Grid {
            first: frames.first,
            stride: self.manifest.trunk.frame_stride as u64,
            frames: frames.count,
        };
        let units = frames.units.as_ref();
        let spans = |known: Option<&[Span]>| {
            let spans = known.unwrap_or_default().iter();
            pooling(spans.map(|span| (span.start, span.end)), grid)
        };
        let words = units.into_iter().flat_map(|units| &units.words);
        vec![
            spans(units.map(|units| units.phones.as_slice())),
            spans(units.map(|units| units.syllables.as_slice())),
            pooling(words.map(|word| (word.start, word.end)), grid),
        ]
    }
}

impl Frames {
    /// One frame of nothing, for tests.
    #[cfg(test)]
    pub(crate) fn of_silence() -> Self {
        let took = std::time::Duration::from_millis(7);
        Self {
            mix: vec![0.0],
            count: 1,
            first: 0,
            units: None,
            recogniser: crate::recognise::Recogniser::First,
            tentative: false,
            trunk_time: took,
            words_time: took,
        }
    }

    fn shape(&self, mind: &Mind) -> Vec<usize> {
        vec![1, self.count, mind.manifest.speech.mix_width]
    }
}

/// The sound of a request, breath and room around the voice included, as the encoder learnt it; silence after it
/// where it is too short.
fn whole(request: &Request, least: usize) -> Vec<f32> {
    let mut sound = request.for_pack().to_vec();
    sound.resize(sound.len().max(least), 0.0);
    sound
}
