//! One port of a block, in either format: pointers to channels, looked at before they are used.

use super::MOST_CHANNELS;

/// A host's port or bus in the present block.
#[derive(Debug, Clone, Copy)]
pub struct Port {
    first: *mut *mut f32,
    count: usize,
}

impl Port {
    /// A port of `count` channels, whose pointers lie at `first`.
    ///
    /// # Safety
    ///
    /// Until the block is over `first` must be null or point at `count` pointers, each of which is null or good
    /// for the block's frames.
    pub unsafe fn new(first: *mut *mut f32, count: usize) -> Self {
        Self { first, count }
    }

    /// Its channels.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Whether every channel is there.
    pub fn is_whole(&self) -> bool {
        self.count > 0 && (0..self.count).all(|at| self.channel(at).is_some())
    }

    fn channel(&self, at: usize) -> Option<*mut f32> {
        if at >= self.count || self.first.is_null() {
            return None;
        }
        // SAFETY: whoever made the port vouches for `count` pointers.
        let channel = unsafe { *self.first.add(at) };
        (!channel.is_null()).then_some(channel)
    }

    /// The pointers of the first channels, at most `most`, of a whole port.
    pub fn pointers(&self, most: usize) -> &[*mut f32] {
        if !self.is_whole() {
            return &[];
        }
        // SAFETY: whoever made the port vouches for `count` pointers.
        unsafe { std::slice::from_raw_parts(self.first, self.count.min(most)) }
    }

    /// The channels of a whole port, to write to.
    ///
    /// # Safety
    ///
    /// `frames` must be the block's at most, and the memory nobody else's.
    pub unsafe fn writable<'a>(&self, frames: usize) -> impl Iterator<Item = &'a mut [f32]> {
        let port = *self;
        (0..self.count).filter_map(move |at| {
            // SAFETY: whoever made the port vouches for the frames, and the caller for being alone.
            port.channel(at)
                .map(|channel| unsafe { std::slice::from_raw_parts_mut(channel, frames) })
        })
    }
}

/// Hands the sound on without the framework: input to output as far as both are there, silence elsewhere.
///
/// # Safety
///
/// `frames` must be the block's.
pub unsafe fn hand_on(input: Option<Port>, outputs: impl Iterator<Item = Port>, frames: usize) {
    for (index, port) in outputs.enumerate() {
        let source = input.filter(|_| index == 0);
        // A count that no host means is not followed.
        for at in 0..port.count.min(MOST_CHANNELS * 8) {
            let Some(to) = port.channel(at) else { continue };
            match source.and_then(|source| source.channel(at)) {
                // SAFETY: both are good for the block's frames. They may be the same memory, and `copy` bears it.
                Some(from) => unsafe { std::ptr::copy(from, to, frames) },
                // SAFETY: as above.
                None => unsafe { std::ptr::write_bytes(to, 0, frames) },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(channels: &mut [*mut f32]) -> Port {
        // SAFETY: the tests keep what they point at.
        unsafe { Port::new(channels.as_mut_ptr(), channels.len()) }
    }

    #[test]
    fn a_port_with_a_hole_is_not_whole() {
        let mut sound = [0.0_f32; 4];
        assert!(port(&mut [sound.as_mut_ptr()]).is_whole());
        assert!(!port(&mut [sound.as_mut_ptr(), std::ptr::null_mut()]).is_whole());
        assert!(!port(&mut []).is_whole());
        // SAFETY: null is what is tried.
        let nothing = unsafe { Port::new(std::ptr::null_mut(), 2) };
        assert!(!nothing.is_whole());
        assert!(nothing.pointers(2).is_empty());
    }

    #[test]
    fn sound_is_handed_on_as_far_as_there_is_some() {
        let (mut left, mut out_left, mut out_right) = ([1.0_f32, 2.0], [9.0_f32; 2], [9.0_f32; 2]);
        let mut input = [left.as_mut_ptr()];
        let mut output = [out_left.as_mut_ptr(), out_right.as_mut_ptr()];
        let (input, output) = (port(&mut input), port(&mut output));
        // SAFETY: every channel has two frames.
        unsafe { hand_on(Some(input), std::iter::once(output), 2) };
        assert_eq!((out_left, out_right), ([1.0, 2.0], [0.0, 0.0]));
    }
}
