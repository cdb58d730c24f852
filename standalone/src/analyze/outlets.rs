//! Everything that takes the results of one sound: files, standard output, the timeline.

use std::collections::HashSet;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use undertone::Update;

use super::Plan;
use crate::cli::Format;
use crate::sink::{self, About, Entry, Sink, Target, Timeline, WriteError};
use crate::sound::Origin;

/// Everything that takes the results of one sound.
pub(super) struct Outlets<'a> {
    files: Vec<(PathBuf, Box<dyn Sink>)>,
    printed: Option<Box<dyn Sink>>,
    timeline: Option<Timeline>,
    progress: &'a ProgressBar,
}

impl<'a> Outlets<'a> {
    pub(super) fn open(
        origin: &Origin,
        plan: &Plan,
        about: &About,
        taken: &mut HashSet<PathBuf>,
        progress: &'a ProgressBar,
    ) -> Result<Self, WriteError> {
        let mut files = Vec::new();
        if let Some(out) = &plan.out {
            let stem = free_stem(origin, out, &plan.files, taken);
            for format in &plan.files {
                let path = named(out, &stem, *format);
                let sink = sink::make(*format, Target::file(&path)?, about)?;
                files.push((path, sink));
            }
        }
        let printed = match plan.printed {
            Some(format) => Some(sink::make(format, Target::output(), about)?),
            None => None,
        };
        let timeline = plan.timeline.then(Timeline::default);
        let mut outlets = Self {
            files,
            printed,
            timeline,
            progress,
        };
        outlets.print(|timeline, out| timeline.begin(out, about))?;
        Ok(outlets)
    }

    pub(super) fn take(&mut self, update: &Update) -> Result<(), WriteError> {
        for (path, sink) in &mut self.files {
            sink.take(update).map_err(|source| WriteError::File {
                path: path.clone(),
                source,
            })?;
        }
        if let Some(sink) = &mut self.printed {
            sink.take(update).map_err(WriteError::output)?;
        }
        if update.is_final() {
            self.print(|timeline, out| timeline.take(out, Entry::from(update)))?;
        }
        Ok(())
    }

    /// Prints on the timeline, between two drawings of the progress bar.
    fn print(
        &mut self,
        line: impl FnOnce(&mut Timeline, &mut io::StdoutLock<'static>) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        let Some(timeline) = &mut self.timeline else {
            return Ok(());
        };
        let printed = self.progress.suspend(|| {
            let mut out = io::stdout().lock();
            line(timeline, &mut out).and_then(|()| out.flush())
        });
        match printed.map_err(WriteError::output) {
            // Nobody watches, but files were asked for too: go on for them.
            Err(WriteError::Closed) if !self.files.is_empty() => {
                self.timeline = None;
                Ok(())
            }
            other => other,
        }
    }

    /// Finishes all of them; gives the files.
    pub(super) fn finish(mut self, about: &About) -> Result<Vec<PathBuf>, WriteError> {
        self.print(|timeline, out| timeline.end(out, about))?;
        if let Some(sink) = self.printed {
            sink.finish(about)?;
        }
        let mut written = Vec::new();
        for (path, sink) in self.files {
            sink.finish(about)?;
            written.push(path);
        }
        Ok(written)
    }
}

fn named(out: &Path, stem: &str, format: Format) -> PathBuf {
    out.join(format!("{stem}.{}", format.name()))
}

/// A stem that no other sound of this call has taken, and that would not write over the sound itself.
fn free_stem(origin: &Origin, out: &Path, formats: &[Format], taken: &mut HashSet<PathBuf>) -> String {
    let stem = origin.stem();
    let own = match origin {
        Origin::File(path) => path.canonicalize().ok(),
        Origin::Pipe => None,
    };
    let mut name = stem.clone();
    let mut count = 1;
    while taken.contains(&out.join(&name))
        || formats
            .iter()
            .any(|format| own.is_some() && named(out, &name, *format).canonicalize().ok() == own)
    {
        count += 1;
        name = format!("{stem}-{count}");
    }
    taken.insert(out.join(&name));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sounds_of_one_name_get_two_results() {
        let mut taken = HashSet::new();
        let mut stem = |path: &str| {
            free_stem(
                &Origin::File(path.into()),
                Path::new("out"),
                &[Format::Jsonl],
                &mut taken,
            )
        };
        assert_eq!(stem("a/x.wav"), "x");
        assert_eq!(stem("b/x.wav"), "x-2");
        assert_eq!(stem("b/x.flac"), "x-3");
        assert_eq!(stem("y.wav"), "y");
    }

    #[test]
    fn a_result_never_writes_over_its_sound() {
        let dir = tempfile::tempdir().expect("a folder");
        let sound = dir.path().join("odd.csv");
        std::fs::write(&sound, "RIFF").expect("written");
        let stem = free_stem(
            &Origin::File(sound),
            dir.path(),
            &[Format::Csv],
            &mut HashSet::new(),
        );
        assert_eq!(stem, "odd-2");
    }
}
