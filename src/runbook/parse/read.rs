//! The tree into its parts, key by key. PURE.

mod looks;

use std::collections::BTreeMap;

use super::Entry;
use super::fields::{At, Fields, Reader, is_null};
use super::keys;
use super::raw::{
    Flag, Length, Named, OneOrMany, RawCapture, RawCheck, RawDefault, RawDestructive, RawElapsed, RawEntry,
    RawExpect, RawForEach, RawList, RawParam, RawPhase, RawRetry, RawRunbook, RawShell, RawStep, RawUndo,
    RawUndoRule, RawWait, RawWitness, RawWitnessRule, Text,
};
use crate::runbook::Value;
use crate::runbook::problem::Problem;
use crate::runbook::vet::{Kind, NodeId};

/// The whole document.
pub(super) fn runbook(r: &mut Reader<'_, '_>) -> Option<RawRunbook> {
    let root = r.tree.root();
    if matches!(r.kind(root), Kind::Scalar { text, plain: true } if is_null(text)) {
        r.problems.push(
            Problem::error("empty", r.span(root), "the file holds no runbook: no title, no steps")
                .label("a runbook begins with `onbelay: 1`"),
        );
        return None;
    }
    let fields = r.fields(root, &keys::RUNBOOK)?;
    let expected = "a map of parameters, such as `site: { about: Live site directory }`";
    let params = named(r, fields.value("params"), expected, param);
    let expected = "a map of checks by id, such as `disk-free: { run: … }`";
    let checks = named(r, fields.value("checks"), expected, check);
    let steps = fields.value("steps").map(|node| entries(r, node));
    let steps_broken = fields.value("steps").is_some_and(|node| match r.kind(node) {
        Kind::Seq(items) => steps.as_ref().is_some_and(|steps| steps.len() < items.len()),
        _ => true,
    });
    if r.has_enough() {
        // What was not read would be missed.
        return None;
    }
    Some(RawRunbook {
        onbelay: fields.value("onbelay").and_then(|node| r.whole(node, 1, 99)),
        title: text(r, &fields, "title"),
        about: text(r, &fields, "about"),
        params,
        pass_env: many(r, &fields, "pass_env"),
        shell: shell(r, &fields),
        dir: text(r, &fields, "dir"),
        env: env(r, &fields),
        checks,
        steps,
        span: fields.get("steps").map_or(fields.span.clone(), |(key, _)| r.span(key)),
        steps_broken,
        given: keys::RUNBOOK.keys.iter().copied().filter(|key| fields.get(key).is_some()).collect(),
    })
}

/// What stands under each name of a map.
fn named<'t, 's, T>(
    r: &mut Reader<'t, 's>,
    node: Option<NodeId>,
    expected: &str,
    one: impl Fn(&mut Reader<'t, 's>, NodeId) -> Option<T>,
) -> Named<T> {
    let entries = node.map(|node| r.named(node, expected)).unwrap_or_default();
    let mut found = Vec::with_capacity(entries.len());
    for (name, node) in entries {
        if r.has_enough() {
            break;
        }
        found.extend(one(r, node).map(|one| (name, one)));
    }
    Named(found)
}

/// A `--params` file.
pub(super) fn params_file(r: &mut Reader<'_, '_>) -> BTreeMap<String, Value> {
    let root = r.tree.root();
    r.named(root, "a map of names with texts or lists")
        .into_iter()
        .filter_map(|(name, node)| {
            let value = match r.kind(node) {
                Kind::Seq(_) => Value::List(r.texts(node)?.into_iter().map(|text| text.value).collect()),
                _ => Value::Text(r.text(node)?.value),
            };
            Some((name.value, value))
        })
        .collect()
}

/// A flat map of texts.
pub(super) fn entries_file(r: &mut Reader<'_, '_>) -> Vec<Entry> {
    let root = r.tree.root();
    let nothing = |r: &Reader<'_, '_>, node| matches!(r.kind(node), Kind::Scalar { text, plain: true } if is_null(text));
    if nothing(r, root) {
        return Vec::new();
    }
    let entries = r.named(root, "a map of names with texts");
    let mut found = Vec::with_capacity(entries.len());
    for (key, node) in entries {
        let text = if nothing(r, node) { Some(String::new()) } else { r.text(node).map(|text| text.value) };
        let Some(text) = text else { continue };
        found.push(Entry { key: key.value, key_at: key.span, text, text_at: r.span(node) });
    }
    found
}

