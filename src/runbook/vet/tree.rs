//! The document as a tree whose every node knows its place. PURE.

use std::borrow::Cow;
use std::ops::Range;

/// Names a node of one tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(super) u32);

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind<'s> {
    /// A text; `plain` if it stands without quotes and not as a block, so that it may be a number, `true` or null.
    Scalar {
        /// As the author spelled it, escapes resolved, lines folded.
        text: Cow<'s, str>,
        /// Without quotes.
        plain: bool,
    },
    /// A list.
    Seq(Vec<NodeId>),
    /// Keys with values, in the order of the file; of a duplicate key only the first.
    Map(Vec<(NodeId, NodeId)>),
    /// Something refused; it has been reported and is to be ignored.
    Hole,
}

/// A node with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node<'s> {
    /// What it is.
    pub kind: Kind<'s>,
    start: u32,
    end: u32,
}

/// A whole document.
#[derive(Debug, PartialEq, Eq)]
pub struct Tree<'s> {
    nodes: Vec<Node<'s>>,
    root: NodeId,
}

/// Where a path leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The key, of a value in a map.
    pub key: Option<NodeId>,
    /// The value.
    pub value: NodeId,
}

impl<'s> Tree<'s> {
    pub(super) fn new() -> Self {
        Self { nodes: Vec::new(), root: NodeId(0) }
    }

    /// Adds a node; the first is the root. Offsets fit: a source is at most 1 MiB.
    pub(super) fn push(&mut self, kind: Kind<'s>, span: Range<usize>) -> NodeId {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.nodes.push(Node { kind, start: offset(span.start), end: offset(span.end) });
        NodeId(offset(self.nodes.len() - 1))
    }

    /// Where the newest node stands.
    pub(super) fn last(&self) -> Range<usize> {
        self.nodes.last().map_or(0..0, |node| node.start as usize..node.end as usize)
    }

    pub(super) fn kind_mut(&mut self, id: NodeId) -> &mut Kind<'s> {
        &mut self.nodes[id.0 as usize].kind
    }

    pub(super) fn end_at(&mut self, id: NodeId, end: usize) {
        let node = &mut self.nodes[id.0 as usize];
        node.end = u32::try_from(end).unwrap_or(u32::MAX).max(node.start);
    }

    /// The topmost node.
    #[must_use]
    pub fn root(&self) -> NodeId {
        self.root
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// What a node is.
    #[must_use]
    pub fn kind(&self, id: NodeId) -> &Kind<'s> {
        &self.nodes[id.0 as usize].kind
    }

    /// The bytes of the source a node stands in.
    #[must_use]
    pub fn span(&self, id: NodeId) -> Range<usize> {
        let node = &self.nodes[id.0 as usize];
        node.start as usize..node.end as usize
    }

    /// Follows a path such as `steps[3].requires[0]` or `checks.backup-verified.run`.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<Found> {
        let mut found = Found { key: None, value: self.root };
        for part in path.split('.').filter(|part| !part.is_empty()) {
            let (name, indices) = part.split_at(part.find('[').unwrap_or(part.len()));
            if !name.is_empty() {
                let Kind::Map(entries) = self.kind(found.value) else { return None };
                let (key, value) = entries.iter().find(|(key, _)| self.text(*key) == Some(name))?;
                found = Found { key: Some(*key), value: *value };
            }
            for index in indices.split('[').filter(|index| !index.is_empty()) {
                let Kind::Seq(items) = self.kind(found.value) else { return None };
                let index: usize = index.strip_suffix(']')?.parse().ok()?;
                found = Found { key: None, value: *items.get(index)? };
            }
        }
        Some(found)
    }

    /// The text of a scalar.
    #[must_use]
    pub fn text(&self, id: NodeId) -> Option<&str> {
        match self.kind(id) {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }
}
