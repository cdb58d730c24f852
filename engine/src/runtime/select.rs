//! Which runtime really runs: what was asked for if it proves itself, else the CPU, with a reason that a person
//! can act on. With `auto`, the fastest that proves itself.

use std::fmt::Display;
use std::path::PathBuf;

use super::{Rten, Runtime, RuntimeChoice};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Wish {
    pub choice: RuntimeChoice,
    /// ONNX Runtime's library, its file or folder; `None` for the one that is installed.
    pub library: Option<PathBuf>,
    pub threads: usize,
    /// Requests that may run at once; `None` for what suits the runtime.
    pub batch: Option<usize>,
}

/// A pack on the runtime that was chosen.
pub(crate) struct Selected<T> {
    pub value: T,
    /// Why another does not run it, where one was wished for.
    pub remarks: Vec<String>,
}

/// Loads a pack on the runtime that suits the wish.
pub(crate) fn select<T, E, L>(wish: &Wish, load: L) -> Result<Selected<T>, E>
where
    T: Send + 'static,
    E: Display,
    L: Fn(&dyn Runtime) -> Result<T, E> + Clone + Send + 'static,
{
    if wish.choice == RuntimeChoice::Cpu {
        return plain(wish, &load, vec![]);
    }
    #[cfg(feature = "ort")]
    return accelerated::select(wish, load);
    #[cfg(not(feature = "ort"))]
    {
        let why = format!("{} is not used: this build has no accelerators", wish.choice);
        let remarks = if wish.choice == RuntimeChoice::Auto {
            vec![]
        } else {
            vec![why]
        };
        plain(wish, &load, remarks)
    }
}

fn plain<T, E>(
    wish: &Wish,
    load: &impl Fn(&dyn Runtime) -> Result<T, E>,
    remarks: Vec<String>,
) -> Result<Selected<T>, E> {
    let value = load(&Rten::new(wish.threads))?;
    Ok(Selected { value, remarks })
}

