//! The plot of the HTML report: probabilities, affect and utterances over one axis of time.

use std::fmt::Write as _;

use maud::{Markup, html};
use undertone::{Label, Verdict};

use super::Entry;
use crate::term;

/// A score at a moment: what the plot needs of every update.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub utterance: u64,
    pub at_s: f64,
    pub scores: [f32; Label::COUNT],
    pub valence: f32,
    pub arousal: f32,
}

impl From<&Entry> for Point {
    fn from(entry: &Entry) -> Self {
        Self {
            utterance: entry.utterance,
            at_s: entry.end_s,
            scores: *entry.scores.values(),
            valence: entry.affect.valence,
            arousal: entry.affect.arousal,
        }
    }
}

/// Room for the figures at the left edge.
pub(super) const LEFT: f64 = 46.0;
/// Room at the right edge.
pub(super) const RIGHT: f64 = 14.0;
const SCORES: (f64, f64) = (30.0, 170.0);
const AFFECT: (f64, f64) = (236.0, 110.0);
const SPOKEN: (f64, f64) = (382.0, 44.0);
const HEIGHT: f64 = 462.0;

/// Time to x.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub width: f64,
    pub seconds: f64,
}

impl Scale {
    /// Wide enough to see single words, but never so wide that a browser refuses.
    pub(super) fn new(seconds: f64) -> Self {
        let seconds = seconds.max(1.0);
        Self {
            width: LEFT + RIGHT + (seconds * 40.0).clamp(1_070.0, 24_000.0),
            seconds,
        }
    }

    fn x(self, at_s: f64) -> f64 {
        LEFT + (at_s / self.seconds).clamp(0.0, 1.0) * (self.width - LEFT - RIGHT)
    }

    /// Seconds between two ticks, round and at least 70 units apart.
    fn step(self) -> f64 {
        let least = 70.0 * self.seconds / (self.width - LEFT - RIGHT);
        let round = [0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0];
        round.into_iter().find(|step| *step >= least).unwrap_or(600.0)
    }
}

/// Draws everything.
pub(super) fn draw(finals: &[Entry], points: &[Point], scale: Scale) -> Markup {
    let view = format!("0 0 {:.0} {HEIGHT:.0}", scale.width);
    let least = format!("min-width:{:.0}px", scale.width * 0.94);
    html! {
        svg #plot viewBox=(view) style=(least) role="img" aria-label="Feelings over time" {
            defs {
                pattern #hatch width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    line y2="6" class="hatch" {}
                }
            }
            (frame(scale))
            @for entry in finals {
                @let own: Vec<_> = points.iter().filter(|p| p.utterance == entry.utterance).collect();
                (stack(entry, &own, scale))
                (curves(entry, &own, scale))
                (block(entry, scale))
            }
            line #cross class="cross" y1=(SCORES.0) y2=(SPOKEN.0 + SPOKEN.1) visibility="hidden" {}
        }
    }
}

/// Titles, grid and the axis of time.
fn frame(scale: Scale) -> Markup {
    let (left, right) = (LEFT, scale.width - RIGHT);
    let lines = [
        (SCORES, [(0.0, "100 %"), (0.5, "50 %"), (1.0, "0 %")]),
        (AFFECT, [(0.0, "+1"), (0.5, "0"), (1.0, "−1")]),
    ];
    let mut ticks = Vec::new();
    let mut at = 0.0;
    while at <= scale.seconds + 1e-9 {
        ticks.push(at);
        at += scale.step();
    }
    html! {
        g class="frame" {
            text class="lane" x=(left) y=(SCORES.0 - 12.0) { "Probability of each feeling" }
            text class="lane wide" x=(left) y=(AFFECT.0 - 12.0) {
                tspan class="valence" { "Valence" } " (unpleasant to pleasant) and "
                tspan class="arousal" { "arousal" } " (calm to excited)"
            }
            // Text in a drawing does not wrap by itself; the page shows the one or the other.
            text class="lane narrow" x=(left) y=(AFFECT.0 - 20.0) {
                tspan class="valence" { "Valence" } " (unpleasant to pleasant)"
                tspan x=(left) dy="14" { "and " } tspan class="arousal" { "arousal" } " (calm to excited)"
            }
            text class="lane" x=(left) y=(SPOKEN.0 - 12.0) { "Utterances" }
            @for ((top, height), marks) in lines {
                @for (share, name) in marks {
                    @let y = top + share * height;
                    line class="grid" x1=(left) x2=(right) y1=(y) y2=(y) {}
                    text class="tick" x=(left - 8.0) y=(y + 4.0) text-anchor="end" { (name) }
                }
            }
            @for at in ticks {
                @let x = round(scale.x(at));
                line class="grid fine" x1=(x) x2=(x) y1=(SCORES.0) y2=(SPOKEN.0 + SPOKEN.1) {}
                text class="tick" x=(x) y=(HEIGHT - 12.0) text-anchor="middle" { (tick_name(at)) }
            }
        }
    }
}

fn tick_name(at_s: f64) -> String {
    let clock = term::clock(at_s);
    clock.strip_suffix(".0").map_or(clock.clone(), ToOwned::to_owned)
}

