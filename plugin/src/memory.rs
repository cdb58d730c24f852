//! What a project remembers of the plugin: parameters, settings and the window's size, with a version.
//!
//! A state that cannot be understood never breaks a project: what is understood is taken, the rest is as in
//! a new plugin. Consent is only ever taken from a form whose meaning is known.

use std::sync::{Arc, PoisonError, RwLock};

use nice_plug::formatters::v2s_f32_percentage;
use nice_plug::plugin::ParamValue;
use nice_plug::prelude::{BoolParam, FloatParam, FloatRange, Params, PluginState};
use serde::{Deserialize, Serialize};

use crate::panel::{LARGEST, MidiOut, OscOut, SMALLEST, Settings, USUAL, WebOut, Wiring};

/// Version of [`Saved`]'s form. It grows when a field changes its meaning.
pub const FORM: u32 = 1;

/// The longest name of a system that is believed.
const LONGEST_NAME: usize = 64;

/// A depth that changes nothing.
const WHOLE: f32 = 1.0;

/// What is saved beside the parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    /// [`FORM`] of the version that saved it.
    pub form: u32,
    /// What the user set.
    pub settings: Settings,
    /// The window's width and height, in points.
    pub window: (f32, f32),
}

impl Default for Saved {
    fn default() -> Self {
        Self {
            form: FORM,
            settings: Settings {
                midi: Some(MidiOut::default()),
                wiring: Some(Wiring::default()),
                osc: Some(OscOut::default()),
                web: Some(WebOut::default()),
                ..Settings::default()
            },
            window: (USUAL.x, USUAL.y),
        }
    }
}

impl Saved {
    /// What may be used of a state that came from outside.
    fn vetted(mut self) -> Self {
        if self.form > FORM {
            self.settings.consent = false;
            self.settings.osc = None;
            self.settings.web = None;
        }
        self.form = FORM;
        let midi = self.settings.midi.get_or_insert_default();
        *midi = midi.vetted();
        self.settings.wiring.get_or_insert_default();
        self.settings.osc = Some(self.settings.osc.take().unwrap_or_default().vetted());
        self.settings.web = Some(self.settings.web.take().unwrap_or_default().vetted());
        let named = |name: &String| !name.is_empty() && name.len() <= LONGEST_NAME;
        self.settings.system = self.settings.system.filter(named);
        let hold = |value: f32, low: f32, high: f32| {
            if value.is_finite() {
                value.clamp(low, high)
            } else {
                low
            }
        };
        self.window = (
            hold(self.window.0, SMALLEST.x, LARGEST.x),
            hold(self.window.1, SMALLEST.y, LARGEST.y),
        );
        self
    }
}

/// The plugin's parameters and what else is saved.
#[derive(Params)]
pub struct Memory {
    /// Sound passes either way; bypassed, it is not analysed.
    #[id = "bypass"]
    pub bypass: BoolParam,

    /// How far controllers and control voltages swing: at 1 as far as the scores say, at 0 not at all.
    #[id = "depth"]
    pub depth: FloatParam,

    #[persist = "panel"]
    saved: Arc<RwLock<Saved>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            bypass: BoolParam::new("Bypass", false).make_bypass(),
            depth: FloatParam::new("Depth", WHOLE, FloatRange::Linear { min: 0.0, max: WHOLE })
                .with_unit(" %")
                .with_value_to_string(v2s_f32_percentage(1))
                .with_string_to_value(Arc::new(share)),
            saved: Arc::default(),
        }
    }
}

impl Memory {
    /// The depth in whole percent, as the panel shows it.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 100"
    )]
    pub fn depth_percent(&self) -> u8 {
        (self.depth.value() * 100.0).round() as u8
    }

    /// What is saved at the moment.
    pub fn saved(&self) -> Saved {
        let saved = self.saved.read().unwrap_or_else(PoisonError::into_inner).clone();
        saved.vetted()
    }

    /// Changes what is saved.
    pub fn change(&self, change: impl FnOnce(&mut Saved)) {
        let mut saved = self.saved();
        change(&mut saved);
        *self.saved.write().unwrap_or_else(PoisonError::into_inner) = saved;
    }
}

