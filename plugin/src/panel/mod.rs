//! The panel: what a voice feels like, at a glance. Shown by the plugin in a host and by the app in a window.
//!
//! It knows no plugin framework. It must never wait, never show an old score as new, and never claim more
//! than the scores do: *unknown* is drawn as an empty frame, and no colour carries a meaning alone.
//!
//! ```no_run
//! # use undertone_plugin::panel::{NoFeed, Panel, Settings};
//! # fn frame(ui: &mut egui::Ui, panel: &mut Panel, settings: &mut Settings) {
//! panel.show(ui, &mut NoFeed, settings);
//! # }
//! ```

mod areas;
mod consent;
mod draw;
mod feed;
mod footer;
mod header;
mod history;
mod ink;
mod plane;
mod reading;
mod settings;
mod settings_page;
mod status;
mod timeline;
mod verdict;
mod words;

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Key, Pos2, Rect, Role, Style, Theme, Ui, UiBuilder, vec2};
use undertone::{Activity, Snapshot};

pub use areas::{LARGEST, SMALLEST, USUAL};
pub use consent::{AGREE, LATER};
pub use feed::{NoFeed, PanelFeed, Readers, Source, Stage, StreamFeed};
pub use reading::Reading;
pub use settings::{Ear, Look, MidiOut, OscOut, Settings, VoltageOut, WebOut, Wiring};
pub use status::Status;

use areas::Areas;
use header::Pressed;
use history::History;
use ink::Ink;

/// How many updates one frame takes in, so that a flood cannot hold the window up.
const MOST_PER_FRAME: usize = 512;

/// Between two frames while somebody speaks: 60 a second.
const FRAME: Duration = Duration::from_micros(16_667);

/// Between two frames while sound comes and nobody speaks: the last minute moves by about a pixel.
const CALM_FRAME: Duration = Duration::from_millis(66);

/// Between two frames with reduced motion, and on pages that hardly change.
const SLOW_FRAME: Duration = Duration::from_millis(250);

/// Between two frames while nothing moves. Whoever shows the panel may ask for one sooner, see [`awake`].
const REST_FRAME: Duration = Duration::from_secs(1);

/// Below this level the meter is empty.
const SILENCE: f32 = 0.001;

