//! `undertone models`: what packs there are, whether they are whole, and how a new one comes in.

pub mod add;
mod list;

use std::io::{self, Write};
use std::path::Path;

use console::Style;
use serde::Serialize;
use undertone::Recogniser;
use undertone::models::{self, InstalledRecogniser, Manifest, Pack, RemoveError, Removed, StoreError};

use crate::cli::Models;
use crate::fault::{Ending, Fault};
use crate::settings::Settings;
use crate::term;

/// Runs the command.
pub fn run(action: &Models, settings: &Settings) -> Result<Ending, Fault> {
    let mut out = io::stdout().lock();
    match action {
        Models::List(json) => list::run(&mut out, json.json, settings),
        Models::Info { name, json } => {
            let pack = chosen(name.as_deref(), settings)?;
            if json.json {
                print_json(&mut out, pack.manifest())
            } else {
                info(&mut out, &pack)
            }
        }
        Models::Verify { name, json } => verify(&mut out, name.as_deref(), json.json, settings),
        Models::Remove { name, json } => remove(&mut out, name, json.json),
        Models::Install {
            dir,
            as_default,
            json,
        } => install(&mut out, dir, *as_default, json.json),
        Models::Add(args) => add::run(&mut out, args, settings),
    }
}

/// Prints a value as JSON.
pub fn print_json(out: &mut impl Write, value: &impl Serialize) -> Result<Ending, Fault> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Fault::Broken(error.into()))?;
    writeln!(out, "{text}").map_err(Fault::output)?;
    Ok(Ending::Good)
}

/// Where a pack lies, for people.
pub fn place(pack: &Pack) -> String {
    pack.origin()
        .map_or_else(|| "built in".to_owned(), |path| path.display().to_string())
}

fn chosen(name: Option<&str>, settings: &Settings) -> Result<Pack, Fault> {
    models::resolve(name.or(settings.pack.as_deref())).map_err(|error| Fault::User(error.to_string()))
}

fn info(out: &mut impl Write, pack: &Pack) -> Result<Ending, Fault> {
    let manifest = pack.manifest();
    let size: u64 = manifest.files.iter().map(|file| file.bytes).sum();
    let mut lines = vec![
        ("pack", format!("{} {}", manifest.name, manifest.version)),
        ("what", manifest.description.clone()),
        ("licence", manifest.licence.clone()),
        ("place", place(pack)),
        (
            "size",
            format!("{:.1} MB in {} files", size as f64 / 1e6, manifest.files.len()),
        ),
        (
            "systems",
            format!(
                "{} (default: {})",
                manifest.systems.join(", "),
                manifest.default_system
            ),
        ),
        ("feelings", manifest.speech.trained_labels.join(", ")),
        (
            "words",
            if manifest.words.is_some() { "yes" } else { "no" }.to_owned(),
        ),
        (
            "unknown below",
            term::percent(manifest.speech.unknown_below).trim().to_owned(),
        ),
    ];
    for set in &manifest.training {
        let purpose = if set.purpose.is_empty() {
            String::new()
        } else {
            format!(": {}", set.purpose)
        };
        lines.push(("learnt from", format!("{} ({}){purpose}", set.name, set.licence)));
    }
    for (name, value) in &manifest.figures {
        lines.push(("measured", format!("{name} = {value}")));
    }
    for (name, value) in lines {
        if !value.is_empty() {
            let name = Style::new().dim().apply_to(format!("{name:>14}"));
            writeln!(out, "{name}  {}", term::plain(&value)).map_err(Fault::output)?;
        }
    }
    Ok(Ending::Good)
}

#[derive(Debug, Serialize)]
struct Verified {
    name: String,
    version: String,
    place: String,
    files: usize,
    whole: bool,
}

fn verify(
    out: &mut impl Write,
    name: Option<&str>,
    json: bool,
    settings: &Settings,
) -> Result<Ending, Fault> {
    if let Some(which) = name.and_then(|name| name.parse::<Recogniser>().ok())
        && which != Recogniser::First
    {
        return verify_recogniser(out, which, json);
    }
    let pack = chosen(name, settings)?;
    // A pack in a folder was verified on opening; the built-in one is only verified here.
    pack.verify().map_err(|error| Fault::User(error.to_string()))?;
    let Manifest {
        name, version, files, ..
    } = pack.manifest().clone();
    let verified = Verified {
        name,
        version,
        place: place(&pack),
        files: files.len(),
        whole: true,
    };
    show_verified(out, verified, json)
}

fn show_verified(out: &mut impl Write, verified: Verified, json: bool) -> Result<Ending, Fault> {
    if json {
        return print_json(out, &verified);
    }
    let Verified {
        name,
        version,
        place,
        files,
        ..
    } = verified;
    writeln!(
        out,
        "{name} {version} ({place}) is whole: {files} files match their hashes"
    )
    .map_err(Fault::output)?;
    Ok(Ending::Good)
}

fn verify_recogniser(out: &mut impl Write, which: Recogniser, json: bool) -> Result<Ending, Fault> {
    let found = InstalledRecogniser::find(which.name()).and_then(|found| found.verify().map(|()| found));
    let InstalledRecogniser { dir, about } = found.map_err(|error| Fault::User(error.to_string()))?;
    show_verified(
        out,
        Verified {
            name: about.name,
            version: about.version,
            place: dir.display().to_string(),
            files: about.files.len(),
            whole: true,
        },
        json,
    )
}

fn install(out: &mut impl Write, dir: &Path, as_default: bool, json: bool) -> Result<Ending, Fault> {
    let path = models::install(dir, as_default).map_err(|error| match error {
        StoreError::Pack(_) | StoreError::NoDataDir | StoreError::Write { .. } => {
            Fault::User(error.to_string())
        }
    })?;
    if json {
        return print_json(out, &serde_json::json!({ "installed": path }));
    }
    writeln!(out, "installed in {}", path.display()).map_err(Fault::output)?;
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let use_it = if as_default {
        "it is used from now on".to_owned()
    } else {
        format!("use it with --pack {name}, or put pack = \"{name}\" into the settings file")
    };
    writeln!(out, "{use_it}").map_err(Fault::output)?;
    Ok(Ending::Good)
}

/// Takes away what was added or installed.
fn remove(out: &mut impl Write, name: &str, json: bool) -> Result<Ending, Fault> {
    let removed = models::remove(name).map_err(|error| Fault::User(refusal(name, &error)))?;
    let Removed { kind, dir } = removed;
    if json {
        return print_json(out, &serde_json::json!({ "removed": dir, "kind": kind.name() }));
    }
    writeln!(out, "removed the {} {name} from {}", kind.name(), dir.display()).map_err(Fault::output)?;
    Ok(Ending::Good)
}

/// Why a thing cannot be removed; of what is inside the program, that it is.
fn refusal(name: &str, error: &RemoveError) -> String {
    let missing = matches!(error, RemoveError::Missing(_));
    let ours = Pack::embedded().is_ok_and(|pack| pack.manifest().name == name);
    if missing && ours {
        format!("the pack '{name}' is inside the program; there is nothing to remove")
    } else if missing && name == Recogniser::First.name() {
        "the recogniser 'first' is part of every pack; there is nothing to remove".to_owned()
    } else {
        error.to_string()
    }
}
