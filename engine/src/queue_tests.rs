//! Who comes first, who gives way, and who runs together.

use super::*;
use crate::engine::Engine;
use crate::mind::Mind;
use crate::runtime::{Many, Rten};
use crate::stream::{Stream, StreamConfig};
use crate::tap::Tap;
use std::sync::LazyLock;
use undertone_models::Pack;

/// One that runs requests alone, and one that takes four together.
static ALONE: LazyLock<Engine> =
    LazyLock::new(|| Engine::of(Mind::load(&Pack::embedded().unwrap(), None, &Rten::new(1)).unwrap()));
static FOUR: LazyLock<Engine> = LazyLock::new(|| {
    let four = Many(4, Rten::new(1));
    Engine::of(Mind::load(&Pack::embedded().unwrap(), None, &four).unwrap())
});

struct Voices(Vec<(Tap, Stream)>);

impl Voices {
    fn of(engine: &Engine, count: usize) -> Self {
        let open = |at: usize| engine.open(&StreamConfig::new(format!("{at}"), 16_000)).unwrap();
        Self((0..count).map(open).collect())
    }

    /// A request of one of them: so many milliseconds after `start`, so many seconds of sound.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few seconds"
    )]
    fn job(&self, voice: usize, kind: Kind, first: bool, start: Instant, ms: u64, seconds: f32) -> Job {
        let asked = start + Duration::from_millis(ms);
        let audio = vec![0.0; (16_000.0 * seconds) as usize];
        Job {
            cell: self.0[voice].1.cell(),
            request: Request {
                utterance: 0,
                kind,
                first,
                closing: false,
                start: 0,
                end: audio.len() as u64,
                audio_from: 0,
                clock: audio.len() as u64,
                audio,
                clipped: false,
                cut_from: None,
                cut_to: None,
            },
            asked,
            since: asked,
            capture: Duration::ZERO,
        }
    }

    fn number(&self, job: &Job) -> usize {
        let same = |(_, stream): &(Tap, Stream)| Arc::ptr_eq(&stream.cell(), &job.cell);
        self.0.iter().position(same).unwrap()
    }

    /// Who is served next, together; they are given back at once.
    fn served(&self, queue: &Queue) -> Vec<usize> {
        let Next::Score(jobs) = queue.next() else {
            panic!("nothing else was asked");
        };
        let served = jobs.iter().map(|job| self.number(job)).collect();
        let mind = jobs[0].cell.slot.mind().unwrap();
        mind.gate().open();
        for job in &jobs {
            job.cell.set_busy(false);
        }
        served
    }
}

const FINAL: Kind = Kind::Final;
const SOON: Kind = Kind::Provisional;

#[test]
fn finals_come_first_then_first_scores_then_whoever_has_waited_longest() {
    let (voices, queue, now) = (Voices::of(&ALONE, 5), Queue::default(), Instant::now());
    queue.ask(voices.job(0, SOON, false, now, 0, 1.0));
    queue.ask(voices.job(1, SOON, false, now, 10, 1.0));
    queue.ask(voices.job(2, SOON, true, now, 20, 1.0));
    queue.ask(voices.job(3, FINAL, false, now, 40, 1.0));
    queue.ask(voices.job(4, FINAL, false, now, 30, 1.0));
    let order: Vec<_> = (0..5).map(|_| voices.served(&queue)).collect();
    assert_eq!(order, [[4], [3], [2], [0], [1]]);
}

#[test]
fn who_is_overtaken_by_a_newer_request_keeps_its_turn_and_its_class() {
    let (voices, queue, now) = (Voices::of(&ALONE, 3), Queue::default(), Instant::now());
    queue.ask(voices.job(0, SOON, true, now, 0, 1.0));
    queue.ask(voices.job(1, SOON, true, now, 10, 1.0));
    queue.ask(voices.job(2, SOON, false, now, 5, 1.0));
    // The utterance goes on before anyone has looked at it.
    queue.ask(voices.job(0, SOON, false, now, 250, 1.25));
    let Next::Score(jobs) = queue.next() else {
        panic!("nothing else was asked");
    };
    assert_eq!(voices.number(&jobs[0]), 0, "its turn stays");
    assert!(jobs[0].request.first, "nobody has seen a score of it yet");
    assert_eq!(jobs[0].request.audio.len(), 20_000, "the newer one is scored");
    assert_eq!(jobs[0].asked, now + Duration::from_millis(250));
    assert_eq!([voices.served(&queue), voices.served(&queue)], [[1], [2]]);
}

