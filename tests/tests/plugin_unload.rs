//! A host that unloads the library: one that only scanned gets rid of it; one whose plugin has worked finds its code
//! still mapped, so that no thread of ours runs into nothing, not even one that hangs at that moment.
#![cfg(target_os = "linux")]

mod plugin_host;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use plugin_host::{Instance, load};
use undertone_tests::{samples, skipped};

/// While this is set, a thread that gets the signal stays where it is.
static HOLD: AtomicBool = AtomicBool::new(false);

const ROLE: &str = "UNDERTONE_UNLOAD_ROLE";

/// Longer than the plugin waits for its threads, with some time for a busy machine.
const CLOSED_WITHIN: Duration = Duration::from_secs(12);

extern "C" fn hold(_: i32) {
    while HOLD.load(Ordering::SeqCst) {
        // SAFETY: one of the calls that a signal's handler may make.
        unsafe { libc::usleep(2_000) };
    }
}

/// The threads of this process whose names begin so.
fn threads(start: &str) -> Vec<i32> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| {
            let task = task.ok()?;
            // It may have ended by now.
            let name = std::fs::read_to_string(task.path().join("comm")).ok()?;
            let number = task.file_name().to_str()?.parse().ok()?;
            name.starts_with(start).then_some(number)
        })
        .collect()
}

/// Lets the threads that compute hang, as a runtime or a machine may; gives how many.
fn hang() -> usize {
    HOLD.store(true, Ordering::SeqCst);
    let computing = threads("rten-");
    // SAFETY: the handler is a function that lives as long as the process and calls nothing but what it may; the
    // signals go to threads of this process.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = hold as extern "C" fn(i32) as usize;
        action.sa_flags = libc::SA_RESTART;
        libc::sigaction(libc::SIGUSR2, &raw const action, std::ptr::null_mut());
        for &thread in &computing {
            libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, libc::SIGUSR2);
        }
    }
    computing.len()
}

fn is_mapped(folder: &Path) -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.contains(folder.to_str().unwrap())
}

/// Gives the plugin a voice for so long, at its own pace.
fn play(instance: &mut Instance, seconds: f64) {
    let (rate, sound) = samples::sample("neutral");
    let mut running = instance.start(f64::from(rate), 512);
    let start = Instant::now();
    let frames = rate as usize / 50;
    for index in 0..(seconds * 50.0) as usize {
        let at = index * frames % (sound.len() - frames);
        let block = sound[at..at + frames].to_vec();
        running.exact(&mut [block.clone(), block]);
        instance.idle();
        std::thread::sleep((Duration::from_millis(20) * index as u32).saturating_sub(start.elapsed()));
    }
    instance.stop(running);
}

#[test]
fn a_host_that_only_scans_can_unload_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_path_buf();
    // What a thread keeps for a library holds the library until the thread ends, so this one ends first.
    let scan = std::thread::spawn(move || {
        let entry = load(&path);
        let mut instance = Instance::new(&entry);
        let mut running = instance.start(48_000.0, 64);
        running.exact(&mut vec![vec![0.25; 64]; 2]);
        instance.stop(running);
        entry
    });
    let entry = scan.join().unwrap();
    assert!(is_mapped(folder.path()));
    drop(entry);
    assert!(!is_mapped(folder.path()), "the library is still there");
}

/// The journey, in a process of its own that the loader's own notes are taken of: glibc keeps a library anyhow while a
/// thread of it runs, so that without them nobody here would see that the plugin asked to stay. Others do not keep it.
#[test]
fn a_host_may_unload_it_while_a_request_hangs() {
    if std::env::var_os(ROLE).is_some() {
        return hanging();
    }
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "a_host_may_unload_it_while_a_request_hangs",
            "--exact",
            "--nocapture",
        ])
        .env(ROLE, "host")
        .env("LD_DEBUG", "files")
        .env("LD_DEBUG_OUTPUT", folder.path().join("notes"))
        .output()
        .unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{said}", output.status);
    let notes = std::fs::read_dir(folder.path()).unwrap().next();
    let Some(notes) = notes else {
        skipped(
            "the loader takes no notes (LD_DEBUG of glibc), so nobody sees that the library asked to stay",
        );
        return;
    };
    let notes = std::fs::read(notes.unwrap().path()).unwrap();
    let asked = String::from_utf8_lossy(&notes)
        .lines()
        .any(|line| line.contains("Undertone.clap") && line.contains("NODELETE"));
    assert!(asked, "the library did not ask to stay");
}

fn hanging() {
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut instance = Instance::new(&entry);
    instance.agree();
    play(&mut instance, 4.0);
    let held = hang();
    assert!(held > 0, "no thread computes");
    play(&mut instance, 4.0);
    let begun = Instant::now();
    drop(instance);
    drop(entry);
    let took = begun.elapsed();
    println!("closed in {took:.1?} with {held} threads that hang");
    assert!(
        took < CLOSED_WITHIN,
        "the host had to wait for what hangs: {took:?}"
    );
    assert!(is_mapped(folder.path()), "code is gone that a thread is in");

    HOLD.store(false, Ordering::SeqCst);
    let begun = Instant::now();
    // The runtime has a pool besides that stays as long as the process.
    while !threads("undertone-").is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30), "they never end");
        std::thread::sleep(Duration::from_millis(20));
    }
    // And the host may load it again.
    let entry = load(folder.path());
    let mut instance = Instance::new(&entry);
    instance.agree();
    play(&mut instance, 0.5);
}
