//! Writes ONNX Runtime's own fused operators as the standard ones they came from, so that any runtime takes the
//! graph. Weights stay as they are: 8 bits where they were 8 bits.

use std::cell::RefCell;

use rten_onnx::onnx::{AttributeProto, AttributeType, DataType, NodeProto, TensorProto};

use super::ort::{Parts, op};

/// An operator that nobody told this module about.
#[derive(Debug, thiserror::Error)]
#[error("the model uses the operator '{0}', which this version does not know")]
pub struct UnknownOperator(String);

/// What is being written.
struct Writer<'a> {
    nodes: Vec<NodeProto>,
    weights: &'a mut std::collections::BTreeMap<String, TensorProto>,
    made: usize,
}

/// Rewrites every operator of the domain `com.microsoft`.
pub fn plain(parts: &mut Parts) -> Result<(), UnknownOperator> {
    let nodes = std::mem::take(&mut parts.nodes);
    let mut writer = Writer {
        nodes: Vec::with_capacity(nodes.len()),
        weights: &mut parts.weights,
        made: 0,
    };
    for node in nodes {
        if node.domain.as_deref() == Some("com.microsoft") {
            writer.rewrite(&node)?;
        } else {
            writer.nodes.push(node);
        }
    }
    parts.nodes = writer.nodes;
    Ok(())
}

