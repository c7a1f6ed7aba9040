//! Finding many needles in one pass. PURE.

use std::collections::VecDeque;

/// Finds every occurrence of many needles in one pass (Aho and Corasick, 1975).
#[derive(Clone, Debug)]
pub(super) struct Automaton {
    nodes: Vec<Node>,
    /// Children of the root, by byte; 0: none.
    roots: Box<[u32; 256]>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    byte: u8,
    child: u32,
    sibling: u32,
    /// The longest end of this that is also the beginning of a needle.
    fail: u32,
    depth: u32,
    /// Length of the longest needle that ends here; 0: none does.
    longest: u32,
}

impl Automaton {
    /// For these needles; empty ones are none.
    pub(super) fn new(needles: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut automaton = Self { nodes: vec![Node::default()], roots: Box::new([0; 256]) };
        for needle in needles {
            automaton.add(&needle);
        }
        automaton.link();
        automaton
    }

    fn add(&mut self, needle: &[u8]) {
        let mut at = 0;
        for &byte in needle {
            at = match self.child(at, byte) {
                0 => self.grow(at, byte),
                child => child,
            };
        }
        if at != 0 {
            self.nodes[at as usize].longest = self.nodes[at as usize].depth;
        }
    }

    fn grow(&mut self, parent: u32, byte: u8) -> u32 {
        // Secrets are at most 128 KiB each: four thousand million nodes are out of reach.
        let new = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let (sibling, depth) = (self.nodes[parent as usize].child, self.nodes[parent as usize].depth + 1);
        self.nodes.push(Node { byte, sibling, depth, ..Node::default() });
        self.nodes[parent as usize].child = new;
        if parent == 0 {
            self.roots[usize::from(byte)] = new;
        }
        new
    }

    fn link(&mut self) {
        let mut queue: VecDeque<u32> = self.children(0).collect();
        while let Some(at) = queue.pop_front() {
            let children: Vec<u32> = self.children(at).collect();
            for child in children {
                let byte = self.nodes[child as usize].byte;
                let fail = self.next(self.nodes[at as usize].fail, byte);
                let inherited = self.nodes[fail as usize].longest;
                let node = &mut self.nodes[child as usize];
                node.fail = fail;
                node.longest = node.longest.max(inherited);
                queue.push_back(child);
            }
        }
    }

    fn children(&self, of: u32) -> impl Iterator<Item = u32> + '_ {
        let first = self.nodes[of as usize].child;
        std::iter::successors((first != 0).then_some(first), |at| {
            let next = self.nodes[*at as usize].sibling;
            (next != 0).then_some(next)
        })
    }

    fn child(&self, of: u32, byte: u8) -> u32 {
        if of == 0 {
            return self.roots[usize::from(byte)];
        }
        self.children(of).find(|child| self.nodes[*child as usize].byte == byte).unwrap_or(0)
    }

    /// The state after one more byte; 0 is the beginning.
    pub(super) fn next(&self, mut at: u32, byte: u8) -> u32 {
        loop {
            let child = self.child(at, byte);
            if child != 0 || at == 0 {
                return child;
            }
            at = self.nodes[at as usize].fail;
        }
    }

    /// Notes the first two bytes of every needle.
    pub(super) fn begin(&self, pairs: &mut Pairs) {
        for first in self.children(0) {
            let byte = self.nodes[first as usize].byte;
            if self.longest(first) > 0 {
                (0..=255).for_each(|second| pairs.note(byte, second));
            }
            self.children(first).for_each(|second| pairs.note(byte, self.nodes[second as usize].byte));
        }
    }

    /// How many bytes back the longest beginning of a needle reaches.
    pub(super) fn depth(&self, at: u32) -> u32 {
        self.nodes[at as usize].depth
    }

    /// Length of the longest needle that ends here; 0: none does.
    pub(super) fn longest(&self, at: u32) -> u32 {
        self.nodes[at as usize].longest
    }
}

/// A set of pairs of bytes, small enough to stay in the fastest memory there is.
#[derive(Clone, Debug)]
pub(super) struct Pairs(Box<[u64; 1024]>);

impl Default for Pairs {
    fn default() -> Self {
        Self(Box::new([0; 1024]))
    }
}

impl Pairs {
    fn note(&mut self, first: u8, second: u8) {
        self.0[usize::from(first) << 2 | usize::from(second) >> 6] |= 1 << (second & 63);
    }

    /// Is the pair in it?
    pub(super) fn has(&self, first: u8, second: u8) -> bool {
        self.0[usize::from(first) << 2 | usize::from(second) >> 6] >> (second & 63) & 1 == 1
    }
}
