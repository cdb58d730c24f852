//! The panel in a window that a host gives it: opens, draws, is resized, closes and opens again; what it costs; and
//! the pictures of the docs.
//!
//! Wants an X display: `DISPLAY`, or `Xvfb` on `PATH`, which is started here; without either the journeys are
//! skipped and say so. `UNDERTONE_PICTURES=FOLDER` keeps what was on the screen.
#![cfg(target_os = "linux")]

mod plugin_host;
#[path = "plugin_host/screen.rs"]
mod screen;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use clack_extensions::gui::{GuiApiType, GuiConfiguration, GuiSize, PluginGui, Window};
use plugin_host::{Instance, Running, project_with};
use serde_json::json;
use undertone_app::sound::{Origin, Sound};
use undertone_tests::samples;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{self, ConnectionExt as _};
use x11rb::rust_connection::RustConnection;

const ROLE: &str = "UNDERTONE_WINDOW_ROLE";

const EMBEDDED: GuiConfiguration<'static> = GuiConfiguration {
    api_type: GuiApiType::X11,
    is_floating: false,
};

#[test]
fn the_panel_opens_draws_resizes_and_closes_in_a_host() {
    on_a_display("the_panel_opens_draws_resizes_and_closes_in_a_host", journey);
}

#[test]
fn an_open_panel_costs_little_and_a_closed_one_nothing() {
    on_a_display("an_open_panel_costs_little_and_a_closed_one_nothing", cost);
}

#[test]
fn pictures_for_the_docs() {
    let Some(folder) = std::env::var_os("UNDERTONE_DOCS_PICTURES") else {
        undertone_tests::skipped("`cargo xtask pictures` draws them");
        return;
    };
    std::fs::create_dir_all(folder).unwrap();
    on_a_display("pictures_for_the_docs", pictures);
}

/// Runs a journey in a process of its own: the display is named by its environment, and an X error ends a process.
fn on_a_display(test: &str, journey: fn()) {
    if std::env::var_os(ROLE).is_some() {
        return journey();
    }
    let given = std::env::var("DISPLAY").ok();
    let server = if given.is_none() {
        screen::Xvfb::start()
    } else {
        None
    };
    let display = given.or_else(|| Some(server.as_ref()?.name.clone()));
    let Some(display) = display else {
        undertone_tests::skipped("no DISPLAY and no Xvfb (apt install xvfb)");
        return;
    };
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env("DISPLAY", display)
        .env(ROLE, "host")
        .output()
        .unwrap();
    drop(server);
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(
        output.status.success(),
        "{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}

fn journey() {
    let folder = tempfile::tempdir().unwrap();
    let entry = plugin_host::load(folder.path());
    let screen = Screen::open();
    let (rate, sound) = samples::sample("neutral");
    let mut voice = sound.iter().copied().cycle();
    let rounds = [(false, "light"), (true, "dark"), (true, "light")];
    for (agreed, look) in rounds {
        let mut instance = Instance::new(&entry);
        assert!(instance.load(&project_with(&json!({ "consent": agreed, "look": look }))));
        let mut running = instance.start(f64::from(rate), 512);
        let gui: PluginGui = instance.plugin.plugin_handle().get_extension().unwrap();
        for opening in 0..2 {
            let start = Instant::now();
            open(&mut instance, &gui, &screen);
            println!("open {opening}: {:?}", start.elapsed());
            for (width, height) in [(900, 600), (480, 320), (1_600, 1_000)] {
                let handle = instance.plugin.plugin_handle();
                gui.set_size(&handle, GuiSize { width, height }).unwrap();
                play(&mut instance, &mut running, rate, voice.by_ref(), 0.8);
                let colours = screen.picture(
                    &format!(
                        "host-{look}-{}-{opening}-{width}",
                        if agreed { "agreed" } else { "asked" }
                    ),
                    width as u16,
                    height as u16,
                );
                assert!(
                    colours > 20,
                    "only {colours} colours at {width} × {height}: nothing was drawn"
                );
            }
            gui.destroy(&instance.plugin.plugin_handle());
            instance.idle();
        }
        instance.stop(running);
    }
}

/// Opens the panel in the window.
fn open(instance: &mut Instance, gui: &PluginGui, screen: &Screen) {
    let handle = instance.plugin.plugin_handle();
    assert!(gui.is_api_supported(&handle, EMBEDDED));
    gui.create(&handle, EMBEDDED).unwrap();
    assert!(gui.can_resize(&handle));
    // SAFETY: the window outlives the panel, which the journey destroys.
    unsafe { gui.set_parent(&handle, Window::from_x11_handle(screen.window.into())) }.unwrap();
    gui.show(&handle).unwrap();
}

/// Plays this much at its own pace.
fn play(
    instance: &mut Instance,
    running: &mut Running,
    rate: u32,
    mut sound: impl Iterator<Item = f32>,
    seconds: f64,
) {
    let start = Instant::now();
    for index in 1..=(seconds * 50.0) as u32 {
        let block: Vec<f32> = sound.by_ref().take(rate as usize / 50).collect();
        running.exact(&mut [block.clone(), block]);
        instance.idle();
        std::thread::sleep((Duration::from_millis(20) * index).saturating_sub(start.elapsed()));
    }
}

/// The processor's time that this process has used, in seconds, by the names of its threads.
fn spent() -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        // A thread may end meanwhile.
        let Ok(stat) = std::fs::read_to_string(task.unwrap().path().join("stat")) else {
            continue;
        };
        let (head, fields) = stat.rsplit_once(')').unwrap();
        let name = head.split_once('(').unwrap().1;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        // User and system time, in hundredths of a second on every Linux.
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        // One name for all of Mesa's drawing threads.
        let name = if name.starts_with("llvmpipe") {
            "llvmpipe"
        } else {
            name
        };
        *all.entry(name.to_owned()).or_default() += ticks / 100.0;
    }
    all
}

