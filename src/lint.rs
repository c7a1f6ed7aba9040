//! What is wrong or unwise in a runbook. PURE: knows the runbook's text and nothing else.
//!
//! Errors are those of the format; warnings are few, and each says what could go wrong.

mod shell;

use crate::runbook::problem::Severity;
use crate::runbook::validate::Places;
use crate::runbook::{
    Probe, Problem, Problems, Runbook, Script, Step, Template, UndoWork, commands, read_with_places, vet,
};
use crate::text::strange;

/// Everything found in one runbook, errors and warnings, in the order of the file; the list may be empty.
#[must_use]
pub fn lint(source: &[u8], path: &str) -> Problems {
    match read_with_places(source, path) {
        Err(problems) => problems,
        Ok((runbook, places)) => {
            let text = vet::text_of(source).unwrap_or_default();
            Problems::new(path, text, warnings(&runbook, &places))
        }
    }
}

/// Is there anything that keeps the runbook from being walked?
#[must_use]
pub fn has_errors(found: &Problems) -> bool {
    found.list.iter().any(|problem| problem.severity == Severity::Error)
}

/// What is unwise in a runbook that is right.
#[must_use]
pub fn warnings(runbook: &Runbook, places: &Places) -> Vec<Problem> {
    let mut found = Vec::new();
    for (step, keys) in runbook.steps.iter().zip(&places.steps) {
        if let Some(script) = &step.run {
            if !step.is_hold_point()
                && let Some(word) = shell::destructive_word(&script.text)
            {
                found.push(
                    Problem::warning(
                        "destructive-word",
                        keys.of("run"),
                        format!(
                            "the script of `{}` uses `{word}` and the step is not `destructive`",
                            step.id
                        ),
                    )
                    .label("runs without being a hold point")
                    .hint("say `destructive:` with what is lost, unless nothing that matters is"),
                );
            }
            pipeline(script, "run", &format!("step `{}`", step.id), keys, &mut found);
        }
        if let Some(undo) = &step.undo
            && let UndoWork::Script(script) = &undo.work
        {
            pipeline(script, "undo", &format!("step `{}`", step.id), keys, &mut found);
        }
        if step.is_hold_point() {
            if let Some(script) = &step.run {
                not_ascii(script, "run", step, keys, &mut found);
            }
            if let Some(UndoWork::Script(script)) = step.undo.as_ref().map(|undo| &undo.work) {
                not_ascii(script, "undo", step, keys, &mut found);
            }
            unwatched(runbook, step, keys, &mut found);
        }
        if step.is_hold_point() && step.interactive {
            found.push(
                Problem::warning(
                    "typed-destruction",
                    keys.of("interactive"),
                    format!("the destructive step `{}` has a terminal", step.id),
                )
                .label("no gate sees what is typed there, no approval covers it, and no log has it")
                .hint("let the script do what destroys, and make a step of its own of what must be typed"),
            );
        }
        if step.is_hold_point() && !requires_anything(step) {
            found.push(
                Problem::warning(
                    "nothing-required",
                    keys.of("destructive"),
                    format!("the destructive step `{}` requires nothing", step.id),
                )
                .label("only a typed text stands before it")
                .hint("`requires:` a check that what is lost can be brought back"),
            );
        }
    }
    for (check, keys) in runbook.checks.iter().zip(&places.checks) {
        if let Probe::Run { script, .. } = &check.probe {
            pipeline(script, "run", &format!("check `{}`", check.id), keys, &mut found);
        }
        if !is_used(runbook, check.id.as_str()) {
            found.push(
                Problem::warning(
                    "unused-check",
                    keys.span.clone(),
                    format!("nothing asks the check `{}`", check.id),
                )
                .label("it keeps no gate shut")
                .hint("name it in `requires`, `verify` or `done_when` of a step"),
            );
        }
    }
    found
}

fn requires_anything(step: &Step) -> bool {
    !step.requires_checks.is_empty() || !step.requires_steps.is_empty()
}

fn is_used(runbook: &Runbook, id: &str) -> bool {
    runbook.steps.iter().any(|step| {
        let undo = step.undo.iter().flat_map(|undo| &undo.requires);
        let mut asked = step.requires_checks.iter().chain(&step.verify).chain(&step.done_when).chain(undo);
        asked.any(|check| *check == *id)
    })
}

/// What is shown may look like what it is not.
fn not_ascii(
    script: &Script,
    key: &str,
    step: &Step,
    keys: &crate::runbook::validate::Keys,
    found: &mut Vec<Problem>,
) {
    let words = script.shell.iter().map(String::as_str);
    let around = script.dir.iter().chain(script.env.values()).map(Template::raw);
    if let Some(names) = strange::names([script.text.as_str()].into_iter().chain(words).chain(around)) {
        found.push(
            Problem::warning(
                "not-ascii",
                keys.of(key),
                format!("the destructive step `{}`: {names}", step.id),
            )
            .label("may look like another that it is not")
            .hint("take out what is not meant; what is meant is named again before the step is confirmed"),
        );
    }
}

