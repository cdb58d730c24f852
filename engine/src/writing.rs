//! Words in the forms that the text branch learnt from: as a recogniser writes them, or as people do.
//!
//! Pure text to text. Must never change what was said: only what says nothing of feeling is taken out.

/// What a recogniser wrote: small letters, no punctuation, single spaces.
pub(crate) fn spoken(text: &str) -> String {
    let letters: String = text
        .chars()
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            '\u{2018}' | '\u{2019}' | '\u{02bc}' => '\'',
            c if c == '\'' || c.is_alphabetic() => c,
            _ => ' ',
        })
        .collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What somebody wrote: punctuation stays, as it tells; HTML's escapes are undone; links, handles and the mark of
/// a repeated message go.
pub(crate) fn written(text: &str) -> String {
    let text = unescape(text);
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let word = ["http://", "https://"]
            .iter()
            .filter_map(|scheme| word.find(scheme))
            .min()
            .map_or(word, |at| &word[..at]);
        let word = without_handles(word);
        if !word.is_empty() && word != "RT" {
            words.push(word);
        }
    }
    words.join(" ")
}

/// Takes `@name` and a colon after it out of a word.
fn without_handles(word: &str) -> String {
    let mut kept = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(at) = rest.find('@') {
        let name = &rest[at + 1..];
        let end = name
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(name.len());
        kept.push_str(&rest[..at]);
        if end == 0 {
            kept.push('@');
        }
        rest = &name[end..];
        if end > 0 {
            rest = rest.strip_prefix(':').unwrap_or(rest);
        }
    }
    kept.push_str(rest);
    kept
}

/// Undoes the escapes that texts from the web are full of.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest
            .char_indices()
            .take(10)
            .find(|(_, c)| *c == ';')
            .map(|(at, _)| at);
        if let Some((c, end)) = end.and_then(|end| Some((entity(&rest[1..end])?, end))) {
            plain.push(c);
            rest = &rest[end + 1..];
        } else {
            plain.push('&');
            rest = &rest[1..];
        }
    }
    plain.push_str(rest);
    plain
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        "hellip" => Some('…'),
        "rsquo" => Some('’'),
        "lsquo" => Some('‘'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recognisers_words_are_letters_and_spaces() {
        assert_eq!(spoken("  I’M so… HAPPY!!  (42) "), "i'm so happy");
        assert_eq!(spoken("— ?!"), "");
        assert_eq!(spoken("Größe"), "größe");
    }

    #[test]
    fn writing_keeps_its_marks_and_loses_what_points_elsewhere() {
        assert_eq!(
            written("RT @you_1: I&#39;m so &lt;happy&gt;!!  see https://x.y/z&amp;a ok"),
            "I'm so <happy>!! see ok"
        );
        assert_eq!(
            written("a @ b, &unknown; AT&T & more"),
            "a @ b, &unknown; AT&T & more"
        );
        assert_eq!(written("@a@b: @c"), "");
        assert_eq!(written("&#x1F602; &#99999999; é&"), "😂 &#99999999; é&");
    }
}
