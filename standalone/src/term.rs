//! How things look on a terminal: colours by feeling, times, bars. Pure text; it prints nothing itself.

use console::{Style, measure_text_width};
use undertone::{Label, Verdict};

use crate::settings::Color;

/// Decides about colours once, for everything that is printed later.
pub fn set_colours(color: Color) {
    match color {
        // console knows terminals, NO_COLOR and CLICOLOR itself, but takes an empty NO_COLOR for one.
        Color::Auto => {
            if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
                console::set_colors_enabled(false);
                console::set_colors_enabled_stderr(false);
            }
        }
        Color::Always => {
            console::set_colors_enabled(true);
            console::set_colors_enabled_stderr(true);
        }
        Color::Never => {
            console::set_colors_enabled(false);
            console::set_colors_enabled_stderr(false);
        }
    }
}

/// The colour of a feeling, of the 256 that terminals share; readable on light and dark.
pub fn style(verdict: Verdict) -> Style {
    let colour = match verdict {
        Verdict::Unknown => return Style::new().dim(),
        Verdict::Known(label) => match label {
            Label::Neutral => 245,
            Label::Happy => 178,
            Label::Sad => 68,
            Label::Angry => 160,
            Label::Fearful => 133,
            Label::Disgusted => 71,
            Label::Surprised => 37,
        },
    };
    Style::new().color256(colour)
}

/// Seconds as a clock shows them: `1:02.3`, or `1:00:02.3` from an hour on.
pub fn clock(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).round();
    let (minutes, rest) = ((tenths / 600.0).floor(), tenths % 600.0 / 10.0);
    if minutes < 60.0 {
        format!("{minutes:.0}:{rest:04.1}")
    } else {
        format!(
            "{:.0}:{:02.0}:{rest:04.1}",
            (minutes / 60.0).floor(),
            minutes % 60.0
        )
    }
}

/// A share of one as a bar of so many cells, in eighths of a cell.
pub fn bar(share: f32, cells: usize) -> String {
    const PARTS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    // Held within 0 and 1, and a bar has a handful of cells.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let eighths = (share.clamp(0.0, 1.0) * (cells * 8) as f32).round() as usize;
    let mut text = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        text.extend(PARTS.get(eighths % 8));
    }
    let drawn = measure_text_width(&text);
    text.push_str(&" ".repeat(cells.saturating_sub(drawn)));
    text
}

/// A share of one in whole percent.
pub fn percent(share: f32) -> String {
    format!("{:3.0} %", share.clamp(0.0, 1.0) * 100.0)
}

/// Breaks a text into lines of at most `width` columns, between words where it can.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        let free = line.is_empty();
        if !free && measure_text_width(line) + 1 + measure_text_width(word) > width.max(8) {
            lines.push(word.to_owned());
        } else {
            if !free {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// What somebody else wrote, made safe for a terminal: no control characters, so no hidden commands.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_carry_over() {
        assert_eq!(clock(0.0), "0:00.0");
        assert_eq!(clock(59.96), "1:00.0");
        assert_eq!(clock(3_725.04), "1:02:05.0");
    }

    #[test]
    fn bars_have_their_width_whatever_the_share() {
        for share in [-1.0, 0.0, 0.01, 0.5, 0.999, 1.0, 7.0, f32::NAN] {
            assert_eq!(measure_text_width(&bar(share, 10)), 10, "{share}");
        }
        assert_eq!(bar(0.5, 4), "██  ");
    }

    #[test]
    fn long_texts_are_broken_between_words() {
        assert_eq!(wrap("one two three four", 9), ["one two", "three", "four"]);
        assert_eq!(wrap("", 9), [""]);
    }

    #[test]
    fn no_hidden_commands_reach_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\r\n"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}");
    }
}
