//! The embedded default: `rten`, pure Rust, on the CPU, with threads of its own and no shared library.

use std::borrow::Cow;
use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::prelude::*;
use rten_tensor::{Tensor, TensorView};
use undertone_models::Bytes;

use super::{Data, Graph, Input, Output, Runtime, RuntimeError};

/// `rten` with its own small pool of threads.
pub(crate) struct Rten {
    pool: Arc<ThreadPool>,
}

impl Rten {
    pub(crate) fn new(threads: usize) -> Self {
        Self {
            pool: Arc::new(ThreadPool::with_num_threads(threads.max(1))),
        }
    }
}

impl Runtime for Rten {
    fn name(&self) -> &'static str {
        "rten/cpu"
    }

    fn load(
        &self,
        bytes: &Bytes,
        inputs: &[String],
        outputs: &[String],
    ) -> Result<Box<dyn Graph>, RuntimeError> {
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let model = match bytes {
            // Read in place: pages of the program's image load when they are touched.
            Cow::Borrowed(bytes) => options.load_static_slice(bytes),
            Cow::Owned(bytes) => options.load(bytes.clone()),
        }
        .map_err(|error| RuntimeError::Load(error.to_string()))?;
        let find = |end: &'static str, known: &[NodeId], names: &[String]| {
            names
                .iter()
                .map(|name| {
                    model
                        .find_node(name)
                        .filter(|id| known.contains(id))
                        .ok_or_else(|| RuntimeError::Missing {
                            end,
                            name: name.clone(),
                        })
                })
                .collect::<Result<Vec<_>, _>>()
        };
        let inputs = find("input", model.input_ids(), inputs)?;
        let outputs = find("output", model.output_ids(), outputs)?;
        Ok(Box::new(RtenGraph {
            model,
            inputs,
            outputs,
            pool: Arc::clone(&self.pool),
        }))
    }
}

struct RtenGraph {
    model: Model,
    inputs: Vec<NodeId>,
    outputs: Vec<NodeId>,
    pool: Arc<ThreadPool>,
}

impl Graph for RtenGraph {
    fn run(&self, inputs: &[Input<'_>]) -> Result<Vec<Output>, RuntimeError> {
        let fault = |error: &dyn std::fmt::Display| RuntimeError::Run(error.to_string());
        let mut values = Vec::with_capacity(inputs.len());
        for (id, input) in self.inputs.iter().zip(inputs) {
            let value: ValueOrView<'_> = match input.data {
                Data::Floats(data) => TensorView::try_from_data(input.shape, data)
                    .map_err(|e| fault(&e))?
                    .into(),
                // This runtime reads the graphs' int64 as 32 bits, which every vocabulary fits into.
                Data::Ids(data) => {
                    let data = data
                        .iter()
                        .map(|id| i32::try_from(*id))
                        .collect::<Result<Vec<_>, _>>()
                        .map_err(|e| fault(&e))?;
                    Tensor::try_from_data(input.shape, data)
                        .map_err(|e| fault(&e))?
                        .into()
                }
            };
            values.push((*id, value));
        }
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.pool)));
        let results = self
            .model
            .run(values, &self.outputs, Some(options))
            .map_err(|e| fault(&e))?;
        results
            .into_iter()
            .map(|value| {
                let tensor: Tensor<f32> = value.try_into().map_err(|e| fault(&e))?;
                Ok(Output {
                    shape: tensor.shape().to_vec(),
                    data: tensor.into_data(),
                })
            })
            .collect()
    }
}

#[cfg(test)]
#[cfg(feature = "ort")]
mod tests {
    use rten_onnx::onnx::{
        AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto,
        OperatorSetIdProto, TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
    };

    use super::*;

    /// A graph that lays two tables one under the other, each of any number of rows.
    fn joining() -> Vec<u8> {
        let table = |name: &str| {
            let any = Dimension {
                dim_value: None,
                dim_param: Some(name.to_owned()),
            };
            let two = Dimension {
                dim_value: Some(2),
                dim_param: None,
            };
            ValueInfoProto {
                name: Some(name.to_owned()),
                r#type: Some(TypeProto {
                    tensor_type: Some(TypeProtoTensor {
                        elem_type: Some(DataType::FLOAT),
                        shape: Some(TensorShapeProto { dim: vec![any, two] }),
                    }),
                    ..TypeProto::default()
                }),
            }
        };
        let axis = AttributeProto {
            name: Some("axis".into()),
            i: Some(0),
            r#type: Some(AttributeType::INT),
            ..AttributeProto::default()
        };
        let concat = NodeProto {
            op_type: Some("Concat".into()),
            input: vec!["past".into(), "new".into()],
            output: vec!["all".into()],
            attribute: vec![axis],
            ..NodeProto::default()
        };
        let model = ModelProto {
            ir_version: Some(9),
            opset_import: vec![OperatorSetIdProto {
                domain: None,
                version: Some(17),
            }],
            graph: Some(GraphProto {
                node: vec![concat],
                input: vec![table("past"), table("new")],
                output: vec![table("all")],
                ..GraphProto::default()
            }),
            ..ModelProto::default()
        };
        model.write_buf().unwrap()
    }

    #[test]
    fn a_table_without_rows_goes_in() {
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let graph = Rten::new(1).load(
            &Bytes::Owned(joining()),
            &named(&["past", "new"]),
            &named(&["all"]),
        );
        let graph = graph.unwrap();
        let all = |past: &[f32]| {
            let (of_past, new) = ([past.len() / 2, 2], [3.0, 4.0]);
            let inputs = [Input::floats(past, &of_past), Input::floats(&new, &[1, 2])];
            graph.run(&inputs).unwrap().remove(0)
        };
        assert_eq!(all(&[]).data, [3.0, 4.0]);
        assert_eq!(all(&[1.0, 2.0]).data, [1.0, 2.0, 3.0, 4.0]);
    }
}
