//! From what a recogniser wrote to what the text branch was taught on: one form, whoever recognised.
//!
//! Lower case, no fillers, no stutter, numbers as words. Must never change what is meant: an emphasis ("no,
//! no") stays an emphasis, and what it does not know it leaves alone.

use crate::numbers;

/// Sounds that fill a pause. "Hm" and "eh" are not here: they answer.
const FILLERS: [&str; 7] = ["um", "uhm", "uh", "erm", "er", "ah-um", "uh-um"];
/// Words that nobody doubles on purpose: twice in a row they are a stutter.
const STUTTERED: [&str; 42] = [
    "a", "an", "and", "are", "as", "at", "but", "can", "do", "for", "from", "he", "her", "his", "i", "i'm",
    "if", "in", "is", "it", "it's", "my", "of", "on", "or", "our", "she", "so", "that's", "the", "their",
    "they", "this", "to", "was", "we", "were", "what", "when", "with", "you", "your",
];
/// How often the same words may stand in a row; more is a recogniser that turns in circles.
const MOST_REPEATS: usize = 2;
/// The longest phrase that is looked at for repeats, in words.
const LONGEST_PHRASE: usize = 6;

/// The text as the text branch expects it.
#[allow(dead_code, reason = "the text branch is the first to use it")]
pub(crate) fn for_text(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for raw in text.split_whitespace() {
        let word = straighten(raw);
        let bare = bare(&word);
        if is_filler(bare) {
            // A sentence may end in a filler; its full stop ends it all the same.
            if let (Some(end), Some(last)) = (
                word.chars().last().filter(|c| ".?!".contains(*c)),
                words.last_mut(),
            ) {
                last.truncate(last.trim_end_matches(',').len());
                if last.ends_with(char::is_alphanumeric) {
                    last.push(end);
                }
            }
            continue;
        }
        if bare.is_empty() && !word.contains(['?', '!', '.']) || is_mark(&word) || is_broken_off(&word) {
            continue;
        }
        match numbers::spell(&word) {
            Some(spelt) => words.extend(spelt.split(' ').map(ToOwned::to_owned)),
            None => words.push(word),
        }
    }
    for length in 1..=LONGEST_PHRASE {
        unrepeat(&mut words, length);
    }
    words.join(" ")
}

/// Lower case, with the quotes and dashes of a typewriter.
fn straighten(word: &str) -> String {
    word.chars()
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            '\u{2018}' | '\u{2019}' | '\u{02bc}' => '\'',
            '\u{201c}' | '\u{201d}' => '"',
            '\u{2010}'..='\u{2014}' => '-',
            other => other,
        })
        .collect()
}

/// A word without the punctuation around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// A filler, however long it was drawn: "ummm".
fn is_filler(bare: &str) -> bool {
    let mut short = String::with_capacity(bare.len());
    for c in bare.chars() {
        // "err" is a word; "ummm" and "uhhh" are not.
        if short.ends_with(c) && matches!(c, 'm' | 'h' | 'u') {
            continue;
        }
        short.push(c);
    }
    FILLERS.contains(&short.as_str())
}

/// What recognisers write where they heard no word.
fn is_mark(word: &str) -> bool {
    matches!(
        word,
        "[unk]" | "<unk>" | "[noise]" | "<noise>" | "[spn]" | "<spn>" | "[laughter]" | "<eps>" | "-" | "--"
    )
}

/// "wh-": the speaker began again.
fn is_broken_off(word: &str) -> bool {
    word.len() > 1 && word.ends_with('-') && word[..word.len() - 1].chars().all(char::is_alphabetic)
}

/// Takes repeats of phrases of this length out.
fn unrepeat(words: &mut Vec<String>, length: usize) {
    let same = |a: &str, b: &str| !bare(a).is_empty() && bare(a) == bare(b);
    let mut at = 0;
    while at + length < words.len() {
        let mut times = 1;
        while at + (times + 1) * length <= words.len()
            && (0..length).all(|k| same(&words[at + k], &words[at + times * length + k]))
        {
            times += 1;
        }
        let keep = if length == 1 && STUTTERED.contains(&bare(&words[at])) {
            1
        } else {
            MOST_REPEATS
        };
        if times > keep {
            // The last ones stay: the sentence's own punctuation is on them.
            words.drain(at..at + (times - keep) * length);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::for_text;

    #[test]
    fn one_form_whoever_recognised() {
        for (heard, expected) in [
            ("I DON’T KNOW", "i don't know"),
            ("Well, I don't know.", "well, i don't know."),
            ("", ""),
            ("  \t ", ""),
            ("[unk] hello <unk>", "hello"),
            ("wh- what is that", "what is that"),
            ("Ärger", "ärger"),
        ] {
            assert_eq!(for_text(heard), expected);
        }
    }

    #[test]
    fn fillers_go_and_answers_stay() {
        for (heard, expected) in [
            ("Um, I uh think, erm, so.", "i think, so."),
            ("ummm uhhh yes", "yes"),
            ("I know, um.", "i know."),
            ("I know um.", "i know."),
            ("Hmm. To err is human, eh?", "hmm. to err is human, eh?"),
            ("the hum of a drum", "the hum of a drum"),
            ("um", ""),
        ] {
            assert_eq!(for_text(heard), expected);
        }
    }

    #[test]
    fn a_stutter_goes_and_an_emphasis_stays() {
        for (heard, expected) in [
            ("I I I think the the same", "i think the same"),
            ("no no", "no no"),
            ("No, no, no, no!", "no, no!"),
            ("very very good", "very very good"),
            ("I was I was going", "i was i was going"),
            ("thank you thank you thank you thank you.", "thank you thank you."),
            ("it is what it is", "it is what it is"),
        ] {
            assert_eq!(for_text(heard), expected);
        }
    }

    #[test]
    fn numbers_are_words() {
        for (heard, expected) in [
            ("I have 2 dogs.", "i have two dogs."),
            (
                "It costs $1,250!",
                "it costs one thousand two hundred fifty dollars!",
            ),
            ("in 1984 or 2026", "in nineteen eighty four or twenty twenty six"),
            ("100%", "one hundred percent"),
            ("the 21st, 3.5", "the twenty first, three point five"),
            ("call 007", "call zero zero seven"),
            ("b2b and 12:30", "b2b and 12:30"),
        ] {
            assert_eq!(for_text(heard), expected);
        }
    }

    #[test]
    fn done_twice_is_done_once() {
        for heard in ["Um, I I have 2 dogs, um.", "no no no", "The 1st of the the 3"] {
            let once = for_text(heard);
            assert_eq!(for_text(&once), once);
        }
    }
}
