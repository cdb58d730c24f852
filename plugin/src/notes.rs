//! The label as a held note: one key for each label, so that a change can trigger a light or a sampler.
//!
//! Runs on the audio thread: no allocation, no lock. A note that was begun is always ended: when the label
//! changes or becomes unknown, when the notes are switched off, and when nobody is heard any more.

use undertone::{Label, Scored, Verdict};

use crate::panel::MidiOut;

/// The key of the first label, middle C; the others follow it.
const FIRST_KEY: u8 = 60;

/// One note to begin or to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    /// The channel, 0 to 15.
    pub channel: u8,
    /// The key.
    pub key: u8,
    /// Begun or ended.
    pub on: bool,
    /// How sure the label is, 0 to 127.
    pub strength: u8,
}

/// The note that is held.
#[derive(Debug, Default)]
pub struct Notes {
    held: Option<(u8, u8)>,
}

impl Notes {
    /// Gives what is to be sent to `send`, until it answers that the host is full.
    pub fn run(&mut self, settings: MidiOut, score: Option<&Scored>, mut send: impl FnMut(Note) -> bool) {
        let wanted = score
            .filter(|_| settings.on && settings.notes)
            .and_then(|score| match score.label {
                Verdict::Known(label) => Some((settings.channel, key(label), score.confidence)),
                Verdict::Unknown => None,
            });
        let place = wanted.map(|(channel, key, _)| (channel, key));
        if place == self.held {
            return;
        }
        if let Some((channel, key)) = self.held {
            let end = Note {
                channel,
                key,
                on: false,
                strength: 0,
            };
            if !send(end) {
                return;
            }
            self.held = None;
        }
        if let Some((channel, key, confidence)) = wanted {
            // Between 1, as a strength of 0 would end the note, and 127.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let strength = (confidence.clamp(0.0, 1.0) * 126.0) as u8 + 1;
            let begin = Note {
                channel,
                key,
                on: true,
                strength,
            };
            if send(begin) {
                self.held = Some((channel, key));
            }
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "seven labels")]
const fn key(label: Label) -> u8 {
    FIRST_KEY + label as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use undertone::{Affect, Kind, Scores};

    const ON: MidiOut = MidiOut {
        on: true,
        channel: 1,
        first: 20,
        fine: false,
        notes: true,
    };

    fn score(label: Verdict) -> Scored {
        Scored {
            utterance: 0,
            revision: 0,
            kind: Kind::Final,
            start_s: 0.0,
            end_s: 1.0,
            label,
            scores: Scores::default(),
            affect: Affect::default(),
            confidence: 0.5,
        }
    }

    fn run(notes: &mut Notes, settings: MidiOut, label: Option<Verdict>) -> Vec<(u8, bool)> {
        let mut sent = Vec::new();
        notes.run(settings, label.map(score).as_ref(), |note| {
            sent.push((note.key, note.on));
            true
        });
        sent
    }

    #[test]
    fn a_change_ends_the_old_note_and_begins_the_new() {
        let mut notes = Notes::default();
        let (happy, sad) = (Verdict::Known(Label::Happy), Verdict::Known(Label::Sad));
        assert_eq!(run(&mut notes, ON, Some(happy)), [(61, true)]);
        assert_eq!(run(&mut notes, ON, Some(happy)), []);
        assert_eq!(run(&mut notes, ON, Some(sad)), [(61, false), (62, true)]);
        assert_eq!(run(&mut notes, ON, Some(Verdict::Unknown)), [(62, false)]);
    }

    #[test]
    fn no_note_is_left_hanging() {
        let happy = Some(Verdict::Known(Label::Happy));
        let off = MidiOut { notes: false, ..ON };
        let mut notes = Notes::default();
        run(&mut notes, ON, happy);
        assert_eq!(run(&mut notes, ON, None), [(61, false)], "nobody is heard");
        run(&mut notes, ON, happy);
        assert_eq!(run(&mut notes, off, happy), [(61, false)], "switched off");
        run(&mut notes, ON, happy);
        let other = MidiOut { channel: 5, ..ON };
        assert_eq!(
            run(&mut notes, other, happy),
            [(61, false), (61, true)],
            "channel"
        );
    }

    #[test]
    fn a_full_host_gets_the_end_later() {
        let mut notes = Notes::default();
        let happy = score(Verdict::Known(Label::Happy));
        notes.run(ON, Some(&happy), |_| true);
        notes.run(ON, None, |_| false);
        assert_eq!(run(&mut notes, ON, None), [(61, false)]);
    }
}
