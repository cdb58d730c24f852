//! What surrounds the main job: settings, doctor, packs, devices, completions, manuals.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::tempdir;
use undertone_tests::program::{run, undertone};
use undertone_tests::sounds::{voice, write_wav};

fn setting<'a>(config: &'a Value, key: &str) -> (&'a str, &'a str) {
    let settings = config["settings"].as_array().unwrap();
    let found = settings.iter().find(|setting| setting["key"] == key).unwrap();
    (
        found["value"].as_str().unwrap(),
        found["source"].as_str().unwrap(),
    )
}

fn committed_pack() -> PathBuf {
    let packs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/packs");
    let mut found: Vec<_> = fs::read_dir(packs)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.retain(|path| path.join("pack.toml").is_file());
    found.sort();
    found.remove(0)
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let home = tempdir().unwrap();
    let folder = home.path().join("config/undertone");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("config.toml"),
        "hop_ms = 300\nthreads = 2\nspeaker = \"File\"\n",
    )
    .unwrap();
    let mut command = undertone(home.path());
    command
        .env("UNDERTONE_THREADS", "1")
        .env("UNDERTONE_SPEAKER", "Environment");
    let config = run(command.args(["config", "--json", "--speaker", "Flag"]))
        .expect(0)
        .json();
    assert_eq!(setting(&config, "speaker"), ("\"Flag\"", "flag"));
    assert_eq!(setting(&config, "threads"), ("1", "environment"));
    assert_eq!(setting(&config, "hop_ms"), ("300", "file"));
    assert_eq!(setting(&config, "finals_only"), ("false", "default"));
}

#[test]
fn what_config_prints_can_be_its_file() {
    let home = tempdir().unwrap();
    let printed = run(undertone(home.path()).args(["config", "--hop-ms", "400"]))
        .expect(0)
        .out;
    let file = home.path().join("mine.toml");
    fs::write(&file, printed).unwrap();
    let config = run(undertone(home.path())
        .args(["config", "--json", "--config"])
        .arg(&file))
    .expect(0)
    .json();
    assert_eq!(setting(&config, "hop_ms"), ("400", "file"));
}

#[test]
fn a_wrong_settings_file_is_named_and_the_doctor_still_comes() {
    let home = tempdir().unwrap();
    let file = home.path().join("mine.toml");
    fs::write(&file, "hopms = 300\n").unwrap();
    let seen = run(undertone(home.path()).args(["config", "--config"]).arg(&file)).expect(2);
    let told = seen.err.contains("mine.toml") && seen.err.contains("'hopms'") && seen.err.contains("hop_ms");
    assert!(told, "{}", seen.err);
    assert!(
        seen.out.contains("hop_ms = ") && seen.out.contains("# default"),
        "{}",
        seen.out
    );
    for call in [&["completions", "bash"] as &[&str], &["man"]] {
        let served = run(undertone(home.path()).args(call).arg("--config").arg(&file)).expect(0);
        assert!(
            served.err.is_empty() && served.out.contains("undertone"),
            "{call:?}"
        );
    }
    let missing = run(undertone(home.path()).args(["config", "--config", "nowhere.toml"])).expect(2);
    assert!(missing.err.contains("nowhere.toml"), "{}", missing.err);
    let report = run(undertone(home.path())
        .args(["doctor", "--json", "--config"])
        .arg(&file))
    .expect(1)
    .json();
    assert_eq!(report["works"], false);
}

#[test]
fn the_doctor_runs_a_real_inference() {
    let home = tempdir().unwrap();
    let report = run(undertone(home.path()).args(["doctor", "--json"]))
        .expect(0)
        .json();
    assert_eq!(report["works"], true);
    let checks = report["checks"].as_array().unwrap();
    let inference = checks.iter().find(|check| check["name"] == "inference").unwrap();
    assert_eq!(inference["state"], "good", "{inference}");
    assert!(
        inference["found"]
            .as_str()
            .unwrap()
            .contains("scores for a test voice"),
        "{inference}"
    );
    let broken = run(undertone(home.path()).args(["doctor", "--json", "--pack", "/nowhere"]))
        .expect(1)
        .json();
    assert_eq!(broken["works"], false);
}

