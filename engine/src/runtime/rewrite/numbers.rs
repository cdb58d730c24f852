//! Other numbers for the products of a graph: floats for 8 bits, 16 bits for floats.

use std::collections::HashMap;

use rten_onnx::onnx::{DataType, NodeProto, TensorProto};

use super::{Edit, cast, makers, new_node, op};

/// Every product of 8-bit numbers whose right side is a weight becomes one of floats. What scaled its left side on
/// the way in is left without use, and goes.
pub(super) fn floats(edit: &mut Edit) {
    let makers = makers(&edit.graph.node);
    for at in 0..edit.graph.node.len() {
        if let Some(product) = product(edit, &makers, at) {
            let weight = edit.floats(&product.dims, &product.weight);
            let output = edit.graph.node[at].output[0].clone();
            edit.graph.node[at] = new_node("MatMul", &[&product.left, &weight], &output, vec![]);
        }
    }
}

/// A product of 8-bit numbers: what comes in, and the weights as floats.
struct Product {
    left: String,
    dims: Vec<i64>,
    weight: Vec<f32>,
}

/// The product that the multiplication at `at` scales, if it scales one:
/// `(quantised left × quantised right, as floats) × (left's scale × right's scale)`.
fn product(edit: &Edit, makers: &HashMap<String, usize>, at: usize) -> Option<Product> {
    let nodes = &edit.graph.node;
    let made = |name: &str, kind: &str| -> Option<&NodeProto> {
        let node = &nodes[*makers.get(name)?];
        (op(node) == kind).then_some(node)
    };
    let last = &nodes[at];
    let ([a, b], "Mul") = (last.input.as_slice(), op(last)) else {
        return None;
    };
    let (floats, scales) = match (made(a, "Cast"), made(b, "Cast")) {
        (Some(floats), _) => (floats, made(b, "Mul")?),
        (_, Some(floats)) => (floats, made(a, "Mul")?),
        _ => return None,
    };
    let integers = made(floats.input.first()?, "MatMulInteger")?;
    let left = made(integers.input.first()?, "DynamicQuantizeLinear")?;
    let own_scale = left.output.get(1)?;
    if integers.input.get(2) != left.output.get(2) || !scales.input.contains(own_scale) {
        return None;
    }
    let scale = scales.input.iter().find(|name| *name != own_scale)?;
    let weight = edit.find(integers.input.get(1)?)?;
    let zeros = match integers.input.get(3).filter(|name| !name.is_empty()) {
        Some(name) => bytes(edit.find(name)?)?,
        None => vec![0.0],
    };
    let (scales, columns) = (
        plain(edit.find(scale)?)?,
        usize::try_from(*weight.dims.last()?).ok()?,
    );
    let fits = |count: usize| count == 1 || count == columns;
    if weight.dims.len() != 2 || !fits(scales.len()) || !fits(zeros.len()) {
        return None;
    }
    let weights = bytes(weight)?.into_iter().enumerate();
    let weights = weights.map(|(at, value)| {
        let column = at % columns;
        (value - zeros[column % zeros.len()]) * scales[column % scales.len()]
    });
    Some(Product {
        left: left.input.first()?.clone(),
        dims: weight.dims.clone(),
        weight: weights.collect(),
    })
}

/// The numbers of a tensor of 8-bit ones.
fn bytes(tensor: &TensorProto) -> Option<Vec<f32>> {
    let Some(raw) = &tensor.raw_data else {
        // A few stand one by one.
        let kind = matches!(tensor.data_type?, DataType::INT8 | DataType::UINT8);
        return kind.then(|| tensor.int32_data.iter().map(|value| *value as f32).collect());
    };
    let raw = raw.borrow();
    match tensor.data_type? {
        #[allow(clippy::cast_possible_wrap, reason = "that is what they are")]
        DataType::INT8 => Some(raw.iter().map(|byte| f32::from(*byte as i8)).collect()),
        DataType::UINT8 => Some(raw.iter().map(|byte| f32::from(*byte)).collect()),
        _ => None,
    }
}

/// The numbers of a tensor of floats.
fn plain(tensor: &TensorProto) -> Option<Vec<f32>> {
    if tensor.data_type != Some(DataType::FLOAT) {
        return None;
    }
    let Some(raw) = &tensor.raw_data else {
        return Some(tensor.float_data.clone());
    };
    let raw = raw.borrow();
    let (numbers, rest) = raw.as_chunks::<4>();
    rest.is_empty()
        .then(|| numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// Products and convolutions with weights are computed with 16 bits. The weights' own casts are worked out when the
/// graph is loaded; a value that several take is cast once.
pub(super) fn halves(edit: &mut Edit) {
    let constants = edit.constants();
    let mut half: HashMap<String, String> = HashMap::new();
    let nodes = std::mem::take(&mut edit.graph.node);
    let mut written = Vec::with_capacity(nodes.len() * 2);
    for mut node in nodes {
        let weighs = matches!(op(&node), "MatMul" | "Conv")
            && node.input.get(1).is_some_and(|name| constants.contains(name));
        if !weighs {
            written.push(node);
            continue;
        }
        for input in &mut node.input {
            let known = half.entry(input.clone()).or_insert_with(|| {
                let name = edit.name("half");
                written.push(cast(input, &name, DataType::FLOAT16));
                name
            });
            input.clone_from(known);
        }
        let wide = std::mem::replace(&mut node.output[0], edit.name("half"));
        let back = cast(&node.output[0], &wide, DataType::FLOAT);
        written.extend([node, back]);
    }
    edit.graph.node = written;
}
