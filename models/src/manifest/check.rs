//! What must be true of a manifest beyond its form. Every refusal names the table and the key.

use super::{Fusion, GraphEntry, LABELS, Manifest, ManifestError, Role, SCHEMA, SYSTEMS};
use crate::store::is_folder_name;

type Checked = Result<(), ManifestError>;

/// The longest utterance: no pack can want more sound at once. What is larger would be asked of the memory when the
/// pack is tried, inside somebody's host.
const MOST_SAMPLES: usize = 12 * 16_000;
/// Numbers of a frame or of a voice's statistics.
const MOST_NUMBERS: usize = 65_536;

fn misfit(what: impl Into<String>) -> Checked {
    Err(ManifestError::Misfit(what.into()))
}

fn sized(key: &str, size: usize, most: usize) -> Checked {
    if (1..=most).contains(&size) {
        return Ok(());
    }
    misfit(format!("{key} is {size}, it must be within 1 and {most}"))
}

fn positive(x: f32) -> bool {
    x.is_finite() && x > 0.0
}

impl Manifest {
    pub(super) fn check(&self) -> Checked {
        if self.schema != SCHEMA {
            return misfit(format!("schema is {}, this build reads {SCHEMA}", self.schema));
        }
        if self.sample_rate != 16_000 {
            return misfit(format!(
                "sample_rate is {}, the engine hears 16000",
                self.sample_rate
            ));
        }
        if self.labels != LABELS {
            return misfit(format!("labels must be {LABELS:?}"));
        }
        // A pack is installed in a folder of its name.
        if !is_folder_name(&self.name) {
            return misfit(format!(
                "name is '{}'; it must be letters, digits, '-', '_' and '.' within, 64 at most",
                self.name
            ));
        }
        let trunk = &self.trunk;
        sized("trunk.frame_stride", trunk.frame_stride, MOST_SAMPLES)?;
        sized("trunk.min_samples", trunk.min_samples, MOST_SAMPLES)?;
        sized("trunk.receptive_field", trunk.receptive_field, MOST_SAMPLES)?;
        self.check_graphs()?;
        self.check_speech()?;
        self.check_words()?;
        self.check_writer()?;
        self.check_text()?;
        self.check_systems()?;
        self.check_files()
    }

    fn check_graphs(&self) -> Checked {
        for role in [Role::Trunk, Role::Speech] {
            if self.graph(role).is_none() {
                return misfit(format!("the {role} graph is missing"));
            }
        }
        for (at, graph) in self.graphs.iter().enumerate() {
            if self.graphs[..at].iter().any(|other| other.role == graph.role) {
                return misfit(format!("there are two {} graphs", graph.role));
            }
            ends(graph, "inputs", &graph.inputs, graph.role.inputs(), 1)?;
            ends(graph, "outputs", &graph.outputs, graph.role.outputs(), 1)?;
        }
        Ok(())
    }

    fn check_speech(&self) -> Checked {
        calibrated(
            "speech",
            self.speech.temperature,
            &self.speech.temperature_short,
            self.speech.unknown_below,
        )?;
        labels("speech", &self.speech.trained_labels)?;
        sized("speech.mix_width", self.speech.mix_width, MOST_NUMBERS)?;
        sized("speech.stats_width", self.speech.stats_width, MOST_NUMBERS)?;
        self.check_familiar()?;
        let Some(late) = &self.late_speech else {
            return match self.graph(Role::LateSpeech) {
                Some(_) => misfit("the late_speech graph needs the table [late_speech]"),
                None => Ok(()),
            };
        };
        sized("late_speech.min_samples", late.min_samples, MOST_SAMPLES)?;
        sized("late_speech.stats_width", late.stats_width, MOST_NUMBERS)?;
        labels("late_speech", late.trained_labels.as_deref().unwrap_or_default())?;
        calibrated(
            "late_speech",
            late.temperature,
            &late.temperature_short,
            late.unknown_below,
        )
    }

    fn check_familiar(&self) -> Checked {
        match (self.graph(Role::Familiar), &self.familiar) {
            (Some(_), None) => misfit("the familiar graph needs the table [familiar]"),
            (_, Some(limits)) if !positive(limits.usual) || !positive(limits.strange - limits.usual) => {
                misfit("familiar.usual must be positive, and familiar.strange greater")
            }
            _ => Ok(()),
        }
    }

    fn check_words(&self) -> Checked {
        let Some(graph) = self.graph(Role::Words) else {
            return Ok(());
        };
        let Some(words) = self.words.as_ref().filter(|words| words.alphabet.len() > 1) else {
            return misfit("the words graph needs words.alphabet");
        };
        if words.frames_per == 0 {
            return misfit("words.frames_per must be positive");
        }
        if (graph.outputs.len() > 1) != (words.phones.len() > 1) {
            return misfit("words.phones and the words graph's phone_log_probs go together");
        }
        match &words.lexicon {
            Some(file) if !self.lists(file) => {
                misfit(format!("words.lexicon is '{file}', which has no entry in files"))
            }
            _ => Ok(()),
        }
    }

