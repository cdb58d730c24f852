//! Holds a thread to the law of the audio thread: no allocation, no lock, no system call.
//!
//! A guarded thread lives in a process of its own, made by running the test binary again. There a counting
//! allocator ends the process on the first allocation or release, and a kernel filter (seccomp) on the first
//! system call; a contended lock is a futex call, so it ends it too, given another thread that contends. What
//! ends the process cannot be caught or ignored, so a pass means that nothing of the kind happened.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Set in the child to the name of what it is to do.
const ROLE: &str = "UNDERTONE_GUARDED_ROLE";
/// Exit code of a guarded process that allocated.
const ALLOCATED: i32 = 86;

/// What a thread is held to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Law {
    None,
    /// No allocation, no system call: there is not even one to say so.
    Guarded,
    /// No allocation.
    Watched,
}

thread_local! {
    static LAW: Cell<Law> = const { Cell::new(Law::None) };
}

/// The system's allocator, which ends the process when an armed thread uses it.
///
/// The test binary must declare it: `#[global_allocator] static A: GuardedAllocator = GuardedAllocator;`
#[derive(Debug)]
pub struct GuardedAllocator;

// SAFETY: every call is handed to the system's allocator unchanged.
unsafe impl GlobalAlloc for GuardedAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check();
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        check();
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        check();
        IN_USE.fetch_add(size, Ordering::Relaxed);
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn check() {
    // A thread that is being torn down is not an audio thread any more.
    match LAW.try_with(Cell::get).unwrap_or(Law::None) {
        Law::None => {}
        Law::Guarded => end(ALLOCATED),
        Law::Watched => {
            let words = b"memory was allocated or released on an audio thread\n";
            // SAFETY: the bytes outlive the call; nothing allocates here.
            unsafe { libc::write(2, words.as_ptr().cast(), words.len()) };
            end(ALLOCATED)
        }
    }
}

fn end(code: i32) -> ! {
    // SAFETY: leaves the process at once; nothing is touched afterwards.
    unsafe { libc::_exit(code) }
}

/// Bytes that were taken from the allocator and not given back, where the binary declares it.
static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// Memory in use, in MB, where the binary declares the [`GuardedAllocator`].
pub fn in_use_mb() -> f64 {
    IN_USE.load(Ordering::Relaxed) as f64 / 1_048_576.0
}

/// What became of a guarded process.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It did its work without breaking the law.
    Clean,
    /// It allocated or released memory.
    Allocated,
    /// It made a system call (a contended lock makes one too).
    SystemCall,
    /// Something else went wrong.
    Broken(String),
}

/// The role that this process was started for, if it is a guarded one.
pub fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// Runs the test named `entry` of this binary again, as a guarded process with a role.
pub fn run(entry: &str, role: &str) -> Verdict {
    let Ok(exe) = std::env::current_exe() else {
        return Verdict::Broken("no path of this binary".into());
    };
    let output = Command::new(exe)
        .args([entry, "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .output();
    match output {
        Ok(output) => judge(&output),
        Err(error) => Verdict::Broken(error.to_string()),
    }
}

fn judge(output: &Output) -> Verdict {
    use std::os::unix::process::ExitStatusExt as _;
    if output.status.code() == Some(ALLOCATED) {
        Verdict::Allocated
    } else if output.status.signal() == Some(libc::SIGSYS) {
        Verdict::SystemCall
    } else if output.status.success() {
        Verdict::Clean
    } else {
        Verdict::Broken(format!(
            "{}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}

/// From here on this thread may not allocate, lock against others, or make a system call. The work ends the
/// whole process, as there is no way back.
pub fn guarded(work: impl FnOnce()) -> ! {
    if let Err(error) = forbid_system_calls() {
        eprintln!("seccomp is not to be had here: {error}");
        end(2);
    }
    LAW.with(|law| law.set(Law::Guarded));
    work();
    end(0)
}

/// While the work lasts this thread may not allocate; an allocation ends the process. Unlike [`guarded`] it may
/// call the system, so that a thread can be watched again and again for hours.
pub fn watched<R>(work: impl FnOnce() -> R) -> R {
    let before = LAW.with(Cell::get);
    if before == Law::None {
        LAW.with(|law| law.set(Law::Watched));
    }
    let done = work();
    LAW.with(|law| law.set(before));
    done
}

/// Filters this thread's system calls: only `exit_group` is left, everything else is SIGSYS for the process.
fn forbid_system_calls() -> std::io::Result<()> {
    const LOAD_NUMBER: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut filter = [
        step(LOAD_NUMBER, 0, 0, 0),
        step(JUMP_IF_EQUAL, 0, 1, libc::SYS_exit_group as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
        step(RETURN, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
    ];
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: takes four integers; it only forbids this thread new privileges.
    let unprivileged = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    if unprivileged != 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: `program` points to the filter above, which outlives the call; the kernel copies it.
    let filtered = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &raw const program,
        )
    };
    if filtered == 0 {
        Ok(())
    } else {
        Err(std::io::Error::last_os_error())
    }
}
