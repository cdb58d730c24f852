//! The library libvosk, opened at run time: its calls, each made safe.
//!
//! All unsafe code of the recognisers is in this file. What the library gives is copied before anything else is
//! asked of it, and nothing outlives the library.

use std::ffi::{CStr, CString, c_char, c_float, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

use libloading::Library;

use super::RecogniserError;

type New = unsafe extern "C" fn(*const c_char) -> *mut c_void;
type NewRecognizer = unsafe extern "C" fn(*mut c_void, c_float) -> *mut c_void;
type Free = unsafe extern "C" fn(*mut c_void);
type Set = unsafe extern "C" fn(*mut c_void, c_int);
type Accept = unsafe extern "C" fn(*mut c_void, *const i16, c_int) -> c_int;
type Text = unsafe extern "C" fn(*mut c_void) -> *const c_char;

/// The calls of an open library.
struct Calls {
    model_new: New,
    model_free: Free,
    recognizer_new: NewRecognizer,
    recognizer_free: Free,
    set_words: Set,
    set_partial_words: Set,
    accept: Accept,
    result: Text,
    partial: Text,
    last: Text,
    /// Closed last: the calls are only good while it is open.
    _library: Library,
}

/// A speech model in the library's hands.
pub(crate) struct Model {
    calls: Calls,
    model: NonNull<c_void>,
}

// SAFETY: libvosk counts the users of a model itself and never changes it once it is read; its own bindings
// share one model between threads.
unsafe impl Send for Model {}
// SAFETY: as above.
unsafe impl Sync for Model {}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: the model came from this library and is freed once; the library is still open.
        unsafe { (self.calls.model_free)(self.model.as_ptr()) }
    }
}

impl Model {
    /// Opens the library and has it read a model.
    pub(super) fn open(library: &Path, model: &Path) -> Result<Self, RecogniserError> {
        let calls = Calls::open(library).map_err(|why| RecogniserError::Library {
            path: library.to_owned(),
            why: why.to_string(),
        })?;
        let refused = || RecogniserError::Model {
            path: model.to_owned(),
        };
        let path = c_path(model).ok_or_else(refused)?;
        // SAFETY: the path is a text that ends in zero; the library gives null where it cannot read the model.
        let found = unsafe { (calls.model_new)(path.as_ptr()) };
        let model = NonNull::new(found).ok_or_else(refused)?;
        Ok(Self { calls, model })
    }
}

fn c_path(path: &Path) -> Option<CString> {
    CString::new(path.to_str()?).ok()
}

impl Calls {
    fn open(path: &Path) -> Result<Self, libloading::Error> {
        // A bare name would be looked for in the system's places: only ever this file.
        let path: PathBuf = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        // SAFETY: the file is the libvosk that the user installed; opening it runs its initialisers.
        let library = unsafe { Library::new(path.as_os_str())? };
        macro_rules! call {
            ($name:literal) => {
                // SAFETY: the type is that of the library's header, and the call does not outlive the library.
                unsafe { *library.get($name)? }
            };
        }
        let set_log_level: unsafe extern "C" fn(c_int) = call!(b"vosk_set_log_level\0");
        // SAFETY: takes any number; below zero it keeps the library from writing to standard error.
        unsafe { set_log_level(-1) };
        Ok(Self {
            model_new: call!(b"vosk_model_new\0"),
            model_free: call!(b"vosk_model_free\0"),
            recognizer_new: call!(b"vosk_recognizer_new\0"),
            recognizer_free: call!(b"vosk_recognizer_free\0"),
            set_words: call!(b"vosk_recognizer_set_words\0"),
            set_partial_words: call!(b"vosk_recognizer_set_partial_words\0"),
            accept: call!(b"vosk_recognizer_accept_waveform_s\0"),
            result: call!(b"vosk_recognizer_result\0"),
            partial: call!(b"vosk_recognizer_partial_result\0"),
            last: call!(b"vosk_recognizer_final_result\0"),
            _library: library,
        })
    }
}

/// One utterance in the library's hands.
pub(super) struct Listening {
    model: Arc<Model>,
    recognizer: NonNull<c_void>,
}

// SAFETY: a recogniser may be used from any thread, by one at a time; `&mut self` sees to that.
unsafe impl Send for Listening {}

impl Drop for Listening {
    fn drop(&mut self) {
        // SAFETY: it came from this library and is freed once; the model keeps the library open.
        unsafe { (self.model.calls.recognizer_free)(self.recognizer.as_ptr()) }
    }
}

impl Listening {
    /// Begins an utterance; `None` if the library refuses.
    pub(super) fn begin(model: &Arc<Model>, rate: f32) -> Option<Self> {
        let calls = &model.calls;
        // SAFETY: the model is whole and outlives the recogniser.
        let recognizer = NonNull::new(unsafe { (calls.recognizer_new)(model.model.as_ptr(), rate) })?;
        // SAFETY: the recogniser is whole; both take zero or one.
        unsafe {
            (calls.set_words)(recognizer.as_ptr(), 1);
            (calls.set_partial_words)(recognizer.as_ptr(), 1);
        }
        Some(Self {
            model: Arc::clone(model),
            recognizer,
        })
    }

    /// Takes sound. `Some(true)`: a pause ended a sentence, whose words [`Self::result`] gives. `None`: it failed.
    pub(super) fn accept(&mut self, sound: &[i16]) -> Option<bool> {
        let count = c_int::try_from(sound.len()).ok()?;
        // SAFETY: the sound is as long as is said.
        match unsafe { (self.model.calls.accept)(self.recognizer.as_ptr(), sound.as_ptr(), count) } {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// The sentence that has just ended, as JSON.
    pub(super) fn result(&mut self) -> String {
        self.text(self.model.calls.result)
    }

    /// What is being said, as JSON.
    pub(super) fn partial(&mut self) -> String {
        self.text(self.model.calls.partial)
    }

    /// The rest, the sound being over, as JSON.
    pub(super) fn last(&mut self) -> String {
        self.text(self.model.calls.last)
    }

    fn text(&mut self, call: Text) -> String {
        // SAFETY: the recogniser is whole; the text is the library's until the next call, and copied here.
        unsafe {
            let text = call(self.recognizer.as_ptr());
            if text.is_null() {
                return String::new();
            }
            CStr::from_ptr(text).to_string_lossy().into_owned()
        }
    }
}
