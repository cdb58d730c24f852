//! A feed that a test fills, and scores to fill it with.

use std::collections::VecDeque;
use std::time::Instant;

use undertone::{Activity, Affect, Label, Latency, Losses, Scores, Snapshot, Verdict, Word};
use undertone_plugin::panel::{Evidence, Moment, PanelFeed, Source, Stage};

/// A feed that a test fills.
pub struct Fed {
    pub stage: Stage,
    pub activity: Activity,
    pub clock_s: f64,
    pub written: Instant,
    pub moments: VecDeque<Moment>,
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
            written: Instant::now(),
            moments: VecDeque::new(),
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
            rms: 0.1,
            voice: 0.9,
            written: self.written,
        })
    }

    fn next_moment(&mut self) -> Option<Moment> {
        self.moments.pop_front()
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

pub fn moment(utterance: u64, label: Verdict, end_s: f64) -> Moment {
    let mut logits = [0.0; Label::COUNT];
    logits[Label::Angry as usize] = 3.0;
    let scores = Scores::from_logits(&logits, 1.0);
    Moment {
        utterance,
        is_final: false,
        start_s: end_s - 2.0,
        end_s,
        label,
        scores,
        affect: Affect::new([-0.5, 0.6, 0.2]),
        confidence: 0.77,
        voice: Some(Evidence {
            scores: Some(scores),
            weight: 0.6,
        }),
        words: Some(Evidence {
            scores: Some(Scores::default()),
            weight: 0.4,
        }),
        transcript: vec![word("not", true), word("again", false)],
        toxicity: Some(0.12),
        latency: Latency {
            total: 148.0,
            ..Latency::default()
        },
        degraded: vec![],
    }
}
