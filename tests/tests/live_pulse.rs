//! `undertone live` on a real audio server: `PulseAudio` with a sink that nobody hears.
//!
//! The server is the test's own, on its own socket; it is stopped at the end. Without `PulseAudio` the tests say
//! so and are skipped, except where `CI` is set: there they fail.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::{TempDir, tempdir};
use undertone_tests::program::undertone;
use undertone_tests::sounds::{voice, write_wav};

const SINK: [&str; 4] = ["module-null-sink", "sink_name=quiet", "rate=48000", "channels=2"];
const INSTALL: &str = "apt-get install pulseaudio pulseaudio-utils";

/// An audio server of our own.
struct Server {
    home: TempDir,
    child: Option<Child>,
}

impl Server {
    /// Starts one; says why where it cannot.
    fn start() -> Option<Self> {
        let missing: Vec<_> = ["pulseaudio", "pactl", "paplay"]
            .into_iter()
            .filter(|name| Command::new(name).arg("--version").output().is_err())
            .collect();
        if !missing.is_empty() {
            let why = format!("{} not installed; run: {INSTALL}", missing.join(", "));
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{why}");
            undertone_tests::skipped(why);
            return None;
        }
        let home = tempdir().unwrap();
        let (rate, sound) = voice();
        write_wav(&home.path().join("voice.wav"), rate, 1, &sound);
        let mut server = Self { home, child: None };
        server.go_on();
        Some(server)
    }

    fn run_dir(&self) -> PathBuf {
        self.home.path().join("run")
    }

    /// A command that finds this server and no other.
    fn near(&self, mut command: Command) -> Command {
        for name in ["PULSE_SERVER", "PULSE_RUNTIME_PATH"] {
            command.env_remove(name);
        }
        command
            .env("HOME", self.home.path())
            .env("XDG_RUNTIME_DIR", self.run_dir());
        command
    }

    /// Starts the process.
    fn go_on(&mut self) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::create_dir_all(self.run_dir()).unwrap();
        fs::set_permissions(self.run_dir(), fs::Permissions::from_mode(0o700)).unwrap();
        let child = self
            .near(Command::new("pulseaudio"))
            .args([
                "-n",
                "--exit-idle-time=-1",
                "--daemonize=no",
                "-L",
                "module-native-protocol-unix",
                "-L",
            ])
            .arg(SINK.join(" "))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        wait_for("the audio server", || self.pactl(&["info"]).is_some());
    }

    /// Kills the process, as a crash would.
    fn crash(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        // A crash leaves its socket behind; a service manager takes it away.
        let _ = fs::remove_dir_all(self.run_dir().join("pulse"));
    }

    fn pactl(&self, args: &[&str]) -> Option<String> {
        let output = self.near(Command::new("pactl")).args(args).output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Plays the sample to its end.
    fn play(&self) {
        let file = self.home.path().join("voice.wav");
        let done = self
            .near(Command::new("paplay"))
            .arg("--device=quiet")
            .arg(file)
            .status()
            .unwrap();
        assert!(done.success());
    }

    fn live(&self, args: &[&str]) -> Listener {
        let command = undertone(self.home.path());
        Listener::start(self.near(command).arg("live").args(args), self.home.path())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.crash();
    }
}

/// The program, listening.
struct Listener {
    child: Child,
    lines: Receiver<Value>,
    err: PathBuf,
}

