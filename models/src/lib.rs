//! What a model pack is: its manifest, its verification, and where packs are found.
//!
//! A pack is a folder with `pack.toml` and the ONNX graphs it names. This crate reads and checks that
//! folder; it must never run a graph, reach the network, or change a pack that is in use.

mod manifest;
mod pack;
mod recognisers;
mod remove;
mod store;

pub use manifest::{
    Familiar, FileEntry, Fusion, GraphEntry, LABELS, LateSpeech, Manifest, ManifestError, Role, SYSTEMS,
    Speech, Text, TrainingSet, Trunk, Words,
};
pub use pack::{Bytes, Pack, PackError};
pub use recognisers::{
    About, InstalledRecogniser, RecogniserStoreError, install_recogniser, installed_recognisers,
};
pub use remove::{Kind, RemoveError, Removed, remove};
pub use store::{
    Installed, StoreError, data_dir, install, installed, installed_runtimes, resolve, runtimes_dir,
};
