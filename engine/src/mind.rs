//! A pack that is loaded and can score: one per process, pack and system, shared by every stream.
//!
//! The trunk runs once per request; everything else reads its frames. Must never keep anything about a
//! speaker: what a stream has learnt is its own and comes in as arguments.

mod error;
mod familiar;
mod letters;
mod runs;
mod sides;
mod trunk;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use undertone_models::{Manifest, Pack, Role, SYSTEMS};

use crate::fuse::Recipe;
use crate::recognise::Recogniser;
use crate::runtime::{Graph, Input, LENGTHS, Output, Runtime, RuntimeError, Wish, select};
use crate::text;
use crate::utterance::Request;
use crate::words::{Draft, Heard, Reader, Units, Writer};

pub use error::MindError;
pub(crate) use familiar::UNFAMILIAR;
use runs::Counters;
pub use runs::Runs;
pub(crate) use sides::Feeling;
use sides::Voice;
pub(crate) use trunk::Passed;
use trunk::Trunk;

/// What a person is told about the pack that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Name, version and weights in one: two packs with the same key are the same.
    pub key: String,
    /// Licence of its weights.
    pub licence: String,
    /// The system that runs.
    pub system: String,
    /// The systems it offers.
    pub systems: Vec<String>,
    /// What runs the graphs.
    pub runtime: String,
    /// How many requests of different streams it runs at once.
    pub batch: usize,
    /// Why another runtime that was wished for does not, with what to do.
    pub remarks: Vec<String>,
    /// Its folder; `None` for the pack inside the program.
    pub origin: Option<PathBuf>,
    /// Whether it recognises words.
    pub hears_words: bool,
    /// Whether it tells what the words feel like.
    pub reads_words: bool,
}

/// What the networks made of a request, before anything is known about the speaker.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frames {
    /// What the emotion branch reads, frames × width, of voiced frames only.
    mix: Vec<f32>,
    count: usize,
    /// Middle of the first of them, on the stream's clock, in samples.
    first: u64,
    /// Words, phones and syllables, unless they were not asked for.
    pub(crate) units: Option<Units>,
    /// Who heard the words.
    pub(crate) recogniser: Recogniser,
    /// Another recogniser will hear the utterance again when it is over: no word of it may settle before.
    pub(crate) tentative: bool,
    pub(crate) trunk_time: Duration,
    pub(crate) words_time: Duration,
}

impl Frames {
    /// The first pass's words, for another recogniser to better; `None` if no words were asked for.
    pub(crate) fn take_words(&mut self) -> Option<Vec<Heard>> {
        self.units.as_mut().map(|units| std::mem::take(&mut units.words))
    }

    /// Words in the place of those taken.
    pub(crate) fn put_words(&mut self, words: Vec<Heard>, by: Recogniser) {
        self.units.get_or_insert_default().words = words;
        self.recogniser = by;
    }
}

pub(crate) struct Mind {
    pub(crate) manifest: Manifest,
    pub(crate) info: Arc<PackInfo>,
    pub(crate) recipe: Recipe,
    trunk: Trunk,
    words: Option<Reader>,
    writer: Option<Writer>,
    voice: Option<Voice>,
    text: Option<text::Branch>,
    /// The graph that hears and reads together.
    own: Option<(Role, Box<dyn Graph>)>,
    counters: Counters,
}

impl std::fmt::Debug for Mind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mind")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

/// Loaded packs of this process, by what they are; so that a second engine costs no second copy.
static LOADED: Mutex<Option<HashMap<String, Weak<Mind>>>> = Mutex::new(None);

/// Does something while every pack that is to be loaded has to wait.
#[cfg(test)]
pub(crate) fn while_loading<R>(what: impl FnOnce() -> R) -> R {
    let _held = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    what()
}

impl Mind {
    /// The pack that was asked for, loaded now or found loaded.
    pub(crate) fn get(pack: Option<&str>, system: Option<&str>, wish: &Wish) -> Result<Arc<Self>, MindError> {
        let pack = undertone_models::resolve(pack)?;
        let key = format!("{} {} {wish:?}", pack.key(), system.unwrap_or_default());
        // Held while loading, so that two engines that start together load once.
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = loaded.get_or_insert_with(HashMap::new);
        loaded.retain(|_, mind| mind.strong_count() > 0);
        if let Some(mind) = loaded.get(&key).and_then(Weak::upgrade) {
            return Ok(mind);
        }
        let system = system.map(str::to_owned);
        let selected = select(wish, move |runtime| Self::load(&pack, system.as_deref(), runtime))?;
        let mut mind = selected.value;
        Arc::make_mut(&mut mind.info).remarks = selected.remarks;
        let mind = Arc::new(mind);
        loaded.insert(key, Arc::downgrade(&mind));
        Ok(mind)
    }

