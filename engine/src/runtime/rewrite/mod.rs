//! A pack's graph as another runtime wants it, made in memory while it is loaded: floats in the place of 8-bit
//! products, and several clips of different lengths in one run. The pack stays one file for every runtime.
//!
//! Must never change what a graph says: whoever uses one that was written anew compares it with the old.

mod clips;
mod numbers;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, GraphProto, ModelProto, NodeProto, TensorProto,
};

/// What the products of a graph are computed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Numbers {
    /// As the pack has them: 8 bits where it is made for processors.
    #[default]
    Stored,
    /// 32-bit floats. Processors are faster with 8 bits; cards have no fast way for them.
    Floats,
    /// 16-bit floats for the products with weights, 32 for everything between them: sums over a whole clip and
    /// angles of far frames do not fit into 16.
    Halves,
}

/// Why a graph cannot be written anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RewriteError {
    #[error("it is no ONNX graph: {0}")]
    Form(String),
    #[error("it has {0}, which cannot be told to leave out what follows a clip")]
    Clips(String),
}

/// The graph with these numbers. With `lengths` it also takes many clips at once: one more input of that name says
/// how many samples of each row count, and what follows them changes nothing.
pub(crate) fn rewrite(
    bytes: &[u8],
    numbers: Numbers,
    lengths: Option<&str>,
) -> Result<Vec<u8>, RewriteError> {
    let form = |error: &dyn std::fmt::Display| RewriteError::Form(error.to_string());
    let mut model = ModelProto::parse_buf(bytes).map_err(|error| form(&error))?;
    let graph = model.graph.take().ok_or_else(|| form(&"it is empty"))?;
    let mut edit = Edit { graph, made: 0 };
    // What was written down about values in between need not hold any more.
    edit.graph.value_info.clear();
    if numbers != Numbers::Stored {
        numbers::floats(&mut edit);
    }
    if let Some(lengths) = lengths {
        clips::take(&mut edit, lengths)?;
    }
    if numbers == Numbers::Halves {
        numbers::halves(&mut edit);
    }
    edit.prune();
    model.graph = Some(edit.graph);
    model.write_buf().map_err(|error| form(&error))
}

/// A graph being edited.
struct Edit {
    graph: GraphProto,
    made: usize,
}

impl Edit {
    /// A name that nothing has yet.
    fn name(&mut self, what: &str) -> String {
        self.made += 1;
        format!("undertone/{what}_{}", self.made)
    }

    /// A new weight; gives its name.
    fn weight(&mut self, kind: DataType, dims: &[i64], raw: Vec<u8>) -> String {
        let name = self.name("weight");
        self.graph.initializer.push(TensorProto {
            name: Some(name.clone()),
            dims: dims.to_vec(),
            data_type: Some(kind),
            raw_data: Some(RefCell::new(raw)),
            ..TensorProto::default()
        });
        name
    }

    fn ints(&mut self, dims: &[i64], values: &[i64]) -> String {
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.weight(DataType::INT64, dims, raw)
    }

    fn floats(&mut self, dims: &[i64], values: &[f32]) -> String {
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.weight(DataType::FLOAT, dims, raw)
    }

    fn find(&self, weight: &str) -> Option<&TensorProto> {
        let mut all = self.graph.initializer.iter();
        all.find(|tensor| tensor.name.as_deref() == Some(weight))
    }

    /// The shape of a weight, or of what is made of weights of its shape and smaller ones.
    fn dims(&self, nodes: &[NodeProto], makers: &HashMap<String, usize>, name: &str) -> Option<Vec<i64>> {
        if let Some(weight) = self.find(name) {
            return Some(weight.dims.clone());
        }
        let inputs = nodes[*makers.get(name)?].input.iter();
        let all = inputs.map(|input| self.dims(nodes, makers, input));
        all.collect::<Option<Vec<_>>>()?
            .into_iter()
            .max_by_key(|dims| dims.iter().product::<i64>())
    }

    /// Values that depend on weights alone.
    fn constants(&self) -> HashSet<String> {
        let weights = self.graph.initializer.iter();
        let mut known: HashSet<String> = weights.filter_map(|weight| weight.name.clone()).collect();
        // Nodes stand in the order in which they can run.
        for node in &self.graph.node {
            if !node.input.is_empty() && node.input.iter().all(|name| known.contains(name)) {
                known.extend(node.output.iter().cloned());
            }
        }
        known
    }

    /// Drops what nothing needs any more.
    fn prune(&mut self) {
        let outputs = self.graph.output.iter();
        let mut needed: HashSet<String> = outputs.filter_map(|value| value.name.clone()).collect();
        let mut nodes = std::mem::take(&mut self.graph.node);
        nodes.reverse();
        nodes.retain(|node| {
            let kept = node.output.iter().any(|name| needed.contains(name));
            if kept {
                needed.extend(node.input.iter().cloned());
            }
            kept
        });
        nodes.reverse();
        self.graph.node = nodes;
        self.graph
            .initializer
            .retain(|weight| weight.name.as_ref().is_some_and(|name| needed.contains(name)));
    }
}

/// Which node makes a value.
fn makers(nodes: &[NodeProto]) -> HashMap<String, usize> {
    let nodes = nodes.iter().enumerate();
    nodes
        .flat_map(|(at, node)| node.output.iter().map(move |name| (name.clone(), at)))
        .collect()
}

/// The operator of a node.
fn op(node: &NodeProto) -> &str {
    node.op_type.as_deref().unwrap_or_default()
}

fn new_node(operator: &str, inputs: &[&str], output: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        op_type: Some(operator.to_owned()),
        input: inputs.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![output.to_owned()],
        attribute,
        ..NodeProto::default()
    }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        i: Some(value),
        r#type: Some(AttributeType::INT),
        ..AttributeProto::default()
    }
}

fn cast(from: &str, to: &str, kind: DataType) -> NodeProto {
    new_node("Cast", &[from], to, vec![int("to", i64::from(kind.0))])
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    let mut all = node.attribute.iter();
    all.find(|attribute| attribute.name.as_deref() == Some(name))
}

#[cfg(test)]
mod tests;
