//! The live view: what stands on the screen while somebody speaks. Text only; it prints nothing itself.

use console::{Style, truncate_str};
use undertone::{Activity, Label, Snapshot, Update, Verdict};
use undertone_plugin::signed;

use crate::sink::Entry;
use crate::term;

/// What the view shows besides the newest state.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    /// The device, or why there is none.
    pub device: String,
    /// The device is gone at the moment.
    pub lost: bool,
    /// Words of the utterance that is going on.
    pub words: String,
    /// What voice and words each said of it, where both count.
    pub sides: String,
    /// What is worse than it should be.
    pub degraded: String,
}

impl Scene {
    /// Takes in an update.
    pub fn take(&mut self, update: &Update) {
        self.words = update
            .text
            .as_ref()
            .map(|text| text.transcript.clone())
            .unwrap_or_default();
        self.sides = Entry::from(update).sides_in_words();
        let names: Vec<_> = update.degraded.iter().map(|what| format!("{what:?}")).collect();
        self.degraded = names.join(", ");
    }
}

/// The lines of the view, none wider than the screen and not more than fit on it.
pub fn lines(now: &Snapshot, scene: &Scene, stale: bool, width: usize, height: usize) -> Vec<String> {
    let dim = Style::new().dim();
    let mut lines = vec![head(now, scene, stale)];
    // An old score must never look like a new one.
    let old = stale || scene.lost || matches!(now.activity, Activity::Stalled | Activity::Failed);
    match now.score {
        None => lines.push(dim.apply_to("   nothing heard yet").to_string()),
        Some(score) => {
            let colour = if old {
                Style::new().dim()
            } else {
                term::style(score.label)
            };
            let age = now.score_age_s().unwrap_or_default().max(0.0);
            let settled = if score.kind == undertone::Kind::Final {
                "final"
            } else {
                "so far"
            };
            lines.push(format!(
                "   {} {} {}  {}",
                colour.clone().bold().apply_to(format!("{:<10}", score.label)),
                colour.apply_to(term::bar(score.confidence, 24)),
                term::percent(score.confidence),
                dim.apply_to(format!("{settled}, {age:.1} s ago")),
            ));
            // The bars of all feelings need their own lines; without room for them, the best one must do.
            if height > Label::COUNT + 6 {
                lines.extend(Label::ALL.map(|label| {
                    let share = score.scores.of(label);
                    let colour = if old {
                        Style::new().dim()
                    } else {
                        term::style(Verdict::Known(label))
                    };
                    let bar = colour.apply_to(term::bar(share, 24));
                    format!(
                        "   {} {bar} {}",
                        dim.apply_to(format!("{label:<10}")),
                        term::percent(share)
                    )
                }));
                let affect = format!(
                    "   valence {}  arousal {}  dominance {}",
                    signed(score.affect.valence),
                    signed(score.affect.arousal),
                    signed(score.affect.dominance)
                );
                lines.push(dim.apply_to(affect).to_string());
            }
        }
    }
    lines.push(format!("   {}", term::plain(&scene.words)));
    if !scene.sides.is_empty() {
        lines.push(dim.apply_to(format!("   {}", scene.sides)).to_string());
    }
    if !scene.degraded.is_empty() {
        lines.push(
            Style::new()
                .yellow()
                .apply_to(format!("   degraded: {}", scene.degraded))
                .to_string(),
        );
    }
    // One column stays free: a full line would wrap and spoil the redrawing.
    lines
        .iter()
        .map(|line| truncate_str(line, width.saturating_sub(1), "…").into_owned())
        .collect()
}

fn head(now: &Snapshot, scene: &Scene, stale: bool) -> String {
    let (mark, what) = match now.activity {
        _ if scene.lost => (Style::new().red().apply_to("○"), "no device"),
        _ if stale => (Style::new().red().apply_to("○"), "no answer"),
        Activity::Loading => (Style::new().yellow().apply_to("◌"), "loading"),
        Activity::Silent => (Style::new().dim().apply_to("○"), "silence"),
        Activity::Speaking => (Style::new().green().apply_to("●"), "speech"),
        Activity::Stalled => (Style::new().red().apply_to("○"), "stalled"),
        Activity::Failed => (Style::new().red().apply_to("○"), "failed"),
    };
    let level = decibels(now.peak);
    format!(
        " {mark} {what:<9}  level {} {level:>4.0} dB  voice {} {}  {}  {}",
        Style::new()
            .green()
            .apply_to(term::bar((level + 60.0) / 60.0, 12)),
        Style::new().cyan().apply_to(term::bar(now.voice, 6)),
        term::percent(now.voice),
        term::clock(now.clock_s),
        Style::new().dim().apply_to(term::plain(&scene.device)),
    )
}

/// A linear level in decibels of full scale, not below −99.
fn decibels(linear: f32) -> f32 {
    (20.0 * linear.max(1e-5).log10()).max(-99.0)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use undertone::{Affect, Kind, Scored, Scores};

    use super::*;

    fn snapshot(activity: Activity) -> Snapshot {
        Snapshot {
            activity,
            score: Some(Scored {
                utterance: 0,
                revision: 1,
                kind: Kind::Provisional,
                start_s: 0.0,
                end_s: 4.0,
                label: Verdict::Known(Label::Happy),
                scores: Scores::default(),
                affect: Affect::default(),
                confidence: 0.8,
            }),
            clock_s: 4.5,
            peak: 0.5,
            rms: 0.1,
            voice: 0.9,
            written: Instant::now(),
        }
    }

    fn flat(lines: &[String]) -> String {
        console::strip_ansi_codes(&lines.join("\n")).into_owned()
    }

    #[test]
    fn it_fits_every_screen() {
        let scene = Scene {
            words: "word ".repeat(99),
            device: "a name ".repeat(20),
            ..Scene::default()
        };
        for (width, height) in [(80, 24), (40, 10), (20, 5), (1, 1)] {
            let lines = lines(&snapshot(Activity::Speaking), &scene, false, width, height);
            assert!(
                lines
                    .iter()
                    .all(|line| console::measure_text_width(line) < width.max(2)),
                "{width}"
            );
            assert!(height < 6 || lines.len() <= height, "{height}");
        }
    }

    #[test]
    fn the_age_of_a_score_and_a_lost_device_are_said() {
        let seen = flat(&lines(
            &snapshot(Activity::Speaking),
            &Scene::default(),
            false,
            100,
            30,
        ));
        assert!(
            seen.contains("so far, 0.5 s ago") && seen.contains("speech"),
            "{seen}"
        );
        let scene = Scene {
            lost: true,
            ..Scene::default()
        };
        assert!(flat(&lines(&snapshot(Activity::Speaking), &scene, false, 100, 30)).contains("no device"));
        assert!(
            flat(&lines(
                &snapshot(Activity::Speaking),
                &Scene::default(),
                true,
                100,
                30
            ))
            .contains("no answer")
        );
    }

    #[test]
    fn decibels_end_somewhere() {
        assert!((decibels(1.0)).abs() < 1e-4);
        assert!(decibels(0.0) >= -100.0 && decibels(0.0) < -90.0);
    }
}
