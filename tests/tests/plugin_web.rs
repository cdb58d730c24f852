//! Scores leave the host over WebSocket, where the user switched that on and only then: updates as `docs/UPDATE.md`
//! says, equal to what the engine says, to programs on this computer.
//!
//! The journey through a browser is ignored in the usual run, as it needs chromium or chrome:
//! `cargo xtask test --only browser`.

mod plugin_host;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use plugin_host::{Instance, Running, load, project_with};
use serde_json::{Value, json};
use tungstenite::protocol::WebSocket;
use undertone::{Engine, EngineConfig, StreamConfig, Update};
use undertone_tests::samples;

/// A port that is free at the moment.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn settings(consent: bool, on: bool, port: u16, name: &str, words: bool) -> Value {
    json!({ "consent": consent, "web": { "on": on, "port": port, "name": name, "words": words } })
}

fn read(port: u16) -> Option<WebSocket<TcpStream>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let (socket, _) = tungstenite::client(format!("ws://127.0.0.1:{port}/"), stream).unwrap();
    Some(socket)
}

/// Everything that was sent so far.
fn messages(socket: &mut WebSocket<TcpStream>) -> Vec<Value> {
    let mut all = Vec::new();
    while let Ok(message) = socket.read() {
        if let Ok(text) = message.into_text().map(|text| text.to_string()) {
            all.extend(serde_json::from_str::<Value>(&text));
        }
    }
    all
}

/// Plays a voice and then silence at their own pace.
fn play(running: &mut [Running]) {
    let (rate, sound) = samples::sample("neutral");
    let silence = vec![0.0; rate as usize * 2];
    let (start, frames) = (Instant::now(), rate as usize / 100);
    for (index, block) in sound.chunks(frames).chain(silence.chunks(frames)).enumerate() {
        for one in &mut *running {
            one.exact(&mut vec![block.to_vec(); 2]);
        }
        let due = Duration::from_millis(10) * (index as u32 + 1);
        std::thread::sleep(due.saturating_sub(start.elapsed()));
    }
}

/// What the engine says of the same sound, last.
fn expected() -> Option<Value> {
    let (rate, mut sound) = samples::sample("neutral");
    let engine = Engine::start(EngineConfig::default());
    if let Err(why) = engine.wait_ready() {
        undertone_tests::skipped(format!("no pack to score with ({why})"));
        return None;
    }
    let mut updates = Vec::new();
    let mut session = engine.session(&StreamConfig::new("file", rate)).unwrap();
    sound.extend(vec![0.0; rate as usize * 2]);
    session.push(&[&sound], &mut updates).unwrap();
    session.finish(&mut updates).unwrap();
    let last = updates.into_iter().rev().find(Update::is_final).unwrap();
    Some(serde_json::to_value(last).unwrap())
}

