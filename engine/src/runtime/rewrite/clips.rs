//! Many clips in one run: a graph that was written for one takes rows of sound, each with its own length, and what
//! stands behind a row's end changes nothing of what it gives for the row.
//!
//! Sound passes convolutions, which shorten it; a mean over the whole clip must leave out the frames behind its end,
//! and so must attention. Anything else is taken to look at its own frame alone: whether that is so is for those to
//! prove who use the graph, with numbers.

use rten_onnx::onnx::{
    DataType, Dimension, NodeProto, TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};

use super::{Edit, RewriteError, attribute, cast, makers, new_node, op};

/// What is taken off the attention to a frame that is not there: nothing is left of it.
const GONE: f32 = 1e9;

/// How long the rows are after so many convolutions, and what tells their frames from the rest.
struct Level {
    /// Frames of each row: `int64`, rows.
    lengths: String,
    /// 1 for a row's frames, 0 behind them: rows × frames. Made when it is first asked for.
    mask: Option<String>,
    /// The mask as something to add to attention: rows × 1 × 1 × frames.
    bias: Option<String>,
}

struct Taking<'a> {
    edit: &'a mut Edit,
    written: Vec<NodeProto>,
    level: Level,
}

/// Makes the graph take many clips; `lengths` is the name of the input that says how long they are.
pub(super) fn take(edit: &mut Edit, lengths: &str) -> Result<(), RewriteError> {
    for value in edit.graph.input.iter_mut().chain(&mut edit.graph.output) {
        let tensor = value.r#type.as_mut().and_then(|kind| kind.tensor_type.as_mut());
        let shape = tensor.and_then(|tensor| tensor.shape.as_mut());
        if let Some(first) = shape.and_then(|shape| shape.dim.first_mut()) {
            *first = any_count();
        }
    }
    edit.graph.input.push(ValueInfoProto {
        name: Some(lengths.to_owned()),
        r#type: Some(TypeProto {
            tensor_type: Some(TypeProtoTensor {
                elem_type: Some(DataType::INT64),
                shape: Some(TensorShapeProto {
                    dim: vec![any_count()],
                }),
            }),
            ..TypeProto::default()
        }),
    });
    let nodes = std::mem::take(&mut edit.graph.node);
    let kernels: Vec<Option<Vec<i64>>> = {
        let makers = makers(&nodes);
        let weight = |node: &NodeProto| edit.dims(&nodes, &makers, node.input.get(1)?);
        let convolutions = nodes
            .iter()
            .map(|node| (op(node) == "Conv").then(|| weight(node)));
        convolutions.map(Option::flatten).collect()
    };
    let mut taking = Taking {
        edit,
        written: Vec::with_capacity(nodes.len()),
        level: Level {
            lengths: lengths.to_owned(),
            mask: None,
            bias: None,
        },
    };
    for (node, kernel) in nodes.into_iter().zip(kernels) {
        match op(&node) {
            "Conv" => taking.convolution(node, kernel.as_deref())?,
            "ReduceMean" => taking.mean(node)?,
            "Softmax" => taking.attention(node),
            _ => taking.written.push(node),
        }
    }
    taking.edit.graph.node = taking.written;
    Ok(())
}

fn any_count() -> Dimension {
    Dimension {
        dim_value: None,
        dim_param: Some("clips".into()),
    }
}

