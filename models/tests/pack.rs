//! Packs good and bad: what is refused, and how it is told.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::fs;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use undertone_models::{Manifest, Pack, PackError, Role};

fn sha(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
}

fn manifest(trunk: &[u8]) -> String {
    let (sha, empty) = (sha(trunk), sha(b"head"));
    format!(
        r#"
schema = 1
name = "tiny"
version = "1.0.0"
licence = "CC0-1.0"
sample_rate = 16000
labels = ["neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised"]
systems = ["speech_only"]
default_system = "speech_only"
[trunk]
frame_stride = 384
min_samples = 1000
receptive_field = 895
[speech]
trained_labels = ["neutral"]
temperature = 1.5
temperature_short = [[0.5, 2.0], [1.0, 1.7]]
unknown_below = 0.4
mix_width = 4
stats_width = 8
[[graphs]]
role = "trunk"
file = "trunk.onnx"
inputs = ["audio"]
outputs = ["mix", "top"]
[[graphs]]
role = "speech"
file = "speech.onnx"
inputs = ["mix", "past_mean", "past_clips"]
outputs = ["logits", "affect", "stats"]
[[files]]
path = "trunk.onnx"
sha256 = "{sha}"
bytes = {}
[[files]]
path = "speech.onnx"
sha256 = "{empty}"
bytes = 4
"#,
        trunk.len()
    )
}

fn write_pack(dir: &Path) {
    fs::write(dir.join("pack.toml"), manifest(b"weights")).unwrap();
    fs::write(dir.join("trunk.onnx"), b"weights").unwrap();
    fs::write(dir.join("speech.onnx"), b"head").unwrap();
}

#[test]
fn a_whole_pack_opens_and_verifies() {
    let dir = tempfile::tempdir().unwrap();
    write_pack(dir.path());
    let pack = Pack::open(dir.path()).unwrap();
    pack.verify().unwrap();
    assert_eq!(pack.graph(Role::Trunk).unwrap().as_ref(), b"weights");
    assert!(pack.graph(Role::Words).is_none());
}

#[test]
fn a_changed_byte_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    write_pack(dir.path());
    fs::write(dir.path().join("trunk.onnx"), b"weightz").unwrap();
    let error = Pack::open(dir.path()).unwrap_err();
    assert!(matches!(error, PackError::Changed { .. }));
    let told = error.to_string();
    assert!(
        told.contains("trunk.onnx") && told.contains("reinstall"),
        "{told}"
    );
}

#[test]
fn a_missing_or_short_file_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    write_pack(dir.path());
    fs::write(dir.path().join("speech.onnx"), b"hea").unwrap();
    assert!(
        Pack::open(dir.path())
            .unwrap_err()
            .to_string()
            .contains("3 bytes instead of 4")
    );
    fs::remove_file(dir.path().join("speech.onnx")).unwrap();
    assert!(
        Pack::open(dir.path())
            .unwrap_err()
            .to_string()
            .contains("speech.onnx")
    );
}

