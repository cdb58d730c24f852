//! `undertone live`: a device, a stream, and what is heard on the screen or as lines.

mod capture;
mod view;
mod watch;

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use console::Term;
use undertone::{Engine, EngineState, Latest, Update, Updates};

use crate::analyze::{named, start, stream_config, unready};
use crate::cli::{Format, Live};
use crate::fault::{Ending, Fault, say};
use crate::inputs;
use crate::profile;
use crate::settings::Settings;
use crate::sink::{Entry, Timeline};
use crate::stop;
use capture::Capture;
use view::Scene;
use watch::{Note, Watch};

/// Time between two pictures.
const PICTURE: Duration = Duration::from_millis(50);

/// How long the last utterance may take to be settled after the device was let go.
const LAST: Duration = Duration::from_secs(3);

/// Runs the command.
pub fn run(args: &Live, settings: &Settings) -> Result<Ending, Fault> {
    let json = as_lines(args, settings)?;
    let user = |error: &dyn std::fmt::Display| Fault::User(error.to_string());
    if let Some(file) = &args.profile {
        profile::check(file).map_err(|error| user(&error))?;
    }
    let input = inputs::find(settings.input.as_deref())?;
    let engine = start(settings);
    let config = stream_config(&input.name, input.rate, settings);
    let (tap, stream) = engine.open(&config).map_err(|error| user(&error))?;
    if let Some(file) = &args.profile
        && let Some(known) = profile::read(file).map_err(|error| user(&error))?
    {
        engine.wait_ready().map_err(|error| unready(&error, settings))?;
        stream
            .set_profile(&known)
            .map_err(|error| user(&profile::unfit(file, error)))?;
    }
    let (updates, latest) = (stream.updates(256), stream.latest());
    let capture = Capture::open(&input, tap)?;
    stop::listen();
    let stream = Arc::new(stream);
    let watch = Watch::start(
        Arc::clone(&stream),
        capture,
        input.clone(),
        settings.input.clone(),
    )
    .map_err(|error| Fault::Broken(error.into()))?;
    if !settings.quiet {
        say(format_args!(
            "listening to {} at {} Hz; Ctrl-C ends",
            input.name, input.rate
        ));
    }
    let mut screen = Screen::new(json, settings.quiet, input.name);
    let until = args
        .seconds
        .map(|seconds| Instant::now() + Duration::from_secs_f64(seconds));
    let ended = watch_over(
        &engine,
        &stream,
        &watch,
        &updates,
        latest,
        &mut screen,
        until,
        settings,
    );
    watch.end();
    // The device is gone, so the stream settles the utterance that was going on.
    let rest = ended.and_then(|()| settle(&updates, &mut screen));
    screen.clear();
    let missed = updates.missed();
    if missed > 0 {
        say(format_args!(
            "{missed} scores were not shown: the output is read too slowly"
        ));
    }
    // Kept also where showing failed, which is then the fault that ends the run.
    if let (Some(file), Some(learnt)) = (&args.profile, stream.profile())
        && let Err(error) = profile::write(file, &learnt)
    {
        if rest.is_ok() {
            return Err(user(&error));
        }
        say(error);
    }
    rest.map(|()| Ending::Good)
}

/// Whether every score is printed as a line. Whoever asks for files must not find out afterwards that there are none.
fn as_lines(args: &Live, settings: &Settings) -> Result<bool, Fault> {
    let format = settings.given("format");
    if settings.given("out") || format && settings.format != [Format::Jsonl] {
        return Err(Fault::User(
            "live writes no files; leave --format and --out away (and UNDERTONE_FORMAT and UNDERTONE_OUT), and to keep \
             every score use `undertone live --json > scores.jsonl`"
                .into(),
        ));
    }
    Ok(args.json || format)
}

