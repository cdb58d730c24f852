//! From ONNX Runtime's own format to ONNX graphs: what a file holds, and the part of it that is wanted.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};

use super::flat::Table;

/// The version of the operators that the graphs are written in.
const OPSET: i64 = 20;

/// The nodes and weights of a file, or of one branch of an `If` in it with all that it sees.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    pub nodes: Vec<NodeProto>,
    pub weights: BTreeMap<String, TensorProto>,
    /// Types of values, by name.
    types: BTreeMap<String, TypeProto>,
    /// The branches of its `If`, by name.
    branches: BTreeMap<String, Parts>,
}

impl Parts {
    /// Reads a file; `None` if it is not of the form.
    pub fn read(file: &[u8]) -> Option<Self> {
        let graph = Table::root(file)?.table(1)?.table(7)?;
        Some(Self::of(graph))
    }

    fn of(graph: Table<'_>) -> Self {
        let mut parts = Self::default();
        for weight in graph.tables(0) {
            let weight = tensor(weight);
            parts
                .weights
                .insert(weight.name.clone().unwrap_or_default(), weight);
        }
        for value in graph.tables(1) {
            if let (Some(name), Some(kind)) = (value.text(0), value_type(value)) {
                parts.types.insert(name.to_owned(), kind);
            }
        }
        for table in graph.tables(2) {
            let mut node = NodeProto {
                name: table.text(0).map(str::to_owned),
                domain: table.text(2).map(str::to_owned),
                op_type: table.text(5).map(str::to_owned),
                input: table.texts(8).into_iter().map(str::to_owned).collect(),
                output: table.texts(9).into_iter().map(str::to_owned).collect(),
                ..NodeProto::default()
            };
            for attribute in table.tables(10) {
                let name = attribute.text(0).unwrap_or_default();
                match attribute.table(7) {
                    Some(branch) => {
                        parts.branches.insert(name.to_owned(), Self::of(branch));
                    }
                    None => node.attribute.extend(plain_attribute(name, attribute)),
                }
            }
            parts.nodes.push(node);
        }
        parts
    }

    /// One branch of the `If`, with the nodes and weights that surround it.
    pub fn branch(&self, name: &str) -> Option<Self> {
        let mut inside = self.branches.get(name)?.clone();
        inside
            .nodes
            .extend(self.nodes.iter().filter(|node| op(node) != "If").cloned());
        for (name, weight) in &self.weights {
            inside
                .weights
                .entry(name.clone())
                .or_insert_with(|| weight.clone());
        }
        for (name, kind) in &self.types {
            inside.types.entry(name.clone()).or_insert_with(|| kind.clone());
        }
        Some(inside)
    }

    /// A model of what is needed for these outputs, its nodes in the order in which they can run; `None` if they
    /// cannot be made from these inputs.
    pub fn model(&self, inputs: &[String], outputs: &[String]) -> Option<ModelProto> {
        let maker: HashMap<&str, usize> = self
            .nodes
            .iter()
            .enumerate()
            .flat_map(|(at, node)| node.output.iter().map(move |name| (name.as_str(), at)))
            .collect();
        let given: HashSet<&str> = inputs.iter().map(String::as_str).collect();
        let mut graph = GraphProto::default();
        let (mut placed, mut weights) = (HashSet::new(), HashSet::new());
        let mut steps: Vec<Step<'_>> = outputs.iter().rev().map(|name| Step::Value(name)).collect();
        let mut opened = HashSet::new();
        while let Some(step) = steps.pop() {
            match step {
                Step::Place(at) => {
                    if placed.insert(at) {
                        graph.node.push(self.nodes[at].clone());
                    }
                }
                Step::Value(name) if name.is_empty() || given.contains(name) => {}
                Step::Value(name) => match (self.weights.get(name), maker.get(name)) {
                    (Some(weight), _) => {
                        if weights.insert(name) {
                            graph.initializer.push(weight.clone());
                        }
                    }
                    (None, Some(&at)) => {
                        if opened.insert(at) {
                            steps.push(Step::Place(at));
                            steps.extend(self.nodes[at].input.iter().map(|name| Step::Value(name)));
                        }
                    }
                    (None, None) => return None,
                },
            }
        }
        let value = |name: &String| ValueInfoProto {
            name: Some(name.clone()),
            r#type: self.types.get(name).cloned(),
        };
        graph.input = inputs.iter().map(value).collect();
        graph.output = outputs.iter().map(value).collect();
        Some(ModelProto {
            ir_version: Some(9),
            graph: Some(graph),
            opset_import: vec![OperatorSetIdProto {
                domain: Some(String::new()),
                version: Some(OPSET),
            }],
            producer_name: Some("undertone".into()),
            ..ModelProto::default()
        })
    }
}

/// What is still to be looked at: a value, or a node all of whose inputs have been.
enum Step<'a> {
    Value(&'a str),
    Place(usize),
}

/// The operator of a node.
pub fn op(node: &NodeProto) -> &str {
    node.op_type.as_deref().unwrap_or_default()
}

fn tensor(table: Table<'_>) -> TensorProto {
    TensorProto {
        name: table.text(0).map(str::to_owned),
        dims: table.i64s(2),
        data_type: Some(DataType(table.i32(3).unwrap_or(0))),
        raw_data: Some(RefCell::new(table.bytes(4).unwrap_or_default().to_vec())),
        ..TensorProto::default()
    }
}

fn plain_attribute(name: &str, table: Table<'_>) -> Option<AttributeProto> {
    let kind = AttributeType(table.i32(2).unwrap_or(0));
    let mut attribute = AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(kind),
        ..AttributeProto::default()
    };
    // A number that is zero is not written down.
    match kind {
        AttributeType::FLOAT => attribute.f = Some(table.f32(3).unwrap_or(0.0)),
        AttributeType::INT => attribute.i = Some(table.i64(4).unwrap_or(0)),
        AttributeType::STRING => attribute.s = Some(table.text(5).unwrap_or_default().to_owned()),
        AttributeType::TENSOR => attribute.t = table.table(6).map(tensor),
        AttributeType::FLOATS => attribute.floats = table.f32s(8),
        AttributeType::INTS => attribute.ints = table.i64s(9),
        _ => return None,
    }
    Some(attribute)
}

fn value_type(value: Table<'_>) -> Option<TypeProto> {
    /// In the union of types: a tensor.
    const TENSOR: u8 = 1;
    let info = value.table(2)?;
    if info.byte(1) != Some(TENSOR) {
        return None;
    }
    let tensor = info.table(2)?;
    let shape = tensor.table(1).map(|shape| TensorShapeProto {
        dim: shape.tables(0).into_iter().map(dimension).collect(),
    });
    Some(TypeProto {
        tensor_type: Some(TypeProtoTensor {
            elem_type: Some(DataType(tensor.i32(0).unwrap_or(0))),
            shape,
        }),
        ..TypeProto::default()
    })
}

fn dimension(table: Table<'_>) -> Dimension {
    let (mut dim_value, mut dim_param) = (None, None);
    if let Some(value) = table.table(0) {
        match value.byte(0) {
            Some(1) => dim_value = value.i64(1),
            Some(2) => dim_param = value.text(2).filter(|name| !name.is_empty()).map(str::to_owned),
            _ => {}
        }
    }
    Dimension { dim_value, dim_param }
}