#[test]
fn what_does_not_fit_is_named() {
    let good = manifest(b"weights");
    Manifest::parse(&good).unwrap();
    for (from, to, told) in [
        ("schema = 1", "schema = 9", "schema is 9"),
        ("sample_rate = 16000", "sample_rate = 8000", "sample_rate is 8000"),
        // Installing such a pack would replace another folder by it.
        (
            "name = \"tiny\"",
            "name = \"/home/ann/thesis\"",
            "name is '/home/ann/thesis'",
        ),
        ("name = \"tiny\"", "name = \"../tiny\"", "name is '../tiny'"),
        ("name = \"tiny\"", "name = 'C:\\tiny'", "name is 'C:"),
        ("name = \"tiny\"", "name = \"..\"", "name is '..'"),
        ("name = \"tiny\"", "name = \"\"", "name is ''"),
        // Trying such a pack would ask for more memory than there is.
        (
            "min_samples = 1000",
            "min_samples = 100000000000",
            "trunk.min_samples",
        ),
        (
            "receptive_field = 895",
            "receptive_field = 0",
            "trunk.receptive_field",
        ),
        ("stats_width = 8", "stats_width = 0", "speech.stats_width"),
        ("mix_width = 4", "mix_width = 70000", "speech.mix_width"),
        ("\"surprised\"]", "\"bored\"]", "labels must be"),
        (
            "default_system = \"speech_only\"",
            "default_system = \"joint\"",
            "joint",
        ),
        ("role = \"speech\"", "role = \"words\"", "speech graph is missing"),
        ("unknown_below = 0.4", "unknown_below = 4.0", "unknown_below"),
        ("temperature = 1.5", "temperature = 0.0", "temperatures"),
        ("[1.0, 1.7]", "[0.5, 1.7]", "rising order"),
        (
            "path = \"trunk.onnx\"",
            "path = \"../trunk.onnx\"",
            "no entry in files",
        ),
        (
            "frame_stride = 384",
            "frame_stride = \"long\"",
            "not a valid manifest",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        let error = Manifest::parse(&good.replacen(from, to, 1))
            .unwrap_err()
            .to_string();
        assert!(error.contains(told), "{from} → {to}: {error}");
    }
}

#[test]
fn a_path_that_leads_out_of_the_pack_is_refused() {
    let bad = manifest(b"weights").replace("trunk.onnx", "../trunk.onnx");
    assert!(
        Manifest::parse(&bad)
            .unwrap_err()
            .to_string()
            .contains("leads out of the pack")
    );
}

#[test]
fn the_embedded_pack_is_whole() {
    Pack::embedded().unwrap().verify().unwrap();
}

/// The tiny pack with every branch and system.
fn whole() -> String {
    let file = |path: &str| {
        format!(
            "[[files]]\npath = \"{path}\"\nsha256 = \"{}\"\nbytes = 4\n",
            sha(b"head")
        )
    };
    let graph = |role: &str, inputs: &str, outputs: &str| {
        let list = |names: &str| {
            names
                .split(' ')
                .map(|n| format!("\"{n}\""))
                .collect::<Vec<_>>()
                .join(", ")
        };
        format!(
            "[[graphs]]\nrole = \"{role}\"\nfile = \"{role}.onnx\"\ninputs = [{}]\noutputs = [{}]\n{}",
            list(inputs),
            list(outputs),
            file(&format!("{role}.onnx"))
        )
    };
    let fusion = "speech = 1.0\ntext = 0.8\ngamma = 1.0\ntemperature = 1.1\nunknown_below = 0.5\n";
    let systems = "systems = [\"late\", \"multilevel\", \"joint\", \"speech_only\", \"text_only\"]";
    let tables = format!(
        "[words]\nalphabet = [\"\", \"a\"]\nphones = [\"\", \"AA\"]\nlexicon = \"lexicon.bin\"\n\
         [writer]\ntokens = \"tokens.bin\"\nlongest = 80\nwidth = 24\n\
         [text]\nvocab = \"vocab.txt\"\nlongest = 96\ntemperature = 1.2\nunknown_below = 0.4\n\
         trained_labels = [\"happy\"]\n\
         [late_speech]\nmin_samples = 4000\nstats_width = 8\ntemperature = 1.3\nunknown_below = 0.4\n\
         [late]\n{fusion}[multilevel]\nown = 0.5\n{fusion}[joint]\nown = 0.7\n{fusion}"
    );
    let past = "past_mean past_clips";
    manifest(b"weights").replace("systems = [\"speech_only\"]", systems)
        + &tables
        + &graph("words", "top", "log_probs phone_log_probs")
        + &graph("text", "ids", "logits affect toxic tokens lower")
        + &graph("late_speech", &format!("audio {past}"), "logits affect stats")
        + &graph(
            "multilevel",
            &format!("mix {past} phones syllables words tokens"),
            "logits",
        )
        + &graph("joint", &format!("mix {past} lower"), "logits")
        + &graph("writer_sound", "top", "sound_keys sound_values")
        + &graph(
            "writer",
            "ids places mask past_keys past_values sound_keys sound_values",
            "logits keys values",
        )
        + &file("tokens.bin")
        + &file("vocab.txt")
        + &file("lexicon.bin")
}

#[test]
fn a_pack_with_every_branch_says_how_each_system_fuses() {
    let all = Manifest::parse(&whole()).unwrap();
    let own = |system| all.fusion(system).unwrap().own.to_string();
    assert_eq!((own("joint"), own("late")), ("0.7".into(), "0".into()));
    assert!(all.fusion("speech_only").is_none());
    // Packs from before these were known weigh as they did.
    let late = all.fusion("late").unwrap();
    assert!((late.doubt - 1.0).abs() < f32::EPSILON && late.lift.abs() < f32::EPSILON);
    assert_eq!(all.words.as_ref().unwrap().frames_per, 1);
    assert_eq!(all.writer.as_ref().unwrap().longest, 80);
    let prior = all.late_speech.as_ref().unwrap().prior_clips;
    assert!((prior - 5.0).abs() < f32::EPSILON);
}

#[test]
fn what_a_system_lacks_is_named() {
    let good = whole();
    for (from, to, told) in [
        ("role = \"joint\"", "role = \"text\"", "two text graphs"),
        ("[joint]", "[jointly]", "needs the table [joint]"),
        ("[text]", "[tekst]", "needs the table [text]"),
        ("[late_speech]", "[late_speach]", "needs the table [late_speech]"),
        ("\"late\",", "\"early\",", "'early' is none of"),
        ("vocab = \"vocab.txt\"", "vocab = \"words.txt\"", "words.txt"),
        ("lexicon = \"lexicon.bin\"", "lexicon = \"gone.txt\"", "gone.txt"),
        ("longest = 96", "longest = 2", "text.longest"),
        ("[writer]", "[author]", "needs the table [writer]"),
        ("tokens = \"tokens.bin\"", "tokens = \"gone.bin\"", "gone.bin"),
        ("longest = 80", "longest = 1", "writer.longest"),
        ("width = 24", "width = 0", "writer.width"),
        (
            "\"past_keys\", ",
            "",
            "writer graph's inputs are ids, places, mask, past_values",
        ),
        ("\"sound_keys\", ", "", "writer_sound graph's outputs"),
        ("phones = [\"\", \"AA\"]", "", "words.phones"),
        ("gamma = 1.0", "gamma = -1.0", "late: own, speech"),
        ("gamma = 1.0", "gamma = 1.0\nlift = -0.1", "late: own, speech"),
        ("gamma = 1.0", "gamma = 1.0\ndoubt = 0.0", "late.doubt"),
        ("[\"happy\"]", "[\"bored\"]", "'bored' is none of"),
        (
            "inputs = [\"ids\"]",
            "inputs = [\"tokens\"]",
            "text graph's inputs are tokens",
        ),
        ("\"toxic\", ", "", "text graph's outputs"),
        ("[\"log_probs\", ", "[", "words graph's outputs"),
        ("min_samples = 4000", "min_samples = 0", "late_speech.min_samples"),
    ] {
        assert!(good.contains(from), "{from}");
        let error = Manifest::parse(&good.replacen(from, to, 1))
            .unwrap_err()
            .to_string();
        assert!(error.contains(told), "{from} → {to}: {error}");
    }
}

#[test]
fn a_writer_without_what_it_stands_on_is_refused() {
    let good = whole();
    let without = |role: &str| {
        let from = good.find(&format!("[[graphs]]\nrole = \"{role}\"")).unwrap();
        let to = from + good[from..].find("[[files]]").unwrap();
        let error = Manifest::parse(&(good[..from].to_owned() + &good[to..])).unwrap_err();
        error.to_string()
    };
    for (role, told) in [
        ("writer", "the writer_sound graph needs the writer graph"),
        ("writer_sound", "the writer graph needs the writer_sound graph"),
        ("words", "the writer_sound graph needs the words graph"),
    ] {
        let error = without(role);
        assert!(error.contains(told), "{role}: {error}");
    }
}

#[test]
fn a_file_that_is_no_graph_is_reached_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let text = whole();
    fs::write(dir.path().join("pack.toml"), &text).unwrap();
    fs::write(dir.path().join("trunk.onnx"), b"weights").unwrap();
    for file in Manifest::parse(&text).unwrap().files {
        if file.path != "trunk.onnx" {
            fs::write(dir.path().join(file.path), b"head").unwrap();
        }
    }
    let pack = Pack::open(dir.path()).unwrap();
    assert_eq!(pack.file("vocab.txt").unwrap().as_ref(), b"head");
    assert!(pack.file("pack.toml").is_none());
}
