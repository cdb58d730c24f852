//! The window in a host: brings the panel, the settings and the voice together.
//!
//! It must never let a panic out into the host: a panel that fails once is replaced by one plain sentence.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use egui::{Ui, Vec2, ViewportCommand, vec2};
use nice_plug::context::gui::GuiContext;
use nice_plug::editor::SizeConstraints;
use nice_plug::editor::dpi::LogicalSize;
use nice_plug::prelude::ResizeHint;
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::resizable_window::ResizableWindow;
use nice_plug_egui::{
    EguiEditorState, EguiNiceSettings, Frame, NiceEguiApp, RepaintNotifier, create_egui_editor,
};

use crate::closing::{Drawer, WaitingEditor};
use crate::memory::Memory;
use crate::panel::{LARGEST, Panel, SMALLEST};
use crate::voice::Voice;

/// The plugin's editor.
pub type PanelEditor = WaitingEditor<Window>;

/// Makes the editor; the host opens its window when the user wants it. The notifier has it drawn at once.
pub fn open(memory: &Arc<Memory>, voice: &Arc<Voice>, notifier: &RepaintNotifier) -> Option<PanelEditor> {
    let (width, height) = memory.saved().window;
    let limits = |size: Vec2| Some(LogicalSize::new(size.x, size.y));
    let hint = ResizeHint {
        size_constraints: SizeConstraints::Logical {
            min_size: limits(SMALLEST),
            max_size: limits(LARGEST),
        },
        ..ResizeHint::RESIZABLE
    };
    let drawer = Drawer::default();
    let window = Window {
        memory: Arc::clone(memory),
        voice: Arc::clone(voice),
        drawer: drawer.clone(),
        panel: Panel::new(),
        host: None,
        broken: false,
        first: true,
    };
    let editor = create_egui_editor(
        EguiEditorState::from_size(LogicalSize::new(width, height), 1.0),
        notifier.clone(),
        EguiNiceSettings::new()
            .with_tile("Undertone")
            .with_resize_hint(hint),
        window,
    )?;
    Some(WaitingEditor::new(editor, drawer))
}

/// The panel in its window.
pub struct Window {
    memory: Arc<Memory>,
    voice: Arc<Voice>,
    drawer: Drawer,
    panel: Panel,
    /// How the host is told of a parameter that was moved here.
    host: Option<GuiContext>,
    broken: bool,
    first: bool,
}

impl Window {
    fn frame(&mut self, ui: &mut Ui) {
        let mut settings = self.memory.saved().settings;
        let before = settings.clone();
        let depth = self.memory.depth_percent();
        settings.depth = Some(depth);
        self.voice
            .with_feed(|feed| self.panel.show(ui, feed, &mut settings));
        if let (Some(host), Some(moved)) = (&self.host, settings.depth.take().filter(|moved| *moved != depth))
        {
            let (setter, parameter) = (host.param_setter(), &self.memory.depth);
            setter.begin_set_parameter(parameter);
            setter.set_parameter(parameter, f32::from(moved) / 100.0);
            setter.end_set_parameter(parameter);
        }
        if settings != before {
            self.voice.set(&settings);
            self.memory.change(|saved| saved.settings = settings);
        }
    }
}

impl NiceEguiApp for Window {
    fn build(
        &mut self,
        _egui_ctx: egui::Context,
        host: GuiContext,
        _frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        self.drawer.here();
        self.host = Some(host);
        self.first = true;
        // The framework (0.6.0) never tells that a window was closed: a panel that failed begins anew here.
        if std::mem::take(&mut self.broken) {
            self.panel = Panel::new();
        }
        // A new window has its own toolkit; what was styled in the old one is gone.
        self.panel.forget_style();
        Ok(())
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut Frame) {
        if self.first {
            self.first = false;
            // The project may have been restored after the editor was made, with another size.
            let (width, height) = self.memory.saved().window;
            let wanted = vec2(width, height);
            if (ui.max_rect().size() - wanted).abs().max_elem() > 1.0 {
                ui.send_viewport_cmd(ViewportCommand::InnerSize(wanted));
            }
        }
        if self.broken {
            ui.label("The panel failed and was closed. Sound still passes. Reopen the window to try again.");
            return;
        }
        let drawn = catch_unwind(AssertUnwindSafe(|| {
            ResizableWindow::new("undertone")
                .min_size(SMALLEST)
                .max_size(LARGEST)
                .show(ui, |ui| self.frame(ui));
        }));
        self.broken = drawn.is_err();
    }

    fn resized(&mut self, size: WindowSize) {
        // The window is born at the editor's size, before the project's has been asked for.
        if self.first {
            return;
        }
        #[allow(clippy::cast_possible_truncation, reason = "points of a window")]
        let window = (size.logical.width as f32, size.logical.height as f32);
        self.memory.change(|saved| saved.window = window);
    }
}
