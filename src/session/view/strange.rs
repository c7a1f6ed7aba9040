//! What a script holds that may look like something else. PURE.

use std::collections::BTreeSet;

use crate::runbook::values::{Piece, pieces, words_in};
use crate::runbook::{ListSource, Template, UndoWork, Value};
use crate::session::Session;
use crate::session::event::Work;
use crate::text::strange;

/// Names the characters outside ASCII in what a step would run: its script, the words before it, its directory, its
/// variables, the values and items that it is run with. Whoever confirms it reads them before they do.
#[must_use]
pub(super) fn not_ascii(session: &Session, place: usize, work: Work) -> Option<String> {
    let model = session.runbook.steps.get(place)?;
    let script = match work {
        Work::Run => model.run.as_ref(),
        Work::Undo => model.undo.as_ref().and_then(|undo| match &undo.work {
            UndoWork::Script(script) => Some(script),
            UndoWork::Words(_) => None,
        }),
    }?;
    let items = model.for_each.as_ref().map(|each| &each.list);
    // As they are written, and the values that they name beside them: the same characters, and nothing is filled in or
    // copied, for this is asked at every drawing of the question.
    let mut templates: Vec<&str> = script.shell.iter().map(String::as_str).collect();
    templates.extend(script.dir.iter().chain(script.env.values()).map(Template::raw));
    if let Some(ListSource::Literal(texts)) = items {
        templates.extend(texts.iter().map(Template::raw));
    }
    let suspects: Vec<(&str, &[String])> = session
        .values
        .iter()
        .map(|(name, value)| (name.as_str(), texts_of(value)))
        .filter(|(_, texts)| texts.iter().any(|text| !text.is_ascii()))
        .collect();
    // Most walks have no such value, and no script is taken apart.
    let mut named: BTreeSet<&str> = BTreeSet::new();
    if !suspects.is_empty() {
        named.extend(words_in(&script.text));
        named.extend(templates.iter().copied().flat_map(pieces).filter_map(|piece| match piece {
            Piece::Name(name, _) => Some(name),
            Piece::Text(_) | Piece::Bad(..) => None,
        }));
        if let Some(ListSource::Named(name)) = items {
            named.insert(name.as_str());
        }
    }
    let values = suspects.iter().filter(|(name, _)| named.contains(name)).flat_map(|(_, texts)| *texts);
    let texts = [script.text.as_str()].into_iter().chain(templates).chain(values.map(String::as_str));
    strange::names(texts)
}

fn texts_of(value: &Value) -> &[String] {
    match value {
        Value::Text(text) => std::slice::from_ref(text),
        Value::List(items) => items,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::id::ValueName;
    use crate::session::bench::Bench;

    const NONE: Option<String> = None;

    fn said(yaml: &str, values: &[(&str, Value)]) -> Option<String> {
        let values: BTreeMap<ValueName, Value> =
            values.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
        let mut params: Vec<String> =
            values.keys().map(|name| format!("  {name}: {{ about: A }}\n")).collect();
        if !params.is_empty() {
            params.insert(0, "params:\n".to_owned());
        }
        let yaml = format!("{}steps:\n  - {{ id: a, title: Größe, {yaml} }}\n", params.concat());
        let bench = Bench::with_values(&yaml, values);
        not_ascii(&bench.session, 0, Work::Run)
    }

    fn names(c: char) -> Option<String> {
        strange::names([c.to_string().as_str()])
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn u2_the_shell_the_directory_the_variables_and_the_items_are_looked_at_too() {
        assert_eq!(said("run: ls", &[]), NONE, "texts for people may say anything");
        for yaml in [
            "run: ѕudo",
            "run: ls, shell: [baѕh, -c]",
            "run: ls, dir: /ѕrv",
            "run: ls, env: { A: ѕ }",
            "run: ls, for_each: { disk: [sda, ѕdb] }",
        ] {
            assert_eq!(said(yaml, &[]), names('ѕ'), "{yaml}");
        }
    }

    #[test]
    fn u2_a_value_is_looked_at_where_it_is_named_and_nowhere_else() {
        let site = [("site", text("ѕrv"))];
        for yaml in [
            "run: 'ls $site'",
            "run: \"printenv site\"",
            "run: ls, dir: '/${site}'",
            "run: ls, env: { A: '${site}' }",
            "run: ls, shell: [sh, '${site}', -c]",
        ] {
            assert_eq!(said(yaml, &site), names('ѕ'), "{yaml}");
        }
        for yaml in ["run: ls", "run: 'ls sites my_site'", "run: ls, env: { A: '$${site}' }"] {
            assert_eq!(said(yaml, &site), NONE, "{yaml}");
        }
    }
}