impl Taking<'_> {
    fn put(&mut self, operator: &str, inputs: &[&str]) -> String {
        let name = self.edit.name(&operator.to_lowercase());
        self.written.push(new_node(operator, inputs, &name, vec![]));
        name
    }

    fn convolution(&mut self, node: NodeProto, kernel: Option<&[i64]>) -> Result<(), RewriteError> {
        let ints = |name: &str| attribute(&node, name).map_or(&[][..], |found| &found.ints);
        let plain = ints("pads").iter().all(|pad| *pad == 0)
            && ints("dilations").iter().all(|step| *step == 1)
            && attribute(&node, "auto_pad").is_none();
        let (Some(&[_, _, width]), true) = (kernel, plain) else {
            return Err(RewriteError::Clips(
                "a convolution over more than time, or with edges".into(),
            ));
        };
        let stride = ints("strides").first().copied().unwrap_or(1);
        self.written.push(node);
        // (length − width) / stride + 1
        let (width, stride, one) = (
            self.edit.ints(&[], &[width]),
            self.edit.ints(&[], &[stride]),
            self.edit.ints(&[], &[1]),
        );
        let lengths = self.level.lengths.clone();
        let rest = self.put("Sub", &[&lengths, &width]);
        let steps = self.put("Div", &[&rest, &stride]);
        self.level = Level {
            lengths: self.put("Add", &[&steps, &one]),
            mask: None,
            bias: None,
        };
        Ok(())
    }

    /// 1 for the frames of a row: rows × frames. `like` has as many frames on its axis `axis`.
    fn mask(&mut self, like: &str, axis: i64) -> String {
        if let Some(mask) = &self.level.mask {
            return mask.clone();
        }
        let (axis, zero, one) = (
            self.edit.ints(&[], &[axis]),
            self.edit.ints(&[], &[0]),
            self.edit.ints(&[], &[1]),
        );
        let behind = self.edit.ints(&[1], &[1]);
        let shape = self.put("Shape", &[like]);
        let frames = self.put("Gather", &[&shape, &axis]);
        let places = self.put("Range", &[&zero, &frames, &one]);
        let lengths = self.level.lengths.clone();
        let ends = self.put("Unsqueeze", &[&lengths, &behind]);
        let there = self.put("Less", &[&places, &ends]);
        let mask = self.edit.name("mask");
        self.written.push(cast(&there, &mask, DataType::FLOAT));
        self.level.mask = Some(mask.clone());
        mask
    }

    /// The mean over channels and time of rows × channels × time: of the frames that are there.
    fn mean(&mut self, node: NodeProto) -> Result<(), RewriteError> {
        let axes = attribute(&node, "axes").map_or(&[][..], |axes| &axes.ints);
        let kept = attribute(&node, "keepdims").is_none_or(|keep| keep.i != Some(0));
        match axes {
            [-1] => {
                self.written.push(node);
                return Ok(());
            }
            [1, 2] if kept => {}
            other => return Err(RewriteError::Clips(format!("a mean over the axes {other:?}"))),
        }
        let (values, output) = (node.input[0].clone(), node.output[0].clone());
        let mask = self.mask(&values, 2);
        let (over_channels, axes) = (self.edit.ints(&[1], &[1]), self.edit.ints(&[2], &[1, 2]));
        let channel_axis = self.edit.ints(&[], &[1]);
        let mask = self.put("Unsqueeze", &[&mask, &over_channels]);
        let there = self.put("Mul", &[&values, &mask]);
        let sum = self.put("ReduceSum", &[&there, &axes]);
        let shape = self.put("Shape", &[&values]);
        let channels = self.put("Gather", &[&shape, &channel_axis]);
        let lengths = self.level.lengths.clone();
        let count = self.put("Mul", &[&lengths, &channels]);
        let floats = self.edit.name("count");
        self.written.push(cast(&count, &floats, DataType::FLOAT));
        let count = self.put("Unsqueeze", &[&floats, &axes]);
        self.written
            .push(new_node("Div", &[&sum, &count], &output, vec![]));
        Ok(())
    }

    /// Attention, rows × heads × frames × frames: nobody looks at a frame that is not there.
    fn attention(&mut self, mut node: NodeProto) {
        let scores = node.input[0].clone();
        let bias = if let Some(bias) = &self.level.bias {
            bias.clone()
        } else {
            let mask = self.mask(&scores, 3);
            let (one, least) = (self.edit.floats(&[], &[1.0]), self.edit.floats(&[], &[GONE]));
            let axes = self.edit.ints(&[2], &[1, 2]);
            let missing = self.put("Sub", &[&mask, &one]);
            let missing = self.put("Mul", &[&missing, &least]);
            let bias = self.put("Unsqueeze", &[&missing, &axes]);
            self.level.bias = Some(bias.clone());
            bias
        };
        node.input[0] = self.put("Add", &[&scores, &bias]);
        self.written.push(node);
    }
}
