//! What a right runbook becomes.

use std::time::Duration;

use onbelay::runbook::{ListSource, Probe, Proof, Template, UndoWork, Value, read, read_params};

use crate::{right, whole};

fn text(text: &str) -> Template {
    Template(text.to_owned())
}

#[test]
fn y6_text_keeps_its_spelling() {
    let book = right(
        "about: 010\nenv: { A: 1.10, B: 0o17, C: 1e3, D: yes, E: 0x1F, F: 12:30:45, G: -0 }\nsteps: [{ id: s, run: 1e3, confirm: 007 }]\n",
    );
    let step = &book.steps[0];
    let script = step.run.as_ref().unwrap();
    assert_eq!(book.about, text("010"));
    assert_eq!(script.text, "1e3");
    assert_eq!(step.confirm, Some(text("007")));
    let env: Vec<&str> = script.env.values().map(Template::raw).collect();
    assert_eq!(env, ["1.10", "0o17", "1e3", "yes", "0x1F", "12:30:45", "-0"]);
}

#[test]
fn y7_a_script_is_what_stands_there() {
    let book = right(
        "steps:\n- { id: a, run: echo hi # rm\n  }\n- id: b\n  run: echo hi # rm -rf /\n- id: c\n  run: >\n    echo a\n    # b\n- id: d\n  run: |\n    echo a \\\n      b\n- id: e\n  run: echo a\n    b\n",
    );
    let scripts: Vec<&str> = book.steps.iter().map(|step| step.run.as_ref().unwrap().text.as_str()).collect();
    assert_eq!(scripts, ["echo hi", "echo hi", "echo a # b\n", "echo a \\\n  b\n", "echo a b"]);
}

#[test]
fn the_nearest_setting_wins_and_variables_come_together() {
    let book = right(
        "shell: sh\ndir: /top\nenv: { A: top, B: top }\nchecks:\n  c: { run: x, env: { B: check } }\nsteps:\n- { id: a, run: x }\n- { id: b, run: x, shell: bash, dir: /step, env: { B: step, C: step }, undo: y }\n- { id: c1, run: x, shell: [ssh, web-1] }\n",
    );
    let script = |index: usize| book.steps[index].run.as_ref().unwrap();
    assert_eq!(*script(0).shell, ["sh", "-eu", "-c"]);
    assert_eq!(*script(1).shell, ["bash", "-euo", "pipefail", "-c"]);
    assert_eq!(*script(2).shell, ["ssh", "web-1"]);
    assert_eq!(script(0).dir, Some(text("/top")));
    assert_eq!(script(1).dir, Some(text("/step")));
    assert_eq!(script(1).env["A"], text("top"));
    assert_eq!(script(1).env["B"], text("step"));
    let undo = book.steps[1].undo.as_ref().unwrap();
    assert!(matches!(&undo.work, UndoWork::Script(undo) if undo.text == "y" && undo.dir == script(1).dir));
    assert!(matches!(&book.checks[0].probe, Probe::Run { script, .. } if script.env["B"] == text("check")));
}

#[test]
fn what_is_left_out_has_its_default() {
    let book = right(
        "checks:\n  c: { run: x, wait: { up_to: 1m } }\n  d: { attest: q }\nsteps:\n- { id: a, run: x, destructive: true, witness: true }\n- { id: b, run: x, retry: { times: 2 } }\n- { title: By hand, undo: Put it back }\n",
    );
    let [check, attest] = &book.checks[..] else { panic!() };
    assert_eq!(check.title, text("c"));
    assert_eq!(check.timeout, Some(Duration::from_mins(1)));
    assert_eq!(check.wait.unwrap().every, Duration::from_secs(5));
    assert_eq!(attest.timeout, None);
    let [a, b, hand] = &book.steps[..] else { panic!() };
    assert_eq!(a.confirm, Some(text("a")));
    assert_eq!(a.title, text("a"));
    let witness = a.witness.as_ref().unwrap();
    assert_eq!((witness.proof, witness.count, witness.of.len()), (Proof::Account, 1, 0));
    assert_eq!(b.retry.unwrap().every, Duration::from_secs(5));
    assert_eq!(hand.id, "by-hand");
    assert!(
        matches!(&hand.undo.as_ref().unwrap().work, UndoWork::Words(words) if *words == text("Put it back"))
    );
}

#[test]
fn what_uses_a_captured_value_requires_the_step() {
    let book = right(
        "checks:\n  c: { run: 'test \"$v\"' }\n  t: { title: 'About ${w}', run: x }\n  l: { run: x, for_each: { i: '${v}' } }\n  e: { run: x, env: { A: '${v}' }, expect: { equals: '${w}' } }\nsteps:\n- { id: a, run: x, capture: v }\n- { id: b, run: 'echo \"${v:-none}\"', capture: w, undo: 'echo \"$w\"', announce: 'Now ${w}' }\n- { id: c1, title: 'With ${w}', run: x, requires: a }\n- { id: d, run: x, for_each: { i: '${v}' } }\n- { id: z, run: 'echo v w' }\n",
    );
    let needs: Vec<Vec<&str>> = book
        .checks
        .iter()
        .map(|c| c.needs_captures_of.iter().map(onbelay::id::StepId::as_str).collect())
        .collect();
    assert_eq!(needs, [vec!["a"], vec!["b"], vec!["a"], vec!["a", "b"]]);
    let requires: Vec<Vec<&str>> = book
        .steps
        .iter()
        .map(|s| s.requires_steps.iter().map(onbelay::id::StepId::as_str).collect())
        .collect();
    assert_eq!(requires, [vec![], vec!["a"], vec!["a", "b"], vec!["a"], vec![]]);
    assert!(
        matches!(&book.steps[3].for_each.as_ref().unwrap().list, ListSource::Named(name) if *name == "v")
    );
}

#[test]
fn phases_are_headings_of_what_follows() {
    let book = right(
        "steps:\n- { id: a, run: x }\n- phase: One\n- { id: b, run: x }\n- { id: c, run: x }\n- phase: Two\n- { id: d, run: x }\n",
    );
    assert_eq!(
        book.steps.iter().map(|step| step.phase).collect::<Vec<_>>(),
        [None, Some(0), Some(0), Some(1)]
    );
    assert_eq!(book.phases, [text("One"), text("Two")]);
}

#[test]
fn a_byte_order_mark_is_left_out() {
    let mut bytes = b"\xef\xbb\xbf".to_vec();
    bytes.extend(whole("").bytes());
    assert!(read(&bytes, "bom.yaml").is_ok());
    let problems = read(&[&b"\xef\xbb\xbfx: "[..], &bytes].concat(), "bom.yaml").unwrap_err();
    assert!(problems.render(false).contains("bom.yaml:1:"), "{problems}");
}

#[test]
fn a_parameter_file_holds_texts_and_lists() {
    let values = read_params(b"a: 1.10\nb: [x, 'true']\nc: ''\n", "p.yaml").unwrap();
    assert_eq!(values["a"], Value::Text("1.10".to_owned()));
    assert_eq!(values["b"], Value::List(vec!["x".to_owned(), "true".to_owned()]));
    assert_eq!(values["c"], Value::Text(String::new()));
    for bad in ["a: true", "a: {b: c}", "a:", "- x", "a: 1\na: 2", "a: &x 1", ""] {
        assert!(read_params(bad.as_bytes(), "p.yaml").is_err(), "{bad}");
    }
}
