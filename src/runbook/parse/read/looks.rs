//! The built-in probes, key by key. PURE.

use super::super::fields::{Fields, Reader};
use super::super::keys::{self, Context};
use super::super::raw::Text;
use super::{need, text};
use crate::runbook::look::{Also, By, Covers, Different, Fresh, OfPath, Space, UnchangedSince, Where};
use crate::runbook::problem::Problem;
use crate::runbook::vet::Kind;

/// The keys of one probe.
fn inner(r: &mut Reader<'_, '_>, fields: &Fields, key: &str, context: &'static Context) -> Option<Fields> {
    let node = fields.value(key)?;
    r.fields(node, context)
}

/// A path: without it there is nothing to look at.
fn path(r: &mut Reader<'_, '_>, inner: &Fields, key: &str) -> Option<Text> {
    need(r, inner, key, &format!("`{key}: PATH`"));
    let path = text(r, inner, key)?;
    if path.value.trim().is_empty() {
        r.problems.push(
            Problem::error("empty-text", path.span.clone(), "an empty text names no file or directory")
                .label("expected a path"),
        );
    }
    Some(path)
}

/// What it asks must be in it, or it asks nothing.
fn one_of(r: &mut Reader<'_, '_>, inner: &Fields, what: &str, first: &str, second: &str) {
    if inner.get(first).is_none() && inner.get(second).is_none() {
        r.problems.push(
            Problem::error("missing-key", inner.span.clone(), format!("this {what} asks nothing"))
                .label(format!("expected `{first}` or `{second}`, or both")),
        );
    }
}

pub(super) fn covers(r: &mut Reader<'_, '_>, fields: &Fields) -> Option<Covers<Text>> {
    let inner = inner(r, fields, "covers", &keys::COVERS)?;
    let (source, backup) = (path(r, &inner, "source"), path(r, &inner, "backup"));
    let ignore = inner.value("ignore").map(|node| r.one_or_many(node)).unwrap_or_default();
    let by =
        inner.value("by").and_then(|node| r.choice(node, &[("content", By::Content), ("size", By::Size)]));
    let words = [("ownership", Also::Ownership), ("mode", Also::Mode)];
    let also = match inner.value("also") {
        None => Vec::new(),
        Some(node) => match r.kind(node) {
            Kind::Seq(items) => items.iter().filter_map(|item| r.choice(*item, &words)).collect(),
            _ => r.choice(node, &words).into_iter().collect(),
        },
    };
    Some(Covers { source: source?, backup: backup?, ignore, by: by.unwrap_or_default(), also })
}

pub(super) fn unchanged_since(r: &mut Reader<'_, '_>, fields: &Fields) -> Option<UnchangedSince<Text>> {
    let inner = inner(r, fields, "unchanged_since", &keys::UNCHANGED_SINCE)?;
    let (path, reference) = (path(r, &inner, "path"), path(r, &inner, "reference"));
    Some(UnchangedSince { path: path?, reference: reference? })
}

pub(super) fn fresh(r: &mut Reader<'_, '_>, fields: &Fields) -> Option<Fresh<Text>> {
    let inner = inner(r, fields, "fresh", &keys::FRESH)?;
    let path = path(r, &inner, "path");
    let (max_age, min_size) = (text(r, &inner, "max_age"), text(r, &inner, "min_size"));
    let sha256 = text(r, &inner, "sha256");
    Some(Fresh { path: path?, max_age, min_size, sha256 })
}

pub(super) fn of_path(
    r: &mut Reader<'_, '_>,
    fields: &Fields,
    key: &str,
    context: &'static Context,
) -> Option<OfPath<Text>> {
    let inner = inner(r, fields, key, context)?;
    Some(OfPath { path: path(r, &inner, "path")? })
}

pub(super) fn different(r: &mut Reader<'_, '_>, fields: &Fields) -> Option<Different<Text>> {
    let inner = inner(r, fields, "different", &keys::DIFFERENT)?;
    let (a, b) = (path(r, &inner, "a"), path(r, &inner, "b"));
    Some(Different { a: a?, b: b? })
}

pub(super) fn space(r: &mut Reader<'_, '_>, fields: &Fields) -> Option<Space<Text>> {
    let inner = inner(r, fields, "space", &keys::SPACE)?;
    one_of(r, &inner, "`space`", "at_least", "at_most");
    let path = path(r, &inner, "path");
    let (at_least, at_most) = (text(r, &inner, "at_least"), text(r, &inner, "at_most"));
    Some(Space { path: path?, at_least, at_most })
}

pub(super) fn whereabouts(r: &mut Reader<'_, '_>, fields: &Fields) -> Option<Where<Text>> {
    let inner = inner(r, fields, "where", &keys::WHERE)?;
    one_of(r, &inner, "`where`", "host", "user");
    Some(Where { host: text(r, &inner, "host"), user: text(r, &inner, "user") })
}