    pub(crate) fn load(pack: &Pack, system: Option<&str>, runtime: &dyn Runtime) -> Result<Self, MindError> {
        let manifest = pack.manifest().clone();
        let system = system.unwrap_or(&manifest.default_system).to_owned();
        if !manifest.systems.contains(&system) {
            return Err(MindError::System {
                pack: manifest.name.clone(),
                asked: system,
                offered: manifest.systems.clone(),
            });
        }
        let shape = |role: Role, what: &str| MindError::Shape {
            pack: manifest.name.clone(),
            role,
            what: what.to_owned(),
        };
        let load_with = |role: Role, lengths: bool| {
            let graph = |source| MindError::Graph {
                pack: manifest.name.clone(),
                role,
                source,
            };
            let (Some(entry), Some(bytes)) = (manifest.graph(role), pack.graph(role)) else {
                return Err(graph(RuntimeError::Load("the pack has no such graph".into())));
            };
            // In the order that the engine gives and takes them, whatever the manifest's.
            let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            let (mut inputs, outputs) = match role {
                Role::Words => (entry.inputs.clone(), entry.outputs.clone()),
                _ => (named(role.inputs()), named(role.outputs())),
            };
            inputs.extend(lengths.then(|| LENGTHS.to_owned()));
            let runtime = match (role, runtime.small()) {
                (Role::Writer | Role::WriterSound, _) => runtime.stepwise().unwrap_or(runtime),
                (Role::Trunk | Role::LateSpeech, _) | (_, None) => runtime,
                (_, Some(small)) => small,
            };
            runtime.load(bytes, &inputs, &outputs).map_err(graph)
        };
        let load = |role: Role| load_with(role, false);
        let needed = SYSTEMS.iter().find(|(name, _)| *name == system);
        let needs = |role: Role| needed.is_some_and(|(_, roles)| roles.contains(&role));
        let wanted = |role: Role| needs(role).then(|| load(role)).transpose();

        let trunk = Trunk::load(runtime.batch(), |lengths| load_with(Role::Trunk, lengths))?;
        let words = manifest
            .graph(Role::Words)
            .map(|entry| {
                let graph = load(Role::Words)?;
                Reader::new(graph, entry.inputs.clone(), &manifest, pack).map_err(|source| {
                    MindError::Lexicon {
                        pack: manifest.name.clone(),
                        source,
                    }
                })
            })
            .transpose()?;
        let writer = letters::writer(&manifest, pack, load)?;
        let voice = match system.as_str() {
            "text_only" => None,
            "late" => Some(Role::LateSpeech),
            _ => Some(Role::Speech),
        };
        let voice = voice.map(|role| Voice::load(role, &manifest, load)).transpose()?;
        let text = wanted(Role::Text)?
            .map(|graph| text::Branch::new(graph, pack))
            .transpose()
            .map_err(|error| shape(Role::Text, &error.to_string()))?;
        let mut own = None;
        for role in [Role::Multilevel, Role::Joint] {
            if let Some(graph) = wanted(role)? {
                own = Some((role, graph));
            }
        }
        let recipe = Recipe::of(&manifest, &system);
        let info = PackInfo {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            key: pack.key(),
            licence: manifest.licence.clone(),
            system,
            systems: manifest.systems.clone(),
            runtime: runtime.name().to_owned(),
            batch: 1,
            remarks: Vec::new(),
            origin: pack.origin().map(ToOwned::to_owned),
            hears_words: words.is_some(),
            reads_words: text.is_some(),
        };
        let mind = Self {
            manifest,
            info: Arc::new(info),
            recipe,
            trunk,
            words,
            writer,
            voice,
            text,
            own,
            counters: Counters::default(),
        };
        mind.tried_out()
    }

    /// The pack after its trials; what they find out of it is in its info.
    fn tried_out(mut self) -> Result<Self, MindError> {
        self.probe()?;
        self.prove_company()?;
        // Trials are nobody's requests.
        self.counters = Counters::default();
        Arc::make_mut(&mut self.info).batch = self.batch();
        Ok(self)
    }

