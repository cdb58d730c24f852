//! `undertone config`: the settings in effect, and where each came from.

use std::io::{self, Write as _};

use console::Style;
use serde::Serialize;

use crate::fault::{Ending, Fault};
use crate::models::print_json;
use crate::settings::{Setting, Settings, Source};
use crate::term;

#[derive(Serialize)]
struct Shown<'a> {
    file: Option<String>,
    file_found: bool,
    settings: &'a [Setting],
}

/// Runs the command.
pub fn run(json: bool, settings: &Settings) -> Result<Ending, Fault> {
    let mut out = io::stdout().lock();
    let file = settings.file.as_ref().map(|path| path.display().to_string());
    if json {
        let shown = Shown {
            file,
            file_found: settings.file_found,
            settings: &settings.origins,
        };
        return print_json(&mut out, &shown);
    }
    let dim = Style::new().dim();
    let there = if settings.file_found {
        ""
    } else {
        " (not there; write this to make it)"
    };
    // As the file would look, so that it can be redirected into it.
    if let Some(file) = file {
        writeln!(out, "{}", dim.apply_to(format!("# {file}{there}"))).map_err(Fault::output)?;
    }
    for setting in &settings.origins {
        let line = if setting.value.is_empty() {
            format!("# {} = ", setting.key)
        } else {
            format!("{} = {}", setting.key, term::plain(&setting.value))
        };
        let source = match setting.source {
            Source::Flag => "flag".to_owned(),
            Source::Environment => format!("UNDERTONE_{}", setting.key.to_uppercase()),
            Source::File => "file".to_owned(),
            Source::Default => "default".to_owned(),
        };
        writeln!(out, "{line:<34} {}", dim.apply_to(format!("# {source}"))).map_err(Fault::output)?;
    }
    Ok(Ending::Good)
}
