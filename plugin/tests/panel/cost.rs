//! What a frame of the panel costs on our side: layout and triangles, without any graphics driver.
//!
//! Counted in the processor's time of this thread, so that a busy machine does not change it much. Debug builds are many
//! times slower than what is shipped, so the figure is only held loosely.

use std::mem;
use std::time::{Duration, Instant};

use egui::{Pos2, RawInput, Rect, Vec2};
use undertone::{Label, Verdict};
use undertone_plugin::panel::{LARGEST, Panel, SMALLEST, USUAL};

use super::agreed;
use super::feed::{Fed, update};

const FRAMES: u32 = 240;

/// The processor's time of this thread.
fn spent() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// A minute of somebody who speaks all the time: four scores a second, an utterance every five.
fn minute() -> Fed {
    let mut feed = Fed {
        clock_s: 60.0,
        ..Fed::new()
    };
    for step in 0..240_u32 {
        let label = Label::ALL[step as usize / 20 % Label::COUNT];
        let mut one = update(
            u64::from(step / 20),
            Verdict::Known(label),
            f64::from(step) * 0.25,
        );
        one.start_s = f64::from(step / 20) * 5.0;
        feed.updates.push_back(one);
    }
    feed
}

#[test]
fn a_frame_costs_little() {
    for size in [SMALLEST, USUAL, LARGEST] {
        let (mut feed, mut panel, mut settings) = (minute(), Panel::new(), agreed());
        let context = egui::Context::default();
        let mut frame = |size: Vec2| {
            feed.clock_s += 1.0 / 60.0;
            feed.written = Instant::now();
            let input = RawInput {
                screen_rect: Some(Rect::from_min_size(Pos2::ZERO, size)),
                ..RawInput::default()
            };
            let mut output = context.run_ui(input, |ui| panel.show(ui, &mut feed, &mut settings));
            let shapes = mem::take(&mut output.shapes);
            let count = shapes.len();
            let triangles = context.tessellate(shapes, output.pixels_per_point);
            output.drop_without_applying_deltas();
            (count, triangles.len())
        };
        // Letters are drawn into the atlas once.
        for _ in 0..30 {
            frame(size);
        }
        let before = spent();
        let mut shapes = 0;
        for _ in 0..FRAMES {
            shapes = frame(size).0;
        }
        let each = spent().saturating_sub(before) / FRAMES;
        println!(
            "{} × {}: {shapes} shapes, {each:.0?} a frame, {:.1} % of a core at 60 Hz",
            size.x,
            size.y,
            each.as_secs_f64() * 60.0 * 100.0
        );
        assert!(each < Duration::from_millis(30), "{each:?}");
    }
}
