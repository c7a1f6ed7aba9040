//! Parser events into a tree, refusing on the way. PURE.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Span, options};

use super::tree::{Kind, NodeId, Tree};
use super::{MAX_DEPTH, syntax};
use crate::runbook::problem::Problem;

/// So many refusals end the reading: the rest of such a file tells nobody more.
const ENOUGH: usize = 200;

/// So many entries a file may have, or one in so many of its bytes where that is more: whole books have one in eight.
const FEW_NODES: usize = 30_000;
const BYTES_A_NODE: usize = 6;

/// A whole document.
pub(super) struct Read<'s> {
    pub(super) tree: Tree<'s>,
    /// Where quoted scalars stand, in order.
    pub(super) quoted: Vec<Range<usize>>,
}

/// A list or map whose end has not come.
struct Open {
    node: NodeId,
    /// Of a map: the key that waits for its value.
    key: Option<NodeId>,
    /// Of a map: the keys so far.
    keys: HashMap<String, NodeId>,
    /// Of a map: the key that waits is a duplicate, its value is to be dropped.
    drop_value: bool,
}

struct Builder<'s, 'p> {
    tree: Tree<'s>,
    open: Vec<Open>,
    quoted: Vec<Range<usize>>,
    problems: &'p mut Vec<Problem>,
}

/// Reads the one document of `source`; `None` where there is none or it cannot be read.
pub(super) fn read<'s>(source: &'s str, problems: &mut Vec<Problem>) -> Option<Read<'s>> {
    let options = options! {
        disallow_directives: true,
        emit_comments: false,
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        flow_nesting_limit: MAX_DEPTH + 1,
        block_nesting_limit: MAX_DEPTH + 1,
    };
    let mut builder = Builder { tree: Tree::new(), open: Vec::new(), quoted: Vec::new(), problems };
    let most = FEW_NODES.max(source.len() / BYTES_A_NODE);
    let mut documents = 0;
    for next in Parser::new_from_str_with_options(source, options) {
        let (event, span) = match next {
            Ok(next) => next,
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or(source.len()).min(source.len());
                let problem = if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
                    too_deep(at..at + 1)
                } else {
                    syntax::explain(source, at, error.kind())
                };
                // A refused character that stops the parser has been named already.
                if !builder.problems.iter().any(|known| known.span.contains(&at)) {
                    builder.problems.push(problem);
                }
                return None;
            }
        };
        let bytes = span.byte_range().unwrap_or(0..0);
        match event {
            Event::DocumentStart(..) => {
                documents += 1;
                if documents > 1 {
                    builder.problems.push(
                        Problem::error("second-document", bytes, "a second document begins here")
                            .label("a runbook is one document")
                            .hint("put it into a file of its own"),
                    );
                    break;
                }
            }
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            event => {
                if !builder.take(event, &span, bytes) {
                    return None;
                }
            }
        }
        if builder.problems.len() >= ENOUGH {
            return None;
        }
        if builder.tree.len() > most {
            let last = builder.tree.last();
            builder.problems.push(
                Problem::error("too-many", last, format!("more than {most} entries in a file of this size"))
                    .label("one too many from here")
                    .hint("move lists of data into files of their own, which a script can read"),
            );
            return None;
        }
    }
    if builder.tree.is_empty() {
        builder.problems.push(
            Problem::error("empty", 0..0, "the file holds no runbook")
                .label("a runbook begins with `onbelay: 1`, then `title` and `steps`"),
        );
        return None;
    }
    Some(Read { tree: builder.tree, quoted: builder.quoted })
}

fn too_deep(span: Range<usize>) -> Problem {
    Problem::error("too-deep", span, format!("more than {MAX_DEPTH} levels of nesting"))
        .label("too deep from here")
        .hint("a runbook needs six; if this is text, put it in quotes")
}

