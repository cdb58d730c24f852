//! How often what is shown while somebody speaks is what the final says.

use serde::Serialize;
use undertone::Update;

/// Counts over the utterances of an evaluation that last longer than the moment asked about.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Agreement {
    at_1s: Share,
    at_2s: Share,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Share {
    agreed: u32,
    all: u32,
}

impl Share {
    fn share(self) -> Option<f64> {
        (self.all > 0).then(|| f64::from(self.agreed) / f64::from(self.all))
    }
}

impl Agreement {
    /// At 1 s and at 2 s, where there was anything to compare.
    pub(super) fn shares(self) -> [Option<f64>; 2] {
        [self.at_1s.share(), self.at_2s.share()]
    }

    /// Takes the updates of some whole utterances. What stands at a moment is the newest score of speech up to
    /// it; it agrees if its best label is the final's.
    pub(super) fn take(&mut self, updates: &[Update]) {
        for last in updates.iter().filter(|update| update.is_final()) {
            for (share, moment_s) in [(&mut self.at_1s, 1.0), (&mut self.at_2s, 2.0)] {
                let standing = updates
                    .iter()
                    .filter(|update| update.utterance == last.utterance && !update.is_final())
                    .take_while(|update| update.end_s - last.start_s <= moment_s + 1e-6)
                    .last();
                if let Some(update) = standing.filter(|_| last.end_s - last.start_s > moment_s) {
                    share.all += 1;
                    share.agreed += u32::from(update.scores.best().0 == last.scores.best().0);
                }
            }
        }
    }
}

impl Serialize for Agreement {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("provisional_agreement_1s", &self.at_1s.share())?;
        map.serialize_entry("provisional_agreement_1s_n", &self.at_1s.all)?;
        map.serialize_entry("provisional_agreement_2s", &self.at_2s.share())?;
        map.serialize_entry("provisional_agreement_2s_n", &self.at_2s.all)?;
        map.end()
    }
}
