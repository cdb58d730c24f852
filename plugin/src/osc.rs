//! Updates as Open Sound Control: one address scheme for the plugin and the app, described in `docs/OSC.md`.
//!
//! Only encodes. It opens no socket, and it never puts words into a packet that was not asked to hold them.

use std::fmt::Write as _;

use rosc::{OscBundle, OscError, OscMessage, OscPacket, OscTime, OscType};
use undertone::{Label, Update};

/// The first part of every address.
pub const ROOT: &str = "/undertone";

/// The longest transcript in a packet, in letters: with everything else it stays within one network packet.
const MOST_LETTERS: usize = 400;

/// "At once", as the format writes it.
const AT_ONCE: OscTime = OscTime {
    seconds: 0,
    fractional: 1,
};

/// A packet for one update: a bundle of one message for each fact. With `words` it holds the transcript.
///
/// # Errors
///
/// None that this scheme can bring about; the format's own.
pub fn packet(name: &str, update: &Update, words: bool) -> Result<Vec<u8>, OscError> {
    let mut messages = Messages::new(name);
    #[allow(clippy::cast_possible_truncation, reason = "seconds on a stream's clock")]
    let seconds = |time: f64| OscType::Float(time as f32);
    messages.add(
        "utterance",
        [
            int(update.utterance),
            int(update.revision.into()),
            int(update.is_final().into()),
            seconds(update.start_s),
            seconds(update.end_s),
        ],
    );
    messages.add("label", [OscType::String(update.label.name().to_owned())]);
    messages.add(
        "mood",
        [
            OscType::String(update.mood.label.name().to_owned()),
            OscType::Float(update.mood.share),
            seconds(update.mood.since_s),
        ],
    );
    messages.add("confidence", [OscType::Float(update.confidence)]);
    messages.add("scores", update.scores.values().map(OscType::Float));
    for label in Label::ALL {
        messages.add(
            &format!("score/{label}"),
            [OscType::Float(update.scores.of(label))],
        );
    }
    let axes = [
        ("valence", update.affect.valence),
        ("arousal", update.affect.arousal),
        ("dominance", update.affect.dominance),
    ];
    for (axis, value) in axes {
        messages.add(axis, [OscType::Float(value)]);
    }
    if let Some(toxicity) = update.toxicity {
        messages.add("toxicity", [OscType::Float(toxicity)]);
    }
    if let Some(text) = update.text.as_ref().filter(|_| words) {
        let transcript = text.transcript.chars().take(MOST_LETTERS).collect();
        messages.add("words", [OscType::String(transcript)]);
    }
    messages.encode()
}

/// A packet for what changes without a new score: how likely somebody speaks, and how loud it is (linear).
///
/// # Errors
///
/// None that this scheme can bring about; the format's own.
pub fn pulse(name: &str, voice: f32, level: f32) -> Result<Vec<u8>, OscError> {
    let mut messages = Messages::new(name);
    messages.add("voice", [OscType::Float(voice)]);
    messages.add("level", [OscType::Float(level)]);
    messages.encode()
}

/// A stream's name as part of an address: what the format gives a meaning becomes a hyphen.
pub fn part(name: &str) -> String {
    let plain = |letter: char| {
        if letter.is_ascii_graphic() && !"#*,/?[]{}".contains(letter) {
            letter
        } else {
            '-'
        }
    };
    let part: String = name.trim().chars().take(64).map(plain).collect();
    if part.is_empty() { "voice".to_owned() } else { part }
}

/// Whole numbers that the format holds in 32 bits; a stream has no more utterances than that.
fn int(value: u64) -> OscType {
    OscType::Int(i32::try_from(value).unwrap_or(i32::MAX))
}

struct Messages {
    root: String,
    content: Vec<OscPacket>,
}

impl Messages {
    fn new(name: &str) -> Self {
        Self {
            root: format!("{ROOT}/{}", part(name)),
            content: Vec::with_capacity(20),
        }
    }

    fn add(&mut self, what: &str, args: impl IntoIterator<Item = OscType>) {
        let mut addr = self.root.clone();
        // Writing into a string cannot fail.
        let _ = write!(addr, "/{what}");
        let args = args.into_iter().collect();
        self.content.push(OscPacket::Message(OscMessage { addr, args }));
    }

    fn encode(self) -> Result<Vec<u8>, OscError> {
        rosc::encoder::encode(&OscPacket::Bundle(OscBundle {
            timetag: AT_ONCE,
            content: self.content,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_part_of_an_address() {
        assert_eq!(part("Lead voice"), "Lead-voice");
        assert_eq!(part("a/b*?[x]{y}#,"), "a-b---x--y---");
        assert_eq!(part("  "), "voice");
        assert_eq!(part(&"x".repeat(200)).len(), 64);
    }

    #[test]
    fn a_pulse_can_be_read() {
        let bytes = pulse("mic 1", 0.5, 0.25).unwrap();
        let (_, packet) = rosc::decoder::decode_udp(&bytes).unwrap();
        let OscPacket::Bundle(bundle) = packet else {
            panic!("{packet:?}")
        };
        let OscPacket::Message(first) = &bundle.content[0] else {
            panic!("{bundle:?}")
        };
        assert_eq!(first.addr, "/undertone/mic-1/voice");
        assert_eq!(first.args, [OscType::Float(0.5)]);
    }
}
