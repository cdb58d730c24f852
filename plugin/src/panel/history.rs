//! The last minute, as the panel remembers it: utterances for the timeline, points for the trail.
//!
//! Holds a bounded number of things whatever the feed sends, and never mixes two clocks: when the stream's
//! clock jumps back, what was remembered is of another stream and goes.

use std::collections::VecDeque;
use std::sync::Arc;

use undertone::{Affect, Update, Verdict};

/// How far back the timeline reaches.
pub const SPAN_S: f64 = 60.0;

/// The most points kept; one every 20 ms for the whole span, far more than any hop gives.
const MOST_POINTS: usize = 3000;

/// One point of the trail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The end of the speech it was scored on.
    pub at_s: f64,
    /// Where the feeling lay.
    pub affect: Affect,
    /// What it was called.
    pub label: Verdict,
    /// The utterance it belongs to; lines are not drawn across two.
    pub utterance: u64,
}

/// The last minute of a stream.
#[derive(Debug, Default)]
pub struct History {
    points: VecDeque<Point>,
    utterances: VecDeque<Arc<Update>>,
    clock_s: f64,
}

impl History {
    /// Moves the clock on; what is older than the span is forgotten.
    pub fn advance(&mut self, clock_s: f64) {
        if clock_s + 1.0 < self.clock_s {
            self.points.clear();
            self.utterances.clear();
        }
        self.clock_s = clock_s;
        let oldest = clock_s - SPAN_S;
        while self.points.front().is_some_and(|point| point.at_s < oldest) || self.points.len() > MOST_POINTS
        {
            self.points.pop_front();
        }
        while self
            .utterances
            .front()
            .is_some_and(|update| update.end_s < oldest)
            || self.utterances.len() > MOST_POINTS
        {
            self.utterances.pop_front();
        }
    }

    /// Takes in a score. A later score of the same utterance replaces the earlier one.
    pub fn take(&mut self, update: Arc<Update>) {
        self.points.push_back(Point {
            at_s: update.end_s,
            affect: update.affect,
            label: update.label,
            utterance: update.utterance,
        });
        match self
            .utterances
            .iter_mut()
            .rev()
            .find(|known| known.utterance == update.utterance)
        {
            Some(known) => *known = update,
            None => self.utterances.push_back(update),
        }
    }

    /// The stream's clock.
    pub fn clock_s(&self) -> f64 {
        self.clock_s
    }

    /// The trail, oldest first.
    pub fn points(&self) -> impl DoubleEndedIterator<Item = &Point> + Clone {
        self.points.iter()
    }

    /// The utterances, oldest first, each with its newest score.
    pub fn utterances(&self) -> impl DoubleEndedIterator<Item = &Update> + Clone {
        self.utterances.iter().map(Arc::as_ref)
    }

    /// The newest score.
    pub fn newest(&self) -> Option<&Update> {
        self.utterances.back().map(Arc::as_ref)
    }

    /// The utterance that was going on at this time.
    pub fn at(&self, at_s: f64) -> Option<&Update> {
        self.utterances()
            .rev()
            .find(|update| (update.start_s..=update.end_s).contains(&at_s))
    }

    /// The trail's point that is nearest to this time, if one lies within half a second.
    pub fn point_near(&self, at_s: f64) -> Option<&Point> {
        let distance = |point: &Point| (point.at_s - at_s).abs();
        self.points
            .iter()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)))
            .filter(|point| distance(point) < 0.5)
    }
}
