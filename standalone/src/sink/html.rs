//! The report: one page that needs nothing else, neither a network nor a server.

use std::io::{self, Write as _};

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;
use undertone::{Label, Update, Verdict};
use undertone_plugin::palette::{self, Ground};

use super::svg::{self, LEFT, Point, RIGHT, Scale};
use super::{About, Entry, Part, Sink, Target, WriteError, shares};
use crate::term;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// The labels' colours, which the panel shows too, for a light and for a dark page.
fn colours() -> String {
    let on = |ground: Ground| {
        let known = Label::ALL.into_iter().map(Verdict::Known);
        let one = |verdict: Verdict| {
            let colour = palette::css(palette::verdict(verdict, ground));
            format!("--{}:{colour};", verdict.name())
        };
        known
            .chain([Verdict::Unknown])
            .map(one)
            .collect::<Vec<_>>()
            .concat()
    };
    format!(
        ":root{{{}}}@media (prefers-color-scheme:dark){{:root{{{}}}}}",
        on(Ground::Light),
        on(Ground::Dark)
    )
}

/// Nothing may be loaded from anywhere: also if a hole were found in the escaping.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/// Collects what the page needs: all settled utterances, and of the other scores only the figures.
pub(super) struct Html {
    target: Target,
    finals: Vec<Entry>,
    points: Vec<Point>,
}

impl Html {
    pub(super) const fn new(target: Target) -> Self {
        Self {
            target,
            finals: Vec::new(),
            points: Vec::new(),
        }
    }
}

impl Sink for Html {
    fn take(&mut self, update: &Update) -> io::Result<()> {
        let entry = Entry::from(update);
        self.points.push(Point::from(&entry));
        if entry.is_final {
            self.finals.push(entry);
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, about: &About) -> Result<(), WriteError> {
        let page = page(&self.finals, &self.points, about).into_string();
        if let Err(source) = self.target.write_all(page.as_bytes()) {
            return Err(self.target.fault(source));
        }
        self.target.commit()
    }
}

/// What the script shows where the pointer is.
#[derive(Serialize)]
struct Data<'a> {
    seconds: f64,
    left: f64,
    right: f64,
    width: f64,
    labels: [&'static str; Label::COUNT],
    utterances: Vec<Utterance<'a>>,
    points: Vec<(u64, f64, Vec<f32>, f32, f32)>,
}

#[derive(Serialize)]
struct Utterance<'a> {
    id: u64,
    start: f64,
    end: f64,
    label: &'static str,
    confidence: f32,
    speaker: Option<&'a str>,
    words: &'a str,
    /// What each side said, and remarks.
    evidence: String,
}

