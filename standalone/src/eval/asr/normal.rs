//! One way of writing for both sides of a recognition test, so that only what was heard differently counts.
//!
//! What is usual in the field: abbreviations and numbers as words, contractions in full, American spelling, no
//! "uh". Must never make two words equal that are said differently, nor join or split words.

/// Abbreviations and short forms, as they are said.
const SHORT: [(&str, &str); 17] = [
    ("mr", "mister"),
    ("mrs", "missus"),
    ("dr", "doctor"),
    ("st", "saint"),
    ("capt", "captain"),
    ("col", "colonel"),
    ("gen", "general"),
    ("lt", "lieutenant"),
    ("sgt", "sergeant"),
    ("esq", "esquire"),
    ("prof", "professor"),
    ("rev", "reverend"),
    ("vs", "versus"),
    ("won't", "will not"),
    ("can't", "can not"),
    ("cannot", "can not"),
    ("shan't", "shall not"),
];
/// Said while thinking, and written by some only.
const FILLERS: [&str; 6] = ["uh", "um", "hm", "hmm", "mm", "mhm"];
/// Contracted endings. What "'s" and "'d" stand for is not known, but after these words it is no possessive.
const ENDINGS: [(&str, &str); 5] = [
    ("n't", "not"),
    ("'re", "are"),
    ("'ve", "have"),
    ("'ll", "will"),
    ("'m", "am"),
];
const IS: [&str; 9] = ["it", "he", "she", "that", "there", "what", "who", "where", "here"];
/// Words with "our" where American English has "or".
const OUR: [&str; 26] = [
    "ardour",
    "armour",
    "behaviour",
    "candour",
    "clamour",
    "colour",
    "endeavour",
    "favour",
    "fervour",
    "flavour",
    "harbour",
    "honour",
    "humour",
    "labour",
    "neighbour",
    "odour",
    "parlour",
    "rancour",
    "rigour",
    "rumour",
    "savour",
    "splendour",
    "succour",
    "valour",
    "vapour",
    "vigour",
];
/// Words with "is" or "ys" where American English has "iz" or "yz".
const ISE: [&str; 24] = [
    "agonis",
    "analys",
    "apologis",
    "authoris",
    "baptis",
    "characteris",
    "civilis",
    "criticis",
    "crystallis",
    "emphasis",
    "equalis",
    "generalis",
    "harmonis",
    "idealis",
    "memoris",
    "minimis",
    "monopolis",
    "moralis",
    "neutralis",
    "organis",
    "patronis",
    "paralys",
    "realis",
    "recognis",
];
/// Words with a doubled "l" where American English has one.
const DOUBLED: [&str; 13] = [
    "cancell", "channell", "counsell", "duell", "equall", "jewell", "kneell", "labell", "levell", "marvell",
    "modell", "quarrell", "travell",
];
/// Whole words.
const SPELT: [(&str, &str); 38] = [
    ("axe", "ax"),
    ("calibre", "caliber"),
    ("catalogue", "catalog"),
    ("centre", "center"),
    ("centres", "centers"),
    ("cosy", "cozy"),
    ("defence", "defense"),
    ("dialogue", "dialog"),
    ("enrol", "enroll"),
    ("fibre", "fiber"),
    ("fulfil", "fulfill"),
    ("gaol", "jail"),
    ("gaoler", "jailer"),
    ("grey", "gray"),
    ("greyish", "grayish"),
    ("jewellery", "jewelry"),
    ("judgement", "judgment"),
    ("litre", "liter"),
    ("lustre", "luster"),
    ("meagre", "meager"),
    ("metre", "meter"),
    ("metres", "meters"),
    ("mould", "mold"),
    ("moustache", "mustache"),
    ("offence", "offense"),
    ("plough", "plow"),
    ("pretence", "pretense"),
    ("programme", "program"),
    ("pyjamas", "pajamas"),
    ("sceptre", "scepter"),
    ("sceptical", "skeptical"),
    ("skilful", "skillful"),
    ("smoulder", "smolder"),
    ("sombre", "somber"),
    ("spectre", "specter"),
    ("theatre", "theater"),
    ("wilful", "willful"),
    ("woollen", "woolen"),
];

const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
/// From ones to their ordinals where those are not made with "th".
const ORDINALS: [(&str, &str); 8] = [
    ("one", "first"),
    ("two", "second"),
    ("three", "third"),
    ("five", "fifth"),
    ("eight", "eighth"),
    ("nine", "ninth"),
    ("twelve", "twelfth"),
    ("y", "ieth"),
];

/// The words of a text as they are compared; the text is of letters, digits and apostrophes with one space between words.
pub(super) fn words(plain: &str) -> Vec<String> {
    plain
        .split_whitespace()
        .filter(|word| !FILLERS.contains(word))
        .flat_map(|word| {
            let full = in_full(word);
            full.split_whitespace().map(american).collect::<Vec<_>>()
        })
        .collect()
}

