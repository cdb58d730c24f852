//! Audio inputs: what there is, and finding the one that a person means.
//!
//! It must never let a broken audio configuration end the program: that is a sentence, not a panic.

use std::panic;

use cpal::traits::{DeviceTrait as _, HostTrait as _};
use cpal::{Device, HostId, SampleFormat};
use serde::Serialize;

use crate::fault::Fault;

/// Why there is no input.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InputError {
    /// No audio system answers.
    #[error(
        "no audio system answers here ({0}); start it, or plug in a microphone, then see `undertone devices`"
    )]
    NoHost(String),
    /// There is not a single input.
    #[error("there is no audio input here; plug in a microphone, then see `undertone devices`")]
    NoInput,
    /// None of this name.
    #[error("there is no audio input '{asked}'; there are: {}", known.join(", "))]
    Unknown {
        /// What was asked for.
        asked: String,
        /// What there is.
        known: Vec<String>,
    },
    /// More than one fits.
    #[error("'{asked}' fits several audio inputs: {}; give one of them in full", known.join(", "))]
    Ambiguous {
        /// What was asked for.
        asked: String,
        /// What fits.
        known: Vec<String>,
    },
    /// It is there but does not work.
    #[error(
        "audio input '{name}' cannot be used ({why}); check that it is plugged in, allowed and free, or choose another with --input"
    )]
    Unusable {
        /// Its name.
        name: String,
        /// What the system said.
        why: String,
    },
}

impl From<InputError> for Fault {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Unknown { .. } | InputError::Ambiguous { .. } => Self::User(error.to_string()),
            InputError::NoHost(_) | InputError::NoInput | InputError::Unusable { .. } => {
                Self::Broken(error.into())
            }
        }
    }
}

/// An audio input.
#[derive(Clone, Serialize)]
pub struct Input {
    /// What people call it.
    pub name: String,
    /// What the system calls it.
    pub id: String,
    /// The audio system it belongs to.
    pub system: String,
    /// Whether it is used when none is named.
    pub default: bool,
    /// Frames a second.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
    /// How samples come.
    pub format: String,
    #[serde(skip)]
    pub(crate) sample_format: SampleFormat,
    #[serde(skip)]
    pub(crate) host: HostId,
    #[serde(skip)]
    pub(crate) device: Device,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input")
            .field("id", &self.id)
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}

/// All inputs of the first audio system that has any.
pub fn list() -> Result<Vec<Input>, InputError> {
    list_of(None)
}

fn list_of(system: Option<HostId>) -> Result<Vec<Input>, InputError> {
    // cpal's own default panics where ALSA's configuration is broken, and back ends may do so too.
    let found = {
        let _quiet = Quiet::new();
        panic::catch_unwind(|| list_hosts(system))
    };
    found.unwrap_or_else(|_| Err(InputError::NoHost("its configuration is broken".into())))
}

fn list_hosts(system: Option<HostId>) -> Result<Vec<Input>, InputError> {
    let mut why = "none is installed".to_owned();
    let mut answered = false;
    for id in cpal::available_hosts() {
        if system.is_some_and(|system| system != id) {
            continue;
        }
        let inputs = cpal::host_from_id(id).and_then(|host| {
            let default = host.default_input_device().and_then(|device| device.id().ok());
            let devices = host.input_devices()?;
            Ok(devices
                .filter_map(|device| describe(device, id, default.as_ref()))
                .collect::<Vec<_>>())
        });
        match inputs {
            Ok(inputs) if !inputs.is_empty() => return Ok(inputs),
            Ok(_) => answered = true,
            Err(error) => why = format!("{}: {error}", id.name()),
        }
    }
    if answered {
        Ok(Vec::new())
    } else {
        Err(InputError::NoHost(why))
    }
}

fn describe(device: Device, host: HostId, default: Option<&cpal::DeviceId>) -> Option<Input> {
    let id = device.id().ok()?;
    let config = device.default_input_config().ok()?;
    let about = device.description().ok()?;
    // The id is written `system:id`; people only need the second part.
    let full = id.to_string();
    let short = full
        .split_once(':')
        .map_or(full.as_str(), |(_, id)| id)
        .to_owned();
    // ALSA always offers a device that hears nothing. Nobody means it.
    if short == "null" {
        return None;
    }
    Some(Input {
        name: about.name().to_owned(),
        id: short,
        system: host.name().to_owned(),
        default: default == Some(&id),
        rate: config.sample_rate(),
        channels: config.channels(),
        format: config.sample_format().to_string(),
        sample_format: config.sample_format(),
        host,
        device,
    })
}