#[cfg(feature = "ort")]
mod accelerated {
    use std::fmt::Display;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Mutex, PoisonError};
    use std::time::Duration;

    use super::super::library::{self, LibraryError};
    use super::super::ort::{Ort, Provider};
    use super::super::probe::{Compared, Notes, Noting, Speed, within};
    use super::super::rewrite::Numbers;
    use super::super::{Rten, Runtime, RuntimeChoice};
    use super::{Selected, Wish, plain};

    /// How long a runtime may take to open its library, load the pack and prove itself.
    const LIMIT: Duration = Duration::from_secs(20);
    /// `TensorRT` builds an engine of its own for every graph.
    const TENSOR_RT_LIMIT: Duration = Duration::from_mins(5);

    /// One hung: its library may hold a lock of its own for ever, so it is not touched again.
    static HUNG: AtomicBool = AtomicBool::new(false);

    pub(super) fn select<T, E, L>(wish: &Wish, load: L) -> Result<Selected<T>, E>
    where
        T: Send + 'static,
        E: Display,
        L: Fn(&dyn Runtime) -> Result<T, E> + Clone + Send + 'static,
    {
        let auto = wish.choice == RuntimeChoice::Auto;
        let library = match library::find(wish.library.as_deref(), wish.choice.name()) {
            Ok(library) => library,
            // Nobody asked for one.
            Err(LibraryError::Missing) if auto => return plain(wish, &load, vec![]),
            Err(error) => return plain(wish, &load, vec![refusal(wish.choice, &error)]),
        };
        let notes = Notes::default();
        let cpu = load(&Noting(Rten::new(wish.threads), notes.clone()))?;
        let mut remarks = Vec::new();
        let mut best: Option<T> = None;
        for choice in candidates(wish.choice) {
            let Some(provider) = Provider::of(choice) else {
                continue;
            };
            match prove(provider, wish, &library, &notes, load.clone()) {
                Ok(Some((value, speed))) => {
                    if !auto || pays(provider, speed) {
                        best = Some(value);
                        break;
                    }
                    remarks.push(slower(choice, speed));
                }
                // Not in this library; worth a word only where it was asked for.
                Ok(None) if auto => {}
                Ok(None) => {
                    let what = if choice == RuntimeChoice::Cuda || choice == RuntimeChoice::TensorRt {
                        "; get one that has with `undertone models add cuda`"
                    } else {
                        "; use --runtime auto"
                    };
                    let why = format!(
                        "the ONNX Runtime at {} was built without it{what}",
                        library.display()
                    );
                    remarks.push(refusal(choice, &why));
                }
                Err(why) => remarks.push(refusal(choice, &why)),
            }
        }
        notes.close();
        Ok(Selected {
            value: best.unwrap_or(cpu),
            remarks,
        })
    }

    /// What to try, the fastest first. `TensorRT` takes minutes to start, so it is never tried unasked.
    fn candidates(choice: RuntimeChoice) -> Vec<RuntimeChoice> {
        match choice {
            RuntimeChoice::Auto => vec![
                RuntimeChoice::Cuda,
                RuntimeChoice::DirectMl,
                RuntimeChoice::CoreMl,
                RuntimeChoice::OnnxRuntime,
            ],
            other => vec![other],
        }
    }

    /// Whether leaving the embedded runtime is worth it. Another library on the same processor must be clearly
    /// faster, or chance would choose.
    fn pays(provider: Provider, speed: Speed) -> bool {
        let times = if provider == Provider::Cpu { 1.25 } else { 1.0 };
        speed.other.as_secs_f64() * times < speed.cpu.as_secs_f64()
    }

    fn slower(choice: RuntimeChoice, speed: Speed) -> String {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        format!(
            "{choice} works and is not used: the pack's graphs take {:.1} ms on it and {:.1} ms on the embedded CPU \
             runtime; --runtime {choice} takes it all the same",
            ms(speed.other),
            ms(speed.cpu)
        )
    }

    fn refusal(choice: RuntimeChoice, why: &impl Display) -> String {
        format!("{choice} is not used: {why}")
    }

    /// Loads the pack on this provider and proves it, on a thread that may hang. `None` where the library does
    /// not have the provider.
    fn prove<T, E, L>(
        provider: Provider,
        wish: &Wish,
        library: &std::path::Path,
        notes: &Notes,
        load: L,
    ) -> Result<Option<(T, Speed)>, String>
    where
        T: Send + 'static,
        E: Display,
        L: Fn(&dyn Runtime) -> Result<T, E> + Send + 'static,
    {
        if HUNG.load(Ordering::Acquire) {
            return Err("it hung before in this process; restart it to try again".into());
        }
        let limit = if provider == Provider::TensorRt {
            TENSOR_RT_LIMIT
        } else {
            LIMIT
        };
        let (library, notes): (PathBuf, Notes) = (library.to_owned(), notes.clone());
        let (threads, batch) = (wish.threads, wish.batch.unwrap_or_else(|| provider.batch()));
        // A tensor of 8-bit numbers has one scale: in a batch one voice's level would move another's scores.
        let numbers = if batch > 1 && provider == Provider::Cpu {
            &[Numbers::Floats]
        } else {
            provider.numbers()
        };
        let ended = std::sync::Arc::new(AtomicBool::new(false));
        let mark = std::sync::Arc::clone(&ended);
        let proved = within(limit, move || {
            let attempt = || {
                let environment = library::open(&library).map_err(|error| error.to_string())?;
                if !provider.is_in_library() {
                    return Ok(None);
                }
                let load = |numbers: Numbers| {
                    let compared = Compared {
                        runtime: Ort::new(environment.clone(), provider, threads, numbers, batch),
                        numbers,
                        notes: notes.clone(),
                        speed: Mutex::default(),
                        differs: AtomicBool::new(false),
                    };
                    let value =
                        load(&compared).map_err(|error| advised(&error.to_string(), &library::said()));
                    let speed = *compared.speed.lock().unwrap_or_else(PoisonError::into_inner);
                    let differs = compared.differs.load(Ordering::Acquire);
                    value
                        .map(|value| Some((value, speed)))
                        .map_err(|why| (why, differs))
                };
                let mut tried = Err((String::new(), true));
                for numbers in numbers {
                    // Only what failed for its results alone is worth another try.
                    if let Err((_, true)) = tried {
                        tried = load(*numbers);
                    }
                }
                tried.map_err(|(why, _)| why)
            };
            let done = attempt();
            mark.store(true, Ordering::Release);
            done
        });
        if proved.is_err() && !ended.load(Ordering::Acquire) {
            HUNG.store(true, Ordering::Release);
        }
        proved
    }

    /// What failed, with what to do where the library's words tell.
    pub(super) fn advised(error: &str, said: &str) -> String {
        let both = format!("{error} {said}");
        let advice = if both.contains("cudnn") {
            "cuDNN 9 is not found: install it for CUDA 13, or get it with `undertone models add cuda`: "
        } else if [
            "libcublas",
            "libcudart",
            "libcufft",
            "libcurand",
            "libnvrtc",
            "cublas64",
            "cudart64",
        ]
        .iter()
        .any(|name| both.contains(name))
        {
            "CUDA 13 is not found: install it, or get it with `undertone models add cuda`: "
        } else if both.contains("CUDA failure 100") || both.contains("no CUDA-capable device") {
            "no NVIDIA card is to be seen: check it with `nvidia-smi`: "
        } else if both.contains("CUDA failure 35") || both.contains("driver version is insufficient") {
            "the NVIDIA driver is too old for CUDA 13: update it: "
        } else if both.contains("libnvinfer") || both.contains("nvinfer_") {
            "TensorRT 10 is not found: install it, or use --runtime cuda: "
        } else {
            ""
        };
        format!("{advice}{error}")
    }
}

#[cfg(all(test, feature = "ort"))]
mod tests {
    use super::*;

    #[test]
    fn the_librarys_words_become_advice() {
        let missing = "libcudnn.so.9: cannot open shared object file";
        assert!(accelerated::advised(missing, "").starts_with("cuDNN 9 is not found"));
        assert!(accelerated::advised("failed", "libcublas.so.13: cannot open").starts_with("CUDA 13"));
        assert_eq!(accelerated::advised("odd", ""), "odd");
    }

    #[test]
    fn what_is_not_there_is_told_and_the_cpu_runs() {
        let wish = Wish {
            choice: RuntimeChoice::Cuda,
            library: Some("/no/such/library".into()),
            threads: 1,
            batch: None,
        };
        let chosen = select(&wish, |runtime| Ok::<_, String>(runtime.name().to_owned())).unwrap();
        assert_eq!(chosen.value, "rten/cpu");
        assert!(
            chosen.remarks[0].contains("cuda is not used") && chosen.remarks[0].contains("/no/such/library")
        );
    }
}