#[test]
fn a_final_takes_the_place_of_its_own_utterances_provisional_and_is_never_thrown_away() {
    let (voices, queue, now) = (Voices::of(&ALONE, 1), Queue::default(), Instant::now());
    let of = |utterance: u64, mut job: Job| {
        job.request.utterance = utterance;
        job
    };
    queue.ask(of(0, voices.job(0, SOON, true, now, 0, 1.0)));
    queue.ask(of(0, voices.job(0, FINAL, false, now, 10, 1.0)));
    queue.ask(of(1, voices.job(0, SOON, true, now, 20, 1.0)));
    queue.ask(of(1, voices.job(0, FINAL, false, now, 30, 1.0)));
    let mut told = Vec::new();
    for _ in 0..2 {
        let Next::Score(jobs) = queue.next() else {
            panic!("nothing else was asked");
        };
        told.push((jobs[0].request.utterance, jobs[0].request.kind));
        jobs[0].cell.set_busy(false);
    }
    assert_eq!(told, [(0, FINAL), (1, FINAL)]);
    assert!(queue.lock().jobs.is_empty());
}

#[test]
fn those_that_wait_run_together_in_their_order_and_nobody_twice() {
    let (voices, queue, now) = (Voices::of(&FOUR, 6), Queue::default(), Instant::now());
    for (voice, ms) in [(0, 50), (1, 40), (2, 30), (3, 20), (4, 10)] {
        queue.ask(voices.job(voice, SOON, false, now, ms, 1.0));
    }
    queue.ask(voices.job(5, FINAL, false, now, 60, 1.0));
    // A stream's next utterance waits until this one is told.
    let mut next = voices.job(5, SOON, true, now, 70, 1.0);
    next.request.utterance = 1;
    queue.ask(next);
    assert_eq!(
        voices.served(&queue),
        [5, 4, 3, 2],
        "four at most, longest waiting first"
    );
    assert_eq!(voices.served(&queue), [5, 1, 0]);
}

#[test]
fn a_row_costs_what_the_longest_costs_so_only_similar_lengths_run_together() {
    let (voices, queue, now) = (Voices::of(&FOUR, 4), Queue::default(), Instant::now());
    for (voice, seconds) in [(0, 1.0), (1, 4.0), (2, 1.9), (3, 0.4)] {
        queue.ask(voices.job(voice, SOON, false, now, voice as u64, seconds));
    }
    assert_eq!(voices.served(&queue), [0, 2]);
    assert_eq!(voices.served(&queue), [1]);
    assert_eq!(voices.served(&queue), [3]);
}

#[test]
fn a_final_that_was_heard_before_waits_for_no_trunk_and_takes_no_place_in_it() {
    let (voices, queue, now) = (Voices::of(&FOUR, 3), Queue::default(), Instant::now());
    queue.ask(voices.job(0, SOON, false, now, 0, 1.0));
    let Next::Score(busy) = queue.next() else {
        panic!("nothing else was asked");
    };
    let known = voices.job(1, FINAL, false, now, 10, 1.0);
    let mut closing = voices.job(1, SOON, false, now, 5, 1.0).request;
    closing.closing = true;
    let frames = crate::mind::Frames::of_silence();
    crate::stream::lock(&known.cell.ahead).keep(&closing, &frames, true);
    queue.ask(known);
    queue.ask(voices.job(2, FINAL, false, now, 5, 1.0));
    let Next::Score(next) = queue.next() else {
        panic!("nothing else was asked");
    };
    let who: Vec<_> = next.iter().map(|job| voices.number(job)).collect();
    assert_eq!(who, [1], "though the other final has waited longer");
    busy[0].cell.slot.mind().unwrap().gate().open();
    assert_eq!(voices.served(&queue), [2]);
}

#[test]
fn while_the_trunk_is_busy_its_requests_gather_and_others_go_on() {
    let (voices, alone) = (Voices::of(&FOUR, 3), Voices::of(&ALONE, 1));
    let (queue, now) = (Queue::default(), Instant::now());
    queue.ask(voices.job(0, SOON, false, now, 0, 1.0));
    let Next::Score(busy) = queue.next() else {
        panic!("nothing else was asked");
    };
    assert_eq!(busy.len(), 1, "nobody waits for company");
    queue.ask(voices.job(1, FINAL, false, now, 10, 1.0));
    queue.ask(voices.job(2, FINAL, false, now, 20, 1.0));
    queue.ask(alone.job(0, SOON, false, now, 30, 1.0));
    let Next::Score(other) = queue.next() else {
        panic!("nothing else was asked");
    };
    assert_eq!(alone.number(&other[0]), 0, "another pack's request is free to go");
    busy[0].cell.slot.mind().unwrap().gate().open();
    assert_eq!(voices.served(&queue), [1, 2]);
}
