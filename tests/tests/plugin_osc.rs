//! Scores leave the host as OSC, where the user switched that on and only then, and say what the engine says.

mod plugin_host;

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use plugin_host::{Instance, load, project_with};
use rosc::{OscPacket, OscType};
use serde_json::json;
use undertone::{Engine, EngineConfig, Label, StreamConfig, Update};
use undertone_tests::samples;

/// Plays a voice and then silence at their own pace, and takes in what comes: every message's newest arguments.
fn play(settings: &serde_json::Value, socket: &UdpSocket) -> BTreeMap<String, Vec<OscType>> {
    let (rate, sound) = samples::sample("neutral");
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut instance = Instance::new(&entry);
    assert!(instance.load(&project_with(settings)));
    let mut running = instance.start(f64::from(rate), 8_192);
    let silence = vec![0.0; rate as usize * 2];
    let (start, frames) = (Instant::now(), rate as usize / 100);
    for (index, block) in sound.chunks(frames).chain(silence.chunks(frames)).enumerate() {
        running.exact(&mut vec![block.to_vec(); 2]);
        let due = Duration::from_millis(10) * (index as u32 + 1);
        std::thread::sleep(due.saturating_sub(start.elapsed()));
    }
    instance.stop(running);
    drop(instance);
    socket.set_nonblocking(true).unwrap();
    let (mut heard, mut packet) = (BTreeMap::new(), [0; 8_192]);
    while let Ok(size) = socket.recv(&mut packet) {
        assert!(size <= 1_472, "{size} bytes are more than one network packet");
        let (_, packet) = rosc::decoder::decode_udp(&packet[..size]).unwrap();
        let OscPacket::Bundle(bundle) = packet else {
            panic!("{packet:?}")
        };
        for message in bundle.content {
            let OscPacket::Message(message) = message else {
                panic!("{message:?}")
            };
            heard.insert(message.addr, message.args);
        }
    }
    heard
}

fn receiver() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

#[test]
fn what_is_received_is_what_the_engine_says() {
    let (rate, sound) = samples::sample("neutral");
    let engine = Engine::start(EngineConfig::default());
    if let Err(why) = engine.wait_ready() {
        undertone_tests::skipped(format!("no pack to score with ({why})"));
        return;
    }
    let mut updates = Vec::new();
    let mut session = engine.session(&StreamConfig::new("file", rate)).unwrap();
    let mut padded = sound;
    padded.extend(vec![0.0; rate as usize * 2]);
    session.push(&[&padded], &mut updates).unwrap();
    session.finish(&mut updates).unwrap();
    let last = updates.into_iter().rev().find(Update::is_final).unwrap();

    let (socket, to) = receiver();
    let osc = json!({ "on": true, "to": to, "name": "Lead voice" });
    let heard = play(&json!({ "consent": true, "osc": osc }), &socket);
    let of = |what: &str| heard[&format!("/undertone/Lead-voice/{what}")].clone();
    let float = |what: &str| match of(what)[..] {
        [OscType::Float(value)] => value,
        ref other => panic!("{what}: {other:?}"),
    };
    println!("{:?}", heard.keys().collect::<Vec<_>>());
    assert_eq!(of("label"), [OscType::String(last.label.name().to_owned())]);
    for label in Label::ALL {
        assert!(
            (float(&format!("score/{label}")) - last.scores.of(label)).abs() < 0.01,
            "{label}"
        );
    }
    assert!((float("valence") - last.affect.valence).abs() < 0.01);
    assert!((float("confidence") - last.confidence).abs() < 0.01);
    assert!((0.0..=1.0).contains(&float("voice")));
    assert!(float("level") >= 0.0);
    let OscType::Int(is_final) = of("utterance")[2] else {
        panic!("{:?}", of("utterance"))
    };
    assert_eq!(is_final, 1);
    assert!(
        !heard.contains_key("/undertone/Lead-voice/words"),
        "words were not asked for"
    );
}

#[test]
fn nothing_is_sent_unasked_nor_before_consent() {
    let (socket, to) = receiver();
    let heard = play(
        &json!({ "consent": true, "osc": { "on": false, "to": to } }),
        &socket,
    );
    assert!(heard.is_empty(), "{heard:?}");
    let heard = play(
        &json!({ "consent": false, "osc": { "on": true, "to": to } }),
        &socket,
    );
    assert!(heard.is_empty(), "{heard:?}");
}
