//! The last engine of a process leaves nothing behind, so that a host may unload the library. Alone in its
//! file: another test's engine in the same process would hold the worker.

use std::sync::Arc;

use undertone::{Engine, EngineConfig};

fn ready() -> Engine {
    let engine = Engine::start(EngineConfig::default());
    engine.wait_ready().unwrap();
    engine
}

#[test]
fn two_engines_share_one_model_and_leave_nothing_behind() {
    let (first, second) = (ready(), ready());
    let (one, other) = (first.wait_ready().unwrap(), second.wait_ready().unwrap());
    assert!(Arc::ptr_eq(&one, &other), "the same pack was loaded twice");
    drop((first, second));
    // Every thread of ours is joined by now.
    #[cfg(target_os = "linux")]
    {
        let names = std::fs::read_dir("/proc/self/task")
            .unwrap()
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
        let ours: Vec<_> = names.filter(|name| name.starts_with("undertone-")).collect();
        assert!(ours.is_empty(), "{ours:?}");
    }
}