/// The input that a person means: by id or name, whole or in part; the default one if none is named.
pub fn find(asked: Option<&str>) -> Result<Input, InputError> {
    find_in(asked, None)
}

/// The same, within one audio system: what was lost there must not come back as something else elsewhere.
pub(crate) fn find_in(asked: Option<&str>, system: Option<HostId>) -> Result<Input, InputError> {
    let inputs = list_of(system)?;
    let Some(asked) = asked else {
        let default = inputs.iter().find(|input| input.default).or(inputs.first());
        return default.cloned().ok_or(InputError::NoInput);
    };
    let names: Vec<_> = inputs
        .iter()
        .map(|input| (input.id.as_str(), input.name.as_str()))
        .collect();
    let at = choose(asked, &names)?;
    inputs.into_iter().nth(at).ok_or(InputError::NoInput)
}

fn choose(asked: &str, inputs: &[(&str, &str)]) -> Result<usize, InputError> {
    if inputs.is_empty() {
        return Err(InputError::NoInput);
    }
    if let Some(at) = inputs
        .iter()
        .position(|(id, name)| *id == asked || *name == asked)
    {
        return Ok(at);
    }
    let wanted = asked.to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&wanted);
    let fitting: Vec<_> = (0..inputs.len())
        .filter(|at| inputs.get(*at).is_some_and(|i| has(i.0) || has(i.1)))
        .collect();
    let named = |at: &[usize]| {
        at.iter()
            .filter_map(|at| inputs.get(*at))
            .map(|input| input.0.to_owned())
            .collect()
    };
    match fitting.as_slice() {
        [one] => Ok(*one),
        [] => {
            let all: Vec<_> = (0..inputs.len()).collect();
            Err(InputError::Unknown {
                asked: asked.to_owned(),
                known: named(&all),
            })
        }
        several => Err(InputError::Ambiguous {
            asked: asked.to_owned(),
            known: named(several),
        }),
    }
}

/// Keeps audio libraries from chattering while they are asked: what they find wrong is told as an error.
///
/// ALSA and its plugins write to standard error by themselves, and back ends may panic, which would be printed.
struct Quiet {
    #[cfg(unix)]
    stderr: Option<rustix::fd::OwnedFd>,
}

impl Quiet {
    fn new() -> Self {
        panic::set_hook(Box::new(|_| {}));
        #[cfg(unix)]
        {
            let aside = || {
                let nowhere = std::fs::File::options().write(true).open("/dev/null")?;
                let stderr = rustix::io::dup(rustix::stdio::stderr())?;
                rustix::stdio::dup2_stderr(&nowhere)?;
                Ok::<_, std::io::Error>(stderr)
            };
            // Where it cannot be put aside, the chatter is seen: ugly, no more.
            Self { stderr: aside().ok() }
        }
        #[cfg(not(unix))]
        Self {}
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(stderr) = &self.stderr {
            // It was standard error a moment ago.
            let _ = rustix::stdio::dup2_stderr(stderr);
        }
        // Back to the standard hook.
        let _ = panic::take_hook();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_wrong_name_is_the_callers_fault() {
        use crate::fault::Ending;
        let (asked, known, why) = ("mic".to_owned(), Vec::new(), "busy".to_owned());
        let name = asked.clone();
        for (error, ending) in [
            (InputError::NoInput, Ending::Broken),
            (InputError::NoHost(why.clone()), Ending::Broken),
            (InputError::Unusable { name, why }, Ending::Broken),
            (InputError::Unknown { asked, known }, Ending::User),
        ] {
            assert_eq!(Fault::from(error.clone()).ending(), ending, "{error}");
        }
    }

    const INPUTS: [(&str, &str); 3] = [
        ("usb.1", "Studio Mic"),
        ("usb.10", "Headset"),
        ("null.monitor", "Monitor of Null"),
    ];

    #[test]
    fn whole_names_win_over_parts() {
        assert!(matches!(choose("usb.1", &INPUTS), Ok(0)));
        assert!(matches!(choose("Headset", &INPUTS), Ok(1)));
        assert!(matches!(choose("monitor", &INPUTS), Ok(2)));
    }

    #[test]
    fn what_cannot_be_told_apart_is_asked_about() {
        assert!(
            matches!(choose("usb", &INPUTS), Err(InputError::Ambiguous { known, .. }) if known.len() == 2)
        );
        assert!(
            matches!(choose("line", &INPUTS), Err(InputError::Unknown { known, .. }) if known.len() == 3)
        );
        assert!(matches!(choose("any", &[]), Err(InputError::NoInput)));
    }
}