fn in_full(word: &str) -> String {
    if let Some((_, full)) = SHORT.iter().find(|(short, _)| *short == word) {
        return (*full).to_owned();
    }
    for (ending, full) in ENDINGS {
        if let Some(stem) = word.strip_suffix(ending).filter(|stem| !stem.is_empty()) {
            return format!("{stem} {full}");
        }
    }
    if let Some(stem) = word.strip_suffix("'s").filter(|stem| IS.contains(stem)) {
        return format!("{stem} is");
    }
    number(word).unwrap_or_else(|| word.to_owned())
}

/// A number in digits, or an ordinal with its ending, as words.
fn number(word: &str) -> Option<String> {
    let digits = word.trim_end_matches(char::is_alphabetic);
    let value: u64 = digits.parse().ok()?;
    let said = match value {
        // A year, which this almost always is.
        1_100..=1_999 if !value.is_multiple_of(100) => format!(
            "{} {}",
            cardinal(value / 100),
            if value % 100 < 10 {
                format!("oh {}", cardinal(value % 100))
            } else {
                cardinal(value % 100)
            }
        ),
        1_100..=1_999 => format!("{} hundred", cardinal(value / 100)),
        0..1_000_000_000 => cardinal(value),
        _ => return None,
    };
    match &word[digits.len()..] {
        "" => Some(said),
        "s" => Some(format!("{said}s")),
        "st" | "nd" | "rd" | "th" => {
            let made = ORDINALS
                .iter()
                .find_map(|(one, nth)| said.strip_suffix(one).map(|rest| format!("{rest}{nth}")));
            Some(made.unwrap_or_else(|| format!("{said}th")))
        }
        _ => None,
    }
}

#[allow(clippy::cast_possible_truncation, reason = "under 100")]
fn cardinal(value: u64) -> String {
    let rest = |unit: &str, size: u64| {
        let many = format!("{} {unit}", cardinal(value / size));
        match value % size {
            0 => many,
            rest => format!("{many} {}", cardinal(rest)),
        }
    };
    match value {
        0..20 => ONES[value as usize].to_owned(),
        20..100 => match value % 10 {
            0 => TENS[value as usize / 10].to_owned(),
            one => format!("{} {}", TENS[value as usize / 10], ONES[one as usize]),
        },
        100..1_000 => rest("hundred", 100),
        1_000..1_000_000 => rest("thousand", 1_000),
        _ => rest("million", 1_000_000),
    }
}

fn american(word: &str) -> String {
    if let Some((_, american)) = SPELT.iter().find(|(british, _)| *british == word) {
        return (*american).to_owned();
    }
    let begins = |stems: &[&'static str]| stems.iter().copied().find(|stem| word.contains(stem));
    if let Some(stem) = begins(&OUR) {
        return word.replace(stem, &stem.replace("our", "or"));
    }
    if let Some(stem) = begins(&ISE).filter(|stem| {
        let end = word.split_once(stem).map_or("", |(_, end)| end);
        ["e", "ed", "es", "er", "ers", "ing", "ation", "ations"].contains(&end)
    }) {
        let whole = &stem[..stem.len() - 1];
        return word.replace(stem, &format!("{whole}z"));
    }
    if let Some(stem) = begins(&DOUBLED).filter(|stem| {
        let end = word.split_once(stem).map_or("", |(_, end)| end);
        ["ed", "er", "ers", "ing", "or", "ors", "ous", "ously"].contains(&end)
    }) {
        return word.replacen(stem, &stem[..stem.len() - 1], 1);
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    fn written(text: &str) -> String {
        super::words(text).join(" ")
    }

    #[test]
    fn what_is_said_alike_is_written_alike() {
        for (one, other) in [
            ("mr fox", "mister fox"),
            ("i'm sure they're here", "i am sure they are here"),
            ("it's late", "it is late"),
            ("he cannot and won't", "he can not and will not"),
            ("10 minims", "ten minims"),
            ("the 21st of 1804", "the twenty first of eighteen oh four"),
            ("the 20th", "the twentieth"),
            ("3012 men", "three thousand twelve men"),
            ("her favourite colours", "her favorite colors"),
            ("he realised and recognises", "he realized and recognizes"),
            (
                "a marvellous traveller counselled",
                "a marvelous traveler counseled",
            ),
            ("the grey theatre", "the gray theater"),
            ("uh yes", "yes"),
        ] {
            assert_eq!(written(one), written(other));
        }
    }

    #[test]
    fn what_is_said_differently_stays_different() {
        for (one, other) in [
            ("any one", "anyone"),
            ("mister fox", "missus fox"),
            ("the bachelor's hall", "the bachelor is hall"),
            ("four", "hour"),
            ("emphasis", "emphasiz"),
            ("realism", "realizm"),
            ("i had", "i would"),
            ("12 men", "twenty men"),
        ] {
            assert_ne!(written(one), written(other));
        }
        assert_eq!(written("our sour hour"), "our sour hour");
        assert_eq!(written("a rise in prices"), "a rise in prices");
        assert_eq!(written("x86 2nd3"), "x86 2nd3");
    }
}
