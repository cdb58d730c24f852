//! The segmenter on made sound: a harsh buzz that the detector takes for voice, and silence.

use super::*;

/// Something with the spectrum of a vowel: pulses through three resonances, gliding in pitch.
fn voice(ms: usize) -> Vec<f32> {
    let mut states = [[0.0_f32; 2]; 3];
    let formants = [(700.0_f32, 0.98_f32), (1_200.0, 0.975), (2_600.0, 0.97)];
    let mut phase = 0.0_f32;
    (0..ms * MS)
        .map(|i| {
            let t = i as f32 / 16_000.0;
            phase += (130.0 + 30.0 * (t * 3.0).sin()) / 16_000.0;
            let pulse = if phase >= 1.0 {
                phase -= 1.0;
                1.0
            } else {
                0.0
            };
            let mut out = 0.0;
            for ((hz, r), state) in formants.iter().zip(&mut states) {
                let c = 2.0 * r * (std::f32::consts::TAU * hz / 16_000.0).cos();
                let y = pulse + c * state[0] - r * r * state[1];
                *state = [y, state[0]];
                out += y;
            }
            // Syllables: the level rises and falls four times a second.
            out * 0.12 * (0.55 + 0.45 * (t * 25.0).sin())
        })
        .collect()
}

fn silence(ms: usize) -> Vec<f32> {
    vec![0.0; ms * MS]
}

fn run(cutting: Cutting, parts: &[Vec<f32>], block: usize) -> Vec<Request> {
    let mut segmenter = Segmenter::new(cutting);
    let mut out = Vec::new();
    for chunk in parts.concat().chunks(block) {
        segmenter.push(chunk, &mut out);
    }
    segmenter.finish(&mut out);
    out
}

fn finals(requests: &[Request]) -> Vec<&Request> {
    requests
        .iter()
        .filter(|request| request.kind == Kind::Final)
        .collect()
}

#[test]
fn one_utterance_gets_provisionals_and_exactly_one_final() {
    let requests = run(
        Cutting::default(),
        &[silence(500), voice(2_000), silence(800)],
        160,
    );
    let finals = finals(&requests);
    assert_eq!(finals.len(), 1, "{finals:?}");
    assert!(requests.len() >= 4, "{} requests", requests.len());
    assert_eq!(requests.last().map(|request| request.kind), Some(Kind::Final));
    assert!(requests[0].first && !requests[1].first);
    let first = &requests[0];
    assert!(
        first.clock - first.start <= 450 * MS as u64,
        "first provisional within 450 ms of the onset"
    );
    let last = finals[0];
    assert!(
        last.start.abs_diff(500 * MS as u64) < 150 * MS as u64,
        "starts at {}",
        last.start / MS as u64
    );
    assert!(
        last.end.abs_diff(2_500 * MS as u64) < 200 * MS as u64,
        "ends at {}",
        last.end / MS as u64
    );
    assert!(
        last.clock - last.end <= 240 * MS as u64,
        "the hangover is within its bound"
    );
}

#[test]
fn the_same_sound_gives_the_same_requests_in_any_blocks() {
    let parts = [silence(300), voice(1_500), silence(600), voice(700), silence(400)];
    let small = run(Cutting::default(), &parts, 1);
    assert_eq!(small, run(Cutting::default(), &parts, 8_192));
    assert_eq!(finals(&small).len(), 2);
}

#[test]
fn silence_and_a_click_are_no_utterance() {
    let mut click = silence(1_000);
    click[8_000] = 1.0;
    assert!(run(Cutting::default(), &[silence(2_000), click], 100).is_empty());
}

#[test]
fn speech_that_does_not_stop_is_cut_without_losing_a_sample() {
    let cutting = Cutting {
        longest_ms: 4_000,
        ..Cutting::default()
    };
    let requests = run(cutting, &[silence(300), voice(15_000), silence(500)], 512);
    let finals = finals(&requests);
    assert!(finals.len() >= 4, "{} finals", finals.len());
    for pair in finals.windows(2) {
        assert_eq!(pair[0].end, pair[1].start, "no gap and no overlap at the cut");
        assert_eq!(pair[0].utterance + 1, pair[1].utterance);
        // A word on the cut is heard whole by both, and both know whose it is.
        assert_eq!(
            (pair[0].cut_to, pair[1].cut_from),
            (Some(pair[0].end), Some(pair[1].start))
        );
        assert!(pair[0].audio_from + pair[0].audio.len() as u64 >= pair[0].end + 400 * MS as u64);
        assert!(pair[1].audio_from + 400 * MS as u64 <= pair[1].start);
    }
    assert!(finals.iter().all(|f| f.end - f.start <= 4_100 * MS as u64));
    assert_eq!(
        (finals[0].cut_from, finals[finals.len() - 1].cut_to),
        (None, None)
    );
}

#[test]
fn without_provisionals_there_are_only_finals() {
    let cutting = Cutting {
        provisional: false,
        ..Cutting::default()
    };
    let requests = run(cutting, &[silence(300), voice(3_000), silence(500)], 512);
    assert_eq!(requests.len(), 1);
}

#[test]
fn speech_that_the_end_of_the_sound_interrupts_still_gets_its_final() {
    let requests = run(Cutting::default(), &[silence(300), voice(1_000)], 512);
    assert_eq!(finals(&requests).len(), 1);
}

#[test]
fn an_hour_of_silence_keeps_little() {
    let mut segmenter = Segmenter::new(Cutting::default());
    let mut out = Vec::new();
    let minute = silence(60_000);
    for _ in 0..5 {
        segmenter.push(&minute, &mut out);
    }
    assert!(
        segmenter.kept.len() < 3 * 16_000,
        "{} samples kept",
        segmenter.kept.len()
    );
    assert_eq!(segmenter.clock(), 5 * 60 * 16_000);
}

#[test]
fn stretched_hops_come_less_often() {
    let parts = [silence(300), voice(4_000), silence(500)];
    let hops = |requests: &[Request]| requests.iter().filter(|request| !request.closing).count();
    let normal = hops(&run(Cutting::default(), &parts, 512));
    let mut segmenter = Segmenter::new(Cutting::default());
    segmenter.stretch = 4;
    let mut out = Vec::new();
    segmenter.push(&parts.concat(), &mut out);
    assert!(hops(&out) * 2 < normal, "{} of {normal}", hops(&out));
}

#[test]
fn a_pause_is_looked_at_as_if_it_were_the_end() {
    let cutting = Cutting {
        hangover_ms: 480,
        ..Cutting::default()
    };
    let parts = [silence(300), voice(1_500), silence(350), voice(900), silence(800)];
    let requests = run(cutting, &parts, 160);
    let finals = finals(&requests);
    assert_eq!(finals.len(), 1, "the short pause ends nothing");
    let last = finals[0];
    let closing: Vec<&Request> = requests.iter().filter(|request| request.closing).collect();
    assert!(closing.len() >= 2, "one look for each pause: {}", closing.len());
    let looked = closing[closing.len() - 1];
    assert_eq!(looked.kind, Kind::Provisional);
    assert_eq!(
        (looked.audio_from, looked.end, looked.cut_from, looked.cut_to),
        (last.audio_from, last.end, last.cut_from, last.cut_to)
    );
    assert!(
        looked.for_pack() == last.for_pack(),
        "it hears what the final hears"
    );
    assert!(
        last.clock - looked.clock >= 100 * MS as u64,
        "early enough to be of use"
    );
    assert_ne!(closing[0].end, last.end, "the first pause was not the end");
}