/// JSON that cannot end the script it stands in.
fn embedded(data: &Data<'_>) -> String {
    let text = serde_json::to_string(data).unwrap_or_else(|_| "null".into());
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

fn page(finals: &[Entry], points: &[Point], about: &About) -> Markup {
    let scale = Scale::new(about.seconds);
    let thousandth = |value: f32| (value * 1000.0).round() / 1000.0;
    let data = Data {
        seconds: scale.seconds,
        left: LEFT,
        right: RIGHT,
        width: scale.width,
        labels: Label::ALL.map(Label::name),
        utterances: finals.iter().map(utterance).collect(),
        points: points
            .iter()
            .map(|p| {
                let scores = p.scores.iter().map(|score| thousandth(*score)).collect();
                (
                    p.utterance,
                    p.at_s,
                    scores,
                    thousandth(p.valence),
                    thousandth(p.arousal),
                )
            })
            .collect(),
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { "Undertone: " (about.name) }
                style { (PreEscaped(colours())) (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (heading(finals, about))
                    @if finals.is_empty() {
                        section class="card empty" {
                            p { "No speech was heard in this recording." }
                        }
                    } @else {
                        (overview(finals))
                        section class="card plot" {
                            div class="scroll" tabindex="0" aria-label="Plot, scrollable" {
                                (svg::draw(finals, points, scale))
                            }
                            div #tip role="status" hidden {}
                        }
                        (table(finals))
                    }
                    (foot(about))
                }
                script type="application/json" #data { (PreEscaped(embedded(&data))) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

fn utterance(entry: &Entry) -> Utterance<'_> {
    Utterance {
        id: entry.utterance,
        start: entry.start_s,
        end: entry.end_s,
        label: entry.label.name(),
        confidence: entry.confidence,
        speaker: entry.speaker.as_deref(),
        words: &entry.words,
        evidence: entry.sides_in_words(),
    }
}

fn heading(finals: &[Entry], about: &About) -> Markup {
    let spoken: f64 = finals.iter().map(Entry::length_s).sum();
    let facts = [
        (term::clock(about.seconds), "recording"),
        (term::clock(spoken), "speech"),
        (
            finals.len().to_string(),
            if finals.len() == 1 {
                "utterance"
            } else {
                "utterances"
            },
        ),
    ];
    html! {
        header {
            p class="mark" { "Undertone" }
            h1 { (file_name(&about.name)) }
            dl class="facts" {
                @for (value, name) in facts {
                    div { dd { (value) } dt { (name) } }
                }
            }
        }
    }
}

/// How long each feeling lasted.
fn overview(finals: &[Entry]) -> Markup {
    let shares = shares(finals);
    let all = shares.iter().map(|share| share.1).sum::<f64>().max(1e-9);
    html! {
        section class="card overview" {
            h2 { "What was heard" }
            div class="shares" {
                @for (label, lasted) in &shares {
                    span class={ "share l-" (label.name()) } style={ "flex-grow:" (format!("{:.4}", lasted / all)) } {}
                }
            }
            ul class="legend" {
                @for (label, lasted) in &shares {
                    li { span class={ "dot l-" (label.name()) } {} (label.name()) " " b { (format!("{:.0} %", lasted / all * 100.0)) } }
                }
                @for label in Label::ALL.map(Verdict::Known) {
                    @if !shares.iter().any(|share| share.0 == label) {
                        li class="absent" { span class={ "dot l-" (label.name()) } {} (label.name()) }
                    }
                }
            }
        }
    }
}

fn table(finals: &[Entry]) -> Markup {
    let signed = |value: f32| undertone_plugin::signed(value).replace('-', "−");
    // Where words were never read there is one side only, and nothing to tell apart.
    let two_sides = finals.iter().any(|entry| entry.said.is_some());
    html! {
        section class="card" {
            h2 { "Utterances" }
            div class="scroll" tabindex="0" aria-label="Table, scrollable" {
                table {
                    thead { tr {
                        th { "Time" } th { "Feeling" } th { "Confidence" }
                        th class="figure" { "Valence" } th class="figure" { "Arousal" } th class="figure" { "Dominance" }
                        @if two_sides { th { "Voice and words" } }
                        th { "Words" }
                    } }
                    tbody {
                        @for entry in finals {
                            tr data-id=(entry.utterance) {
                                td class="time" { (term::clock(entry.start_s)) "–" (term::clock(entry.end_s)) }
                                td { span class={ "chip l-" (entry.label.name()) } { (entry.label.name()) } }
                                td class="confidence" {
                                    span class="meter" { span class={ "l-" (entry.label.name()) } style={ "width:" (format!("{:.0}%", entry.confidence.clamp(0.0, 1.0) * 100.0)) } {} }
                                    (format!("{:.0} %", entry.confidence.clamp(0.0, 1.0) * 100.0))
                                }
                                td class="figure" { (signed(entry.affect.valence)) }
                                td class="figure" { (signed(entry.affect.arousal)) }
                                td class="figure" { (signed(entry.affect.dominance)) }
                                @if two_sides { td class="sides" { (sides(entry)) } }
                                td class="said" {
                                    @if let Some(name) = &entry.speaker { b { (name) ": " } }
                                    (entry.words)
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What each side said, how sure it was and how much it counted; and what there is to remark.
fn sides(entry: &Entry) -> Markup {
    let line = |name: &str, part: Part| {
        html! {
            div {
                span class={ "dot l-" (part.label.name()) } {} (name) " " (part.label.name())
                " " (format!("{:.0} %", part.share * 100.0))
                span class="weight" { " × " (format!("{:.2}", part.weight)) }
            }
        }
    };
    html! {
        @if let Some(voice) = entry.voice { (line("voice", voice)) }
        @if let Some(said) = entry.said { (line("words", said)) }
        @for remark in entry.remarks() { div class="remark" { (remark) } }
    }
}

/// The last part of a path, which is what people look for.
fn file_name(name: &str) -> &str {
    name.rsplit(['/', '\\'])
        .find(|part| !part.is_empty())
        .unwrap_or(name)
}

fn foot(about: &About) -> Markup {
    html! {
        footer {
            p {
                "Confidence is the calibrated probability that the feeling named is right; "
                "under the pack's threshold the report says " i { "unknown" } " instead of guessing. "
                "Where voice and words are told apart, each is shown with how sure it was and its weight. "
                "These are estimates from the sound of a voice and its words, not knowledge of what a person feels."
            }
            p class="made" {
                (about.name) " · pack " (about.pack) " · system " (about.system) " · " (about.runtime)
                " · " (about.rate) " Hz · undertone " (env!("CARGO_PKG_VERSION"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::entry;
    use super::*;

    fn hostile() -> String {
        let bad = "</script><script>alert(1)</script> \"quoted\" & 'so on'";
        let mut entry = entry(0.5, 2.0, Label::Angry, bad);
        entry.speaker = Some("<img src=x onerror=alert(2)>".into());
        let about = About {
            name: "<b>name</b>.wav".into(),
            seconds: 3.0,
            ..About::default()
        };
        let points = [Point::from(&entry)];
        page(&[entry], &points, &about).into_string()
    }

    #[test]
    fn nothing_that_was_said_can_become_code() {
        let page = hostile();
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(!page.contains("<img"), "{page}");
        assert!(!page.contains("<b>name"), "{page}");
        // Ours: the data and the script.
        assert_eq!(page.matches("</script>").count(), 2);
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let page = hostile();
        for outside in ["http://", "https://", "src=\"", "@import", "url("] {
            let ours = page.replace("url(#hatch)", "");
            assert!(!ours.contains(outside), "{outside}");
        }
    }

    #[test]
    fn silence_has_a_page_too() {
        let page = page(&[], &[], &About::default()).into_string();
        assert!(page.contains("No speech was heard"));
    }
}
