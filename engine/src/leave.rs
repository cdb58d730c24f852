//! How the process's own threads leave: their code stays, and whoever closes the last engine waits for them, but not
//! for ever.
//!
//! A host may unload the plugin's library as soon as its last instance is gone. A thread of ours that still runs then
//! would run into nothing, and not every thread can be waited for: a request may hang, and the threads of the
//! runtime's own pool end when they like. So the library asks, before its first thread starts, to stay mapped until
//! the process ends. A host that only scans never starts one, and can unload it.

use std::sync::Once;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long whoever closes the last engine waits at most: longer than any request that gets on, and no longer than
/// a person waits for a program's window.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Between two looks at a thread that has not ended.
const NAP: Duration = Duration::from_millis(2);

/// Lets the code of this library, or this program, stay mapped until the process ends.
pub(crate) fn stay() {
    static ONCE: Once = Once::new();
    ONCE.call_once(pin);
}

/// Joins what ends in time. What does not is left to itself: its code stays, and what it works on is its own.
pub(crate) fn join(threads: impl IntoIterator<Item = JoinHandle<()>>, within: Duration) {
    let until = Instant::now() + within;
    for thread in threads {
        while !thread.is_finished() && Instant::now() < until {
            std::thread::sleep(NAP);
        }
        if thread.is_finished() {
            // A panic of it was reported where it happened.
            let _ = thread.join();
        }
    }
}

/// In a program, which is never unloaded, this finds nothing to do.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn pin() {
    let mut about = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    let here = pin as fn() as *const std::ffi::c_void;
    // SAFETY: the address is a function's of ours, and there is room for what is said about it. The name that is
    // found belongs to the loader and lasts as long as the library, which is this one. Opened like this nothing is
    // loaded anew and no initialiser runs; the handle is never closed.
    unsafe {
        if libc::dladdr(here, about.as_mut_ptr()) != 0 {
            let name = about.assume_init().dli_fname;
            let _ = libc::dlopen(name, libc::RTLD_NOW | libc::RTLD_NOLOAD | libc::RTLD_NODELETE);
        }
    }
}

#[cfg(windows)]
fn pin() {
    use std::ffi::c_void;

    const FROM_ADDRESS: u32 = 4;
    const PIN: u32 = 1;
    // In kernel32, which every program is linked to.
    unsafe extern "system" {
        fn GetModuleHandleExW(flags: u32, address: *const c_void, module: *mut *mut c_void) -> i32;
    }
    let mut module = std::ptr::null_mut();
    // SAFETY: the address is a function's of ours, there is room for the handle, and a handle that was got with PIN
    // is not given back.
    unsafe { GetModuleHandleExW(FROM_ADDRESS | PIN, pin as fn() as *const c_void, &raw mut module) };
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn pin() {}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn what_ends_is_waited_for_and_what_hangs_is_not() {
        let (ended, let_go) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (mine, until) = (Arc::clone(&ended), Arc::clone(&let_go));
        let slow = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            mine.store(true, Ordering::SeqCst);
        });
        let hanging = std::thread::spawn(move || {
            while !until.load(Ordering::SeqCst) {
                std::thread::sleep(NAP);
            }
        });
        let begun = Instant::now();
        // The one that hangs comes first: it must not cost the other its join.
        join([hanging, slow], Duration::from_secs(2));
        let took = begun.elapsed();
        let_go.store(true, Ordering::SeqCst);
        assert!(ended.load(Ordering::SeqCst));
        assert!((2.0..4.0).contains(&took.as_secs_f64()), "{took:?}");
    }
}
