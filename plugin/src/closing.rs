//! A window that is closed only when its thread has ended.
//!
//! On X11 the toolkit (baseview 0.4) draws in a thread of the window's own. Who closes the window tells that thread to
//! stop, but is let go before it has given back its OpenGL context and unloaded the driver, if the thread stops while
//! it is asked one last thing. A host that then ends, or unloads the plugin, pulls memory and code from under it. So
//! whoever closes waits here, but not for ever: must never hang a host.

use std::error::Error;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::NativeSize;
use nice_plug::editor::{
    Editor, EditorHandle, HostMethods, Modifiers, ParentWindowHandle, ResizeHint, SpawnedEditor,
    VirtualKeyCode,
};
use nice_plug::prelude::TrackInfo;
use nice_plug_egui::{EguiEditor, EguiEditorHandle, NiceEguiApp, baseview};

/// How long whoever closes a window waits at most.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two looks at a thread that has not ended.
const NAP: Duration = Duration::from_millis(2);

/// Which thread draws, told by itself as it begins.
#[derive(Debug, Clone, Default)]
pub struct Drawer(Arc<Mutex<Option<PathBuf>>>);

impl Drawer {
    /// This thread draws.
    pub fn here(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = this_thread();
    }

    fn take(&self) -> Ended {
        Ended(self.0.lock().unwrap_or_else(PoisonError::into_inner).take())
    }
}

/// Where the system shows this thread for as long as it lives. Only Linux does, and only there a window has a thread.
fn this_thread() -> Option<PathBuf> {
    let thread = std::fs::read_link("/proc/thread-self").ok()?;
    Some(PathBuf::from("/proc").join(thread))
}

/// Dropped when a thread has ended, or after a while. Who draws cannot wait for itself.
#[derive(Debug)]
struct Ended(Option<PathBuf>);

impl Drop for Ended {
    fn drop(&mut self) {
        let until = Instant::now() + PATIENCE;
        while let Some(thread) = &self.0
            && thread.exists()
            && this_thread().as_ref() != Some(thread)
            && Instant::now() < until
        {
            std::thread::sleep(NAP);
        }
    }
}

/// A window, and the wait for its thread. Fields are dropped in this order.
#[derive(Debug)]
pub struct Closing<W> {
    window: W,
    ended: Ended,
}

/// The toolkit's editor, whose windows close like this.
pub struct WaitingEditor<A: NiceEguiApp> {
    editor: EguiEditor<A>,
    drawer: Drawer,
}

impl<A: NiceEguiApp> WaitingEditor<A> {
    /// The app tells the drawer from where it draws.
    pub const fn new(editor: EguiEditor<A>, drawer: Drawer) -> Self {
        Self { editor, drawer }
    }
}

impl<A: NiceEguiApp> Editor for WaitingEditor<A> {
    type Handle = WaitingHandle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<Self::Handle>, Box<dyn Error>> {
        let made = self
            .editor
            .spawn(parent, wait_for_parent, fallback_scale_factor, gui_context, host);
        // A window that could not be made has a thread to wait for too.
        let ended = self.drawer.take();
        let SpawnedEditor { handle, window } = made?;
        Ok(SpawnedEditor {
            handle: WaitingHandle(handle),
            window: Closing { window, ended },
        })
    }

    fn size(&self) -> NativeSize<u32> {
        self.editor.size()
    }

    fn resize_hint(&self) -> ResizeHint {
        self.editor.resize_hint()
    }

    fn track_info_updated(&self, info: TrackInfo) {
        self.editor.track_info_updated(info);
    }
}

/// The toolkit's handle of an open editor.
pub struct WaitingHandle(EguiEditorHandle);

impl EditorHandle for WaitingHandle {
    type Window = Closing<baseview::Window>;
    type Error = baseview::Error;

    fn run_until_closed(window: Self::Window) -> Result<(), Self::Error> {
        let Closing { window, ended } = window;
        let result = EguiEditorHandle::run_until_closed(window);
        drop(ended);
        result
    }

    fn set_parent(&self, parent: ParentWindowHandle, window: &Self::Window) -> Result<(), Self::Error> {
        self.0.set_parent(parent, &window.window)
    }

    fn show(&self, window: &Self::Window) -> Result<(), Self::Error> {
        self.0.show(&window.window)
    }

    fn hide(&self, window: &Self::Window) -> Result<(), Self::Error> {
        self.0.hide(&window.window)
    }

    fn set_size(&self, new_size: NativeSize<u32>, window: &Self::Window) -> Result<(), Self::Error> {
        self.0.set_size(new_size, &window.window)
    }

    fn host_main_thread_callback(&self, window: &Self::Window) {
        self.0.host_main_thread_callback(&window.window);
    }

    fn adjust_size(&self, new_size: NativeSize<u32>, window: &Self::Window) -> Option<NativeSize<u32>> {
        self.0.adjust_size(new_size, &window.window)
    }

    fn set_fallback_scale_factor(&self, scale_factor: f64, window: &Self::Window) -> Result<(), Self::Error> {
        self.0.set_fallback_scale_factor(scale_factor, &window.window)
    }

    fn on_virtual_key_from_host(
        &self,
        key_code: VirtualKeyCode,
        is_down: bool,
        modifiers: Modifiers,
    ) -> bool {
        self.0.on_virtual_key_from_host(key_code, is_down, modifiers)
    }

    fn state_changed(&self) {
        self.0.state_changed();
    }

    fn param_value_changed(&self, id: &str, normalized_value: f32) {
        self.0.param_value_changed(id, normalized_value);
    }

    fn param_modulation_changed(&self, id: &str, modulation_offset: f32) {
        self.0.param_modulation_changed(id, modulation_offset);
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;
    use std::thread::JoinHandle;

    use super::*;

    /// Tells its thread to stop and does not wait for it, as the toolkit may.
    struct Hasty(Arc<AtomicBool>);

    impl Drop for Hasty {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    /// A window whose thread takes so long to end after it was told to.
    fn window(takes: Duration) -> (Closing<Hasty>, JoinHandle<()>) {
        let (stop, drawer) = (Arc::new(AtomicBool::new(false)), Drawer::default());
        let (told, tells) = mpsc::channel();
        let (stopped, here) = (Arc::clone(&stop), drawer.clone());
        let thread = std::thread::spawn(move || {
            here.here();
            told.send(()).unwrap();
            while !stopped.load(Ordering::SeqCst) {
                std::thread::sleep(NAP);
            }
            std::thread::sleep(takes);
        });
        tells.recv().unwrap();
        let ended = drawer.take();
        (
            Closing {
                window: Hasty(stop),
                ended,
            },
            thread,
        )
    }

    #[test]
    fn a_window_is_closed_when_its_thread_has_ended() {
        let (window, thread) = window(Duration::from_millis(300));
        let begun = Instant::now();
        drop(window);
        let took = begun.elapsed();
        assert!(thread.is_finished(), "{took:?}");
        assert!(took < PATIENCE, "{took:?}");
    }

    #[test]
    fn a_thread_that_hangs_is_not_waited_for_for_ever() {
        let (window, thread) = window(2 * PATIENCE);
        drop(window);
        assert!(!thread.is_finished());
    }

    #[test]
    fn who_draws_does_not_wait_for_itself() {
        let drawer = Drawer::default();
        drawer.here();
        let begun = Instant::now();
        drop(drawer.take());
        assert!(begun.elapsed() < PATIENCE / 2);
    }
}
