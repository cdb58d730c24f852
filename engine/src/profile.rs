//! What was learnt about one speaker, for whoever wants to keep it: the baseline and what it belongs to.
//!
//! Only numbers: the mean of a network's statistics over past utterances. No sound, no words, no scores. This crate
//! neither keeps nor finds one by itself; the caller asks for it and gives it back.

use serde::{Deserialize, Serialize};

use crate::baseline::{Baseline, LONGEST_MEMORY};

/// Version of the profile's form.
const FORM: u32 = 1;

/// A speaker's baseline, outside of any stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Version of this form.
    #[serde(rename = "undertone_profile")]
    form: u32,
    /// The very weights that it was learnt with.
    pack: String,
    /// The branch of that pack that it belongs to.
    branch: String,
    /// Utterances that it stands for.
    clips: f32,
    mean: Vec<f32>,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Not a profile at all.
    #[error("it is no profile ({0}); delete it, or name another file")]
    Form(#[from] serde_json::Error),
    /// Made by another version of this program.
    #[error("its form is {0}, this build reads {FORM}; delete it and let the speaker be learnt anew")]
    Version(u32),
    /// Damaged.
    #[error("its numbers are damaged; delete it and let the speaker be learnt anew")]
    Damaged,
    /// Learnt with other weights.
    #[error("it was learnt with {made} and {runs} runs; choose that pack and system, or name another file")]
    Other {
        /// What it was learnt with.
        made: String,
        /// What runs.
        runs: String,
    },
    /// The system that runs judges no voice, or the pack is not loaded yet.
    #[error("nothing that runs compares a voice with its past; choose a system that hears the voice")]
    NoVoice,
}

impl Profile {
    pub(crate) fn new(pack: &str, branch: &str, baseline: &Baseline) -> Self {
        Self {
            form: FORM,
            pack: pack.to_owned(),
            branch: branch.to_owned(),
            clips: baseline.clips,
            mean: baseline.mean.clone(),
        }
    }

    /// Reads one from its JSON.
    pub fn from_json(text: &str) -> Result<Self, ProfileError> {
        let profile: Self = serde_json::from_str(text)?;
        if profile.form != FORM {
            return Err(ProfileError::Version(profile.form));
        }
        let finite = profile.mean.iter().all(|value| value.is_finite());
        if !finite || !(0.0..=LONGEST_MEMORY).contains(&profile.clips) {
            return Err(ProfileError::Damaged);
        }
        Ok(profile)
    }

    /// Its JSON.
    pub fn to_json(&self) -> Result<String, ProfileError> {
        Ok(serde_json::to_string(self)?)
    }

    /// What it was learnt with: the pack's name, version and weights, and the branch.
    pub fn made_with(&self) -> String {
        format!("{} ({})", self.pack, self.branch)
    }

    /// Utterances that it stands for.
    pub fn clips(&self) -> f32 {
        self.clips
    }

    /// The baseline, if it was learnt with exactly this.
    pub(crate) fn baseline(&self, pack: &str, branch: &str, width: usize) -> Result<Baseline, ProfileError> {
        if self.pack != pack || self.branch != branch {
            return Err(ProfileError::Other {
                made: self.made_with(),
                runs: format!("{pack} ({branch})"),
            });
        }
        if self.mean.len() != width && self.clips > 0.0 {
            return Err(ProfileError::Damaged);
        }
        Ok(Baseline {
            mean: self.mean.clone(),
            clips: self.clips,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        let mut baseline = Baseline::default();
        baseline.learn(&[0.5, -1.0]);
        Profile::new("tiny-1.0.0-abc", "speech", &baseline)
    }

    #[test]
    fn it_comes_back_from_its_file() {
        let text = profile().to_json().unwrap();
        let back = Profile::from_json(&text).unwrap();
        assert_eq!(back, profile());
        let baseline = back.baseline("tiny-1.0.0-abc", "speech", 2).unwrap();
        assert_eq!(baseline.for_width(2), (vec![0.5, -1.0], 1.0));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_reason() {
        let told = |result: Result<Baseline, ProfileError>| result.unwrap_err().to_string();
        let other = told(profile().baseline("tiny-2.0.0-def", "speech", 2));
        assert!(
            other.contains("tiny-1.0.0-abc") && other.contains("tiny-2.0.0-def"),
            "{other}"
        );
        assert!(told(profile().baseline("tiny-1.0.0-abc", "late_speech", 2)).contains("late_speech"));
        assert!(told(profile().baseline("tiny-1.0.0-abc", "speech", 3)).contains("damaged"));
        let text = profile().to_json().unwrap();
        for (from, to, told) in [
            ("\"undertone_profile\":1", "\"undertone_profile\":7", "form is 7"),
            ("\"clips\":1.0", "\"clips\":-1.0", "damaged"),
            ("\"mean\"", "\"man\"", "no profile"),
        ] {
            let error = Profile::from_json(&text.replace(from, to))
                .unwrap_err()
                .to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