#[test]
fn packs_are_listed_shown_verified_installed_and_used() {
    let home = tempdir().unwrap();
    let list = run(undertone(home.path()).args(["models", "list", "--json"]))
        .expect(0)
        .json();
    assert_eq!(
        (&list[0]["place"], &list[0]["in_use"]),
        (&"built in".into(), &true.into())
    );
    let name = list[0]["name"].as_str().unwrap().to_owned();
    let info = run(undertone(home.path()).args(["models", "info", "--json"]))
        .expect(0)
        .json();
    assert_eq!(info["name"].as_str(), Some(name.as_str()));
    let whole = run(undertone(home.path()).args(["models", "verify", "--json"]))
        .expect(0)
        .json();
    assert_eq!(whole["whole"], true);

    let installed = run(undertone(home.path())
        .args(["models", "install", "--json"])
        .arg(committed_pack()))
    .expect(0)
    .json();
    let place = PathBuf::from(installed["installed"].as_str().unwrap());
    assert!(place.starts_with(home.path().join("data")), "{}", place.display());
    run(undertone(home.path()).args(["models", "verify"]).arg(&name)).expect(0);

    let graph = place.join("trunk.onnx");
    let mut bytes = fs::read(&graph).unwrap();
    bytes[1_000] ^= 1;
    fs::write(&graph, bytes).unwrap();
    let changed = run(undertone(home.path()).args(["models", "verify"]).arg(&name)).expect(2);
    assert!(changed.err.contains("trunk.onnx"), "{}", changed.err);
    let list = run(undertone(home.path()).args(["models", "list", "--json"]))
        .expect(0)
        .json();
    assert!(
        list[1]["error"].as_str().unwrap().contains("trunk.onnx"),
        "{list}"
    );
}

#[test]
fn what_was_brought_in_is_listed_by_its_kind_and_taken_away_by_its_name() {
    let home = tempdir().unwrap();
    let data = home.path().join("data/undertone");
    let models = |call: &[&str]| run(undertone(home.path()).arg("models").args(call));
    run(undertone(home.path())
        .args(["models", "install", "--as-default"])
        .arg(committed_pack()))
    .expect(0);
    let capi = data.join("runtimes/onnxruntime/onnxruntime/capi");
    fs::create_dir_all(&capi).unwrap();
    fs::write(capi.join("libonnxruntime.so.1.31.1"), b"a library").unwrap();
    fs::create_dir(data.join("runtimes/onnxruntime/onnxruntime-1.31.1.dist-info")).unwrap();
    fs::create_dir(data.join("runtimes/cuda")).unwrap();
    fs::create_dir_all(data.join("recognisers/vosk")).unwrap();
    fs::write(data.join("recognisers/vosk/recogniser.toml"), b"nonsense").unwrap();

    let list = models(&["list", "--json", "--runtime", "onnxruntime"])
        .expect(0)
        .json();
    let row = |kind: &str, name: &str| {
        let rows = list.as_array().unwrap();
        let found = rows.iter().find(|row| row["kind"] == kind && row["name"] == name);
        found.unwrap_or_else(|| panic!("{kind} {name} in {list}")).clone()
    };
    let library = row("runtime", "onnxruntime");
    assert_eq!(
        (&library["version"], &library["licence"], &library["in_use"]),
        (&"1.31.1".into(), &"MIT".into(), &true.into())
    );
    let broken = row("runtime", "cuda")["error"].to_string();
    assert!(broken.contains("models add cuda"), "{broken}");
    assert!(row("recogniser", "vosk")["error"].is_string());

    for (name, kind) in [
        ("vosk", "recogniser"),
        ("onnxruntime", "runtime"),
        ("cuda", "runtime"),
        ("default", "pack"),
    ] {
        let removed = models(&["remove", name, "--json"]).expect(0).json();
        assert_eq!(removed["kind"], kind);
        let again = models(&["remove", name]).expect(2);
        assert!(again.err.contains("not installed"), "{}", again.err);
    }
    let left = models(&["list", "--json"]).expect(0).json();
    assert_eq!(left.as_array().unwrap().len(), 1, "{left}");
    let own = left[0]["name"].as_str().unwrap();
    for (name, told) in [
        (own, "inside the program"),
        ("first", "part of every pack"),
        ("../packs", "not installed"),
    ] {
        let refused = models(&["remove", name]).expect(2);
        assert!(refused.err.contains(told), "{}", refused.err);
    }
}

