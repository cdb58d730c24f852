//! Writes ONNX Runtime's own fused operators as the standard ones they came from, so that any runtime takes the
//! graph. Weights keep their values: 8 bits where they were 8 bits. Products come out the same to the bit.

use std::cell::RefCell;
use std::collections::BTreeMap;

use rten_onnx::onnx::{AttributeProto, AttributeType, DataType, NodeProto, TensorProto};

use super::ort::{Parts, op};

/// An operator that nobody told this module about.
#[derive(Debug, thiserror::Error)]
#[error("the model uses the operator '{0}', which this version does not know")]
pub struct UnknownOperator(String);

/// What is being written.
struct Writer<'a> {
    nodes: Vec<NodeProto>,
    weights: &'a mut BTreeMap<String, TensorProto>,
    /// The sums of left sides, by their names.
    totals: BTreeMap<String, String>,
    made: usize,
}

/// A weight whose values are signed.
struct Signed {
    name: String,
    rows: i32,
    /// By how much its values against their zero are more than what is written.
    moved: i32,
}

/// Rewrites every operator of the domain `com.microsoft`.
pub fn plain(parts: &mut Parts) -> Result<(), UnknownOperator> {
    let nodes = std::mem::take(&mut parts.nodes);
    let mut writer = Writer {
        nodes: Vec::with_capacity(nodes.len()),
        weights: &mut parts.weights,
        totals: BTreeMap::new(),
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
        let names = ["floats", "scale", "product"].map(|part| self.name(part));
        let [floats, scale, product] = names.each_ref().map(String::as_str);
        let integers = self.integers(left, right);
        let to_float = int_attribute("to", i64::from(DataType::FLOAT.0));
        self.put("Cast", &[&integers], &[floats], vec![to_float]);
        self.put("Mul", &[left[1], right[1]], &[scale], vec![]);
        let last = if bias.is_empty() { out } else { product };
        self.put("Mul", &[floats, scale], &[last], vec![]);
        if !bias.is_empty() {
            self.put("Add", &[product, bias], &[out], vec![]);
        }
    }

    /// The same as whole numbers. Where the weight is known its product is taken of signed numbers around zero, as
    /// only those are laid out once for all runs; what its own zero adds depends on the sum of the left side alone.
    fn integers(&mut self, left: [&str; 3], right: [&str; 3]) -> String {
        let product = self.name("integers");
        let Some(weight) = self.signed(right[0], right[2]) else {
            let inputs = [left[0], right[0], left[2], right[2]];
            self.put("MatMulInteger", &inputs, &[&product], vec![]);
            return product;
        };
        self.put(
            "MatMulInteger",
            &[left[0], &weight.name, left[2]],
            &[&product],
            vec![],
        );
        let total = self.total(left, weight.rows);
        let names = ["moved", "whole"].map(|part| self.name(part));
        let by = self.whole_number(weight.moved);
        self.put("Mul", &[&total, &by], &[&names[0]], vec![]);
        self.put("Add", &[&product, &names[0]], &[&names[1]], vec![]);
        let [_, whole] = names;
        whole
    }

    /// The sum of each row of a left side, against its zero; made once however many products it enters.
    fn total(&mut self, left: [&str; 3], columns: i32) -> String {
        if let Some(known) = self.totals.get(left[0]) {
            return known.clone();
        }
        let names = ["values", "sum", "zero", "zeros", "total"].map(|part| self.name(part));
        let [values, sum, zero, zeros, total] = names.each_ref().map(String::as_str);
        let whole = || vec![int_attribute("to", i64::from(DataType::INT32.0))];
        self.put("Cast", &[left[0]], &[values], whole());
        let axis = self.weight("axis", DataType::INT64, vec![1], (-1_i64).to_le_bytes().to_vec());
        self.put(
            "ReduceSum",
            &[values, &axis],
            &[sum],
            vec![int_attribute("keepdims", 1)],
        );
        self.put("Cast", &[left[2]], &[zero], whole());
        let columns = self.whole_number(columns);
        self.put("Mul", &[zero, &columns], &[zeros], vec![]);
        self.put("Sub", &[sum, zeros], &[total], vec![]);
        self.totals.insert(left[0].to_owned(), total.to_owned());
        total.to_owned()
    }

    /// A copy of an unsigned weight less 128, if both it and its zero are known. A copy, because an embedding may be
    /// the same weight.
    fn signed(&mut self, name: &str, zero: &str) -> Option<Signed> {
        const HALF: u8 = 128;
        let weight = self.weights.get(name)?;
        let unsigned = |weight: &TensorProto| weight.data_type == Some(DataType::UINT8);
        let zero = self.weights.get(zero).filter(|zero| unsigned(zero))?;
        let &[zero] = zero.raw_data.as_ref()?.borrow().as_slice() else {
            return None;
        };
        let (true, &[rows, _]) = (unsigned(weight), weight.dims.as_slice()) else {
            return None;
        };
        let known = format!("{name}/signed");
        if !self.weights.contains_key(&known) {
            let values = weight.raw_data.as_ref()?.borrow();
            let moved = values.iter().map(|value| value ^ HALF).collect();
            drop(values);
            let moved = tensor(&known, DataType::INT8, weight.dims.clone(), moved);
            self.weights.insert(known.clone(), moved);
        }
        Some(Signed {
            name: known,
            rows: i32::try_from(rows).ok()?,
            moved: i32::from(HALF) - i32::from(zero),
        })
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
        self.weight("constant", DataType::FLOAT, vec![], value.to_le_bytes().to_vec())
    }

    fn whole_number(&mut self, value: i32) -> String {
        self.weight("constant", DataType::INT32, vec![], value.to_le_bytes().to_vec())
    }

    fn weight(&mut self, part: &str, kind: DataType, dims: Vec<i64>, data: Vec<u8>) -> String {
        let name = self.name(part);
        self.weights.insert(name.clone(), tensor(&name, kind, dims, data));
        name
    }
}