impl Listener {
    fn start(command: &mut Command, folder: &Path) -> Self {
        let err = folder.join("live.err");
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&err).unwrap())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = send.send(serde_json::from_str(&line).unwrap_or(Value::String(line)));
            }
        });
        Self { child, lines, err }
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.err).unwrap()
    }

    fn wait_for_words(&self, words: &str) {
        wait_for(words, || self.said().contains(words));
    }

    /// The finals that come within this time; stops early after so many.
    fn finals(&self, count: usize, within: Duration) -> Vec<Value> {
        let until = Instant::now() + within;
        let mut finals = Vec::new();
        while finals.len() < count {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line["kind"] == "final" => finals.push(line),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        finals
    }

    /// Ends it as a person does, and gives its exit code.
    fn end(mut self) -> i32 {
        let asked = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(asked.success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

fn wait_for(what: &str, done: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < until, "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn number(line: &Value, key: &str) -> f64 {
    line[key].as_f64().unwrap_or_else(|| panic!("{key}: {line}"))
}

/// These scores are of speech that was just heard.
fn heard_now(finals: &[Value]) {
    assert!(!finals.is_empty(), "no final came");
    for line in finals {
        assert!(number(line, "end_s") > number(line, "start_s") + 0.2, "{line}");
        let age = number(line, "emitted_s") - number(line, "end_s");
        // Live, not stale. How soon exactly is the bench's to measure: a test's machine may be busy.
        assert!((0.0..4.0).contains(&age), "{age} s old: {line}");
        assert!(number(line, "confidence") > 0.0, "{line}");
    }
}

#[test]
fn a_played_voice_is_scored_as_it_is_heard() {
    let Some(server) = Server::start() else { return };
    let listener = server.live(&["--json", "--input", "quiet.monitor"]);
    listener.wait_for_words("listening to");
    server.play();
    heard_now(&listener.finals(1, Duration::from_secs(10)));
    assert_eq!(listener.end(), 0);
}

#[test]
fn a_source_that_goes_and_comes_is_taken_back_on_the_same_clock() {
    let Some(server) = Server::start() else { return };
    let listener = server.live(&["--json", "--input", "quiet.monitor"]);
    listener.wait_for_words("listening to");
    server.play();
    let before = listener.finals(1, Duration::from_secs(10));
    heard_now(&before);

    let modules = server.pactl(&["list", "short", "modules"]).unwrap();
    let sink = modules.lines().find(|line| line.contains("null-sink")).unwrap();
    server
        .pactl(&["unload-module", sink.split_whitespace().next().unwrap()])
        .unwrap();
    listener.wait_for_words("is gone");
    std::thread::sleep(Duration::from_millis(2_500));
    server
        .pactl(&[&["load-module"], SINK.as_slice()].concat())
        .unwrap();
    listener.wait_for_words("listening again");
    assert_eq!(
        listener.said().matches("is gone").count(),
        1,
        "said once: {}",
        listener.said()
    );

    let _ = listener.finals(usize::MAX, Duration::from_millis(500));
    server.play();
    let after = listener.finals(1, Duration::from_secs(10));
    heard_now(&after);
    assert!(
        number(&after[0], "start_s") > number(&before[0], "end_s"),
        "{before:?} {after:?}"
    );
    assert!(
        after[0]["utterance"].as_u64() > before[0]["utterance"].as_u64(),
        "{before:?} {after:?}"
    );
    assert_eq!(listener.end(), 0);
}

#[test]
fn an_audio_server_that_crashes_is_survived() {
    let Some(mut server) = Server::start() else { return };
    let listener = server.live(&["--json"]);
    listener.wait_for_words("listening to");
    server.crash();
    listener.wait_for_words("is gone");
    server.go_on();
    listener.wait_for_words("listening again");
    server.play();
    heard_now(&listener.finals(1, Duration::from_secs(10)));
    assert_eq!(listener.end(), 0);
}

#[test]
fn an_input_that_is_not_there_is_named_with_those_that_are() {
    let Some(server) = Server::start() else { return };
    let mut listener = server.live(&["--json", "--input", "trumpet"]);
    assert_eq!(listener.child.wait().unwrap().code(), Some(2));
    let said = listener.said();
    assert!(
        said.contains("'trumpet'") && said.contains("quiet.monitor"),
        "{said}"
    );
}

#[test]
fn a_set_time_ends_with_the_last_utterance_settled() {
    let Some(server) = Server::start() else { return };
    let mut command = server.near(undertone(server.home.path()));
    let mut child = command
        .args(["live", "--json", "--seconds", "4"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It speaks on when the time is up.
    server.play();
    // Read before it is waited for: a full pipe would hold it up.
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let lines: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(!lines.is_empty());
    let last = lines.last().unwrap();
    assert_eq!(last["kind"], "final", "{last}");
}
