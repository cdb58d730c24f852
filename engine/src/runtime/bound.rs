//! A session of ONNX Runtime with memory bound to it: sound of a shape that was there before goes into the same
//! memory and comes out of the same, on the device too, and a run makes nothing new.

use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{IoBinding, Session};
use ort::value::Tensor;

use super::{Data, Input, Output};

/// Shapes whose memory is kept. Windows and batches of a few sizes come again and again; each costs as much memory as
/// its tensors.
const KEPT: usize = 6;

/// A session, what goes in and what comes out of it, by name.
pub(super) struct Running {
    session: Session,
    inputs: Vec<String>,
    outputs: Vec<String>,
    /// The one used last at the end.
    bound: Vec<Bound>,
}

struct Bound {
    shapes: Vec<Vec<usize>>,
    tensors: Vec<Held>,
    binding: IoBinding,
}

enum Held {
    Floats(Tensor<f32>),
    Ids(Tensor<i64>),
}

impl Running {
    pub(super) fn new(session: Session, inputs: &[String], outputs: &[String]) -> Self {
        Self {
            session,
            inputs: inputs.to_vec(),
            outputs: outputs.to_vec(),
            bound: Vec::new(),
        }
    }

    pub(super) fn run(&mut self, inputs: &[Input<'_>]) -> Result<Vec<Output>, ort::Error> {
        let fits = |bound: &Bound| inputs.iter().map(|input| input.shape).eq(&bound.shapes);
        let mut bound = match self.bound.iter().position(fits) {
            Some(at) => self.bound.remove(at),
            None => self.bind(inputs)?,
        };
        let outputs = self.run_bound(&mut bound, inputs)?;
        // After a failure nothing is known about the memory, and it goes.
        if self.bound.len() == KEPT {
            self.bound.remove(0);
        }
        self.bound.push(bound);
        Ok(outputs)
    }

    fn bind(&self, inputs: &[Input<'_>]) -> Result<Bound, ort::Error> {
        let here = Allocator::default();
        let mut binding = self.session.create_binding()?;
        // Shapes that come out are known when the first run has made them; its memory is what later runs fill.
        let info = MemoryInfo::new(
            AllocationDevice::CPU,
            0,
            AllocatorType::Device,
            MemoryType::CPUOutput,
        )?;
        for name in &self.outputs {
            binding.bind_output_to_device(name, &info)?;
        }
        let tensors = inputs.iter().map(|input| {
            Ok(match input.data {
                Data::Floats(_) => Held::Floats(Tensor::new(&here, input.shape)?),
                Data::Ids(_) => Held::Ids(Tensor::new(&here, input.shape)?),
            })
        });
        Ok(Bound {
            shapes: inputs.iter().map(|input| input.shape.to_vec()).collect(),
            tensors: tensors.collect::<Result<_, ort::Error>>()?,
            binding,
        })
    }

    fn run_bound(&mut self, bound: &mut Bound, inputs: &[Input<'_>]) -> Result<Vec<Output>, ort::Error> {
        for ((name, held), input) in self.inputs.iter().zip(&mut bound.tensors).zip(inputs) {
            // Bound anew each time: that is what carries it to a device.
            match (held, input.data) {
                (Held::Floats(held), Data::Floats(data)) => {
                    fill(held.extract_tensor_mut().1, data)?;
                    bound.binding.bind_input(name, held)?;
                }
                (Held::Ids(held), Data::Ids(data)) => {
                    fill(held.extract_tensor_mut().1, data)?;
                    bound.binding.bind_input(name, held)?;
                }
                _ => return Err(ort::Error::new("an input is of another kind than before")),
            }
        }
        bound.binding.synchronize_inputs()?;
        let results = self.session.run_binding(&bound.binding)?;
        bound.binding.synchronize_outputs()?;
        let read = self.outputs.iter().map(|name| {
            let missing = || ort::Error::new("an output is missing");
            let (shape, data) = results
                .get(name)
                .ok_or_else(missing)?
                .try_extract_tensor::<f32>()?;
            let shape = shape.iter().map(|size| usize::try_from(*size).unwrap_or(0));
            Ok(Output {
                shape: shape.collect(),
                data: data.to_vec(),
            })
        });
        read.collect()
    }
}

fn fill<T: Copy>(held: &mut [T], data: &[T]) -> Result<(), ort::Error> {
    if held.len() != data.len() {
        return Err(ort::Error::new("an input is not as long as its shape says"));
    }
    held.copy_from_slice(data);
    Ok(())
}
