//! What a stream's scores say about sound that was lost: that of their own utterance.
//!
//! The counters only grow; a score must never be called degraded for what happened long before it.

use crate::tap::Losses;
use crate::update::{Degraded, Kind};

/// What had been lost when a stream's last utterance ended.
#[derive(Debug, Default)]
pub(crate) struct Told(Losses);

impl Told {
    /// What is to be said about the losses so far by a score of this kind: what has come since the last final.
    pub(crate) fn since_final(&mut self, now: Losses, kind: Kind) -> Vec<Degraded> {
        let grown = [
            (now.dropped > self.0.dropped, Degraded::Overflow),
            (now.non_finite > self.0.non_finite, Degraded::NonFinite),
        ];
        if kind == Kind::Final {
            self.0 = now;
        }
        let said = grown.into_iter().filter(|(grown, _)| *grown);
        said.map(|(_, degraded)| degraded).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_told_until_its_utterance_is_over() {
        let mut told = Told::default();
        let (none, some) = (
            Losses::default(),
            Losses {
                dropped: 5,
                non_finite: 1,
            },
        );
        let more = Losses { dropped: 9, ..some };
        assert_eq!(told.since_final(none, Kind::Final), []);
        assert_eq!(
            told.since_final(some, Kind::Provisional),
            [Degraded::Overflow, Degraded::NonFinite]
        );
        assert_eq!(
            told.since_final(some, Kind::Final),
            [Degraded::Overflow, Degraded::NonFinite]
        );
        assert_eq!(told.since_final(some, Kind::Provisional), []);
        assert_eq!(told.since_final(more, Kind::Final), [Degraded::Overflow]);
        assert_eq!(told.since_final(more, Kind::Final), []);
    }
}
