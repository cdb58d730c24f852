//! A library that is none, named as ONNX Runtime. Alone in its file: a process opens one library only.

use undertone::{Engine, EngineConfig, RuntimeChoice};

#[test]
fn what_is_no_library_is_told_and_the_cpu_runs() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["libonnxruntime.so", "libonnxruntime.dylib", "onnxruntime.dll"] {
        std::fs::write(folder.path().join(name), "not a library").unwrap();
    }
    let engine = Engine::start(EngineConfig {
        runtime: RuntimeChoice::OnnxRuntime,
        onnxruntime: Some(folder.path().to_owned()),
        ..EngineConfig::default()
    });
    let pack = engine.wait_ready().unwrap();
    assert_eq!(pack.runtime, "rten/cpu");
    assert!(
        pack.remarks[0].contains("models add onnxruntime"),
        "{:?}",
        pack.remarks
    );
}