/// What a script starts may be another file by then.
fn unwatched(
    runbook: &Runbook,
    step: &Step,
    keys: &crate::runbook::validate::Keys,
    found: &mut Vec<Problem>,
) {
    for (key, undo) in [("run", false), ("undo", true)] {
        let unwatched = commands::unwatched(runbook, step, undo);
        let mut warn = |message: String| {
            found.push(
                Problem::warning("unwatched-file", keys.of(key), message)
                    .label("what is in that file may change after somebody read or approved this")
                    .hint("`requires:` a check of it, such as `run: sha256sum --check FILE`"),
            );
        };
        for file in unwatched.files {
            warn(format!(
                "the destructive step `{}` starts `{}`, which no check it requires names",
                step.id,
                commands::brief(file)
            ));
        }
        if unwatched.more {
            warn(format!(
                "the destructive step `{}` starts more files that no check it requires names",
                step.id
            ));
        }
        if unwatched.in_part {
            warn(format!(
                "what the destructive step `{}` starts is not known: only a part of it and of its checks was looked at, {} KiB, and \
                 nothing behind a quote or a here-document that does not end",
                step.id,
                commands::LOOKED_AT >> 10
            ));
        }
    }
}

/// A pipeline under `sh` succeeds when its last command does, whatever the others did.
fn pipeline(
    script: &Script,
    key: &str,
    of: &str,
    keys: &crate::runbook::validate::Keys,
    found: &mut Vec<Problem>,
) {
    let plain_sh = script.shell.first().is_some_and(|shell| shell == "sh" || shell == "/bin/sh");
    if plain_sh && shell::has_pipeline(&script.text) {
        found.push(
            Problem::warning("sh-pipeline", keys.of(key), format!("a pipeline under `sh` in the {of}"))
                .label("only its last command can fail it")
                .hint("`shell: bash` fails where any command of a pipeline does"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(yaml: &str) -> Vec<String> {
        let source = format!("onbelay: 1\ntitle: t\n{yaml}");
        let lines = crate::runbook::problem::Lines::new(&source);
        let found = lint(source.as_bytes(), "t.yaml");
        found.list.iter().map(|p| format!("{} {}", lines.place(p.span.start).line, p.rule)).collect()
    }

    #[test]
    fn y5_a_word_that_destroys_without_the_flag() {
        assert_eq!(rules("steps:\n- id: a\n  run: rm -rf /srv/old\n"), ["5 destructive-word"]);
        assert_eq!(
            rules("steps:\n- { id: a, run: rm -rf /srv/old, destructive: true }\n"),
            ["4 nothing-required"]
        );
        assert_eq!(rules("steps:\n- { id: a, run: echo done }\n"), Vec::<String>::new());
    }

    #[test]
    fn y9_a_destructive_step_with_none_required() {
        let yaml = "checks: { c: { run: x } }\nsteps:\n- { id: a, run: x, destructive: true, requires: c }\n";
        assert_eq!(rules(yaml), Vec::<String>::new());
    }

    #[test]
    fn a_destructive_step_with_a_terminal() {
        let yaml = "checks: { c: { run: x } }\nsteps:\n- { id: a, run: x, destructive: true, requires: c, interactive: true }\n";
        assert_eq!(rules(yaml), ["5 typed-destruction"]);
        assert_eq!(rules("steps:\n- { id: a, run: x, interactive: true }\n"), Vec::<String>::new());
    }

    #[test]
    fn u2_a_destructive_step_whose_script_may_look_like_another() {
        let yaml = |run: &str, more: &str| {
            rules(&format!(
                "checks: {{ c: {{ run: x }} }}\nsteps:\n- {{ id: a, title: Größe, run: {run}{more} }}\n"
            ))
        };
        let hold = ", destructive: Für immer, requires: c";
        assert_eq!(yaml("ѕudo x", hold), ["5 not-ascii"]);
        assert_eq!(yaml("sudo x", &format!("{hold}, undo: ѕudo x")), ["5 not-ascii"]);
        assert_eq!(yaml("sudo x", hold), Vec::<String>::new(), "texts for people may say anything");
        for more in [", env: { A: ѕ }", ", dir: /ѕrv", ", shell: [baѕh, -c]"] {
            assert_eq!(yaml("sudo x", &format!("{hold}{more}")), ["5 not-ascii"], "{more}");
        }
        assert_eq!(yaml("echo Größe", ", requires: c"), Vec::<String>::new());
    }

    #[test]
    fn a4_a_destructive_step_that_starts_a_file_no_check_looks_at() {
        let yaml = |more: &str| {
            rules(&format!(
                "checks: {{ c: {{ run: sha256sum -c go.sh.sum }} }}\nsteps:\n- {{ id: a, requires: c, {more} }}\n"
            ))
        };
        assert_eq!(yaml("destructive: true, run: ./move.sh"), ["5 unwatched-file"]);
        assert_eq!(yaml("destructive: true, run: ls, undo: ./back.sh"), ["5 unwatched-file"]);
        assert_eq!(yaml("destructive: true, run: ./go.sh"), Vec::<String>::new());
        assert_eq!(yaml("run: ./move.sh"), Vec::<String>::new());
        let many: String =
            (0..1000).flat_map(|n| ["./f".to_owned(), n.to_string(), "; ".to_owned()]).collect();
        assert_eq!(yaml(&format!("destructive: true, run: '{many}'")).len(), 9);
    }

    #[test]
    fn p7_a_pipeline_under_sh() {
        assert_eq!(rules("shell: sh\nsteps:\n- id: a\n  run: false | true\n"), ["6 sh-pipeline"]);
        assert_eq!(rules("steps:\n- { id: a, run: false | true }\n"), Vec::<String>::new());
    }

    #[test]
    fn a_check_that_nothing_asks() {
        assert_eq!(rules("checks: { c: { run: x } }\nsteps: [{ id: a, run: x }]\n"), ["3 unused-check"]);
    }

    #[test]
    fn errors_come_as_they_are() {
        assert_eq!(rules("steps: []\n"), ["3 no-steps"]);
        assert!(has_errors(&lint(b"", "t.yaml")));
    }
}
