//! A feed that a test fills, and scores to fill it with.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use undertone::{
    Activity, Affect, Label, Latency, Losses, Scores, Snapshot, SpeechEvidence, TextEvidence, Update,
    Verdict, Word,
};
use undertone_plugin::panel::{PanelFeed, Source, Stage};

/// A feed that a test fills.
pub struct Fed {
    pub stage: Stage,
    pub activity: Activity,
    pub clock_s: f64,
    pub level: f32,
    pub written: Instant,
    pub updates: VecDeque<Update>,
    pub losses: Losses,
}

impl Fed {
    pub fn new() -> Self {
        Self {
            stage: Stage::Ready(Source {
                pack: "default-en".into(),
                version: "1.2.3".into(),
                runtime: "rten/cpu".into(),
                system: "late".into(),
                hears_words: true,
                ..Source::default()
            }),
            activity: Activity::Speaking,
            clock_s: 10.0,
            level: 0.1,
            written: Instant::now(),
            updates: VecDeque::new(),
            losses: Losses::default(),
        }
    }
}

impl PanelFeed for Fed {
    fn stage(&self) -> Stage {
        self.stage.clone()
    }

    fn snapshot(&mut self) -> Option<Snapshot> {
        Some(Snapshot {
            activity: self.activity,
            score: None,
            clock_s: self.clock_s,
            peak: 0.5,
            rms: self.level,
            voice: 0.9,
            written: self.written,
        })
    }

    fn next_update(&mut self) -> Option<Arc<Update>> {
        self.updates.pop_front().map(Arc::new)
    }

    fn losses(&self) -> Losses {
        self.losses
    }
}

pub fn word(text: &str, stable: bool) -> Word {
    Word {
        text: text.into(),
        start_s: 8.0,
        end_s: 8.4,
        confidence: 0.9,
        stable,
    }
}

pub fn update(utterance: u64, label: Verdict, end_s: f64) -> Update {
    let mut logits = [0.0; Label::COUNT];
    logits[Label::Angry as usize] = 3.0;
    let scores = Scores::from_logits(&logits, 1.0);
    let mut update = Update::blank("test");
    update.utterance = utterance;
    update.start_s = end_s - 2.0;
    update.end_s = end_s;
    update.label = label;
    update.scores = scores;
    update.affect = Affect::new([-0.5, 0.6, 0.2]);
    update.confidence = 0.77;
    update.speech = Some(SpeechEvidence {
        scores,
        weight: 0.6,
        quality: 1.0,
        baseline_clips: 0.0,
    });
    update.text = Some(said(vec![word("not", true), word("again", false)]));
    update.toxicity = Some(0.12);
    update.latency_ms = Latency {
        total: 148.0,
        ..Latency::default()
    };
    update
}

/// Words that leave it open how they are meant.
pub fn said(words: Vec<Word>) -> TextEvidence {
    TextEvidence {
        scores: Some(Scores::default()),
        weight: 0.4,
        recogniser: None,
        confidence: 0.9,
        quality: None,
        transcript: String::new(),
        words,
    }
}