impl<'s> Builder<'s, '_> {
    /// Takes one node event; false where reading has to end.
    fn take(&mut self, event: Event<'s>, span: &Span, bytes: Range<usize>) -> bool {
        match event {
            Event::Scalar(text, style, _, tag) => {
                self.refuse_tag(tag.is_some(), span, &bytes);
                let plain = style == ScalarStyle::Plain;
                if matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted) {
                    self.quoted.push(bytes.clone());
                }
                // The parser says `~` where there is nothing at all.
                let text = if plain && bytes.is_empty() { Cow::Borrowed("") } else { text };
                self.scalar(text, plain, bytes);
            }
            Event::SequenceStart(_, _, tag) => {
                self.refuse_tag(tag.is_some(), span, &bytes);
                return self.container(Kind::Seq(Vec::new()), bytes);
            }
            Event::MappingStart(_, _, tag) => {
                self.refuse_tag(tag.is_some(), span, &bytes);
                return self.container(Kind::Map(Vec::new()), bytes);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    self.tree.end_at(open.node, bytes.end);
                }
            }
            Event::Anchor(..) => self.problems.push(
                Problem::error("anchor", bytes, "an anchor (`&name`) stands here")
                    .label("anchors are refused: what is read is what runs")
                    .hint("remove it; if this is text, put it in quotes"),
            ),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.problems.push(
                    Problem::error("alias", bytes.clone(), "an alias stands here")
                        .label("aliases are refused: what is read is what runs")
                        .hint("write it out; if this is text, put it in quotes"),
                );
                let hole = self.tree.push(Kind::Hole, bytes);
                self.place(hole);
            }
            _ => {}
        }
        true
    }

    fn refuse_tag(&mut self, tagged: bool, span: &Span, bytes: &Range<usize>) {
        if tagged {
            let at = span.tag_span().and_then(|tag| tag.byte_range()).unwrap_or_else(|| bytes.clone());
            self.problems.push(
                Problem::error("tag", at, "a tag (`!name`) stands here")
                    .label("tags are refused: what is read is what runs")
                    .hint("remove it; if this is text, put it in quotes"),
            );
        }
    }

    fn scalar(&mut self, text: Cow<'s, str>, plain: bool, bytes: Range<usize>) {
        let is_key = self
            .open
            .last()
            .is_some_and(|open| open.key.is_none() && matches!(self.tree.kind(open.node), Kind::Map(_)));
        if is_key && plain && text == "<<" {
            self.problems.push(
                Problem::error("merge-key", bytes.clone(), "a merge key (`<<`) stands here")
                    .label("merge keys are refused: what is read is what runs")
                    .hint("write the keys out"),
            );
            let hole = self.tree.push(Kind::Hole, bytes);
            self.place(hole);
            return;
        }
        let node = self.tree.push(Kind::Scalar { text, plain }, bytes);
        self.place(node);
    }

    /// Opens a list or map; false where it is too deep.
    fn container(&mut self, kind: Kind<'s>, bytes: Range<usize>) -> bool {
        if self.open.len() >= MAX_DEPTH {
            self.problems.push(too_deep(bytes));
            return false;
        }
        let node = self.tree.push(kind, bytes);
        self.place(node);
        self.open.push(Open { node, key: None, keys: HashMap::new(), drop_value: false });
        true
    }

    /// Puts a node where it belongs: at the end of a list, as a key, as the value of the key before it.
    fn place(&mut self, node: NodeId) {
        let Some(open) = self.open.last_mut() else { return };
        let parent = open.node;
        if let Kind::Seq(items) = self.tree.kind_mut(parent) {
            items.push(node);
            return;
        }
        if let Some(key) = open.key.take() {
            if !std::mem::take(&mut open.drop_value)
                && let Kind::Map(entries) = self.tree.kind_mut(parent)
            {
                entries.push((key, node));
            }
            return;
        }
        open.key = Some(node);
        match self.tree.kind(node) {
            Kind::Scalar { text, .. } => {
                let text = text.clone().into_owned();
                if let Some(first) = open.keys.get(&text) {
                    let first = self.tree.span(*first);
                    open.drop_value = true;
                    self.problems.push(
                        Problem::error(
                            "duplicate-key",
                            self.tree.span(node),
                            format!("the key `{text}` is here twice"),
                        )
                        .label("again here")
                        .also(first, "first here")
                        .hint("keep one of them"),
                    );
                } else {
                    open.keys.insert(text, node);
                }
            }
            Kind::Hole => open.drop_value = true,
            _ => {
                open.drop_value = true;
                self.problems.push(
                    Problem::error("key", self.tree.span(node), "a list or map stands where a key is due")
                        .label("a key is one word")
                        .hint("if this is text, put it in quotes"),
                );
            }
        }
    }
}