/// What the work took, as per cent of a core, by the names of the threads.
fn taken(work: impl FnOnce()) -> BTreeMap<String, f64> {
    let (begun, before) = (Instant::now(), spent());
    work();
    let wall = begun.elapsed().as_secs_f64();
    spent()
        .into_iter()
        .map(|(name, after)| {
            let share = (after - before.get(&name).unwrap_or(&0.0)) / wall * 100.0;
            (name, share)
        })
        .filter(|(_, share)| *share > 0.05)
        .collect()
}

/// What an open panel takes while somebody speaks, while sound comes that is silence, and while none comes; and the
/// same with the panel closed. Without a graphics card the drawing itself is part of it: `llvmpipe` are Mesa's
/// drawing threads, and the thread of the window does Mesa's preparations as well as ours.
fn cost() {
    let folder = tempfile::tempdir().unwrap();
    let entry = plugin_host::load(folder.path());
    let screen = Screen::open();
    let (rate, sound) = samples::sample("demo");
    let mut instance = Instance::new(&entry);
    assert!(instance.load(&project_with(&json!({ "consent": true, "look": "dark" }))));
    let mut running = instance.start(f64::from(rate), 512);
    let mut voice = sound.iter().copied().cycle();
    let silence = || std::iter::repeat(0.0);
    // Until the models are there.
    play(&mut instance, &mut running, rate, voice.by_ref(), 5.0);
    let gui: PluginGui = instance.plugin.plugin_handle().get_extension().unwrap();
    let mut rest = 0.0;
    for state in ["open", "closed"] {
        if state == "open" {
            open(&mut instance, &gui, &screen);
            let (width, height) = (900, 600);
            gui.set_size(&instance.plugin.plugin_handle(), GuiSize { width, height })
                .unwrap();
        } else {
            gui.destroy(&instance.plugin.plugin_handle());
            instance.idle();
        }
        let speaking = taken(|| play(&mut instance, &mut running, rate, voice.by_ref(), 8.0));
        // Until the last utterance has been settled.
        play(&mut instance, &mut running, rate, silence(), 2.0);
        let silent = taken(|| play(&mut instance, &mut running, rate, silence(), 5.0));
        let mut idle = || {
            for _ in 0..250 {
                instance.idle();
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        idle();
        let nothing = taken(idle);
        println!("panel {state}, speech: {speaking:.1?}\n  silence: {silent:.1?}\n  no sound: {nothing:.1?}");
        rest = nothing.values().sum();
    }
    instance.stop(running);
    assert!(rest < 3.0, "a closed panel and no sound: {rest:.1} % of a core");
}

/// The pictures of the docs: what the engine says of the sample `dialogue`, in a window of a host.
fn pictures() {
    let folder = tempfile::tempdir().unwrap();
    let entry = plugin_host::load(folder.path());
    let screen = Screen::open();
    let mut file = Sound::open(
        &Origin::from_argument(&samples::folder().join("dialogue.flac")),
        None,
    )
    .unwrap();
    let mut sound: Vec<f32> = Vec::new();
    while let Some(block) = file.next_block().unwrap() {
        sound.extend((0..block[0].len()).map(|at| block.iter().map(|channel| channel[at]).sum::<f32>()));
    }
    let rate = file.rate();
    let mut instance = Instance::new(&entry);
    let project = |look: &str| project_with(&json!({ "consent": true, "look": look }));
    assert!(instance.load(&project("light")));
    let mut running = instance.start(f64::from(rate), 512);
    // All of it, and the first seconds again: as long as the reader is said something worth a picture.
    let seconds = |seconds: f64| (seconds * f64::from(rate)) as usize;
    let script = [&sound[..], &sound[..seconds(9.2)]].concat();
    let length = script.len() as f64 / f64::from(rate);
    // At its own pace, so that scores come as they would; the first time the pack is still being loaded.
    play(&mut instance, &mut running, rate, std::iter::repeat(0.0), 5.0);
    play(&mut instance, &mut running, rate, script.into_iter(), length);
    let gui: PluginGui = instance.plugin.plugin_handle().get_extension().unwrap();
    open(&mut instance, &gui, &screen);
    for look in ["light", "dark"] {
        assert!(instance.load(&project(look)));
        for (size, width, height) in [("small", 480, 320), ("", 900, 600), ("large", 1_600, 1_000)] {
            gui.set_size(&instance.plugin.plugin_handle(), GuiSize { width, height })
                .unwrap();
            play(&mut instance, &mut running, rate, std::iter::repeat(0.0), 1.0);
            let name = match (look, size) {
                ("dark", "") => "panel".to_owned(),
                (_, "") => continue,
                _ => format!("panel-{look}-{size}"),
            };
            screen.picture(&name, width as u16, height as u16);
        }
    }
    gui.destroy(&instance.plugin.plugin_handle());
    instance.idle();
    instance.stop(running);
}

/// A window for the plugin to be in.
struct Screen {
    connection: RustConnection,
    window: xproto::Window,
}

impl Screen {
    fn open() -> Self {
        let (connection, screen) = x11rb::connect(None).unwrap();
        let window = connection.generate_id().unwrap();
        let root = &connection.setup().roots[screen];
        connection
            .create_window(
                root.root_depth,
                window,
                root.root,
                0,
                0,
                1_600,
                1_000,
                0,
                xproto::WindowClass::INPUT_OUTPUT,
                root.root_visual,
                &xproto::CreateWindowAux::new().background_pixel(root.black_pixel),
            )
            .unwrap();
        connection.map_window(window).unwrap();
        // The pointer would be over the panel and ask it things.
        connection
            .warp_pointer(0u32, root.root, 0, 0, 0, 0, 1_690, 1_090)
            .unwrap();
        connection.flush().unwrap();
        Self { connection, window }
    }

    /// How many colours are in that part of the window; kept as a PNG file where one is wanted.
    fn picture(&self, name: &str, width: u16, height: u16) -> usize {
        screen::picture(&self.connection, self.window, name, (width, height))
    }
}
