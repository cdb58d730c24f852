//! ONNX Runtime's library: found at a path that was named or in the user's data folder, never by the system's
//! search path, and opened once a process. It is told to report nothing to anybody.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::environment::Environment;

/// Why there is no library to use. Each says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LibraryError {
    #[error("no ONNX Runtime is installed; get it with `undertone models add onnxruntime` (or `cuda`)")]
    Missing,
    #[error("no ONNX Runtime library is at {}; name its file or folder with --onnxruntime", .0.display())]
    NotThere(PathBuf),
    #[error("ONNX Runtime at {} cannot be opened: {why}; install it with `undertone models add onnxruntime`", path.display())]
    Open { path: PathBuf, why: String },
    #[error("this process already uses the ONNX Runtime at {}; restart it to use another", .0.display())]
    Another(PathBuf),
}

/// The library of this process, once it is open. It stays open: its code may still run when the last graph goes.
static OPEN: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);

/// What it said last when something was wrong; errors of its own are often less precise.
static SAID: Mutex<String> = Mutex::new(String::new());

/// Opens the library, or gives the one that is open.
pub(crate) fn open(path: &Path) -> Result<Environment, LibraryError> {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, environment)) = &*open {
        return if known == path {
            Ok(environment.clone())
        } else {
            Err(LibraryError::Another(known.clone()))
        };
    }
    let fault = |why: String| LibraryError::Open {
        path: path.to_owned(),
        why,
    };
    preload(path);
    let environment = ort::init_from(path)
        .map_err(|error| fault(error.to_string()))?
        .with_name("undertone")
        .with_telemetry(false)
        .with_logger(Arc::new(|level, _, _, _, message| {
            if level >= ort::logging::LogLevel::Warning {
                message.clone_into(&mut SAID.lock().unwrap_or_else(PoisonError::into_inner));
            }
        }))
        .build()
        .map_err(|error| fault(error.to_string()))?;
    // It says much when it works, and all of it costs.
    environment.set_log_level(ort::logging::LogLevel::Warning);
    *open = Some((path.to_owned(), environment.clone()));
    Ok(environment)
}

/// What the library itself had to say about a failure, if more than its error says.
pub(crate) fn said() -> String {
    std::mem::take(&mut SAID.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The library's file: the one named, or the one installed for this purpose (`cuda`), or any installed.
pub(crate) fn find(named: Option<&Path>, purpose: &str) -> Result<PathBuf, LibraryError> {
    if let Some(named) = named {
        let found = if named.is_file() {
            Some(named.to_owned())
        } else {
            within(named)
        };
        let found = found.ok_or_else(|| LibraryError::NotThere(named.to_owned()))?;
        return std::path::absolute(&found).map_err(|_| LibraryError::NotThere(named.to_owned()));
    }
    let root = undertone_models::runtimes_dir().ok_or(LibraryError::Missing)?;
    let installed = [purpose, "cuda", "onnxruntime"];
    let found = installed.iter().find_map(|name| within(&root.join(name)));
    found.ok_or(LibraryError::Missing)
}

/// The library in a folder: beside other files, or where the Python package has it.
fn within(folder: &Path) -> Option<PathBuf> {
    let places = [
        folder.to_owned(),
        folder.join("onnxruntime/capi"),
        folder.join("lib"),
    ];
    let is_library = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (start, middle) = if cfg!(windows) {
            ("onnxruntime.", "dll")
        } else if cfg!(target_os = "macos") {
            ("libonnxruntime.", "dylib")
        } else {
            ("libonnxruntime.", "so")
        };
        name.starts_with(start) && name.contains(middle)
    };
    places.iter().find_map(|place| {
        let entries = std::fs::read_dir(place).ok()?;
        entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(is_library)
    })
}

/// The card's own libraries where they were installed beside this one (`nvidia/*/lib`): opened first, so that it
/// finds them without any search path. What fails here is told when the card is tried.
fn preload(library: &Path) {
    let Some(root) = library.ancestors().nth(3) else {
        return;
    };
    for names in [ort::ep::cuda::CUDA_DYLIBS, ort::ep::cuda::CUDNN_DYLIBS] {
        for name in names {
            let packages = std::fs::read_dir(root.join("nvidia"))
                .into_iter()
                .flatten()
                .flatten();
            let found = packages
                .map(|package| {
                    package
                        .path()
                        .join(if cfg!(windows) { "bin" } else { "lib" })
                        .join(name)
                })
                .find(|path| path.is_file());
            if let Some(path) = found {
                let _ = ort::util::preload_dylib(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_without_a_library_is_named_with_what_to_do() {
        let error = find(Some(Path::new("/no/such/place")), "cuda")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("/no/such/place") && error.contains("--onnxruntime"),
            "{error}"
        );
    }
}