/// Shows what comes until it is time to end.
#[allow(clippy::too_many_arguments, reason = "the parts of one loop, each used once")]
fn watch_over(
    engine: &Engine,
    stream: &undertone::Stream,
    watch: &Watch,
    updates: &Updates,
    mut latest: Latest,
    screen: &mut Screen,
    until: Option<Instant>,
    settings: &Settings,
) -> Result<(), Fault> {
    let mut failure = None;
    let mut told = false;
    while !stop::asked() && until.is_none_or(|until| Instant::now() < until) {
        if let EngineState::Failed(_) = engine.state() {
            screen.clear();
            return match engine.wait_ready() {
                Err(error) => Err(unready(&error, settings)),
                Ok(_) => Ok(()),
            };
        }
        if let (false, EngineState::Ready(pack)) = (told, engine.state()) {
            told = true;
            // Asked for by name, so its absence is worth a word.
            if named(settings) {
                screen.clear();
                pack.remarks
                    .iter()
                    .for_each(|why| say(format!("{why}; {} runs instead", pack.runtime)));
            }
        }
        for note in watch.notes().try_iter() {
            screen.note(note);
        }
        if let Some(update) = updates.next_timeout(PICTURE) {
            screen.take(&update)?;
            while let Some(update) = updates.try_next() {
                screen.take(&update)?;
            }
        }
        let failed = stream.failure();
        if failed != failure {
            if let Some(why) = &failed {
                screen.clear();
                say(format_args!("this speech cannot be scored: {why}"));
            }
            failure = failed;
        }
        screen.draw(&mut latest)?;
    }
    Ok(())
}

/// Waits for the final of the utterance that was going on.
fn settle(updates: &Updates, screen: &mut Screen) -> Result<(), Fault> {
    let until = Instant::now() + LAST;
    let mut quiet = Instant::now();
    while Instant::now() < until && (screen.unsettled || quiet.elapsed() < 4 * PICTURE) {
        if let Some(update) = updates.next_timeout(PICTURE) {
            quiet = Instant::now();
            screen.take(&update)?;
        }
    }
    Ok(())
}

/// Where it is shown: redrawn in place on a terminal, line by line elsewhere.
struct Screen {
    term: Term,
    json: bool,
    drawing: bool,
    drawn: usize,
    scene: Scene,
    /// An utterance has begun that has no final yet.
    unsettled: bool,
}

impl Screen {
    fn new(json: bool, quiet: bool, device: String) -> Self {
        let term = Term::stdout();
        let drawing = !json && !quiet && term.is_term();
        let scene = Scene {
            device,
            ..Scene::default()
        };
        Self {
            term,
            json,
            drawing,
            drawn: 0,
            scene,
            unsettled: false,
        }
    }

    fn take(&mut self, update: &Update) -> Result<(), Fault> {
        self.unsettled = !update.is_final();
        self.scene.take(update);
        if self.json {
            let line = serde_json::to_string(update).map_err(|error| Fault::Broken(error.into()))?;
            let mut out = io::stdout().lock();
            return writeln!(out, "{line}")
                .and_then(|()| out.flush())
                .map_err(Fault::output);
        }
        if !update.is_final() {
            return Ok(());
        }
        self.scene.words.clear();
        self.clear();
        let width = self.drawing.then(|| usize::from(self.term.size().1));
        let mut out = io::stdout().lock();
        for line in Timeline::lines(&Entry::from(update), width) {
            writeln!(out, "{line}").map_err(Fault::output)?;
        }
        out.flush().map_err(Fault::output)
    }

    fn note(&mut self, note: Note) {
        self.clear();
        match note {
            Note::Lost { name, why } => {
                say(format_args!(
                    "the audio input '{name}' is gone ({why}); still running, looking for it every second"
                ));
                self.scene.lost = true;
            }
            Note::Back { name, rate } => {
                say(format_args!("listening again, to {name} at {rate} Hz"));
                self.scene.lost = false;
                self.scene.device = name;
            }
        }
    }

    fn draw(&mut self, latest: &mut Latest) -> Result<(), Fault> {
        if !self.drawing {
            return Ok(());
        }
        let now = latest.read();
        let (height, width) = self.term.size();
        let stale = now.is_stale(Instant::now());
        let lines = view::lines(now, &self.scene, stale, usize::from(width), usize::from(height));
        // In one piece, so that nothing flickers: up, then each line over the old one, then what is left over.
        let mut picture = String::new();
        if self.drawn > 0 {
            picture.push_str("\x1b[");
            picture.push_str(&self.drawn.to_string());
            picture.push('A');
        }
        for line in &lines {
            picture.push_str("\r\x1b[K");
            picture.push_str(line);
            picture.push('\n');
        }
        picture.push_str("\x1b[J");
        self.drawn = lines.len();
        self.term
            .write_str(&picture)
            .and_then(|()| self.term.flush())
            .map_err(Fault::output)
    }

    /// Takes the picture away, so that lines can be printed.
    fn clear(&mut self) {
        if self.drawn > 0 {
            // If the terminal is gone, so is the picture.
            let _ = self.term.clear_last_lines(self.drawn);
            self.drawn = 0;
        }
    }
}