#[test]
fn a_system_that_the_pack_lacks_is_named_with_those_it_has() {
    let home = tempdir().unwrap();
    let (rate, sound) = voice();
    let file = home.path().join("a.wav");
    write_wav(&file, rate, 1, &sound[..rate as usize]);
    let seen = run(undertone(home.path())
        .args(["analyze", "--system", "psychic"])
        .arg(&file))
    .expect(2);
    assert!(seen.err.contains("'psychic'"), "{}", seen.err);
}

#[test]
fn shells_and_manuals_are_served() {
    let home = tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(undertone(home.path()).args(["completions", shell]))
            .expect(0)
            .out;
        assert!(
            script.contains("undertone") && script.contains("analyze"),
            "{shell}"
        );
    }
    let page = run(undertone(home.path()).arg("man")).expect(0).out;
    assert!(
        page.starts_with(".ie") || page.contains(".TH undertone"),
        "{page}"
    );
    let folder = home.path().join("man");
    run(undertone(home.path()).args(["man", "--out"]).arg(&folder)).expect(0);
    for name in ["undertone.1", "undertone-analyze.1", "undertone-models-list.1"] {
        assert!(folder.join(name).is_file(), "{name}");
    }
}

#[test]
fn devices_are_a_list_or_a_sentence() {
    let home = tempdir().unwrap();
    let audio = |call: &[&str]| {
        let mut command = undertone(home.path());
        // No audio server of this machine may be found, and ALSA's configuration is broken.
        for name in ["PULSE_SERVER", "PULSE_RUNTIME_PATH", "XDG_RUNTIME_DIR"] {
            command.env_remove(name);
        }
        command.env("ALSA_CONFIG_PATH", "/nowhere/alsa.conf");
        run(command.args(call))
    };
    let seen = audio(&["devices", "--json"]);
    match seen.code {
        0 => assert!(seen.json().is_array()),
        1 => {
            assert!(
                seen.err.lines().count() == 1 && seen.err.contains("; "),
                "{}",
                seen.err
            );
            // Where there is nothing to listen to, listening is not the call's fault either.
            let live = audio(&["live", "--seconds", "0.2"]).expect(1);
            assert_eq!(live.err, seen.err);
        }
        code => panic!("{code}: {}", seen.err),
    }
}

#[test]
fn help_names_every_command() {
    let home = tempdir().unwrap();
    let help = run(undertone(home.path()).arg("--help")).expect(0).out;
    for name in [
        "analyze",
        "live",
        "devices",
        "doctor",
        "models",
        "config",
        "completions",
        "man",
    ] {
        assert!(help.contains(name), "{name}: {help}");
    }
    let wrong = run(undertone(home.path()).args(["analyse", "x.wav"])).expect(2);
    assert!(wrong.err.contains("analyze"), "{}", wrong.err);
}

#[test]
fn a_time_that_never_ends_or_begins_is_refused() {
    let home = tempdir().unwrap();
    for wrong in ["0", "-1", "nan", "inf", "1e300", "soon"] {
        for call in [&["bench", "--file", "gone.wav"] as &[&str], &["live"]] {
            let seen = run(undertone(home.path())
                .args(call)
                .arg(format!("--seconds={wrong}")))
            .expect(2);
            assert!(
                seen.err.contains("seconds above 0"),
                "{call:?} {wrong}: {}",
                seen.err
            );
        }
    }
}