impl Writer<'_> {
    fn rewrite(&mut self, node: &NodeProto) -> Result<(), UnknownOperator> {
        let input = |at: usize| node.input.get(at).map_or("", String::as_str);
        let out = node.output.first().map_or("", String::as_str);
        match op(node) {
            "MatMulIntegerToFloat" => {
                let left = [input(0), input(2), input(4)];
                self.integer_product(left, [input(1), input(3), input(5)], input(6), out);
            }
            "DynamicQuantizeMatMul" => {
                let names = ["q", "s", "z"].map(|part| self.name(part));
                let outputs = [names[0].as_str(), &names[1], &names[2]];
                self.put("DynamicQuantizeLinear", &[input(0)], &outputs, vec![]);
                self.integer_product(outputs, [input(1), input(2), input(3)], input(4), out);
            }
            "FusedMatMul" => {
                let (mut left, mut right) = (input(0).to_owned(), input(1).to_owned());
                for (flag, side) in [("transA", &mut left), ("transB", &mut right)] {
                    if int(node, flag) == 1 {
                        let turned = self.name("turned");
                        // Only ever used between the heads of an attention, which have four axes.
                        let order = ints("perm", &[0, 1, 3, 2]);
                        self.put("Transpose", &[side], &[&turned], vec![order]);
                        *side = turned;
                    }
                }
                let scale = find(node, "alpha")
                    .and_then(|attribute| attribute.f)
                    .unwrap_or(1.0);
                let scale = self.constant(scale);
                let product = self.name("product");
                self.put("MatMul", &[&left, &right], &[&product], vec![]);
                self.put("Mul", &[&product, &scale], &[out], vec![]);
            }
            "Gelu" => self.put("Gelu", &[input(0)], &[out], vec![]),
            "QuickGelu" => {
                let slope = find(node, "alpha")
                    .and_then(|attribute| attribute.f)
                    .unwrap_or(1.702);
                let (gate, scaled) = (self.name("gate"), self.name("scaled"));
                let slope = self.constant(slope);
                self.put("Mul", &[input(0), &slope], &[&scaled], vec![]);
                self.put("Sigmoid", &[&scaled], &[&gate], vec![]);
                self.put("Mul", &[input(0), &gate], &[out], vec![]);
            }
            "SkipLayerNormalization" => self.skip_norm(node),
            "FusedConv" => {
                let product = self.name("conv");
                let kept = |attribute: &&AttributeProto| {
                    !attribute
                        .name
                        .as_deref()
                        .unwrap_or_default()
                        .starts_with("activation")
                };
                let attributes = node.attribute.iter().filter(kept).cloned().collect();
                let inputs: Vec<&str> = (0..3).map(input).filter(|name| !name.is_empty()).collect();
                self.put("Conv", &inputs, &[&product], attributes);
                let activation = find(node, "activation").and_then(|attribute| attribute.s.clone());
                match activation.as_deref() {
                    Some(name @ ("Tanh" | "Relu" | "Sigmoid")) => self.put(name, &[&product], &[out], vec![]),
                    other => return Err(UnknownOperator(format!("FusedConv with {other:?}"))),
                }
            }
            other => return Err(UnknownOperator(other.to_owned())),
        }
        Ok(())
    }

    /// The product of two integer matrices (values, scale, zero each) as floats, with a bias if it has a name.
    fn integer_product(&mut self, left: [&str; 3], right: [&str; 3], bias: &str, out: &str) {
        let names = ["integers", "floats", "scale", "product"].map(|part| self.name(part));
        let [integers, floats, scale, product] = names.each_ref().map(String::as_str);
        self.put(
            "MatMulInteger",
            &[left[0], right[0], left[2], right[2]],
            &[integers],
            vec![],
        );
        let to_float = int_attribute("to", i64::from(DataType::FLOAT.0));
        self.put("Cast", &[integers], &[floats], vec![to_float]);
        self.put("Mul", &[left[1], right[1]], &[scale], vec![]);
        let last = if bias.is_empty() { out } else { product };
        self.put("Mul", &[floats, scale], &[last], vec![]);
        if !bias.is_empty() {
            self.put("Add", &[product, bias], &[out], vec![]);
        }
    }

    fn skip_norm(&mut self, node: &NodeProto) {
        let input = |at: usize| node.input.get(at).map_or("", String::as_str);
        let output = |at: usize| node.output.get(at).filter(|name| !name.is_empty());
        let sum = output(3).cloned().unwrap_or_else(|| self.name("sum"));
        if input(4).is_empty() {
            self.put("Add", &[input(0), input(1)], &[&sum], vec![]);
        } else {
            let part = self.name("part");
            self.put("Add", &[input(0), input(1)], &[&part], vec![]);
            self.put("Add", &[&part, input(4)], &[&sum], vec![]);
        }
        let mut inputs = vec![sum.as_str(), input(2)];
        if !input(3).is_empty() {
            inputs.push(input(3));
        }
        let mut attributes = vec![int_attribute("axis", -1)];
        attributes.extend(find(node, "epsilon").cloned());
        self.put(
            "LayerNormalization",
            &inputs,
            &[output(0).map_or("", String::as_str)],
            attributes,
        );
    }

    fn put(&mut self, operator: &str, inputs: &[&str], outputs: &[&str], attribute: Vec<AttributeProto>) {
        self.nodes.push(NodeProto {
            op_type: Some(operator.to_owned()),
            input: inputs.iter().map(|name| (*name).to_owned()).collect(),
            output: outputs.iter().map(|name| (*name).to_owned()).collect(),
            attribute,
            ..NodeProto::default()
        });
    }

    /// A name that nothing has yet.
    fn name(&mut self, part: &str) -> String {
        self.made += 1;
        format!("plain/{part}_{}", self.made)
    }

    fn constant(&mut self, value: f32) -> String {
        let name = self.name("constant");
        let tensor = TensorProto {
            name: Some(name.clone()),
            data_type: Some(DataType::FLOAT),
            raw_data: Some(RefCell::new(value.to_le_bytes().to_vec())),
            ..TensorProto::default()
        };
        self.weights.insert(name.clone(), tensor);
        name
    }
}

fn find<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute
        .iter()
        .find(|attribute| attribute.name.as_deref() == Some(name))
}

fn int(node: &NodeProto, name: &str) -> i64 {
    find(node, name).and_then(|attribute| attribute.i).unwrap_or(0)
}

fn int_attribute(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        i: Some(value),
        r#type: Some(AttributeType::INT),
        ..AttributeProto::default()
    }
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        ints: values.to_vec(),
        r#type: Some(AttributeType::INTS),
        ..AttributeProto::default()
    }
}
