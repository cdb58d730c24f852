//! Numbers as they are spoken: some recognisers write "2", others "two"; the text branch is to see one form.
//!
//! English only, like the packs that have a text branch. What is not plainly a number is left alone.

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
const SCALES: [(u64, &str); 3] = [
    (1_000_000_000, "billion"),
    (1_000_000, "million"),
    (1_000, "thousand"),
];
/// Longer rows of digits are read digit by digit.
const LONGEST: usize = 12;

/// The number in a word, spelt, with the punctuation around it kept; `None` if the word is no number.
pub(crate) fn spell(word: &str) -> Option<String> {
    let is_part = |c: char| c.is_ascii_digit() || c == '$';
    let start = word.find(is_part)?;
    let (before, rest) = word.split_at(start);
    if before.contains(char::is_alphanumeric) {
        return None;
    }
    let (rest, dollars) = rest.strip_prefix('$').map_or((rest, false), |rest| (rest, true));
    let end = rest
        .rfind(|c: char| c.is_ascii_alphanumeric() || c == '%')
        .map(|at| at + 1)?;
    let (core, after) = rest.split_at(end);
    let (core, percent) = core.strip_suffix('%').map_or((core, false), |core| (core, true));
    let mut spelt = number(core)?;
    if dollars {
        spelt.push_str(if core == "1" { " dollar" } else { " dollars" });
    }
    if percent {
        spelt.push_str(" percent");
    }
    Some(format!("{before}{spelt}{after}"))
}

fn number(text: &str) -> Option<String> {
    if let Some((whole, fraction)) = text.split_once('.') {
        let fraction = digits(fraction)?;
        return Some(format!("{} point {fraction}", number(whole)?));
    }
    for ending in ["st", "nd", "rd", "th"] {
        if let Some(whole) = text.strip_suffix(ending) {
            return whole_number(whole).map(|spelt| ordinal(&spelt));
        }
    }
    whole_number(text)
}

fn whole_number(text: &str) -> Option<String> {
    let grouped = text.contains(',');
    if grouped {
        let mut groups = text.split(',');
        let first = groups.next()?;
        if first.is_empty() || first.len() > 3 || groups.any(|group| group.len() != 3) {
            return None;
        }
    }
    let plain: String = text.chars().filter(|c| *c != ',').collect();
    if plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if plain.len() > LONGEST || (plain.len() > 1 && plain.starts_with('0')) {
        return digits(&plain);
    }
    let value: u64 = plain.parse().ok()?;
    let is_year =
        !grouped && plain.len() == 4 && (1100..2100).contains(&value) && !(2000..2010).contains(&value);
    if is_year && value % 100 >= 10 {
        return Some(format!("{} {}", cardinal(value / 100), cardinal(value % 100)));
    }
    Some(cardinal(value))
}

fn digits(text: &str) -> Option<String> {
    let words: Option<Vec<&str>> = text
        .chars()
        .map(|c| ONES.get(c.to_digit(10)? as usize).copied())
        .collect();
    words
        .filter(|words| !words.is_empty())
        .map(|words| words.join(" "))
}

fn cardinal(value: u64) -> String {
    for (scale, name) in SCALES {
        if value >= scale {
            return join(&format!("{} {name}", cardinal(value / scale)), value % scale);
        }
    }
    let at = usize::try_from(value).unwrap_or(0);
    match at {
        0..20 => ONES[at].to_owned(),
        20..100 => join(TENS[at / 10], value % 10),
        _ => join(&format!("{} hundred", ONES[(at / 100).min(9)]), value % 100),
    }
}

fn join(high: &str, low: u64) -> String {
    if low == 0 {
        high.to_owned()
    } else {
        format!("{high} {}", cardinal(low))
    }
}

fn ordinal(cardinal: &str) -> String {
    let (head, last) = cardinal
        .rsplit_once(' ')
        .map_or(("", cardinal), |(head, last)| (head, last));
    let last = match last {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        other => other
            .strip_suffix('y')
            .map_or_else(|| format!("{other}th"), |stem| format!("{stem}ieth")),
    };
    if head.is_empty() {
        last
    } else {
        format!("{head} {last}")
    }
}

#[cfg(test)]
mod tests {
    use super::spell;

    #[test]
    fn numbers_as_they_are_said() {
        for (written, said) in [
            ("0", "zero"),
            ("17", "seventeen"),
            ("40,", "forty,"),
            ("(205)", "(two hundred five)"),
            ("1,000,001", "one million one"),
            ("2000", "two thousand"),
            ("1900", "one thousand nine hundred"),
            ("1066", "one thousand sixty six"),
            ("1812.", "eighteen twelve."),
            ("0.05", "zero point zero five"),
            ("30th", "thirtieth"),
            ("112th", "one hundred twelfth"),
            ("$1", "one dollar"),
            (
                "1234567890123",
                "one two three four five six seven eight nine zero one two three",
            ),
        ] {
            assert_eq!(spell(written).as_deref(), Some(said), "{written}");
        }
    }

    #[test]
    fn what_is_no_number_is_left_alone() {
        for word in ["", "b2b", "12:30", "3x", "1,00", "1.2.3", "$", "5-10", "٣", "%"] {
            assert_eq!(spell(word), None, "{word}");
        }
    }
}
