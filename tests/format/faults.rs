//! Runbooks that are wrong in the ways people and machines get them wrong, by the case of each (Y2, Y4, Y8).

use onbelay::runbook::problem::Lines;
use onbelay::runbook::{Problems, read, read_entries, read_params};

use crate::whole;

/// Reads a short case that must be refused.
#[track_caller]
fn refused(yaml: &str) -> Problems {
    match read(whole(yaml).as_bytes(), "case.yaml") {
        Err(problems) => problems,
        Ok(_) => panic!("taken:\n{yaml}"),
    }
}

#[test]
fn y2_a_key_that_is_there_twice_is_an_error_with_both_lines_wherever_it_is() {
    // The first key is on the line of the first `@`, the second on that of the second.
    for case in [
        "@title: a\n@title: b\n",
        "params:\n @ a: { about: x }\n @ a: { about: y }\n",
        "params:\n  a:\n   @ about: x\n    list: true\n   @ about: y\n",
        "@env: { A: 1 }\nabout: x\n@env: { A: 1 }\n",
        "env:\n @ A: 1\n  B: 2\n @ \"A\": 1\n",
        "checks:\n @ c: { attest: q }\n @ 'c': { run: x }\n",
        "checks:\n  c:\n   @ run: x\n    why: y\n   @ run: x\n",
        "checks:\n  c:\n    run: x\n    expect:\n     @ equals: a\n     @ equals: b\n",
        "checks:\n  c:\n    run: x\n    wait:\n     @ up_to: 1m\n     @ up_to: 2m\n",
        "checks:\n  c:\n    space:\n     @ at: /\n     @ at: /srv\n      free: 1 GB\n",
        "steps:\n- id: s\n @ run: x\n  about: y\n @ run: x\n",
        "steps:\n-@ id: s\n  run: x\n @ \"id\": t\n",
        "steps:\n- id: s\n  run: x\n  env:\n   @ A: 1\n   @ A: 1\n",
        "steps:\n- id: s\n  run: x\n  retry:\n   @ times: 2\n    every: 1s\n   @ times: 2\n",
        "steps:\n- id: s\n  run: x\n @ destructive: true\n @ destructive: false\n",
        "steps:\n- id: s\n  run: x\n  witness:\n   @ count: 1\n    of: [sam]\n   @ count: 2\n",
        "steps:\n- id: s\n  run: x\n @ nothing: 1\n @ nothing: 2\n",
        "nobody:\n  knows:\n   @ a: 1\n    b: 2\n   @ a: 3\n",
    ] {
        let lines: Vec<usize> =
            case.lines().enumerate().filter(|(_, line)| line.contains('@')).map(|(n, _)| n + 3).collect();
        let problems = refused(&case.replace('@', ""));
        let places = Lines::new(&problems.source);
        let twice: Vec<_> = problems.list.iter().filter(|problem| problem.rule == "duplicate-key").collect();
        // A title that stands in the head as well is there three times.
        let found: Vec<usize> = twice
            .iter()
            .flat_map(|problem| {
                problem.related.iter().map(|(span, _)| span.start).chain([problem.span.start])
            })
            .map(|at| places.place(at).line)
            .collect();
        let due = if case.starts_with("@title") { vec![2, lines[0], 2, lines[1]] } else { lines };
        assert_eq!(found, due, "{case}\n{problems}");
        let drawn = problems.render(false);
        assert!(twice.iter().all(|problem| drawn.contains(&problem.message)), "{drawn}");
    }
}

#[test]
fn y2_so_it_is_in_every_other_file_and_the_order_of_keys_changes_nothing() {
    for file in ["a: 1\nb: 2\na: 3\n", "a: 1\n\"a\": 1\n"] {
        for problems in [
            read_params(file.as_bytes(), "p.yaml").unwrap_err(),
            read_entries(file.as_bytes(), "t.yaml").unwrap_err(),
        ] {
            assert_eq!(
                problems.list.iter().map(|problem| problem.rule).collect::<Vec<_>>(),
                ["duplicate-key"]
            );
            assert_eq!(problems.list[0].related.len(), 1);
        }
    }
    let lines = [
        "params: { p: { about: a } }\n",
        "checks: { c: { run: y, why: z } }\n",
        "env: { A: 1, B: 2 }\n",
        "about: words\n",
    ];
    let head = "onbelay: 1\ntitle: t\nsteps: [{ id: s, run: x, requires: c }]\n";
    let book = |order: [usize; 4]| {
        let text: String = order.iter().map(|n| lines[*n]).collect();
        read(format!("{head}{text}").as_bytes(), "order.yaml").unwrap()
    };
    let first = book([0, 1, 2, 3]);
    assert!([[3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1]].into_iter().all(|order| book(order) == first));
}

