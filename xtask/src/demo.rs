//! `cargo xtask demo`: from a fresh clone to a timeline of feelings and a report, with nothing else to do.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use crate::job::Job;
use crate::{say, setup};

/// The recording that is analysed.
const SAMPLE: &str = "samples/demo.wav";
/// Where the results go.
const OUT: &str = "out/demo";

/// Sets up, builds, analyses.
pub fn run(root: &Path) -> Result<()> {
    let begun = Instant::now();
    say::heading("setup");
    setup::run(root, setup::Need::Demo, false)?;

    say::heading("build");
    say::plan("builds the `undertone` command, optimised (some minutes the first time, seconds afterwards)");
    let building = Instant::now();
    Job::cargo(root)
        .words("build --release --locked --package undertone-app --bin undertone")
        .run()?;
    say::done(&format!("built in {}", say::time(building.elapsed())));

    say::heading("what is felt and said in samples/demo.wav");
    let undertone = crate::target(root)
        .join("release")
        .join(format!("undertone{}", std::env::consts::EXE_SUFFIX));
    let analysing = Instant::now();
    Job::new(root, undertone)
        .words("analyze")
        .arg(SAMPLE)
        .words("--format jsonl,vtt,html --out")
        .arg(OUT)
        .run()?;
    say::done(&format!("analysed in {}", say::time(analysing.elapsed())));

    say::heading("written");
    for (ending, what) in [
        ("html", "the report; open it in a browser"),
        ("jsonl", "every score, one JSON object a line (docs/UPDATE.md)"),
        ("vtt", "subtitles for a player"),
    ] {
        println!(
            "  {:<40} {what}",
            root.join(OUT).join("demo").with_extension(ending).display()
        );
    }
    println!();
    say::plan(
        "next: `target/release/undertone live` listens to your microphone; `cargo xtask bundle` makes the plugin",
    );
    say::done(&format!("all done in {}", say::time(begun.elapsed())));
    Ok(())
}