/// The probabilities of one utterance, one upon the other.
fn stack(entry: &Entry, points: &[&Point], scale: Scale) -> Markup {
    let columns = columns(entry, points);
    let mut under = vec![0.0_f64; columns.len()];
    let mut areas = Vec::new();
    for label in Label::ALL {
        let y = |share: f64| SCORES.0 + (1.0 - share.clamp(0.0, 1.0)) * SCORES.1;
        let mut path = String::new();
        let over: Vec<f64> = columns
            .iter()
            .zip(&under)
            .map(|((_, p), under)| under + f64::from(p.scores[label as usize]))
            .collect();
        for (at, ((at_s, _), over)) in columns.iter().zip(&over).enumerate() {
            put(
                &mut path,
                if at == 0 { 'M' } else { 'L' },
                scale.x(*at_s),
                y(*over),
            );
        }
        for ((at_s, _), under) in columns.iter().zip(&under).rev() {
            put(&mut path, 'L', scale.x(*at_s), y(*under));
        }
        path.push('Z');
        areas.push((label, path));
        under = over;
    }
    html! {
        g class="stack" {
            @for (label, path) in areas {
                path class={ "l-" (label.name()) } d=(path) {}
            }
        }
    }
}

/// Valence and arousal of one utterance.
fn curves(entry: &Entry, points: &[&Point], scale: Scale) -> Markup {
    let y = |value: f32| AFFECT.0 + (1.0 - f64::from(value.clamp(-1.0, 1.0))) / 2.0 * AFFECT.1;
    let columns = columns(entry, points);
    let curve = |value: fn(&Point) -> f32| {
        let mut path = String::new();
        for (at, (at_s, point)) in columns.iter().enumerate() {
            put(
                &mut path,
                if at == 0 { 'M' } else { 'L' },
                scale.x(*at_s),
                y(value(point)),
            );
        }
        path
    };
    html! {
        path class="curve valence" d=(curve(|p| p.valence)) {}
        path class="curve arousal" d=(curve(|p| p.arousal)) {}
    }
}

/// The points of an utterance from its beginning to its end; the first score also stands for what led to it.
fn columns<'a>(entry: &Entry, points: &[&'a Point]) -> Vec<(f64, &'a Point)> {
    let mut columns: Vec<_> = points
        .iter()
        .map(|point| (point.at_s.clamp(entry.start_s, entry.end_s), *point))
        .collect();
    columns.sort_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((_, first)) = columns.first().copied() {
        columns.insert(0, (entry.start_s, first));
    }
    columns
}

/// One utterance as a block with its label and as many of its words as fit.
fn block(entry: &Entry, scale: Scale) -> Markup {
    let (x, end) = (scale.x(entry.start_s), scale.x(entry.end_s));
    // A little less, so that neighbours can be told apart.
    let width = (end - x - 1.5).max(2.0);
    let label = entry.label.name();
    let fits = |text: &str| fit(text, width - 12.0);
    html! {
        g class={ "block l-" (label) } {
            title {
                (term::clock(entry.start_s)) "–" (term::clock(entry.end_s)) " " (label)
                @if !entry.words.is_empty() { ": " (entry.words) }
            }
            rect x=(round(x)) y=(SPOKEN.0) width=(round(width)) height=(SPOKEN.1) rx="5" {}
            @if entry.label == Verdict::Unknown {
                rect class="hatched" x=(round(x)) y=(SPOKEN.0) width=(round(width)) height=(SPOKEN.1) rx="5" {}
            }
            text class="name" x=(round(x + 6.0)) y=(SPOKEN.0 + 18.0) {
                (fits(&if entry.clash { format!("{label} ≠") } else { label.to_owned() }))
            }
            text class="words" x=(round(x + 6.0)) y=(SPOKEN.0 + 35.0) { (fits(&entry.words)) }
        }
    }
}

/// As much of a text as fits into so many units, at the plot's letter width.
fn fit(text: &str, width: f64) -> String {
    // About the mean width of a letter of the plot's font.
    let room = width / 6.6;
    if (text.chars().count() as f64) <= room {
        return text.to_owned();
    }
    // A positive number of letters, far below any limit.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let keep = (room - 1.0).max(0.0) as usize;
    if keep < 3 {
        return String::new();
    }
    let mut cut: String = text.chars().take(keep).collect();
    cut.push('…');
    cut
}

fn put(path: &mut String, command: char, x: f64, y: f64) {
    // Writing to a String cannot fail.
    let _ = write!(path, "{command}{x:.1} {y:.1}");
}

fn round(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use super::super::tests::entry;
    use super::*;

    #[test]
    fn ticks_are_round_and_apart() {
        for seconds in [0.0, 3.0, 61.0, 3_600.0, 36_000.0] {
            let scale = Scale::new(seconds);
            let apart = scale.step() / scale.seconds * (scale.width - LEFT - RIGHT);
            assert!(apart >= 69.0, "{seconds} s: {apart}");
        }
    }

    #[test]
    fn the_stack_fills_its_lane() {
        let entry = entry(0.0, 2.0, Label::Happy, "");
        let point = Point::from(&entry);
        let markup = stack(&entry, &[&point], Scale::new(2.0)).into_string();
        // The last area ends at 100 %, the first begins at 0 %.
        assert!(markup.contains(&format!("{:.1}", SCORES.0)), "{markup}");
        assert!(
            markup.contains(&format!("{:.1}", SCORES.0 + SCORES.1)),
            "{markup}"
        );
        assert_eq!(markup.matches("<path").count(), Label::COUNT);
    }

    #[test]
    fn texts_are_cut_to_their_block() {
        assert_eq!(fit("hello", 100.0), "hello");
        assert_eq!(fit("hello there, all of you", 66.0), "hello the…");
        assert_eq!(fit("hello", 5.0), "");
    }
}