#[test]
fn y4_what_holds_no_steps_is_never_a_runbook() {
    let head = "onbelay: 1\ntitle: t\n";
    let steps = "steps: [{ id: a, run: x }]\n";
    for (case, rule) in [
        (String::new(), "empty"),
        ("\n\n \n".to_owned(), "empty"),
        ("\u{feff}".to_owned(), "empty"),
        ("# only\n# comments\n".to_owned(), "empty"),
        ("---\n".to_owned(), "empty"),
        ("---\n...\n".to_owned(), "empty"),
        ("~\n".to_owned(), "empty"),
        ("null\n".to_owned(), "empty"),
        (head.to_owned(), "missing-key"),
        (format!("{head}steps:\n"), "no-value"),
        (format!("{head}steps: ~\n"), "no-value"),
        (format!("{head}steps: []\n"), "no-steps"),
        (format!("{head}steps: [{{ phase: One }}]\n"), "no-steps"),
        (format!("{head}steps: {{}}\n"), "wrong-type"),
        (format!("{head}steps: ''\n"), "wrong-type"),
        (format!("{head}{steps}---\n{head}{steps}"), "second-document"),
        (format!("{head}{steps}---\n"), "second-document"),
        (format!("---\n{head}{steps}...\ngarbage: [\n"), "second-document"),
        (format!("{head}{steps}...\n\u{1}\n"), "control-character"),
        (format!("{head}{steps}... garbage\n"), "syntax"),
    ] {
        let Err(problems) = read(case.as_bytes(), "none.yaml") else { panic!("taken: {case:?}") };
        let rules: Vec<_> = problems.list.iter().map(|problem| problem.rule).collect();
        assert!(rules.contains(&rule), "{case:?} is refused for {rules:?}");
        assert!(problems.render(false).contains("none.yaml:"), "{problems}");
    }
    // One document with its marks is one.
    assert!(read(format!("---\n{head}{steps}...\n").as_bytes(), "marks.yaml").is_ok());
}

#[test]
fn y8_an_id_is_a_plain_word_and_each_is_there_once() {
    let long = "a".repeat(10_000);
    let edge = "a".repeat(129);
    for bad in [
        "",
        " ",
        "../x",
        "..",
        ".",
        "/",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "~",
        "-rf",
        "--help",
        "A",
        "Step",
        "sTep",
        "a_b",
        "a b",
        "a.b",
        "é",
        "e\u{301}",
        "ſ",
        "ａ",
        "\u{200b}a",
        "a\u{ad}",
        "а",
        "ѕtep",
        "\0",
        "a\0b",
        "con:",
        "*",
        "$(id)",
        &long,
        &edge,
    ] {
        let quoted = serde_json::to_string(bad).unwrap();
        for case in [
            format!("steps: [{{ id: {quoted}, run: x }}]\n"),
            format!("checks: {{ {quoted}: {{ attest: q }} }}\n"),
        ] {
            let problems = refused(&case);
            // As a key it is too long for YAML itself.
            let why = |rule: &str| rule == "id" || rule == "syntax" && bad.len() > 1_000;
            let shown: String = bad.chars().take(40).collect();
            assert!(
                problems.list.iter().any(|problem| why(problem.rule)),
                "{shown:?} is refused for {:?}",
                problems.list[0].rule
            );
            assert!(
                problems.list.iter().all(|problem| problem.message.len() < 400),
                "nobody reads 10,000 letters"
            );
        }
    }
    // What is the same to a person's eye or to a file system cannot both be there, for one of them is no id.
    for (one, other) in [("caf\u{e9}", "cafe\u{301}"), ("step", "STEP"), ("step", "Step")] {
        assert!(
            refused(&format!("steps: [{{ id: {one}, run: x }}, {{ id: {other}, run: x }}]\n")).errors() >= 1
        );
    }
    for twice in [
        "steps: [{ id: a, run: x }, { id: a, run: x }]\n",
        "steps: [{ id: a, run: x }, { id: \"a\", run: x }]\n",
        "steps: [{ title: Take it, run: x }, { id: take-it, run: x }]\n",
        "steps: [{ title: 'Take it!', run: x }, { title: 'take, it', run: x }]\n",
        "checks: { a: { attest: q } }\nsteps: [{ id: a, run: x }]\n",
    ] {
        assert!(refused(twice).list.iter().any(|problem| problem.rule == "duplicate-id"), "{twice}");
    }
    assert!(
        read(whole(&format!("steps: [{{ id: {}, run: x }}]\n", "a".repeat(128))).as_bytes(), "edge.yaml")
            .is_ok()
    );
}