/// Whether a stream in this state moves something on the panel. It draws once a second while nothing does, so
/// whoever shows it should have it drawn when this becomes true. For the audio thread too.
pub fn awake(snapshot: &Snapshot) -> bool {
    snapshot.activity == Activity::Speaking || snapshot.rms > SILENCE
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Page {
    #[default]
    Scores,
    Settings,
}

/// The panel of one stream.
#[derive(Debug, Default)]
pub struct Panel {
    history: History,
    page: Page,
    declined: bool,
    clock: Option<(f64, Instant)>,
    styled: Option<(Ink, Arc<Style>)>,
}

impl Panel {
    /// A panel that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what is new and draws one frame. Changes `settings` when the user does.
    pub fn show(&mut self, ui: &mut Ui, feed: &mut dyn PanelFeed, settings: &mut Settings) {
        let now = Instant::now();
        let stage = feed.stage();
        let snapshot = feed.snapshot();
        self.listen(feed, snapshot.as_ref(), now);
        let still_s = self.clock.map_or(0.0, |(_, since)| {
            now.saturating_duration_since(since).as_secs_f32()
        });
        let status = Status::of(settings.consent, &stage, snapshot.as_ref(), still_s, now);

        let window = ui.max_rect();
        let ink = Ink::new(is_dark(ui, settings.look), window.size());
        self.dress(ui, &ink);
        ui.painter().rect_filled(window, 0.0, ink.ground);
        // Below the smallest size the host cuts; what is drawn stays laid out for the smallest.
        let window = Rect::from_min_size(window.min, window.size().max(SMALLEST));
        let areas = Areas::of(window, &ink);

        let in_settings = self.page == Page::Settings;
        let shown = snapshot.as_ref();
        match header::show(ui, areas.header, &ink, areas.compact, &status, shown, in_settings) {
            Some(Pressed::Settings) => self.page = if in_settings { Page::Scores } else { Page::Settings },
            Some(Pressed::Theme) => settings.look = if ink.dark { Look::Light } else { Look::Dark },
            None => {}
        }
        if in_settings && ui.input(|input| input.key_pressed(Key::Escape)) {
            self.page = Page::Scores;
        }
        let rest = Rect::from_min_max(Pos2::new(areas.plane.left(), areas.plane.top()), areas.footer.max);
        match self.page {
            Page::Settings => {
                let (fault, readers) = (feed.fault(), feed.readers());
                settings_page::show(ui, rest, &ink, settings, &stage, fault.as_deref(), readers);
                self.declined = true;
            }
            Page::Scores if !settings.consent && !self.declined => {
                match consent::show(ui, rest, &ink, areas.compact) {
                    Some(true) => settings.consent = true,
                    Some(false) => self.declined = true,
                    None => {}
                }
            }
            Page::Scores => self.scores(ui, &areas, &ink, feed, &stage, &status, shown, settings),
        }
        let pace = self.pace(&status, shown, settings.reduced_motion);
        ui.ctx().request_repaint_after(pace);
    }

    /// How long what is on the screen will do.
    fn pace(&self, status: &Status, snapshot: Option<&Snapshot>, reduced: bool) -> Duration {
        let moves = self.history.newest().is_some() || snapshot.is_some_and(awake);
        match status {
            Status::Speaking | Status::Silent if reduced => SLOW_FRAME,
            Status::Speaking if self.page == Page::Scores => FRAME,
            Status::Speaking | Status::Silent if moves => CALM_FRAME,
            Status::Loading => SLOW_FRAME,
            _ => REST_FRAME,
        }
    }

    /// Tells the panel that it is shown by another toolkit context, such as a reopened window.
    pub fn forget_style(&mut self) {
        self.styled = None;
    }

    /// Takes in the feed's news.
    fn listen(&mut self, feed: &mut dyn PanelFeed, snapshot: Option<&Snapshot>, now: Instant) {
        if let Some(snapshot) = snapshot {
            self.history.advance(snapshot.clock_s);
            #[allow(clippy::float_cmp, reason = "the question is whether it was written anew")]
            if self.clock.is_none_or(|(clock_s, _)| clock_s != snapshot.clock_s) {
                self.clock = Some((snapshot.clock_s, now));
            }
        } else {
            self.clock = None;
        }
        for _ in 0..MOST_PER_FRAME {
            let Some(update) = feed.next_update() else { break };
            self.history.take(update);
        }
    }

    /// Gives the toolkit's widgets the panel's look, when it changed.
    fn dress(&mut self, ui: &mut Ui, ink: &Ink) {
        let style = match &self.styled {
            Some((styled, style)) if styled == ink => Arc::clone(style),
            _ => {
                let style = Arc::new(ink.style());
                let theme = if ink.dark { Theme::Dark } else { Theme::Light };
                ui.ctx().set_theme(theme);
                ui.ctx().set_style_of(theme, Arc::clone(&style));
                self.styled = Some((*ink, Arc::clone(&style)));
                style
            }
        };
        ui.set_style(style);
    }

    #[allow(clippy::too_many_arguments, reason = "one frame's facts, handed on once")]
    fn scores(
        &self,
        ui: &mut Ui,
        areas: &Areas,
        ink: &Ink,
        feed: &dyn PanelFeed,
        stage: &Stage,
        status: &Status,
        snapshot: Option<&Snapshot>,
        settings: &mut Settings,
    ) {
        let newest = self.history.newest();
        let age_s = newest.map(|update| (self.history.clock_s() - update.end_s).max(0.0));
        let live = status.is_live();
        plane::show(
            ui,
            areas.plane,
            ink,
            areas.compact,
            &self.history,
            live && snapshot.is_some(),
        );
        verdict::show(ui, areas.verdict, ink, areas.compact, newest, status, age_s);
        let sentence = verdict::sentence(newest, status, age_s);
        let title = Rect::from_min_size(areas.verdict.min, vec2(areas.verdict.width(), ink.px(40.0)));
        draw::speak(ui, title, "verdict", ink, Role::Status, || sentence.clone());
        words::show(ui, areas.words, ink, areas.compact, &self.history, stage);
        timeline::show(ui, areas.timeline, ink, areas.compact, &self.history);
        footer::show(ui, areas.footer, ink, areas.compact, stage, newest, feed.losses());
        if *status == Status::NotListening {
            ask_again(ui, areas, ink, settings);
        }
    }
}

/// Whoever said "not now" finds the way back where the bars will be.
fn ask_again(ui: &mut Ui, areas: &Areas, ink: &Ink, settings: &mut Settings) {
    let size = vec2(ink.px(220.0), ink.px(32.0));
    let rect = Rect::from_center_size(areas.plane.center(), size);
    ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        let strong = egui::RichText::new(AGREE).color(if ink.dark { ink.ground } else { ink.card });
        let button = egui::Button::new(strong).fill(ink.accent).min_size(size);
        if ui.put(rect, button).clicked() {
            settings.consent = true;
        }
    });
}

/// Whether to draw light letters on a dark ground.
fn is_dark(ui: &Ui, look: Look) -> bool {
    match look {
        Look::Dark => true,
        Look::Light => false,
        Look::System => ui.ctx().system_theme().is_none_or(|theme| theme == Theme::Dark),
    }
}
