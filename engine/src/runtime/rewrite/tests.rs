//! Graphs written anew say what the pack's own say, on the real pack.

use undertone_models::{Bytes, Pack, Role};

use super::super::{Graph, Input, LENGTHS, Output, Rten, Runtime as _, distance, noise};
use super::*;

fn bytes(role: Role) -> Vec<u8> {
    Pack::embedded().unwrap().graph(role).unwrap().to_vec()
}

fn load(bytes: Vec<u8>, role: Role, lengths: bool) -> Box<dyn Graph> {
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut inputs = named(role.inputs());
    inputs.extend(lengths.then(|| LENGTHS.to_owned()));
    let graph = Rten::new(1).load(&Bytes::Owned(bytes), &inputs, &named(role.outputs()));
    graph.unwrap()
}

fn count(bytes: &[u8], operator: &str) -> usize {
    let graph = ModelProto::parse_buf(bytes).unwrap().graph.unwrap();
    graph.node.iter().filter(|node| op(node) == operator).count()
}

fn hear(graph: &dyn Graph, sound: &[f32]) -> Vec<Output> {
    graph.run(&[Input::floats(sound, &[1, sound.len()])]).unwrap()
}

#[test]
fn eight_bit_products_become_floats_and_say_the_same() {
    for (role, products) in [(Role::Trunk, 12), (Role::Text, 28), (Role::Joint, 27)] {
        let stored = bytes(role);
        let floats = rewrite(&stored, Numbers::Floats, None).unwrap();
        assert_eq!(count(&stored, "MatMulInteger"), products, "{role}");
        assert_eq!(count(&floats, "MatMulInteger"), 0, "{role}");
        assert_eq!(count(&floats, "DynamicQuantizeLinear"), 0, "{role}");
        assert_eq!(
            count(&floats, "MatMul"),
            count(&stored, "MatMul") + products,
            "{role}"
        );
    }
    let sound = noise(24_000);
    let stored = hear(load(bytes(Role::Trunk), Role::Trunk, false).as_ref(), &sound);
    let floats = rewrite(&bytes(Role::Trunk), Numbers::Floats, None).unwrap();
    let floats = hear(load(floats, Role::Trunk, false).as_ref(), &sound);
    let apart = distance(&floats, &stored);
    println!("8 bits and floats are {apart:.1e} apart");
    assert!(apart > 0.0 && apart < 5e-2, "{apart}");
    let ids: Vec<i64> = vec![101, 1045, 2572, 2061, 3407, 102];
    let read = |graph: Box<dyn Graph>| graph.run(&[Input::ids(&ids, &[1, ids.len()])]).unwrap();
    let stored = read(load(bytes(Role::Text), Role::Text, false));
    let floats = rewrite(&bytes(Role::Text), Numbers::Floats, None).unwrap();
    let apart = distance(&read(load(floats, Role::Text, false)), &stored);
    println!("of text they are {apart:.1e} apart");
    assert!(apart > 0.0 && apart < 1e-1, "{apart}");
}

#[test]
fn a_clip_in_company_gives_what_it_gives_alone_whatever_follows_it() {
    let alone = rewrite(&bytes(Role::Trunk), Numbers::Floats, None).unwrap();
    let alone = load(alone, Role::Trunk, false);
    let many = rewrite(&bytes(Role::Trunk), Numbers::Floats, Some(LENGTHS)).unwrap();
    let many = load(many, Role::Trunk, true);
    let clips = [noise(9_000), noise(16_000), noise(895), noise(15_999)];
    let row = 20_000;
    // Not silence: what follows a clip may be anything.
    let mut sound: Vec<f32> = noise(clips.len() * row)
        .iter()
        .map(|sample| sample * 40.0)
        .collect();
    for (place, clip) in sound.chunks_exact_mut(row).zip(&clips) {
        place[..clip.len()].copy_from_slice(clip);
    }
    let lengths = clips.each_ref().map(|clip| i64::try_from(clip.len()).unwrap());
    let together = many
        .run(&[
            Input::floats(&sound, &[clips.len(), row]),
            Input::ids(&lengths, &[clips.len()]),
        ])
        .unwrap();
    for (at, clip) in clips.iter().enumerate() {
        let wanted = hear(alone.as_ref(), clip);
        let found: Vec<Output> = together
            .iter()
            .zip(&wanted)
            .map(|(all, wanted)| {
                let from = at * all.shape[1] * all.shape[2];
                Output {
                    data: all.data[from..from + wanted.data.len()].to_vec(),
                    shape: wanted.shape.clone(),
                }
            })
            .collect();
        let apart = distance(&found, &wanted);
        println!("{} samples: {apart:.1e} apart", clip.len());
        assert!(apart < 1e-4, "clip {at}: {apart}");
    }
}

#[test]
fn halves_are_cast_once_and_back() {
    let stored = bytes(Role::Trunk);
    let halves = rewrite(&stored, Numbers::Halves, None).unwrap();
    let graph = ModelProto::parse_buf(&halves).unwrap().graph.unwrap();
    let to = |kind: DataType| {
        let casts = graph.node.iter().filter(|node| op(node) == "Cast");
        casts
            .filter(|node| attribute(node, "to").and_then(|to| to.i) == Some(i64::from(kind.0)))
            .count()
    };
    // 24 products of the six layers and three convolutions weigh; the other 12 products are attention's own.
    let (found, weighing) = (to(DataType::FLOAT16), 27);
    assert!(found >= 2 * weighing - 3 && found <= 2 * weighing + 3, "{found}");
    let floats = rewrite(&stored, Numbers::Floats, None).unwrap();
    assert_eq!(count(&floats, "MatMul"), 36);
    assert_eq!(count(&halves, "MatMul"), 36);
}

#[test]
fn what_cannot_leave_out_the_end_of_a_clip_is_refused() {
    let error = rewrite(&bytes(Role::LateSpeech), Numbers::Floats, Some(LENGTHS)).unwrap_err();
    assert!(
        error.to_string().contains("cannot be told to leave out"),
        "{error}"
    );
    assert!(matches!(
        rewrite(b"no graph", Numbers::Floats, None),
        Err(RewriteError::Form(_))
    ));
}