fn text(r: &mut Reader<'_, '_>, fields: &Fields, key: &str) -> Option<Text> {
    fields.value(key).and_then(|node| r.text(node))
}

fn flag(r: &mut Reader<'_, '_>, fields: &Fields, key: &str) -> Option<Flag> {
    fields.value(key).and_then(|node| r.flag(node))
}

fn length(r: &mut Reader<'_, '_>, fields: &Fields, key: &str) -> Option<Length> {
    fields.value(key).and_then(|node| r.positive(node))
}

fn many(r: &mut Reader<'_, '_>, fields: &Fields, key: &str) -> OneOrMany {
    OneOrMany(fields.value(key).map(|node| r.one_or_many(node)).unwrap_or_default())
}

fn shell(r: &mut Reader<'_, '_>, fields: &Fields) -> Option<RawShell> {
    let node = fields.value("shell")?;
    if let Kind::Seq(_) = r.kind(node) {
        let span = r.span(node);
        return Some(RawShell::Words(At { value: r.texts(node)?, span }));
    }
    let name = r.text(node)?;
    if name.value != "bash" && name.value != "sh" {
        r.problems.push(
            Problem::error("shell", name.span, format!("`{}` is no shell that is known here", name.value))
                .label("expected bash, sh, or a list of words")
                .hint(format!(
                    "did you mean `shell: [{}, -c]`? the script is added as the last word",
                    name.value
                )),
        );
        return None;
    }
    Some(RawShell::Name(name))
}

fn env(r: &mut Reader<'_, '_>, fields: &Fields) -> Named<Text> {
    let Some(node) = fields.value("env") else { return Named::default() };
    Named(
        r.named(node, "a map of variables, such as `LANG: C`")
            .into_iter()
            .filter_map(|(name, node)| Some((name, r.text(node)?)))
            .collect(),
    )
}

fn param(r: &mut Reader<'_, '_>, node: NodeId) -> Option<RawParam> {
    // `site:` with nothing beside it: a parameter of which nothing needs saying.
    if let Kind::Scalar { text, plain: true } = r.kind(node)
        && is_null(text)
    {
        return Some(RawParam {
            about: None,
            default: None,
            matches: None,
            choices: None,
            list: None,
            secret: None,
            env: None,
        });
    }
    let fields = r.fields(node, &keys::PARAM)?;
    let default = fields.value("default").and_then(|node| match r.kind(node) {
        Kind::Seq(_) => {
            let span = r.span(node);
            Some(RawDefault::List(At { value: r.texts(node)?, span }))
        }
        _ => r.text(node).map(RawDefault::Text),
    });
    Some(RawParam {
        about: text(r, &fields, "about"),
        default,
        matches: text(r, &fields, "matches"),
        choices: fields.value("choices").and_then(|node| r.texts(node)),
        list: flag(r, &fields, "list"),
        secret: flag(r, &fields, "secret"),
        env: text(r, &fields, "env"),
    })
}

