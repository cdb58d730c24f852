//! The real `undertone` command, found or built, and run to its end.
//!
//! Set `UNDERTONE_BIN` to test a program that is already built; otherwise the one beside this test is brought
//! up to date first, because cargo does not build another package's program for a test.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// The program's path.
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| std::env::var_os("UNDERTONE_BIN").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    // This test is target/PROFILE/deps/NAME.
    let test = std::env::current_exe().expect("a test knows where it is");
    let folder = test
        .parent()
        .and_then(Path::parent)
        .expect("a test lies in target/PROFILE/deps");
    let profile = match folder
        .file_name()
        .and_then(|name| name.to_str())
        .expect("a profile's name")
    {
        "debug" => "dev",
        other => other,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let done = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "build",
            "--quiet",
            // The whole workspace's, as one package alone would be built with other features, and anew.
            "--workspace",
            "--bins",
            "--profile",
            profile,
            "--target-dir",
        ])
        .arg(folder.parent().expect("target holds PROFILE"))
        .status()
        .expect("cargo runs");
    assert!(done.success(), "undertone-app does not build");
    folder.join(format!("undertone{}", std::env::consts::EXE_SUFFIX))
}

/// The program, away from this machine's own settings and packs.
pub fn undertone(home: &Path) -> Command {
    let mut command = Command::new(path());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        // A Python with pip is the machine's, as the path is.
        if name.starts_with("UNDERTONE_") && name != "UNDERTONE_PYTHON" {
            command.env_remove(name);
        }
    }
    command
        .env_remove("NO_COLOR")
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_DATA_HOME", home.join("data"))
        .env("HOME", home)
        .stdin(Stdio::null());
    command
}

/// What a run gave.
#[derive(Debug)]
pub struct Run {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Run {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let run = Self {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        };
        assert!(!run.err.contains("panicked"), "{}", run.err);
        run
    }

    /// Standard output as JSON objects a line.
    pub fn lines(&self) -> Vec<serde_json::Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(parse).collect()
    }

    /// Standard output as one JSON value.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// This run, which must have ended with this code.
    #[allow(
        clippy::return_self_not_must_use,
        reason = "often the code is all there is to see"
    )]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        self
    }
}

/// Runs a command to its end. No run may panic, whatever it is given.
pub fn run(command: &mut Command) -> Run {
    Run::of(&command.output().expect("the program starts"))
}

/// Runs a command with these bytes on standard input.
pub fn run_with(command: &mut Command, input: &[u8]) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || {
        // A program that refuses its input closes the pipe: that is its right.
        let _ = pipe.write_all(&input);
    });
    let output = child.wait_with_output().expect("the program ends");
    feeder.join().expect("the feeder ends");
    Run::of(&output)
}