    fn check_writer(&self) -> Checked {
        let graphs = [Role::WriterSound, Role::Writer];
        let Some(role) = graphs.into_iter().find(|role| self.graph(*role).is_some()) else {
            return Ok(());
        };
        // Its words get their times from the words graph's letters.
        for needed in graphs.into_iter().chain([Role::Words]) {
            if self.graph(needed).is_none() {
                return misfit(format!(
                    "the {role} graph needs the {needed} graph, which is missing"
                ));
            }
        }
        let Some(writer) = &self.writer else {
            return misfit(format!("the {role} graph needs the table [writer]"));
        };
        if !self.lists(&writer.tokens) {
            return misfit(format!(
                "writer.tokens is '{}', which has no entry in files",
                writer.tokens
            ));
        }
        // One begins the row, one is written.
        if !(2..=512).contains(&writer.longest) {
            return misfit("writer.longest must be within 2 and 512");
        }
        if writer.width == 0 {
            return misfit("writer.width must be positive");
        }
        Ok(())
    }

    fn check_text(&self) -> Checked {
        let Some(text) = &self.text else {
            return match self.graph(Role::Text) {
                Some(_) => misfit("the text graph needs the table [text]"),
                None => Ok(()),
            };
        };
        if !self.lists(&text.vocab) {
            return misfit(format!(
                "text.vocab is '{}', which has no entry in files",
                text.vocab
            ));
        }
        // Two tokens stand around the text, so three are the least that say anything.
        if !(3..=512).contains(&text.longest) {
            return misfit("text.longest must be within 3 and 512");
        }
        labels("text", &text.trained_labels)?;
        calibrated("text", text.temperature, &[], text.unknown_below)
    }

    fn check_systems(&self) -> Checked {
        if !self.systems.contains(&self.default_system) {
            return misfit(format!(
                "default_system '{}' is not among systems",
                self.default_system
            ));
        }
        for system in &self.systems {
            let Some((_, needed)) = SYSTEMS.iter().find(|(name, _)| name == system) else {
                let known = SYSTEMS.map(|(name, _)| name).join(", ");
                return misfit(format!("system '{system}' is none of {known}"));
            };
            if let Some(role) = needed.iter().find(|role| self.graph(**role).is_none()) {
                return misfit(format!(
                    "system '{system}' needs the {role} graph, which is missing"
                ));
            }
            if matches!(system.as_str(), "late" | "multilevel" | "joint") {
                match self.fusion(system) {
                    Some(fusion) => weights(system, fusion)?,
                    None => return misfit(format!("system '{system}' needs the table [{system}]")),
                }
            }
        }
        Ok(())
    }

    fn check_files(&self) -> Checked {
        for graph in &self.graphs {
            if !self.lists(&graph.file) {
                return misfit(format!("'{}' has no entry in files", graph.file));
            }
        }
        for file in &self.files {
            let path = std::path::Path::new(&file.path);
            let plain = path
                .components()
                .all(|part| matches!(part, std::path::Component::Normal(_)));
            if !plain || file.path.is_empty() {
                return misfit(format!("'{}' leads out of the pack", file.path));
            }
        }
        Ok(())
    }

    fn lists(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.path == path)
    }
}

/// A graph's inputs or outputs are those of its role, in any order; the words head's may be fewer.
fn ends(graph: &GraphEntry, end: &str, named: &[String], wanted: &[&str], least: usize) -> Checked {
    let least = if graph.role == Role::Words {
        least
    } else {
        wanted.len()
    };
    let known = named.iter().all(|name| wanted.contains(&name.as_str()));
    let twice = named
        .iter()
        .enumerate()
        .any(|(at, name)| named[..at].contains(name));
    let first = graph.role != Role::Words || end == "inputs" || named.first().is_some_and(|n| n == wanted[0]);
    if known && first && !twice && (least..=wanted.len()).contains(&named.len()) {
        return Ok(());
    }
    misfit(format!(
        "the {} graph's {end} are {}, not {}",
        graph.role,
        named.join(", "),
        wanted.join(", ")
    ))
}

fn calibrated(table: &str, temperature: f32, short: &[[f32; 2]], unknown_below: f32) -> Checked {
    if !positive(temperature) || !short.iter().all(|[at, t]| at.is_finite() && positive(*t)) {
        return misfit(format!("{table}: temperatures must be positive"));
    }
    if !short.windows(2).all(|w| w[0][0] < w[1][0]) {
        return misfit(format!(
            "{table}.temperature_short must be in rising order of seconds"
        ));
    }
    if !(0.0..=1.0).contains(&unknown_below) {
        return misfit(format!("{table}.unknown_below must be within 0 and 1"));
    }
    Ok(())
}

fn weights(table: &str, fusion: &Fusion) -> Checked {
    let Fusion {
        own,
        speech,
        text,
        gamma,
        doubt,
        lift,
        ..
    } = *fusion;
    if ![own, speech, text, gamma, lift]
        .iter()
        .all(|x| x.is_finite() && *x >= 0.0)
    {
        return misfit(format!(
            "{table}: own, speech, text, gamma and lift must be 0 or positive"
        ));
    }
    if !positive(doubt) {
        return misfit(format!("{table}.doubt must be positive"));
    }
    if speech <= 0.0 && own <= 0.0 {
        return misfit(format!(
            "{table}: a system must weigh the voice: speech or own must be positive"
        ));
    }
    calibrated(table, fusion.temperature, &[], fusion.unknown_below)
}

fn labels(table: &str, trained: &[String]) -> Checked {
    match trained.iter().find(|label| !LABELS.contains(&label.as_str())) {
        Some(label) => misfit(format!("{table}.trained_labels: '{label}' is none of {LABELS:?}")),
        None => Ok(()),
    }
}
