//! Writes the list of the default pack's files that `pack.rs` embeds, so that a pack may have any number of
//! graphs and none is named twice.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The pack that every build carries.
const DEFAULT: &str = "english";

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    let pack = root.join("packs").join(DEFAULT);
    println!("cargo::rerun-if-changed={}", pack.display());

    let mut files = Vec::new();
    for entry in fs::read_dir(&pack)? {
        let path = entry?.path();
        // The manifest is embedded as text, the card is for people; the rest is what the manifest lists.
        let kind = path.extension().unwrap_or_default();
        if path.is_file() && kind != "toml" && kind != "md" {
            files.push(path);
        }
    }
    files.sort();

    // Graphs are read in place as numbers of four bytes: keep each file aligned.
    let mut code = String::from(
        "#[repr(C, align(64))]\nstruct Aligned<T: ?Sized>(T);\n\
         macro_rules! aligned { ($path:expr) => {{ static A: &Aligned<[u8]> = &Aligned(*include_bytes!($path)); &A.0 }} }\n",
    );
    let text = |e: std::fmt::Error| io::Error::other(e);
    writeln!(
        code,
        "pub static MANIFEST: &str = include_str!({:?});",
        pack.join("pack.toml").display().to_string()
    )
    .map_err(text)?;
    writeln!(code, "pub static FILES: &[(&str, &[u8])] = &[").map_err(text)?;
    for file in &files {
        writeln!(
            code,
            "    ({:?}, aligned!({:?})),",
            name(file),
            file.display().to_string()
        )
        .map_err(text)?;
    }
    writeln!(code, "];").map_err(text)?;
    fs::write(out.join("embedded.rs"), code)
}

fn name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