/// Equal but for what belongs to the stream, the clock of the machine, and rounding.
fn assert_same(found: &Value, expected: &Value) {
    for field in ["schema", "utterance", "kind", "label", "clash", "pack", "system"] {
        assert_eq!(found[field], expected[field], "{field}");
    }
    let near = |a: &Value, b: &Value| (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 0.01;
    for part in ["scores", "affect"] {
        for (name, value) in expected[part].as_object().unwrap() {
            assert!(
                near(&found[part][name], value),
                "{part} {name}: {} {value}",
                found[part][name]
            );
        }
    }
    for field in ["confidence", "start_s", "end_s"] {
        assert!(near(&found[field], &expected[field]), "{field}");
    }
    assert_eq!(
        found.as_object().unwrap().keys().collect::<Vec<_>>(),
        expected.as_object().unwrap().keys().collect::<Vec<_>>()
    );
}

#[test]
fn two_instances_share_a_server_and_say_what_the_engine_says() {
    let Some(expected) = expected() else { return };
    let port = free_port();
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut instances = [Instance::new(&entry), Instance::new(&entry)];
    for (instance, (name, words)) in instances.iter_mut().zip([("left", true), ("right", false)]) {
        assert!(instance.load(&project_with(&settings(true, true, port, name, words))));
    }
    let mut running: Vec<Running> = instances
        .iter_mut()
        .map(|instance| instance.start(16_000.0, 8_192))
        .collect();
    let mut reader = read(port).expect("a server");
    play(&mut running);
    let found = messages(&mut reader);
    println!("{} messages", found.len());
    for (name, words) in [("left", true), ("right", false)] {
        let mine = || found.iter().filter(|update| update["stream"] == name);
        assert_same(
            mine().rfind(|update| update["kind"] == "final").unwrap(),
            &expected,
        );
        let revisions: Vec<u64> = mine()
            .map(|update| update["revision"].as_u64().unwrap())
            .collect();
        assert!(revisions.is_sorted(), "{revisions:?}");
        let said = mine().any(|update| {
            update["text"]["transcript"]
                .as_str()
                .is_some_and(|said| !said.is_empty())
        });
        assert_eq!(said, words, "{name}");
    }
    // The first goes; the second still serves. Then nobody does.
    let [mut first, mut second] = instances;
    let mut running = running.into_iter();
    first.stop(running.next().unwrap());
    drop(first);
    assert!(read(port).is_some());
    second.stop(running.next().unwrap());
    drop(second);
    assert!(read(port).is_none(), "a port that nobody asked for any more");
}

#[test]
fn nothing_is_opened_unasked_nor_before_consent() {
    for (consent, on) in [(true, false), (false, true)] {
        let port = free_port();
        let folder = tempfile::tempdir().unwrap();
        let entry = load(folder.path());
        let mut instance = Instance::new(&entry);
        assert!(instance.load(&project_with(&settings(consent, on, port, "voice", true))));
        let running = instance.start(16_000.0, 8_192);
        assert!(read(port).is_none());
        instance.stop(running);
    }
}

/// What the page does: reads until a final comes, and tells the test's own listener by asking it for pictures.
const PAGE: &str = r#"<!doctype html><script>
let count = 0;
const socket = new WebSocket("ws://127.0.0.1:WEB/");
const tell = found => { new Image().src = "http://127.0.0.1:BACK/told?" + encodeURIComponent(JSON.stringify(found)); };
socket.onopen = () => tell({ open: true });
socket.onerror = () => tell({ failed: true });
socket.onmessage = event => {
  count += 1;
  const update = JSON.parse(event.data);
  if (update.kind === "final") tell({ count, stream: update.stream, label: update.label });
};
</script>"#;

/// Serves the page until it tells something.
fn told(back: &TcpListener, page: &str) -> Value {
    loop {
        let (mut stream, _) = back.accept().unwrap();
        let mut bytes = [0; 4_096];
        let size = stream.read(&mut bytes).unwrap();
        let request = String::from_utf8_lossy(&bytes[..size]).into_owned();
        let path = request.split(' ').nth(1).unwrap_or_default();
        let body = if path == "/" { page } else { "" };
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n";
        let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
        if let Some(told) = path.strip_prefix("/told?") {
            let mut text = told.to_owned();
            for (code, letter) in [
                ("%22", "\""),
                ("%7B", "{"),
                ("%7D", "}"),
                ("%3A", ":"),
                ("%2C", ","),
            ] {
                text = text.replace(code, letter);
            }
            return serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {request}"));
        }
    }
}

fn browse(profile: &Path, what: &str) -> Child {
    let browser = std::env::var_os("UNDERTONE_BROWSER").unwrap_or_else(|| "chromium".into());
    Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(what)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
#[ignore = "needs chromium or chrome; cargo xtask test --only browser"]
fn a_page_on_this_computer_reads_scores_and_one_from_nowhere_does_not() {
    let Some(expected) = expected() else { return };
    let port = free_port();
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut instance = Instance::new(&entry);
    assert!(instance.load(&project_with(&settings(true, true, port, "overlay", false))));
    let mut running = [instance.start(16_000.0, 8_192)];
    let back = TcpListener::bind("127.0.0.1:0").unwrap();
    let back_port = back.local_addr().unwrap().port();
    let page = PAGE
        .replace("WEB", &port.to_string())
        .replace("BACK", &back_port.to_string());

    // A file is a page from nowhere, as a foreign site's frame may be.
    let file = folder.path().join("page.html");
    std::fs::write(&file, &page).unwrap();
    let child = browse(&folder.path().join("one"), &format!("file://{}", file.display()));
    let refused = told(&back, &page);
    end(child);
    assert_eq!(refused, json!({ "failed": true }));

    let child = browse(
        &folder.path().join("two"),
        &format!("http://127.0.0.1:{back_port}/"),
    );
    let opened = told(&back, &page);
    println!("{opened}");
    let found = (opened["open"] == true).then(|| {
        play(&mut running);
        told(&back, &page)
    });
    end(child);
    let [running] = running;
    instance.stop(running);
    let found = found.expect("the page is answered");
    println!("{found}");
    assert_eq!(found["stream"], "overlay");
    assert_eq!(found["label"], expected["label"]);
}
