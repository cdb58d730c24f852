//! Brings a new line to the audio thread, and takes the old one away.
//!
//! Streams are opened, moved to another rate and closed by other threads while audio runs. The audio thread
//! must neither wait for that nor free memory, so lines change hands in a triple buffer: the newest wins,
//! and what the audio thread gives up is freed by the sender.

use std::mem;

use triple_buffer::{Input, Output, TripleBuffer};
use undertone::{Latest, Tap};

/// The audio thread's end of a stream.
#[derive(Debug)]
pub struct Line {
    /// Where sound goes.
    pub tap: Tap,
    /// What it was found to feel like.
    pub latest: Latest,
}

/// The end that gives lines.
#[derive(Debug)]
pub struct Sender(Input<Option<Line>>);

/// The audio thread's end.
#[derive(Debug)]
pub struct Receiver {
    output: Output<Option<Line>>,
    line: Option<Line>,
}

/// A new pair; no line yet.
pub fn pair() -> (Sender, Receiver) {
    let (input, output) = TripleBuffer::default().split();
    (Sender(input), Receiver { output, line: None })
}

impl Sender {
    /// Gives the audio thread this line from its next block on, or none.
    pub fn send(&mut self, line: Option<Line>) {
        // Assigning drops what lay in the buffer: an old line, here and not on the audio thread.
        *self.0.input_buffer_mut() = line;
        self.0.publish();
    }
}

impl Receiver {
    /// The present line. Wait-free, frees nothing.
    pub fn line(&mut self) -> Option<&mut Line> {
        if self.output.update() {
            mem::swap(&mut self.line, self.output.output_buffer_mut());
        }
        self.line.as_mut()
    }
}
