//! How the commands speak to a person: plans before work, headings, results; colours on a terminal only.

use std::env;
use std::io::{IsTerminal as _, Write as _, stdout};
use std::time::Duration;

/// Whether to colour: on a terminal, unless `NO_COLOR` says no.
pub fn colours() -> bool {
    stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Text in an ANSI style, where colours are wanted.
pub fn styled(style: &str, text: &str) -> String {
    if colours() {
        format!("\x1b[{style}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// What is about to happen.
pub fn plan(text: &str) {
    println!("{} {text}", styled("36", "→"));
    flush();
}

/// Something that is done.
pub fn done(text: &str) {
    println!("{} {text}", styled("32", "✓"));
    flush();
}

/// Something to know.
pub fn note(text: &str) {
    println!("{} {text}", styled("33", "!"));
    flush();
}

/// A heading over what follows.
pub fn heading(text: &str) {
    println!("\n{}", styled("1", &format!("━━ {text}")));
    flush();
}

/// Seconds, or minutes and seconds.
pub fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        let whole = duration.as_secs();
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

/// Bytes, as one reads them of a disk.
pub fn size(bytes: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "a tenth of a gigabyte is told")]
    let gigabytes = bytes as f64 / 1e9;
    format!("{gigabytes:.1} GB")
}

/// Keeps our lines in order with those of the programs we start.
fn flush() {
    // Nothing can be done about a closed output here; the next write says it.
    let _ = stdout().flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        assert_eq!(time(Duration::from_millis(1_540)), "1.5 s");
        assert_eq!(time(Duration::from_secs(125)), "2 min 05 s");
        assert_eq!(size(12_345_678_901), "12.3 GB");
    }
}
