//! A speech model for the real libvosk, small enough to be written here: it knows two words by their sound.
//!
//! A dull sound is "yes", a bright one "no", anything quiet is silence. Its network is one matrix whose numbers
//! are set by hand; what matters is that the real library reads it, decodes a stream with it, and gives partial
//! results, ends of sentences, words, times and confidences.

use std::fs;
use std::path::Path;

const FEATURES: usize = 13;
/// The weight of a way between two sounds that are equally likely: the logarithm of a half, turned round.
const HALF: f32 = 0.693;
/// What a word costs: noise is no word.
const WORD: f32 = 2.0;

/// Writes the model into a folder.
pub fn write(dir: &Path) {
    for folder in ["am", "conf", "graph/phones"] {
        fs::create_dir_all(dir.join(folder)).expect("a folder to write to");
    }
    let put = |name: &str, text: &[u8]| fs::write(dir.join(name), text).expect("written");
    put(
        "conf/mfcc.conf",
        b"--use-energy=true\n--sample-frequency=16000\n--num-mel-bins=23\n--num-ceps=13\n--dither=0\n",
    );
    put(
        "conf/model.conf",
        b"--min-active=20\n--max-active=300\n--beam=10\n--lattice-beam=4\n--acoustic-scale=1.0\n\
          --frame-subsampling-factor=3\n--frames-per-chunk=15\n--endpoint.silence-phones=1\n",
    );
    put(
        "graph/phones/word_boundary.int",
        b"1 nonword\n2 singleton\n3 singleton\n",
    );
    put("graph/words.txt", b"<eps> 0\nyes 1\nno 2\n#0 3\n");
    put("am/final.mdl", network().as_bytes());
    put("graph/HCLG.fst", &graph());
}

/// The text form of Kaldi: three sounds of one state each, and a matrix from features to their likelihoods.
fn network() -> String {
    // The energy tells sound from silence, the first cepstrum dull from bright.
    let row = |energy: f32, slope: f32| {
        let mut row = [0.0; FEATURES];
        (row[0], row[1]) = (energy, slope);
        row.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    let (silence, yes, no) = (row(0.0, 0.0), row(1.6, 0.2), row(1.6, -0.2));
    let halves = [0; 6].map(|_| (-HALF).to_string()).join(" ");
    format!(
        "<TransitionModel> \n<Topology> \n<TopologyEntry> \n<ForPhones> \n1 2 3 \n</ForPhones> \n\
         <State> 0 <PdfClass> 0 <Transition> 0 0.5 <Transition> 1 0.5 </State> \n<State> 1 </State> \n\
         </TopologyEntry> \n</Topology> \n<Triples> 3 \n1 0 0 \n2 0 1 \n3 0 2 \n</Triples> \n\
         <LogProbs> \n [ 0 {halves} ]\n</LogProbs> \n</TransitionModel> \n<Nnet3>\n\n\
         input-node name=input dim={FEATURES}\n\
         component-node name=out.affine component=out.affine input=input\n\
         component-node name=out.log component=out.log input=out.affine\n\
         output-node name=output input=out.log objective=linear\n\n\
         <NumComponents> 2 \n<ComponentName> out.affine <FixedAffineComponent> <LinearParams>  [\n \
         {silence}\n {yes}\n {no} ]\n<BiasParams>  [ 0 -20 -20 ]\n</FixedAffineComponent> \n\
         <ComponentName> out.log <LogSoftmaxComponent> <Dim> 3 <ValueAvg>  [ ]\n<DerivAvg>  [ ]\n\
         <Count> 0 <OderivRms> [ ]\n<OderivCount> 0 </LogSoftmaxComponent> \n</Nnet3> \n\
         <LeftContext> 0 <RightContext> 0 <Priors>  [ ]\n"
    )
}

/// The binary form of `OpenFst`: from one state, any of the three sounds, and back.
fn graph() -> Vec<u8> {
    let mut states: Vec<Vec<(i32, i32, f32, i32)>> = vec![Vec::new(); 4];
    for (state, sound, word) in [(1, 1, 0), (2, 2, 1), (3, 3, 2)] {
        let cost = if word == 0 { HALF } else { HALF + WORD };
        states[0].push((2 * sound, word, cost, state));
        let at = state as usize;
        states[at].push((2 * sound - 1, 0, HALF, state));
        states[at].push((0, 0, 0.0, 0));
    }
    let arcs: usize = states.iter().map(Vec::len).sum();
    let mut bytes = Vec::new();
    let text = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend(i32::try_from(text.len()).expect("a short text").to_le_bytes());
        bytes.extend(text.bytes());
    };
    bytes.extend(2_125_659_606_i32.to_le_bytes());
    text(&mut bytes, "vector");
    text(&mut bytes, "standard");
    bytes.extend(2_i32.to_le_bytes()); // version
    bytes.extend(0_i32.to_le_bytes()); // no tables of names
    bytes.extend(3_u64.to_le_bytes()); // expanded, mutable
    bytes.extend(0_i64.to_le_bytes()); // start
    bytes.extend((states.len() as u64).to_le_bytes());
    bytes.extend((arcs as u64).to_le_bytes());
    for (state, arcs) in states.iter().enumerate() {
        let last = if state == 0 { 0.0 } else { f32::INFINITY };
        bytes.extend(last.to_le_bytes());
        bytes.extend((arcs.len() as u64).to_le_bytes());
        for (input, output, cost, next) in arcs {
            bytes.extend(input.to_le_bytes());
            bytes.extend(output.to_le_bytes());
            bytes.extend(cost.to_le_bytes());
            bytes.extend(next.to_le_bytes());
        }
    }
    bytes
}