    /// What ran since the pack was loaded.
    pub(crate) fn runs(&self) -> Runs {
        self.counters.read()
    }

    /// One run on noise: a pack that does not fit is refused here, not in the middle of a stream. It also
    /// touches the weights once, so that the first real score is not the slow one.
    fn probe(&self) -> Result<(), MindError> {
        let audio = crate::runtime::noise(self.manifest.trunk.min_samples.max(16_000));
        let request = Request {
            utterance: 0,
            kind: crate::update::Kind::Final,
            first: true,
            closing: false,
            start: 0,
            end: audio.len() as u64,
            audio_from: 0,
            clock: audio.len() as u64,
            audio,
            clipped: false,
            cut_from: None,
            cut_to: None,
        };
        let passed = self.alone(&request)?;
        let frames = self.frames(&passed, &request, Some(&mut Draft::default()))?;
        self.try_writer(&passed)?;
        let past = vec![0.0; self.stats_width()];
        self.feel(&request, &frames, &past, 0.0)?;
        if let Some(read) = self.read("so that it is tried")? {
            self.both(&frames, &read, &past, 0.0)?;
        }
        Ok(())
    }

    /// Runs the trunk once, and the words branch on its frames if words are wanted: then with what the stream's
    /// passes wrote before.
    pub(crate) fn hear(&self, request: &Request, words: Option<&mut Draft>) -> Result<Frames, MindError> {
        self.frames(&self.alone(request)?, request, words)
    }

    fn alone(&self, request: &Request) -> Result<Passed, MindError> {
        let passed = self.pass(&[request.for_pack()])?.pop();
        passed.ok_or_else(|| self.misshapen(Role::Trunk, "it gave nothing"))
    }

    /// What a request's sound says, when the trunk has passed over it.
    pub(crate) fn frames(
        &self,
        passed: &Passed,
        request: &Request,
        words: Option<&mut Draft>,
    ) -> Result<Frames, MindError> {
        let Passed { mix, time, .. } = passed;
        let width = self.manifest.speech.mix_width;
        let count = mix.shape[1];
        let began = Instant::now();
        let units = match (&self.words, words) {
            (Some(reader), Some(draft)) => Some(self.spell(reader, passed, request, draft)?),
            _ => None,
        };
        let words_time = began.elapsed();
        self.counters.words(words_time);
        let (from, to) = self.voiced(request, count);
        Ok(Frames {
            mix: mix.data[from * width..to * width].to_vec(),
            count: to - from,
            first: self.frame_time(request.audio_from, from as f32),
            units,
            recogniser: Recogniser::First,
            tentative: false,
            trunk_time: *time,
            words_time,
        })
    }

    /// The first and one past the last frame whose middle lies in the voiced span; at least one frame.
    fn voiced(&self, request: &Request, count: usize) -> (usize, usize) {
        let trunk = &self.manifest.trunk;
        let frame_at = |time: u64| {
            let offset = usize::try_from(time.saturating_sub(request.audio_from)).unwrap_or(usize::MAX);
            offset.saturating_sub(trunk.receptive_field / 2) / trunk.frame_stride
        };
        let from = frame_at(request.start).min(count - 1);
        let to = (frame_at(request.end) + 1).clamp(from + 1, count);
        (from, to)
    }

    /// The middle of a frame, or a place between two, on the stream's clock, in samples.
    fn frame_time(&self, from: u64, frame: f32) -> u64 {
        let trunk = &self.manifest.trunk;
        let offset = frame * trunk.frame_stride as f32 + trunk.receptive_field as f32 / 2.0;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is small"
        )]
        let offset = offset.max(0.0) as u64;
        from + offset
    }

    fn run<const N: usize>(
        &self,
        role: Role,
        graph: &dyn Graph,
        inputs: &[Input<'_>],
    ) -> Result<[Output; N], MindError> {
        let outputs = graph.run(inputs).map_err(|source| MindError::Graph {
            pack: self.info.name.clone(),
            role,
            source,
        })?;
        outputs
            .try_into()
            .map_err(|_| self.misshapen(role, "it gave a wrong number of outputs"))
    }

    fn misshapen(&self, role: Role, what: &str) -> MindError {
        MindError::Shape {
            pack: self.info.name.clone(),
            role,
            what: what.to_owned(),
        }
    }
}
