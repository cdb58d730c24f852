//! The VST3 plugin in Ardour, without a window: insert, play, save, reopen; the values are equal. And Ardour records
//! its MIDI: what is on the tape is what the updates said meanwhile.
//!
//! Wants `ardour7-lua` on `PATH` (apt `ardour`, on Debian 12); without it the journey is skipped and says so.
//! Ardour has folders of its own here: nothing of a user's is read or written.
#![cfg(target_os = "linux")]

mod plugin_host;

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use undertone::Label;
use undertone_tests::sounds::at_rate;
use undertone_tests::{samples, skipped};

/// What the script tells.
const FACTS: [&str; 5] = ["active", "latency", "rolled", "parameters", "value"];

/// How long the tape is.
const SECONDS: u32 = 8;

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
        .env("UNDERTONE_SECONDS", SECONDS.to_string())
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
    let hour = std::time::SystemTime::now() - Duration::from_hours(1);
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

/// Changes the saved session's settings, as a user would have in the window. The length must stay.
fn set(session: &Path, changes: &[(&str, &str)]) {
    let (mut xml, place, _) = state(session);
    let mut bytes = STANDARD.decode(&xml[place.clone()]).unwrap();
    for (old, new) in changes {
        let quoted = |text: &str| text.replace('"', "\\\"").into_bytes();
        let (old, new) = (quoted(old), quoted(new));
        assert_eq!(old.len(), new.len());
        let mut places = bytes.windows(old.len()).enumerate();
        let (at, _) = places
            .find(|(_, part)| *part == old)
            .expect("it is there to be changed");
        bytes[at..at + new.len()].copy_from_slice(&new);
    }
    xml.replace_range(place, &STANDARD.encode(bytes));
    std::fs::write(session, xml).unwrap();
}

/// A home of Ardour's own in which the plugin is known; nothing where Ardour is not here.
fn home() -> Option<(tempfile::TempDir, PathBuf)> {
    let there = Command::new("ardour7-lua").arg("--version").output();
    let Some(libraries) = libraries().filter(|_| there.is_ok()) else {
        skipped("Ardour 7 is not here (apt install ardour, on Debian 12)");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
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
    Some((folder, libraries))
}

/// The only file with this ending below a folder.
fn only(folder: &Path, ending: &str) -> PathBuf {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for part in std::fs::read_dir(folder).unwrap() {
            let path = part.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push(path);
            }
        }
    }
    assert_eq!(found.len(), 1, "{ending}: {found:?}");
    found.remove(0)
}

/// Writes a sound over the beginning of a recording of 32-bit floats.
fn dub(wav: &Path, sound: &[f32]) {
    let mut bytes = std::fs::read(wav).unwrap();
    let data = bytes.windows(4).position(|part| part == b"data").unwrap() + 8;
    for (place, sample) in bytes[data..].chunks_exact_mut(4).zip(sound) {
        place.copy_from_slice(&sample.to_le_bytes());
    }
    std::fs::write(wav, bytes).unwrap();
}

/// The controllers of a MIDI file with one track: when (in ticks), number, value.
fn controllers(file: &Path) -> Vec<(u32, u8, u8)> {
    let bytes = std::fs::read(file).unwrap();
    let start = bytes.windows(4).position(|part| part == b"MTrk").unwrap() + 8;
    let mut rest = bytes[start..].iter().copied();
    let number = |rest: &mut dyn Iterator<Item = u8>| {
        let mut all = 0;
        loop {
            let byte = rest.next()?;
            all = all << 7 | u32::from(byte & 0x7F);
            if byte < 0x80 {
                return Some(all);
            }
        }
    };
    let (mut now, mut found) = (0, Vec::new());
    while let Some(delta) = number(&mut rest) {
        now += delta;
        match rest.next().unwrap() {
            0xFF if rest.next() == Some(0x2F) => break,
            0xFF => {
                let length = number(&mut rest).unwrap();
                for _ in 0..length {
                    rest.next();
                }
            }
            0xB0 => found.push((now, rest.next().unwrap(), rest.next().unwrap())),
            other => panic!("{other:#x} was not sent"),
        }
    }
    found
}

