//! `undertone models list`: the packs, recognisers and runtimes that are here, and which of them are in use.

use std::fs;
use std::io::Write;
use std::path::Path;

use console::Style;
use serde::Serialize;
use undertone::models::{self, InstalledRecogniser, Kind, Pack, PackError, RecogniserStoreError};

use super::add::{has_library, runtime_licence};
use super::print_json;
use crate::fault::{Ending, Fault};
use crate::settings::Settings;

/// One line of the list.
#[derive(Debug, Serialize)]
struct Row {
    kind: &'static str,
    name: String,
    version: String,
    licence: String,
    place: String,
    in_use: bool,
    error: Option<String>,
}

impl Row {
    /// What cannot be used, and why.
    fn broken(kind: Kind, name: String, place: Option<&Path>, why: String) -> Self {
        Self {
            kind: kind.name(),
            name,
            version: String::new(),
            licence: String::new(),
            place: place.map(|path| path.display().to_string()).unwrap_or_default(),
            in_use: false,
            error: Some(why),
        }
    }
}

/// Runs the command.
pub fn run(out: &mut impl Write, json: bool, settings: &Settings) -> Result<Ending, Fault> {
    let mut rows = packs(settings);
    rows.extend(
        models::installed_recognisers()
            .into_iter()
            .map(|(name, found)| recogniser(name, found, settings)),
    );
    rows.extend(
        models::installed_runtimes()
            .iter()
            .map(|dir| runtime(dir, settings)),
    );
    if json {
        return print_json(out, &rows);
    }
    for row in rows {
        let mark = if row.in_use {
            Style::new().green().apply_to("●").to_string()
        } else {
            " ".to_owned()
        };
        let text = match row.error {
            None => format!(
                "{mark} {:<20} {:<10} {:<10} {:<16} {}",
                row.name, row.kind, row.version, row.licence, row.place
            ),
            Some(error) => format!(
                "{mark} {:<20} {:<10} {}",
                row.name,
                row.kind,
                Style::new().red().apply_to(error)
            ),
        };
        writeln!(out, "{}", text.trim_end()).map_err(Fault::output)?;
    }
    Ok(Ending::Good)
}

fn packs(settings: &Settings) -> Vec<Row> {
    let used = models::resolve(settings.pack.as_deref());
    let row = |path: Option<&Path>, pack: &Result<Pack, PackError>| match pack {
        Ok(pack) => {
            let manifest = pack.manifest();
            Row {
                kind: Kind::Pack.name(),
                name: manifest.name.clone(),
                version: manifest.version.clone(),
                licence: manifest.licence.clone(),
                place: super::place(pack),
                in_use: used.as_ref().is_ok_and(|used| used.origin() == path),
                error: None,
            }
        }
        Err(error) => Row::broken(
            Kind::Pack,
            path.map(folder_name).unwrap_or_default(),
            path,
            error.to_string(),
        ),
    };
    let mut rows = vec![row(None, &Pack::embedded())];
    rows.extend(
        models::installed()
            .iter()
            .map(|found| row(Some(&found.path), &found.pack)),
    );
    if let Ok(pack) = &used
        && !rows.iter().any(|row| row.in_use)
    {
        rows.push(row(pack.origin(), &Ok(pack.clone())));
    }
    rows
}

fn recogniser(
    name: String,
    found: Result<InstalledRecogniser, RecogniserStoreError>,
    settings: &Settings,
) -> Row {
    let in_use = settings.recogniser.name() == name;
    match found {
        Ok(InstalledRecogniser { dir, about }) => Row {
            kind: Kind::Recogniser.name(),
            name,
            version: about.version,
            licence: about.licence,
            place: dir.display().to_string(),
            in_use,
            error: None,
        },
        Err(error) => Row {
            in_use,
            ..Row::broken(Kind::Recogniser, name, None, error.to_string())
        },
    }
}

/// A runtime is in use where it is asked for by name; what `auto` takes is only known once it ran, and
/// `undertone doctor` tells.
fn runtime(dir: &Path, settings: &Settings) -> Row {
    let name = folder_name(dir);
    if let Err(why) = has_library(dir) {
        let why = format!("{why}; add it again with `undertone models add {name}`");
        return Row::broken(Kind::Runtime, name, Some(dir), why);
    }
    Row {
        kind: Kind::Runtime.name(),
        version: wheel_version(dir).unwrap_or_default(),
        licence: runtime_licence(&name).to_owned(),
        place: dir.display().to_string(),
        in_use: settings.runtime.name() == name,
        error: None,
        name,
    }
}

/// The version of ONNX Runtime's wheel that was unpacked here, from the folder that pip leaves beside it.
fn wheel_version(dir: &Path) -> Option<String> {
    let entries = fs::read_dir(dir).ok()?;
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .find_map(|name| {
            let (package, version) = name.strip_suffix(".dist-info")?.split_once('-')?;
            package.starts_with("onnxruntime").then(|| version.to_owned())
        })
}

fn folder_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