fn places(
    r: &Reader<'_, '_>,
    fields: &Fields,
    names: &[&'static str],
) -> Vec<(&'static str, std::ops::Range<usize>)> {
    names.iter().filter_map(|name| Some((*name, r.span(fields.get(name)?.0)))).collect()
}

fn check(r: &mut Reader<'_, '_>, node: NodeId) -> Option<RawCheck> {
    let fields = r.fields(node, &keys::CHECK)?;
    let elapsed = fields.value("elapsed").and_then(|node| {
        let inner = r.fields(node, &keys::ELAPSED)?;
        let elapsed = RawElapsed {
            since: text(r, &inner, "since"),
            at_least: inner.value("at_least").and_then(|node| r.length(node)),
        };
        need(r, &inner, "since", "`since: STEP`");
        need(r, &inner, "at_least", "`at_least: DURATION`");
        Some(elapsed)
    });
    let expect = fields.value("expect").and_then(|node| {
        let inner = r.fields(node, &keys::EXPECT)?;
        Some(RawExpect {
            exit: inner.value("exit").and_then(|node| r.whole(node, 0, 255)),
            equals: text(r, &inner, "equals"),
            contains: text(r, &inner, "contains"),
            lacks: text(r, &inner, "lacks"),
            matches: text(r, &inner, "matches"),
            at_least: inner.value("at_least").and_then(|node| r.number(node)),
            at_most: inner.value("at_most").and_then(|node| r.number(node)),
        })
    });
    let wait = fields.value("wait").and_then(|node| {
        let inner = r.fields(node, &keys::WAIT)?;
        need(r, &inner, "up_to", "`up_to: DURATION`");
        Some(RawWait {
            up_to: length(r, &inner, "up_to"),
            every: length(r, &inner, "every"),
            steady: length(r, &inner, "steady"),
        })
    });
    Some(RawCheck {
        title: text(r, &fields, "title"),
        why: text(r, &fields, "why"),
        fix: text(r, &fields, "fix"),
        run: text(r, &fields, "run"),
        attest: text(r, &fields, "attest"),
        covers: looks::covers(r, &fields).map(Box::new),
        unchanged_since: looks::unchanged_since(r, &fields).map(Box::new),
        fresh: looks::fresh(r, &fields).map(Box::new),
        persistent: looks::of_path(r, &fields, "persistent", &keys::PERSISTENT).map(Box::new),
        not_in_use: looks::of_path(r, &fields, "not_in_use", &keys::NOT_IN_USE).map(Box::new),
        different: looks::different(r, &fields).map(Box::new),
        space: looks::space(r, &fields).map(Box::new),
        whereabouts: looks::whereabouts(r, &fields).map(Box::new),
        elapsed: elapsed.map(Box::new),
        expect: expect.map(Box::new),
        shell: shell(r, &fields),
        dir: text(r, &fields, "dir"),
        env: env(r, &fields),
        witness: flag(r, &fields, "witness"),
        timeout: length(r, &fields, "timeout"),
        wait: wait.map(Box::new),
        for_each: for_each(r, &fields).map(Box::new),
        jobs: fields.value("jobs").and_then(|node| r.whole(node, 1, 64)),
        valid_for: length(r, &fields, "valid_for"),
        stale_after: many(r, &fields, "stale_after"),
        places: places(r, &fields, keys::CHECK.keys),
    })
}

/// A key without which the map around it says nothing.
fn need(r: &mut Reader<'_, '_>, fields: &Fields, key: &str, expected: &str) {
    if fields.get(key).is_none() {
        r.problems.push(
            Problem::error("missing-key", fields.span.clone(), format!("`{key}` is missing"))
                .label(format!("expected {expected} here")),
        );
    }
}

fn for_each(r: &mut Reader<'_, '_>, fields: &Fields) -> Option<RawForEach> {
    let node = fields.value("for_each")?;
    let expected = "one name with its list, such as `{ host: [web-1, web-2] }` or `{ host: \"${hosts}\" }`";
    let entries = r.named(node, expected);
    let mut entries = entries.into_iter();
    let (Some((name, list)), None) = (entries.next(), entries.next()) else {
        if matches!(r.kind(node), Kind::Map(_)) {
            r.wrong(node, expected);
        }
        return None;
    };
    let list = match r.kind(list) {
        Kind::Seq(_) => RawList::Items(r.texts(list)?),
        Kind::Map(_) => {
            r.wrong(list, "a list, or `${name}` of one");
            return None;
        }
        _ => RawList::Reference(r.text(list)?),
    };
    Some(RawForEach { name, list })
}

fn entries(r: &mut Reader<'_, '_>, node: NodeId) -> Vec<RawEntry> {
    let Kind::Seq(items) = r.kind(node) else {
        r.wrong(node, "a list of steps, each beginning with `- `");
        return Vec::new();
    };
    let mut entries = Vec::with_capacity(items.len());
    for item in items {
        if r.has_enough() {
            break;
        }
        entries.extend(entry(r, *item));
    }
    entries
}

fn entry(r: &mut Reader<'_, '_>, node: NodeId) -> Option<RawEntry> {
    let is_phase = match r.kind(node) {
        Kind::Map(entries) => entries.iter().any(|(key, _)| r.tree.text(*key) == Some("phase")),
        _ => false,
    };
    if !is_phase {
        return step(r, node).map(|step| RawEntry::Step(Box::new(step)));
    }
    let fields = r.fields(node, &keys::PHASE)?;
    Some(RawEntry::Phase(RawPhase { phase: text(r, &fields, "phase") }))
}

fn step(r: &mut Reader<'_, '_>, node: NodeId) -> Option<RawStep> {
    let fields = r.fields(node, &keys::STEP)?;
    if fields.is_empty() {
        // Thousands of these in a small file would each become a step before that is said of them (F-I1).
        r.problems.push(no_name(fields.span));
        return None;
    }
    let destructive = fields.value("destructive").and_then(|node| destructive(r, node));
    let witness = fields.value("witness").and_then(|node| witness(r, node));
    let undo = fields.value("undo").and_then(|node| undo(r, node));
    let capture = fields.value("capture").and_then(|node| capture(r, node));
    let retry = fields.value("retry").and_then(|node| {
        let inner = r.fields(node, &keys::RETRY)?;
        need(r, &inner, "times", "`times: N`");
        Some(RawRetry {
            times: inner.value("times").and_then(|node| r.whole(node, 1, 1000)),
            every: inner.value("every").and_then(|node| r.length(node)),
        })
    });
    Some(RawStep {
        id: text(r, &fields, "id"),
        title: text(r, &fields, "title"),
        about: text(r, &fields, "about"),
        run: text(r, &fields, "run"),
        shell: shell(r, &fields),
        dir: text(r, &fields, "dir"),
        env: env(r, &fields),
        destructive: destructive.map(Box::new),
        optional: flag(r, &fields, "optional"),
        requires: many(r, &fields, "requires"),
        confirm: text(r, &fields, "confirm"),
        witness: witness.map(Box::new),
        verify: many(r, &fields, "verify"),
        done_when: many(r, &fields, "done_when"),
        undo: undo.map(Box::new),
        capture: capture.map(Box::new),
        timeout: length(r, &fields, "timeout"),
        expect_within: length(r, &fields, "expect_within"),
        retry: retry.map(Box::new),
        background: flag(r, &fields, "background"),
        interactive: flag(r, &fields, "interactive"),
        for_each: for_each(r, &fields).map(Box::new),
        announce: text(r, &fields, "announce"),
        places: places(r, &fields, keys::STEP.keys),
        span: fields.span,
    })
}

/// A step that has neither of the keys that name it.
pub(in crate::runbook) fn no_name(span: std::ops::Range<usize>) -> Problem {
    Problem::error("missing-key", span, "a step without `title` or `id`")
        .label("expected `title: …` in this step")
}

fn destructive(r: &mut Reader<'_, '_>, node: NodeId) -> Option<RawDestructive> {
    if let Kind::Scalar { text, .. } = r.kind(node) {
        // Words that were meant as a flag: `yes`, `"true"`. Nobody says what is lost in one of these.
        if matches!(text.to_lowercase().as_str(), "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n")
        {
            return r.flag(node).map(RawDestructive::Flag);
        }
        if text.trim().is_empty() {
            r.wrong(node, "true, or words saying what is lost");
            return None;
        }
    }
    r.text(node).map(RawDestructive::Words)
}

fn witness(r: &mut Reader<'_, '_>, node: NodeId) -> Option<RawWitness> {
    if !matches!(r.kind(node), Kind::Map(_)) {
        return r.flag(node).map(RawWitness::Flag);
    }
    let fields = r.fields(node, &keys::WITNESS)?;
    Some(RawWitness::Rule(RawWitnessRule {
        proof: text(r, &fields, "proof"),
        of: many(r, &fields, "of"),
        count: fields.value("count").and_then(|node| r.whole(node, 1, 100)),
    }))
}

fn undo(r: &mut Reader<'_, '_>, node: NodeId) -> Option<RawUndo> {
    if !matches!(r.kind(node), Kind::Map(_)) {
        return r.text(node).map(RawUndo::Text);
    }
    let fields = r.fields(node, &keys::UNDO)?;
    need(r, &fields, "run", "`run: SCRIPT`");
    Some(RawUndo::Rule(RawUndoRule { run: text(r, &fields, "run"), requires: many(r, &fields, "requires") }))
}

fn capture(r: &mut Reader<'_, '_>, node: NodeId) -> Option<RawCapture> {
    let Kind::Map(_) = r.kind(node) else {
        return r.text(node).map(|name| RawCapture { name, pattern: None });
    };
    let expected = "a name, or one name with its pattern, such as `{ change: 'C[0-9]+' }`";
    let mut entries = r.named(node, expected).into_iter();
    let (Some((name, pattern)), None) = (entries.next(), entries.next()) else {
        r.wrong(node, expected);
        return None;
    };
    Some(RawCapture { name, pattern: Some(r.text(pattern)?) })
}
