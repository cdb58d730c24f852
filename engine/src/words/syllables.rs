//! Syllables from phones: every vowel is one, and takes as many consonants before it as English lets a syllable
//! begin with.

use super::Span;

const VOWELS: [&str; 15] = [
    "AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW",
];

/// Pairs and triples that an English syllable may begin with; any single consonant but NG may, too.
const ONSETS: [&str; 48] = [
    "P R", "P L", "P Y", "B R", "B L", "B Y", "T R", "T W", "D R", "D W", "K R", "K L", "K W", "K Y", "G R",
    "G L", "G W", "F R", "F L", "F Y", "TH R", "TH W", "SH R", "S P", "S T", "S K", "S M", "S N", "S F",
    "S L", "S W", "HH Y", "M Y", "N Y", "V Y", "HH W", "L Y", "T Y", "D Y", "S P R", "S P L", "S T R",
    "S K R", "S K W", "S K L", "S P Y", "S K Y", "S T Y",
];

fn vowel(phone: &Span) -> bool {
    VOWELS.contains(&phone.name.as_str())
}

fn named(phones: &[Span]) -> String {
    phones
        .iter()
        .map(|phone| phone.name.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

fn begins(consonants: &[Span]) -> bool {
    match consonants {
        [] => true,
        [one] => one.name != "NG",
        more => ONSETS.contains(&named(more).as_str()),
    }
}

fn whole(phones: &[Span]) -> Option<Span> {
    let (first, last) = (phones.first()?, phones.last()?);
    Some(Span {
        name: named(phones),
        start: first.start,
        end: last.end,
    })
}

/// The syllables of one word's phones. Phones without a vowel are one syllable.
fn word(phones: &[Span], out: &mut Vec<Span>) {
    let vowels: Vec<usize> = (0..phones.len()).filter(|at| vowel(&phones[*at])).collect();
    let mut from = 0;
    for pair in vowels.windows(2) {
        let (left, right) = (pair[0] + 1, pair[1]);
        let cut = (left..=right)
            .find(|cut| begins(&phones[*cut..right]))
            .unwrap_or(right);
        out.extend(whole(&phones[from..cut]));
        from = cut;
    }
    out.extend(whole(&phones[from..]));
}

/// The syllables of phones in order of time. No syllable reaches over one of the word starts `breaks`, which
/// are in order, too.
pub(crate) fn of(phones: &[Span], breaks: &[u64]) -> Vec<Span> {
    let mut syllables = Vec::new();
    let mut from = 0;
    for start in breaks {
        let to =
            from + phones[from..].partition_point(|phone| u64::midpoint(phone.start, phone.end) < *start);
        word(&phones[from..to], &mut syllables);
        from = to;
    }
    word(&phones[from..], &mut syllables);
    syllables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phones(names: &str) -> Vec<Span> {
        names
            .split(' ')
            .enumerate()
            .map(|(at, name)| Span {
                name: name.into(),
                start: at as u64 * 10,
                end: at as u64 * 10 + 10,
            })
            .collect()
    }

    fn syllables(names: &str, breaks: &[u64]) -> Vec<String> {
        of(&phones(names), breaks)
            .into_iter()
            .map(|span| span.name)
            .collect()
    }

    #[test]
    fn consonants_go_to_the_next_vowel_as_far_as_english_lets_them() {
        assert_eq!(syllables("EH K S T R AH", &[]), ["EH K", "S T R AH"]);
        assert_eq!(syllables("AE K T ER", &[]), ["AE K", "T ER"]);
        assert_eq!(syllables("S IH NG ER", &[]), ["S IH NG", "ER"]);
        assert_eq!(syllables("B IY IH NG", &[]), ["B IY", "IH NG"]);
    }

    #[test]
    fn words_are_not_joined_and_nothing_is_lost() {
        assert_eq!(syllables("AE N AH P AH L", &[20]), ["AE N", "AH", "P AH L"]);
        assert_eq!(syllables("S", &[]), ["S"]);
        assert!(of(&[], &[5]).is_empty());
        let all = of(&phones("DH IH S IH Z IH T"), &[30, 50]);
        assert_eq!((all.first().unwrap().start, all.last().unwrap().end), (0, 70));
    }
}
