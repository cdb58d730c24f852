//! What the system says this process has used so far. `None` where it does not say.

use std::fs;

/// Processor seconds of this process, all threads.
pub(super) fn cpu_s() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name may hold anything, even parentheses: count from its end.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    // The unit is fixed at a hundredth of a second for everything that Linux shows to programs.
    Some((user + system) / 100.0)
}

/// Resident memory of this process in MB.
pub(super) fn memory_mb() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kb: f64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(kb / 1024.0)
}