/// The depth that somebody wrote, as a percentage.
fn share(text: &str) -> Option<f32> {
    let percent: f32 = text.trim().trim_end_matches('%').trim_end().parse().ok()?;
    percent.is_finite().then(|| (percent / 100.0).clamp(0.0, WHOLE))
}

/// Brings an older version's state into this version's form.
///
/// There is one form so far, so it only sees to it that a form from the future gives no consent. A project from before
/// there was a depth has the whole of it: the framework leaves a parameter that a state does not name as it is.
pub fn migrate(state: &mut PluginState) {
    state
        .params
        .entry("depth".to_owned())
        .or_insert(ParamValue::F32(WHOLE));
    let Some(field) = state.fields.get_mut("panel") else {
        return;
    };
    let saved: Saved = serde_json::from_str(field).unwrap_or_default();
    if let Ok(text) = serde_json::to_string(&saved.vetted()) {
        *field = text;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn migrated(panel: &str) -> Saved {
        let mut state = PluginState {
            version: "9.0.0".to_owned(),
            params: BTreeMap::new(),
            fields: BTreeMap::from([("panel".to_owned(), panel.to_owned())]),
        };
        migrate(&mut state);
        serde_json::from_str(&state.fields["panel"]).unwrap()
    }

    #[test]
    fn settings_come_back() {
        let mut saved = Saved::default();
        saved.settings.consent = true;
        saved.settings.look = crate::panel::Look::Dark;
        saved.window = (1000.0, 700.0);
        assert_eq!(migrated(&serde_json::to_string(&saved).unwrap()), saved);
    }

    #[test]
    fn a_project_without_a_depth_has_the_whole_of_it() {
        let mut state = PluginState {
            version: "0.1.0".to_owned(),
            params: BTreeMap::from([("bypass".to_owned(), ParamValue::Bool(true))]),
            fields: BTreeMap::new(),
        };
        migrate(&mut state);
        assert!(matches!(state.params["depth"], ParamValue::F32(1.0)));
        state.params.insert("depth".to_owned(), ParamValue::F32(0.25));
        migrate(&mut state);
        assert!(matches!(state.params["depth"], ParamValue::F32(0.25)));
    }

    #[test]
    fn a_depth_is_read_as_a_percentage() {
        assert_eq!(share("25 %"), Some(0.25));
        assert_eq!(share(" 100%"), Some(1.0));
        assert_eq!(share("250"), Some(1.0));
        for rubbish in ["", "%", "nan", "inf %", "much"] {
            assert_eq!(share(rubbish), None, "{rubbish}");
        }
        assert_eq!(Memory::default().depth_percent(), 100);
    }

    #[test]
    fn a_newer_form_opens_but_gives_no_consent() {
        let newer = r#"{"form":99,"settings":{"consent":true,"look":"sepia","aura":3},"window":[800,500]}"#;
        let saved = migrated(newer);
        assert!(!saved.settings.consent);
        assert_eq!(saved.window, (800.0, 500.0));
        assert_eq!(saved.form, FORM);
    }

    #[test]
    fn rubbish_becomes_a_new_plugins_state() {
        for rubbish in ["", "{", "[]", "null", "{\"window\":\"big\"}", "\u{0}"] {
            assert_eq!(migrated(rubbish), Saved::default(), "{rubbish:?}");
        }
        let silly =
            migrated(r#"{"form":1,"window":[1e30,-5],"settings":{"midi":{"channel":200,"first":255}}}"#);
        assert_eq!(silly.window, (LARGEST.x, SMALLEST.y));
        let midi = silly.settings.midi.unwrap();
        assert!(midi.channel < 16 && midi.first <= 110);
    }
}
