//! Voice activity: how likely each 16 ms of sound is somebody speaking.

use earshot::Detector;

/// Samples of one voice-activity frame, at 16 kHz.
pub(crate) const FRAME: usize = 256;

/// One stream's voice-activity detector.
pub(crate) struct Voice(Box<Detector>);

impl std::fmt::Debug for Voice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Voice")
    }
}

impl Voice {
    pub(crate) fn new() -> Self {
        Self(Detector::default_boxed())
    }

    /// The probability that this frame is voice.
    pub(crate) fn probability(&mut self, frame: &[f32; FRAME]) -> f32 {
        // The detector wants full scale at most; a float host may send more.
        let held = frame.map(|sample| sample.clamp(-1.0, 1.0));
        self.0.predict_f32(&held).clamp(0.0, 1.0)
    }
}
