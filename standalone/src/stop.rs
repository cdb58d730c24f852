//! Ctrl-C and termination: work ends at the next good moment and cleans up after itself.

use std::sync::atomic::{AtomicBool, Ordering};

static STOP: AtomicBool = AtomicBool::new(false);

/// From here on, an interrupt asks instead of killing; a second one kills.
pub fn listen() {
    let asked = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    if let Err(error) = asked {
        // Then an interrupt kills at once, as it does without us.
        crate::fault::say(format_args!("interrupts cannot be caught here ({error})"));
    }
}

/// Whether somebody asked to stop.
pub fn asked() -> bool {
    STOP.load(Ordering::Relaxed)
}
