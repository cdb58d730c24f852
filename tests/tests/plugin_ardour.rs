//! The VST3 plugin in Ardour, without a window: insert, play, save, reopen; the values are equal.
//!
//! Wants `ardour7-lua` on `PATH` (apt `ardour`, on Debian 12); without it the journey is skipped and says so.
//! Ardour has folders of its own here: nothing of a user's is read or written.
#![cfg(target_os = "linux")]

mod plugin_host;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use undertone_tests::skipped;

/// What the script tells.
const FACTS: [&str; 5] = ["active", "latency", "rolled", "parameters", "value"];

/// Where Ardour keeps its own libraries and programs.
fn libraries() -> Option<PathBuf> {
    ["/usr/lib", "/usr/local/lib"].iter().find_map(|place| {
        let folder = Path::new(place).join("ardour7");
        folder.join("ardour-vst3-scanner").is_file().then_some(folder)
    })
}

fn ardour(home: &Path, libraries: &Path, program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env("HOME", home)
        .env("LD_LIBRARY_PATH", libraries)
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("XDG_CACHE_HOME")
        .env_remove("DISPLAY");
    command
}

fn text(output: &Output) -> String {
    let both = [&output.stdout, &output.stderr].map(|part| String::from_utf8_lossy(part).into_owned());
    both.concat()
}

/// One visit to the session; what it printed, by name.
fn visit(home: &Path, libraries: &Path, phase: &str) -> BTreeMap<String, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("hosts/ardour.lua");
    let output = ardour(home, libraries, Path::new("ardour7-lua"))
        .arg(script)
        .env("UNDERTONE_PHASE", phase)
        .env("UNDERTONE_SESSION", home.join("session"))
        .output()
        .unwrap();
    let said = text(&output);
    assert!(
        said.contains(&format!("done {phase}")),
        "{phase}: {}\n{said}",
        output.status
    );
    said.lines()
        .filter(|line| FACTS.iter().any(|fact| line.starts_with(fact)))
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Lets a bundle look an hour old. Ardour takes what was scanned only for a plugin that is older than its own note
/// of it, in whole seconds: one that was installed in the very second of the scan is forgotten again.
fn age(bundle: &Path) {
    let hour = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
    for part in std::fs::read_dir(bundle).unwrap() {
        let part = part.unwrap().path();
        if part.is_dir() {
            age(&part);
        } else {
            std::fs::File::open(&part).unwrap().set_modified(hour).unwrap();
        }
    }
    std::fs::File::open(bundle).unwrap().set_modified(hour).unwrap();
}

/// The state that the session holds, as text.
fn state(session: &Path) -> (String, std::ops::Range<usize>, String) {
    let xml = std::fs::read_to_string(session).unwrap();
    let start = xml.find("<chunk>").expect("the session holds the plugin's state") + "<chunk>".len();
    let end = start + xml[start..].find("</chunk>").unwrap();
    let bytes = STANDARD.decode(&xml[start..end]).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    (xml, start..end, text)
}

/// Gives consent in the saved session, as a user would have in the window. The length must stay.
fn agree(session: &Path) {
    let (mut xml, place, text) = state(session);
    assert!(text.contains(r#"consent\":false"#), "{text}");
    let mut bytes = STANDARD.decode(&xml[place.clone()]).unwrap();
    let old = br#"consent\":false"#;
    let at = bytes.windows(old.len()).position(|part| part == old).unwrap();
    bytes[at..at + old.len()].copy_from_slice(br#"consent\":true "#);
    xml.replace_range(place, &STANDARD.encode(bytes));
    std::fs::write(session, xml).unwrap();
}

#[test]
fn ardour_inserts_plays_saves_and_reopens() {
    let there = Command::new("ardour7-lua").arg("--version").output();
    let Some(libraries) = libraries().filter(|_| there.is_ok()) else {
        skipped("Ardour 7 is not here (apt install ardour, on Debian 12)");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let bundle = plugin_host::bundle(&home.join(".vst3"));
    age(&bundle);
    // Ardour keeps what was scanned in folders that it makes when it is first started.
    visit(home, &libraries, "first");
    let scan = ardour(home, &libraries, &libraries.join("ardour-vst3-scanner"))
        .args(["-f", "-v"])
        .arg(&bundle)
        .output()
        .unwrap();
    assert!(text(&scan).contains("Found Plugin: Undertone"), "{}", text(&scan));

    let made = visit(home, &libraries, "make");
    println!("{made:#?}");
    assert_eq!(made["latency"], "0");
    assert_eq!(made["rolled"], "true");
    assert_eq!(made["value 0 Bypass"], "1.0", "what was set");
    assert!(
        made["parameters"].parse::<usize>().unwrap() > 10,
        "read-outs are seen"
    );
    assert_eq!(visit(home, &libraries, "reopen"), made);

    // The same project after somebody agreed: it is listened to, and the consent is kept.
    let session = home.join("session/journey.ardour");
    agree(&session);
    visit(home, &libraries, "reopen");
    let (_, _, kept) = state(&session);
    assert!(kept.contains(r#"consent\":true"#), "{kept}");
}
