//! A pack that is replaced while it is in use: who runs it goes on with the old one, who comes gets one of the two
//! whole, and a bad one changes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::tempdir;
use undertone::{Engine, EngineConfig, StreamConfig, Update};
use undertone_tests::program::{run, undertone};
use undertone_tests::samples::sample;

/// A copy of the committed pack under another name and version.
fn pack(folder: &Path, version: &str) -> PathBuf {
    let packs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/packs");
    let mut found: Vec<_> = fs::read_dir(packs)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("pack.toml").is_file())
        .collect();
    found.sort();
    let target = folder.join(version);
    fs::create_dir(&target).unwrap();
    for entry in fs::read_dir(&found[0]).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, target.join(path.file_name().unwrap())).unwrap();
    }
    let manifest = fs::read_to_string(target.join("pack.toml")).unwrap();
    let renamed: Vec<String> = manifest
        .lines()
        .map(|line| match line.split_once(" = ") {
            Some(("version", _)) => format!("version = \"{version}\""),
            _ => line.to_owned(),
        })
        .collect();
    let renamed = renamed.join("\n");
    let name = renamed.lines().find(|line| line.starts_with("name = ")).unwrap();
    fs::write(
        target.join("pack.toml"),
        renamed.replacen(name, "name = \"swapped\"", 1),
    )
    .unwrap();
    target
}

fn engine(pack: &Path) -> Engine {
    Engine::start(EngineConfig {
        pack: Some(pack.to_string_lossy().into_owned()),
        ..EngineConfig::default()
    })
}

fn score(engine: &Engine) -> Vec<Update> {
    let (rate, sound) = sample("neutral");
    let mut session = engine.session(&StreamConfig::new("file", rate)).unwrap();
    let mut out = Vec::new();
    session.push(&[&sound], &mut out).unwrap();
    session.finish(&mut out).unwrap();
    out
}

#[test]
fn a_pack_is_swapped_whole_or_not_at_all() {
    let home = tempdir().unwrap();
    let (one, two) = (pack(home.path(), "1.0.0"), pack(home.path(), "2.0.0"));
    let data = home.path().join("data/undertone");
    let install = |from: &Path, code: i32| {
        let mut command = undertone(home.path());
        command.env("UNDERTONE_DATA", &data);
        run(command.args(["models", "install"]).arg(from)).expect(code)
    };
    install(&one, 0);
    let installed = data.join("packs/swapped");

    let old = engine(&installed);
    assert_eq!(old.wait_ready().unwrap().version, "1.0.0");
    let (mut tap, stream) = old.open(&StreamConfig::new("live", 16_000)).unwrap();
    tap.push(&[&[0.0; 1_600]]);
    // Somebody who opens it all the time sees the old one, the new one, or is refused; never something between.
    let seen = std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut seen = Vec::new();
            for _ in 0..200 {
                if let Ok(pack) = undertone::models::Pack::open(&installed) {
                    pack.verify().unwrap();
                    seen.push(pack.manifest().version.clone());
                }
            }
            seen
        });
        install(&two, 0);
        looking.join().unwrap()
    });
    assert!(
        seen.iter()
            .all(|version| version == "1.0.0" || version == "2.0.0"),
        "{seen:?}"
    );

    assert!(
        score(&old).iter().all(|update| update.pack.contains("1.0.0")),
        "it goes on with the old one"
    );
    assert_eq!(stream.failure(), None);
    let new = engine(&installed);
    assert_eq!(new.wait_ready().unwrap().version, "2.0.0");
    assert!(score(&new).iter().all(|update| update.pack.contains("2.0.0")));

    // A damaged one is refused, and what is installed stays.
    let graph = fs::read_dir(&one)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "onnx"))
        .unwrap();
    fs::write(&graph, "damaged").unwrap();
    let refused = install(&one, 2);
    assert!(
        refused.err.contains("damaged") || refused.err.contains("not the file"),
        "{}",
        refused.err
    );
    let version = undertone::models::Pack::open(&installed)
        .unwrap()
        .manifest()
        .version
        .clone();
    assert_eq!(version, "2.0.0");
}
