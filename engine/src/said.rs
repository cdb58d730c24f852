//! Where a stream's words come from, and how often they are read.

/// Where the words of what is heard next come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Said {
    /// The recogniser.
    #[default]
    Recognised,
    /// The caller, who knows them: a script, subtitles, a corpus.
    Given(String),
    /// Nowhere: only the voice counts.
    Nothing,
}

/// How often the words were read, and how often the last reading still held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Readings {
    /// Runs of the text branch.
    pub run: u64,
    /// Scores whose words had not changed since the last one.
    pub saved: u64,
}
