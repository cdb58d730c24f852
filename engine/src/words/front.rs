//! The paths of a beam at one frame, at most one for each state.
//!
//! Must never know what a state means: it keeps the better of two paths in the same one, and the best of all.

/// No whole word yet.
pub(super) const NOWHERE: u32 = u32::MAX;

/// One way to have heard all frames so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path {
    pub node: u32,
    /// The last whole word.
    pub word: u32,
    /// The phone of the newest frame; 0 is the blank.
    pub phone: u8,
    /// Whole words so far, in the log.
    pub log: u32,
    /// Frame of the first phone of the word that is being heard.
    pub first: u32,
    pub sound: f32,
    pub score: f32,
}

/// Paths of one frame, one for each state, found by a small open table.
#[derive(Debug, Default)]
pub(super) struct Front {
    pub paths: Vec<Path>,
    /// The best score offered so far.
    pub best: f32,
    table: Vec<u32>,
}

const TABLE: usize = 1 << 13;

impl Front {
    pub fn clear(&mut self) {
        self.paths.clear();
        self.best = f32::NEG_INFINITY;
        self.table.clear();
        self.table.resize(TABLE, NOWHERE);
    }

    /// Keeps the better of two paths in the same state.
    pub fn offer(&mut self, path: Path) {
        if self.paths.len() >= TABLE / 2 {
            return;
        }
        self.best = self.best.max(path.score);
        let mut at = (path.node.wrapping_mul(0x9E37_79B1)
            ^ path.word.wrapping_mul(0x85EB_CA77)
            ^ u32::from(path.phone).wrapping_mul(0xC2B2_AE3D)) as usize;
        at = (at ^ (at >> 15)) & (TABLE - 1);
        loop {
            match self.table[at] {
                NOWHERE => {
                    self.table[at] = self.paths.len() as u32;
                    self.paths.push(path);
                    return;
                }
                there => {
                    let known = &mut self.paths[there as usize];
                    if (known.node, known.word, known.phone) == (path.node, path.word, path.phone) {
                        if path.score > known.score {
                            *known = path;
                        }
                        return;
                    }
                    at = (at + 1) & (TABLE - 1);
                }
            }
        }
    }

    /// Leaves so many paths, and none that is further behind the best. The best is the first: what is offered for it
    /// in the next frame tells early what need not be looked at.
    pub fn prune(&mut self, behind: f32, most: usize) {
        let best = self.best;
        self.paths.retain(|path| path.score >= best - behind);
        if self.paths.len() > most {
            self.paths
                .select_nth_unstable_by(most, |a, b| b.score.total_cmp(&a.score));
            self.paths.truncate(most);
        }
        let score = |at: &usize| self.paths[*at].score;
        if let Some(first) = (0..self.paths.len()).max_by(|a, b| score(a).total_cmp(&score(b))) {
            self.paths.swap(0, first);
        }
    }
}