fn tensor(name: &str, kind: DataType, dims: Vec<i64>, data: Vec<u8>) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        dims,
        data_type: Some(kind),
        raw_data: Some(RefCell::new(data)),
        ..TensorProto::default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_of_a_product_are_signed_and_mean_the_same() {
        let unsigned = |name: &str, dims: &[i64], values: &[u8]| {
            (
                name.to_owned(),
                tensor(name, DataType::UINT8, dims.to_vec(), values.to_vec()),
            )
        };
        let product = |out: &str| NodeProto {
            op_type: Some("MatMulIntegerToFloat".into()),
            domain: Some("com.microsoft".into()),
            input: ["a", "w", "as", "ws", "az", "wz"].map(str::to_owned).to_vec(),
            output: vec![out.into()],
            ..NodeProto::default()
        };
        let mut parts = Parts::default();
        parts.nodes = vec![product("one"), product("two")];
        parts.weights = [
            unsigned("w", &[4, 1], &[0, 100, 130, 255]),
            unsigned("wz", &[], &[120]),
        ]
        .into();
        plain(&mut parts).unwrap();
        let nodes = |name: &str| {
            parts
                .nodes
                .iter()
                .filter(|node| op(node) == name)
                .collect::<Vec<_>>()
        };
        let multiply = nodes("MatMulInteger")[0];
        assert_eq!(
            multiply.input.len(),
            3,
            "a zero of its own would be lost where it is laid out once for all runs"
        );
        let signed = &parts.weights[&multiply.input[1]];
        assert_eq!(signed.data_type, Some(DataType::INT8));
        let moved = nodes("Mul")
            .iter()
            .filter_map(|node| parts.weights.get(&node.input[1]))
            .map(|weight| {
                i32::from_le_bytes(
                    weight.raw_data.as_ref().unwrap().borrow()[..4]
                        .try_into()
                        .unwrap(),
                )
            })
            .find(|moved| *moved == 128 - 120)
            .unwrap();
        let written: Vec<i32> = signed
            .raw_data
            .as_ref()
            .unwrap()
            .borrow()
            .iter()
            .map(|byte| i32::from(byte.cast_signed()) + moved)
            .collect();
        assert_eq!(written, [-120, -20, 10, 135]);
        assert_eq!(nodes("ReduceSum").len(), 1, "the left side is the same");
    }
}