/// What the controllers 20 to 29 must stand at after an update.
fn expected(update: &Value) -> [u8; 10] {
    let share = |value: &Value| value.as_f64().unwrap() as f32;
    let labels = Label::ALL.map(|label| share(&update["scores"][label.name()]));
    let axes =
        ["valence", "arousal", "dominance"].map(|axis| f32::midpoint(share(&update["affect"][axis]), 1.0));
    let mut all = [0; 10];
    for (place, value) in all.iter_mut().zip(labels.into_iter().chain(axes)) {
        *place = (value.clamp(0.0, 1.0) * 127.0).round() as u8;
    }
    all
}

/// Everything that the plugin in Ardour says over WebSocket until the visit is over.
fn listen(port: u16, over: impl Fn() -> bool) -> Vec<Value> {
    let (mut found, mut reader) = (Vec::new(), None);
    while !over() {
        let Some(socket) = &mut reader else {
            std::thread::sleep(Duration::from_millis(20));
            reader = TcpStream::connect(("127.0.0.1", port)).ok().map(|stream| {
                stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
                tungstenite::client(format!("ws://127.0.0.1:{port}/"), stream)
                    .unwrap()
                    .0
            });
            continue;
        };
        if let Ok(tungstenite::Message::Text(text)) = socket.read() {
            found.push(serde_json::from_str(&text).unwrap());
        }
    }
    found
}

#[test]
fn ardour_records_what_the_updates_say() {
    let Some((folder, libraries)) = home() else { return };
    let home = folder.path();
    visit(home, &libraries, "lay");
    let (rate, sound) = samples::sample("neutral");
    let mut voice = vec![0.0; 48_000];
    voice.extend(at_rate(&sound, rate, 48_000));
    dub(&only(&home.join("session/interchange"), "wav"), &voice);
    // Of four digits, as the one that it takes the place of.
    let port = (9_100..9_999)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap();
    let on = |what: &str, on: bool| format!(r#""{what}":{{"on":{}"#, if on { "true " } else { "false" });
    set(
        &home.join("session/journey.ardour"),
        &[
            (r#""consent":false"#, r#""consent":true "#),
            (&on("midi", false), &on("midi", true)),
            (&on("web", false), &on("web", true)),
            (r#""port":9001"#, &format!(r#""port":{port}"#)),
        ],
    );
    let updates = std::thread::scope(|scope| {
        let visit = scope.spawn(|| visit(home, &libraries, "record"));
        listen(port, || visit.is_finished())
    });

    let tape = controllers(&only(&home.join("session/interchange"), "mid"));
    println!(
        "{} updates, {} controllers on the tape",
        updates.len(),
        tape.len()
    );
    assert!(updates.iter().any(|update| update["kind"] == "final"));
    let mut waiting = updates.iter().map(expected);
    let (mut stand, mut steps) = ([0; 10], 0);
    for (at, &(now, number, value)) in tape.iter().enumerate() {
        stand[usize::from(number) - 20] = value;
        // What comes at one time belongs together.
        if tape.get(at + 1).is_some_and(|(next, ..)| *next == now) {
            continue;
        }
        steps += 1;
        let said = waiting.any(|update| update == stand);
        assert!(
            said,
            "at {now} the controllers stand at {stand:?}, which no update says"
        );
    }
    println!("{steps} times, each as an update says, in their order");
    assert_eq!(stand, expected(updates.last().unwrap()), "the last is the last");
    assert!(steps >= 2);
}

#[test]
fn ardour_inserts_plays_saves_and_reopens() {
    let Some((folder, libraries)) = home() else { return };
    let home = folder.path();
    let made = visit(home, &libraries, "make");
    println!("{made:#?}");
    assert_eq!(made["latency"], "0");
    assert_eq!(made["rolled"], "true");
    assert_eq!(made["value 0 Bypass"], "1.0", "what was set");
    assert_eq!(made["value 1 Depth"], "0.25", "what was set");
    assert!(
        made["parameters"].parse::<usize>().unwrap() > 10,
        "read-outs are seen"
    );
    assert_eq!(visit(home, &libraries, "reopen"), made);

    // The same project after somebody agreed: it is listened to, and the consent is kept.
    let session = home.join("session/journey.ardour");
    set(&session, &[(r#""consent":false"#, r#""consent":true "#)]);
    visit(home, &libraries, "reopen");
    let (_, _, kept) = state(&session);
    assert!(kept.contains(r#"consent\":true"#), "{kept}");
}
