//! The HTML report as a browser shows it: complete, within the window, alive under the pointer, and without a
//! single request to anywhere.
//!
//! Ignored in the usual run, as it needs chromium or chrome: `cargo xtask test --only browser`.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Before the page's own script: collects what goes wrong.
const BEFORE: &str = "<script>window.wrong = []; \
    addEventListener('error', e => wrong.push(String(e.message))); \
    addEventListener('securitypolicyviolation', e => wrong.push('blocked: ' + e.blockedURI));</script>";

/// After it: measures the page and moves the pointer into the first utterance.
const AFTER: &str = r#"<script>
addEventListener("load", () => {
  const box = node => { const b = node.getBoundingClientRect(); return [b.left, b.right, b.width, b.height]; };
  const data = JSON.parse(document.getElementById("data").textContent);
  const plot = document.getElementById("plot");
  const first = data.utterances[0];
  const at = (first.start + first.end) / 2;
  const area = plot.getBoundingClientRect();
  const x = data.left + at / data.seconds * (data.width - data.left - data.right);
  plot.dispatchEvent(new PointerEvent("pointermove",
    { clientX: area.left + x / data.width * area.width, clientY: area.top + 60 }));
  const tip = document.getElementById("tip");
  const found = {
    wrong,
    requests: performance.getEntriesByType("resource").map(entry => entry.name),
    title: document.title,
    window: document.documentElement.clientWidth,
    page: document.documentElement.scrollWidth,
    plot: box(plot),
    main: box(document.querySelector("main")),
    rows: [...document.querySelectorAll("tr[data-id]")].map(row => ({
      id: Number(row.dataset.id),
      label: row.querySelector(".chip").textContent,
      colour: getComputedStyle(row.querySelector(".chip")).backgroundColor,
      words: row.querySelector(".said").textContent,
      height: row.getBoundingClientRect().height,
      said: box(row.querySelector(".said")),
    })),
    tip: { hidden: tip.hidden, text: tip.textContent, box: box(tip) },
    lit: [...document.querySelectorAll("tr.on")].map(row => Number(row.dataset.id)),
  };
  const out = document.createElement("pre");
  out.id = "found";
  out.textContent = encodeURIComponent(JSON.stringify(found));
  document.body.append(out);
});
</script>"#;

/// The browser named by the environment, or one of the usual names.
fn browser() -> PathBuf {
    std::env::var_os("UNDERTONE_BROWSER").map_or_else(|| "chromium".into(), PathBuf::from)
}

/// Analyses the demo sample; gives its final scores and its report.
fn analysed(folder: &Path) -> (Vec<Value>, String) {
    let sample = undertone_tests::samples::folder().join("demo.wav");
    let output = Command::new(undertone_tests::program::path())
        .arg("analyze")
        .arg(sample)
        .args(["--quiet", "--format", "jsonl,html", "--out"])
        .arg(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = std::fs::read_to_string(folder.join("demo.jsonl")).unwrap();
    let finals = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|update| update["kind"] == "final")
        .collect();
    (finals, std::fs::read_to_string(folder.join("demo.html")).unwrap())
}

/// Starts the browser on a page, with a profile of its own and no wish to talk to anybody.
fn browse(folder: &Path, page: &Path, size: (u32, u32), what: &str) -> String {
    let output = Command::new(browser())
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--hide-scrollbars",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("--window-size={},{}", size.0, size.1))
        .arg(what)
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap_or_else(|error| panic!("{} cannot be started: {error}", browser().display()));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// What the probe in the page found.
fn found(dom: &str) -> Value {
    let start = dom
        .find("<pre id=\"found\">")
        .expect("the page's load ended without the probe")
        + 16;
    let text = &dom[start..][..dom[start..].find('<').unwrap()];
    serde_json::from_slice(&decoded(text)).unwrap()
}

/// Undoes `encodeURIComponent`.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let pair = [bytes.next().unwrap(), bytes.next().unwrap()];
            out.push(u8::from_str_radix(std::str::from_utf8(&pair).unwrap(), 16).unwrap());
        } else {
            out.push(byte);
        }
    }
    out
}

#[test]
#[ignore = "needs chromium or chrome; cargo xtask test --only browser"]
fn the_report_is_what_was_heard() {
    let folder = tempfile::tempdir().unwrap();
    let (finals, html) = analysed(folder.path());
    assert!(finals.len() >= 3, "only {} utterances were heard", finals.len());
    let page = folder.path().join("probed.html");
    std::fs::write(
        &page,
        html.replacen("<style>", &format!("{BEFORE}<style>"), 1) + AFTER,
    )
    .unwrap();

    for size in [(1280, 900), (500, 800)] {
        let seen = found(&browse(folder.path(), &page, size, "--dump-dom"));
        assert_eq!(seen["wrong"], serde_json::json!([]), "the page complains");
        assert_eq!(
            seen["requests"],
            serde_json::json!([]),
            "the page asks for something"
        );
        assert!(seen["title"].as_str().unwrap().contains("demo"));

        // Nothing sticks out of the window; the plot is there and has room.
        assert!(
            seen["page"].as_f64() <= seen["window"].as_f64(),
            "{size:?}: {}",
            seen["page"]
        );
        assert!(
            seen["plot"][2].as_f64().unwrap() > 400.0 && seen["plot"][3].as_f64().unwrap() > 200.0,
            "{seen}"
        );

        // A row for every utterance, with its feeling and its words.
        let rows = seen["rows"].as_array().unwrap();
        assert_eq!(rows.len(), finals.len());
        for (row, update) in rows.iter().zip(&finals) {
            assert_eq!(row["id"], update["utterance"]);
            assert_eq!(row["label"], update["label"]);
            assert!(row["height"].as_f64().unwrap() > 10.0);
            assert_ne!(row["colour"], "rgba(0, 0, 0, 0)", "a feeling without its colour");
            let (right, width) = (&row["said"][1], &row["said"][2]);
            assert!(
                right.as_f64() <= seen["window"].as_f64() && width.as_f64().unwrap() > 150.0,
                "the words lie out of sight: {size:?}: {row}"
            );
            if let Some(words) = update["text"]["transcript"].as_str() {
                assert!(row["words"].as_str().unwrap().contains(words), "{row} {words}");
            }
        }

        // The pointer over an utterance tells about it.
        assert_eq!(seen["tip"]["hidden"], false, "{seen}");
        let tip = seen["tip"]["text"].as_str().unwrap();
        assert!(tip.contains(finals[0]["label"].as_str().unwrap()), "{tip}");
        assert_eq!(seen["lit"], serde_json::json!([finals[0]["utterance"]]));
    }
}

#[test]
#[ignore = "needs chromium or chrome; cargo xtask test --only browser"]
fn the_report_can_be_pictured() {
    let folder = tempfile::tempdir().unwrap();
    let (_, html) = analysed(folder.path());
    let page = folder.path().join("demo.html");
    std::fs::write(&page, html).unwrap();
    let picture = folder.path().join("report.png");
    browse(
        folder.path(),
        &page,
        (1280, 1100),
        &format!("--screenshot={}", picture.display()),
    );
    let bytes = std::fs::read(&picture).unwrap();
    assert!(bytes.starts_with(b"\x89PNG"), "no picture");
    // A page of one colour packs into a few kilobytes.
    assert!(
        bytes.len() > 20_000,
        "the picture of {} bytes is nearly empty",
        bytes.len()
    );
    if let Some(keep) = std::env::var_os("UNDERTONE_PICTURES") {
        std::fs::copy(&picture, Path::new(&keep).join("report.png")).unwrap();
    }
}
