//! The panel in a window that a host gives it: opens, draws, is resized, closes and opens again.
//!
//! Wants an X display: `DISPLAY`, or `Xvfb` on `PATH`, which is started here; without either the journey is
//! skipped and says so. `UNDERTONE_PICTURES=FOLDER` keeps what was on the screen, as PPM files.
#![cfg(target_os = "linux")]

mod plugin_host;

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clack_extensions::gui::{GuiApiType, GuiConfiguration, GuiSize, PluginGui, Window};
use plugin_host::{Instance, project_with};
use serde_json::json;
use undertone_tests::samples;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{self, ConnectionExt as _, ImageFormat};
use x11rb::rust_connection::RustConnection;

const ROLE: &str = "UNDERTONE_WINDOW_ROLE";

#[test]
fn the_panel_opens_draws_resizes_and_closes_in_a_host() {
    if std::env::var_os(ROLE).is_some() {
        return journey();
    }
    let mut server = None;
    let display = std::env::var("DISPLAY").ok().or_else(|| {
        let mut child = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1700x1100x24"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take()?).read_line(&mut line).ok()?;
        server = Some(child);
        Some(format!(":{}", line.trim()))
    });
    let Some(display) = display else {
        undertone_tests::skipped("no DISPLAY and no Xvfb (apt install xvfb)");
        return;
    };
    // A process of its own: the display is named by its environment, and an X error ends a process.
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "the_panel_opens_draws_resizes_and_closes_in_a_host",
            "--exact",
            "--nocapture",
        ])
        .env("DISPLAY", display)
        .env(ROLE, "host")
        .output()
        .unwrap();
    if let Some(mut server) = server {
        server.kill().unwrap();
        server.wait().unwrap();
    }
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
            let configuration = GuiConfiguration {
                api_type: GuiApiType::X11,
                is_floating: false,
            };
            let start = Instant::now();
            let handle = instance.plugin.plugin_handle();
            assert!(gui.is_api_supported(&handle, configuration));
            gui.create(&handle, configuration).unwrap();
            assert!(gui.can_resize(&handle));
            // SAFETY: the window outlives the panel, which is destroyed below.
            unsafe { gui.set_parent(&handle, Window::from_x11_handle(screen.window.into())) }.unwrap();
            gui.show(&handle).unwrap();
            println!("open {opening}: {:?}", start.elapsed());
            for (width, height) in [(900, 600), (480, 320), (1_600, 1_000)] {
                let handle = instance.plugin.plugin_handle();
                gui.set_size(&handle, GuiSize { width, height }).unwrap();
                for _ in 0..40 {
                    let block: Vec<f32> = voice.by_ref().take(rate as usize / 50).collect();
                    running.exact(&mut [block.clone(), block]);
                    instance.idle();
                    std::thread::sleep(Duration::from_millis(20));
                }
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
            if opening == 1 {
                println!(
                    "panel open, agreed {agreed}: {:.1} % of a core",
                    load(&mut instance)
                );
            }
            gui.destroy(&instance.plugin.plugin_handle());
            instance.idle();
        }
        println!(
            "panel closed, agreed {agreed}: {:.1} % of a core",
            load(&mut instance)
        );
        instance.stop(running);
    }
}

/// How much of a core the process takes while nothing but the window (if one is open) and the worker runs. Without
/// a graphics card the drawing itself is part of it.
fn load(instance: &mut Instance) -> f64 {
    let spent = || {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        // User and system time, in hundredths of a second on every Linux.
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
    };
    let (begun, before) = (Instant::now(), spent());
    while begun.elapsed() < Duration::from_secs(3) {
        instance.idle();
        std::thread::sleep(Duration::from_millis(20));
    }
    (spent() - before) / begun.elapsed().as_secs_f64() * 100.0
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
        connection.flush().unwrap();
        Self { connection, window }
    }

    /// How many colours are in that part of the window; kept as a picture where one is wanted.
    fn picture(&self, name: &str, width: u16, height: u16) -> usize {
        let image = self
            .connection
            .get_image(ImageFormat::Z_PIXMAP, self.window, 0, 0, width, height, u32::MAX)
            .unwrap()
            .reply()
            .unwrap();
        // Four bytes a pixel at 24 bits: blue, green, red, nothing.
        let rgb: Vec<u8> = image
            .data
            .chunks_exact(4)
            .flat_map(|pixel| [pixel[2], pixel[1], pixel[0]])
            .collect();
        if let Some(folder) = std::env::var_os("UNDERTONE_PICTURES") {
            let mut file = format!("P6 {width} {height} 255\n").into_bytes();
            file.extend_from_slice(&rgb);
            std::fs::write(PathBuf::from(folder).join(format!("{name}.ppm")), file).unwrap();
        }
        rgb.chunks_exact(3).collect::<HashSet<_>>().len()
    }
}
