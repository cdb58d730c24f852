//! What a host may set: it reads back as it was written, and comes alike through every way in.

mod plugin_host;

use std::ffi::CString;

use clack_extensions::params::{ParamInfoBuffer, ParamInfoFlags, PluginParams};
use clack_host::events::Pckn;
use clack_host::events::event_types::ParamValueEvent;
use clack_host::prelude::*;
use clack_host::utils::ClapId;
use plugin_host::{Instance, load};

/// A parameter: its identity, its range and whether a host may set it.
struct Param {
    id: ClapId,
    low: f64,
    high: f64,
    own: bool,
}

fn all(instance: &mut Instance) -> Vec<Param> {
    let params = instance.params();
    let handle = instance.plugin.plugin_handle();
    (0..params.count(&handle))
        .map(|index| {
            let mut buffer = ParamInfoBuffer::new();
            let info = params.get_info(&handle, index, &mut buffer).unwrap();
            Param {
                id: info.id,
                low: info.min_value,
                high: info.max_value,
                own: info.flags.contains(ParamInfoFlags::IS_READONLY),
            }
        })
        .collect()
}

fn values(instance: &mut Instance, of: &[Param]) -> Vec<f64> {
    let params = instance.params();
    let handle = instance.plugin.plugin_handle();
    of.iter()
        .map(|param| params.get_value(&handle, param.id).unwrap())
        .collect()
}

#[test]
fn text_leads_back_everywhere_in_a_range() {
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut instance = Instance::new(&entry);
    let of = all(&mut instance);
    let params: PluginParams = instance.params();
    let handle = instance.plugin.plugin_handle();
    for param in &of {
        for step in 0..=100 {
            let value = param.low + (param.high - param.low) * f64::from(step) / 100.0;
            let text = |value: f64| {
                let mut room = [0; 128];
                let text = params.value_to_text(&handle, param.id, value, &mut room).unwrap();
                CString::new(text.to_vec()).unwrap()
            };
            let first = text(value);
            let back = params.text_to_value(&handle, param.id, &first).unwrap();
            assert_eq!(text(back), first, "{value}");
            assert_eq!(params.text_to_value(&handle, param.id, &text(back)), Some(back));
        }
    }
}

#[test]
fn what_a_host_sets_comes_alike_while_it_processes_and_while_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    for share in [0.0, 0.25, 0.8] {
        let mut still = Instance::new(&entry);
        let of = all(&mut still);
        let before = values(&mut still, &of);
        let mut events = EventBuffer::new();
        for param in of.iter().filter(|param| !param.own) {
            let value = param.low + (param.high - param.low) * share;
            events.push(&ParamValueEvent::new(0, param.id, Pckn::match_all(), value));
        }
        assert!(events.len() >= 2);
        let (params, mut out) = (still.params(), EventBuffer::new());
        let mut handle = still.plugin.inactive_plugin_handle().unwrap();
        params.flush(&mut handle, &events.as_input(), &mut out.as_output());
        let set = values(&mut still, &of);
        assert_ne!(set, before, "something changed");

        let mut playing = Instance::new(&entry);
        let mut running = playing.start(48_000.0, 512);
        running.exact_with(&mut vec![vec![0.25; 512]; 2], &events.as_input());
        assert_eq!(values(&mut playing, &of), set);
        playing.stop(running);
        assert_eq!(values(&mut playing, &of), set);
        let saved = playing.save();
        let mut restored = Instance::new(&entry);
        assert!(restored.load(&saved));
        assert_eq!(values(&mut restored, &of), set);
    }
}
