//! Which runtime a person asks for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is to run the networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuntimeChoice {
    /// The fastest that is here and gives the CPU's results.
    Auto,
    /// The embedded one, on the processor. It opens no library, so it is the only one that suits a plugin host.
    #[default]
    Cpu,
    /// ONNX Runtime on the processor.
    OnnxRuntime,
    /// ONNX Runtime on an NVIDIA card.
    Cuda,
    /// ONNX Runtime and `TensorRT` on an NVIDIA card; its first start takes minutes.
    TensorRt,
    /// ONNX Runtime on any card, on Windows.
    DirectMl,
    /// ONNX Runtime on Apple's accelerators.
    CoreMl,
}

impl RuntimeChoice {
    /// All there are, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Auto,
        Self::Cpu,
        Self::OnnxRuntime,
        Self::Cuda,
        Self::TensorRt,
        Self::DirectMl,
        Self::CoreMl,
    ];

    /// Its name in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::OnnxRuntime => "onnxruntime",
            Self::Cuda => "cuda",
            Self::TensorRt => "tensorrt",
            Self::DirectMl => "directml",
            Self::CoreMl => "coreml",
        }
    }
}

impl fmt::Display for RuntimeChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no runtime has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no runtime; there are auto, cpu, onnxruntime, cuda, tensorrt, directml and coreml")]
pub struct UnknownRuntime(String);

impl FromStr for RuntimeChoice {
    type Err = UnknownRuntime;

    fn from_str(name: &str) -> Result<Self, UnknownRuntime> {
        let found = Self::ALL.into_iter().find(|choice| choice.name() == name);
        found.ok_or_else(|| UnknownRuntime(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_runtime_is_known_by_its_name_and_no_other() {
        for choice in RuntimeChoice::ALL {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        let error = "gpu".parse::<RuntimeChoice>().unwrap_err().to_string();
        assert!(error.contains("'gpu'") && error.contains("cuda"), "{error}");
    }
}
