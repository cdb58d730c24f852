//! The VST3 plugin in a host that is not ours: pedalboard, which gives its input back bit for bit.
//!
//! A `.vst3` on Linux is a folder with the plugin's `cdylib` in it: `X.vst3/Contents/x86_64-linux/X.so`. It is
//! made here from what cargo built beside this test. Wants a Python with `pedalboard==0.9.26`: the one named
//! by `UNDERTONE_PYTHON`, or `python3`; without it the journey is skipped and says so.
#![cfg(target_os = "linux")]

mod plugin_host;

use std::path::Path;
use std::process::Command;

#[test]
fn pedalboard_gets_its_own_input_back() {
    let python = std::env::var("UNDERTONE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let there = Command::new(&python).args(["-c", "import pedalboard"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        undertone_tests::skipped(format!(
            "{python} has no pedalboard; `pip install pedalboard==0.9.26` and name it in UNDERTONE_PYTHON"
        ));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("hosts/pedalboard_bitexact.py");
    let output = Command::new(&python)
        .arg(script)
        .arg(plugin_host::bundle(folder.path()))
        .output()
        .unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
