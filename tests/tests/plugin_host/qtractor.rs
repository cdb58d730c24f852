//! qtractor with everything around it: a screen that is not there, a JACK server without a sound card, folders of
//! their own; and what a user does in it. Nothing of a user's is read, written or clicked.

use std::fs;
use std::io::{IoSlice, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use undertone_tests::skipped;
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, Window};
use x11rb::rust_connection::RustConnection;

use crate::screen;

pub const RATE: u32 = 48_000;

/// qtractor and its windows are there within seconds; a busy machine needs longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where qtractor's first track shows its plugins, in its window as it comes when nobody has changed it.
const PLUGINS: (i16, i16) = (180, 180);

/// A program that is ended with this.
struct Program(Child);

impl Program {
    fn signal(&self, signal: i32) {
        // SAFETY: a signal to a child that has not been waited for, so that its number is still its own.
        unsafe { libc::kill(self.0.id().cast_signed(), signal) };
    }

    fn ended(&mut self) -> ExitStatus {
        wait("the end", || self.0.try_wait().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            // The JACK server clears away what it shared.
            self.signal(libc::SIGTERM);
            std::thread::sleep(Duration::from_millis(500));
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// Asks until there is an answer.
pub fn wait<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "{what} never came");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Everything that qtractor needs around it.
pub struct Stage {
    screen: screen::Xvfb,
    _jack: Program,
    server: String,
    preload: Option<PathBuf>,
    pub folder: tempfile::TempDir,
}

impl Stage {
    /// Sets it up; where something is missing, says what.
    pub fn new() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let here = |name: &&str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
        let wanted = ["qtractor", "jackd", "jack_lsp", "jack_transport", "Xvfb"];
        let missing: Vec<&str> = wanted.into_iter().filter(|name| !here(name)).collect();
        if !missing.is_empty() {
            skipped(format!(
                "no {} here (apt install qtractor jackd2 xvfb)",
                missing.join(", ")
            ));
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let preload = if Path::new("/dev/snd/seq").exists() {
            None
        } else {
            Some(no_sequencer(folder.path())?)
        };
        let screen = screen::Xvfb::start().expect("Xvfb starts");
        let server = format!("undertone-{}", std::process::id());
        let jack = Command::new("jackd")
            .args(["--no-realtime", "--no-mlock", "--name", &server])
            .args(["-d", "dummy", "--rate", &RATE.to_string(), "--period", "1024"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stage = Self {
            screen,
            _jack: Program(jack),
            server,
            preload,
            folder,
        };
        wait("the JACK server", || {
            let ports = stage.command("jack_lsp").output().unwrap();
            ports.status.success().then_some(())
        });
        Some(stage)
    }

    pub fn session(&self) -> PathBuf {
        self.folder.path().join("journey.qtr")
    }

    /// A program with a home of its own.
    fn command(&self, program: &str) -> Command {
        let home = self.folder.path();
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if ["XDG_", "QT_", "JACK_", "DBUS_"]
                .iter()
                .any(|own| name.starts_with(own))
            {
                command.env_remove(name);
            }
        }
        command
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", home)
            .env("CLAP_PATH", home.join("clap"))
            .env("DISPLAY", &self.screen.name)
            .env("JACK_DEFAULT_SERVER", &self.server)
            .env("JACK_NO_START_SERVER", "1")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    /// Lets the transport of every program on the server do something.
    pub fn transport(&self, what: &str) {
        let mut command = self.command("jack_transport");
        let mut program = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = program.stdin.take().unwrap();
        writeln!(line, "{what}\nquit").unwrap();
        drop(line);
        assert!(Program(program).ended().success());
    }
}

/// Builds what stands in for the sequencer.
fn no_sequencer(folder: &Path) -> Option<PathBuf> {
    let library = folder.join("no_sequencer.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("hosts/no_sequencer.c");
    let build = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source)
        .output();
    if !build.is_ok_and(|done| done.status.success()) {
        skipped("no MIDI sequencer here, and none to be built in its place (apt install gcc libasound2-dev)");
        return None;
    }
    Some(library)
}

/// qtractor with the session open.
pub struct Visit<'a> {
    pub stage: &'a Stage,
    qtractor: Program,
    connection: RustConnection,
    root: Window,
}

impl<'a> Visit<'a> {
    pub fn new(stage: &'a Stage) -> Self {
        let mut command = stage.command("qtractor");
        if let Some(preload) = &stage.preload {
            command.env("LD_PRELOAD", preload);
        }
        let log = fs::File::create(stage.folder.path().join("log.txt")).unwrap();
        let qtractor = command
            .arg(stage.session())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let (connection, screen) = x11rb::connect(Some(&stage.screen.name)).unwrap();
        let root = connection.setup().roots[screen].root;
        let visit = Self {
            stage,
            qtractor: Program(qtractor),
            connection,
            root,
        };
        wait("qtractor's window", || visit.window("journey.qtr"));
        let maps = fs::read_to_string(format!("/proc/{}/maps", visit.qtractor.0.id())).unwrap();
        assert!(
            maps.contains("Undertone.clap"),
            "the plugin is in qtractor's process"
        );
        visit
    }

    /// The window with this in its title, if it is shown.
    fn window(&self, part: &str) -> Option<Window> {
        let title = self
            .connection
            .intern_atom(false, b"_NET_WM_NAME")
            .unwrap()
            .reply()
            .unwrap()
            .atom;
        let tree = self.connection.query_tree(self.root).unwrap().reply().unwrap();
        tree.children.into_iter().find(|&window| {
            // It may be gone by now.
            let name = self
                .connection
                .get_property(false, window, title, AtomEnum::ANY, 0, 256);
            let name = name.ok().and_then(|asked| asked.reply().ok());
            name.is_some_and(|name| String::from_utf8_lossy(&name.value).contains(part))
        })
    }

    /// Moves the pointer there and presses its button twice, by the extension XTEST: kinds 4 to 6 of its request 2.
    fn press_twice(&self, (x, y): (i16, i16)) {
        let test = self
            .connection
            .extension_information("XTEST")
            .unwrap()
            .expect("Xvfb has XTEST");
        let moved = (6, 0);
        for (kind, button) in [moved, (4, 1), (5, 1), (4, 1), (5, 1)] {
            let mut request = [0; 36];
            request[..8].copy_from_slice(&[test.major_opcode, 2, 9, 0, kind, button, 0, 0]);
            request[12..16].copy_from_slice(&self.root.to_ne_bytes());
            request[24..26].copy_from_slice(&x.to_ne_bytes());
            request[26..28].copy_from_slice(&y.to_ne_bytes());
            let sent = self
                .connection
                .send_request_without_reply(&[IoSlice::new(&request)], vec![]);
            sent.unwrap();
            self.connection.flush().unwrap();
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Opens the plugin's window as a user does, from the track's list of plugins; says how many colours are in it.
    pub fn show(&self, picture: &str) -> usize {
        let main = self.window("journey.qtr").unwrap();
        let place = self.connection.get_geometry(main).unwrap().reply().unwrap();
        self.press_twice((place.x + PLUGINS.0, place.y + PLUGINS.1));
        let panel = wait("the plugin's window", || self.window("Undertone"));
        // The pointer would be over the panel and ask it things.
        let away = self
            .connection
            .warp_pointer(0_u32, self.root, 0, 0, 0, 0, 1_690, 1_090);
        away.unwrap();
        self.connection.flush().unwrap();
        // It draws when it is told how large it is.
        std::thread::sleep(Duration::from_secs(2));
        let size = self.connection.get_geometry(panel).unwrap().reply().unwrap();
        println!("the plugin's window: {} × {}", size.width, size.height);
        let inside = self
            .connection
            .query_tree(panel)
            .unwrap()
            .reply()
            .unwrap()
            .children;
        assert!(
            !inside.is_empty(),
            "it is qtractor's own form, not the panel in a window of qtractor's"
        );
        let screen = self.connection.get_geometry(self.root).unwrap().reply().unwrap();
        screen::picture(
            &self.connection,
            self.root,
            picture,
            (screen.width, screen.height),
        );
        screen::picture(
            &self.connection,
            panel,
            &format!("{picture}-panel"),
            (size.width, size.height),
        )
    }

    /// Saves the session, by the signal with which LADISH has programs do that.
    pub fn save(&self) {
        let session = self.stage.session();
        let before = fs::metadata(&session).unwrap().modified().unwrap();
        self.qtractor.signal(libc::SIGUSR1);
        wait("the saved session", || {
            let text = fs::read_to_string(&session).ok()?;
            let new = fs::metadata(&session).ok()?.modified().ok()? > before;
            (new && text.trim_end().ends_with("</session>")).then_some(())
        });
    }

    pub fn close(mut self) {
        self.qtractor.signal(libc::SIGTERM);
        let end = self.qtractor.ended();
        let log = fs::read_to_string(self.stage.folder.path().join("log.txt")).unwrap();
        assert!(end.success(), "{end}\n{log}");
        assert!(!log.contains("panicked"), "{log}");
    }
}
