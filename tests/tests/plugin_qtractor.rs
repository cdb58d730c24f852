//! The CLAP plugin in qtractor, with its window: opened with a session, shown, played, saved, closed without a crash,
//! and opened again with the state that was saved.
//!
//! Wants `qtractor`, `jackd` with its small tools and `Xvfb` on `PATH` (apt `qtractor jackd2 xvfb`); without them the
//! journey is skipped and says so. qtractor wants a MIDI sequencer in the kernel, which machines without sound cards
//! and most containers lack: there `hosts/no_sequencer.c` stands in for it, and qtractor's MIDI ports lead nowhere.
//! qtractor has folders, a screen and a JACK server of its own here: nothing of a user's is read, written or clicked.
#![cfg(target_os = "linux")]

mod plugin_host;
#[path = "plugin_host/qtractor.rs"]
mod qtractor;
#[path = "plugin_host/screen.rs"]
mod screen;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qtractor::{RATE, Stage, Visit, wait};
use serde_json::{Value, json};
use undertone_tests::sounds::{at_rate, voice, write_wav};

/// Where the session holds the plugin's state, and the state: base64 of the size and a zlib stream, with line breaks.
fn state(session: &Path) -> (std::ops::Range<usize>, Value) {
    let xml = fs::read_to_string(session).unwrap();
    let config = xml
        .find("<config key=\"state\"")
        .expect("the session holds the plugin's state");
    let start = config + xml[config..].find('>').unwrap() + 1;
    let end = start + xml[start..].find("</config>").unwrap();
    let text: String = xml[start..end].split_whitespace().collect();
    let packed = STANDARD.decode(text).unwrap();
    let mut state = Vec::new();
    flate2::read::ZlibDecoder::new(&packed[4..])
        .read_to_end(&mut state)
        .unwrap();
    // The framework's own length comes first.
    (start..end, serde_json::from_slice(&state[8..]).unwrap())
}

/// Saves the session, and gives the plugin's state in it.
fn save(visit: &Visit<'_>) -> Value {
    visit.save();
    state(&visit.stage.session()).1
}

/// What is set in a state.
fn settings(state: &Value) -> Value {
    let panel: Value = serde_json::from_str(state["fields"]["panel"].as_str().unwrap()).unwrap();
    panel["settings"].clone()
}

/// Changes settings in the saved session, as a user would have in the window; gives all of them.
fn set(session: &Path, changes: &[(&str, Value)]) -> Value {
    let (place, mut state) = state(session);
    let mut panel: Value = serde_json::from_str(state["fields"]["panel"].as_str().unwrap()).unwrap();
    for (path, value) in changes {
        *panel["settings"]
            .pointer_mut(path)
            .expect("there is such a setting") = value.clone();
    }
    state["fields"]["panel"] = panel.to_string().into();
    let state = plugin_host::framed(state.to_string().as_bytes());
    let mut packed = (state.len() as u32).to_be_bytes().to_vec();
    let mut stream = flate2::write::ZlibEncoder::new(&mut packed, flate2::Compression::default());
    stream.write_all(&state).unwrap();
    stream.finish().unwrap();
    let mut xml = fs::read_to_string(session).unwrap();
    xml.replace_range(place, &STANDARD.encode(packed));
    fs::write(session, xml).unwrap();
    panel["settings"].clone()
}

/// A session with a voice on a track, and the plugin on it.
fn lay(stage: &Stage) {
    let folder = stage.folder.path();
    let clap = folder.join("clap/Undertone.clap");
    fs::create_dir(folder.join("clap")).unwrap();
    fs::copy(plugin_host::library(), &clap).unwrap();
    let (rate, sound) = voice();
    let sound = at_rate(&sound, rate, RATE);
    write_wav(&folder.join("voice.wav"), RATE, 2, &sound);
    let session = format!(
        r#"<!DOCTYPE qtractorSession>
<session name="journey" version="0.9">
 <properties><directory>{folder}</directory><sample-rate>{RATE}</sample-rate></properties>
 <files><audio-list><file name="voice">voice.wav</file></audio-list></files>
 <tracks>
  <track name="voice" type="audio">
   <properties><input-bus>Master</input-bus><output-bus>Master</output-bus></properties>
   <clips>
    <clip name="voice">
     <properties><start>0</start><offset>0</offset><length>{length}</length></properties>
     <audio-clip><filename>voice.wav</filename></audio-clip>
    </clip>
   </clips>
   <plugins>
    <plugin type="CLAP"><filename>{clap}</filename><index>0</index><activated>1</activated></plugin>
   </plugins>
  </track>
 </tracks>
</session>
"#,
        folder = folder.display(),
        clap = clap.display(),
        length = sound.len(),
    );
    fs::write(stage.session(), session).unwrap();
}

/// The first final that comes over WebSocket.
fn hear(port: u16) -> Value {
    let stream = wait("the WebSocket server", || {
        TcpStream::connect(("127.0.0.1", port)).ok()
    });
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut socket = tungstenite::client(format!("ws://127.0.0.1:{port}/"), stream)
        .unwrap()
        .0;
    wait("a final score", || {
        let message = socket.read().ok()?.into_text().ok()?;
        let update: Value = serde_json::from_str(&message).ok()?;
        (update["kind"] == "final").then_some(update)
    })
}

#[test]
fn qtractor_opens_shows_plays_saves_and_reopens() {
    let Some(stage) = Stage::new() else { return };
    lay(&stage);

    let visit = Visit::new(&stage);
    let colours = visit.show("qtractor-asks");
    assert!(colours > 20, "only {colours} colours: the panel drew nothing");
    assert_eq!(settings(&save(&visit))["consent"], false);
    visit.close();

    // The same project after somebody agreed, with the scores sent to programs on this computer.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let changes = [
        ("/consent", json!(true)),
        ("/web/on", json!(true)),
        ("/web/port", json!(port)),
    ];
    let wanted = set(&stage.session(), &changes);
    let visit = Visit::new(&stage);
    stage.transport("play");
    let last = hear(port);
    println!("heard: {} {}", last["label"], last["confidence"]);
    let colours = visit.show("qtractor-hears");
    assert!(colours > 20, "only {colours} colours: the panel drew nothing");
    stage.transport("stop");
    let saved = save(&visit);
    assert_eq!(settings(&saved), wanted, "what was set");
    visit.close();

    let visit = Visit::new(&stage);
    assert_eq!(save(&visit), saved, "opened again and saved, it is the same");
    visit.close();
}
