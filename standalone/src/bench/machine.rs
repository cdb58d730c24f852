//! What the system says this process has used so far. `None` where it does not say.

use std::fs;

/// Processor seconds of this process, all threads but this one: whoever feeds a bench is no part of what it costs.
#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "other systems do not tell")]
pub(super) fn others_cpu_s() -> Option<f64> {
    use rustix::time::{ClockId, clock_gettime};
    let seconds = |clock| {
        let time = clock_gettime(clock);
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    };
    Some(seconds(ClockId::ProcessCPUTime) - seconds(ClockId::ThreadCPUTime))
}

/// Nobody tells here.
#[cfg(not(unix))]
pub(super) fn others_cpu_s() -> Option<f64> {
    None
}

/// Resident memory of this process in MB.
pub(super) fn memory_mb() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kb: f64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(kb / 1024.0)
}
