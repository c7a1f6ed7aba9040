//! Large runbooks, and files that mean harm. Times are printed (`--nocapture`), never judged: machines differ.

use std::fmt::Write as _;
use std::time::Instant;

use onbelay::runbook::{MAX_BYTES, Problems, Runbook, read};

fn timed(what: &str, source: &str) -> Result<Runbook, Box<Problems>> {
    let started = Instant::now();
    let result = read(source.as_bytes(), "large.yaml").map_err(Box::new);
    println!("{what}: {} KiB in {:.1?}", source.len() / 1024, started.elapsed());
    result
}

fn many_steps(count: usize) -> String {
    let mut source = String::from(
        "onbelay: 1\ntitle: Large\nparams: { host: {} }\nchecks:\n  up: { run: 'ping \"$host\"' }\nsteps:\n",
    );
    for n in 0..count {
        writeln!(source, "- id: step-{n}\n  title: On ${{host}}\n  run: echo {n} \"$host\"\n  requires: up")
            .unwrap();
        if n > 0 && n % 10 == 0 {
            writeln!(source, "  verify: up").unwrap();
        }
    }
    source
}

#[test]
fn ten_thousand_steps_are_read() {
    let book = timed("10,000 steps", &many_steps(10_000)).unwrap();
    assert_eq!(book.steps.len(), 10_000);
    assert_eq!(book.steps[9_999].requires_checks.len(), 1);
}

#[test]
fn ten_thousand_wrong_steps_are_all_reported() {
    let source = many_steps(10_000).replace("requires: up", "requires: step-9999");
    let problems = timed("10,000 errors", &source).unwrap_err();
    assert_eq!(problems.errors(), 10_000);
    let started = Instant::now();
    let drawn = problems.render(false);
    println!("drawn: {} KiB in {:.1?}", drawn.len() / 1024, started.elapsed());
    assert!(drawn.contains("(9900 not shown)"), "{}", &drawn[drawn.len() - 200..]);
}

#[test]
fn a_chain_of_captures_is_read() {
    let mut source = String::from("onbelay: 1\ntitle: Chain\nsteps:\n- { id: s0, run: x, capture: v0 }\n");
    for n in 1..4_000 {
        writeln!(source, "- {{ id: s{n}, run: 'echo \"$v{}\"', capture: v{n} }}", n - 1).unwrap();
    }
    let book = timed("a chain of 4,000 captures", &source).unwrap();
    assert_eq!(book.steps[3_999].requires_steps, ["s3998"]);
}

#[test]
fn y1_a_file_that_means_harm_is_refused() {
    let repeated = |unit: &str, bytes: usize| unit.repeat(bytes / unit.len());
    let aliases = format!("a: &a {}\nb: [{}]\n", "x".repeat(200_000), repeated("*a,", 15_000));
    let laughs = (1..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
        format!("{text}a{n}: &a{n} [*a{}, *a{}]\n", n - 1, n - 1)
    });
    for (what, source) in [
        ("brackets", repeated("[", 100_000)),
        ("braces", repeated("{", 100_000)),
        ("dashes", repeated("- ", 100_000)),
        ("questions", repeated("? ", 100_000)),
        ("anchors", format!("a: {}", repeated("a: &a ", 256 * 1024))),
        ("anchor lines", repeated("a: &a x\n", 256 * 1024)),
        ("aliases of a long text", aliases),
        ("billion laughs", laughs),
        ("an alias of itself", "a: &a [*a]\n".to_owned()),
        ("one key", repeated("a: 1\n", MAX_BYTES)),
        ("a flow list", format!("[{}]", repeated("a,", MAX_BYTES - 2))),
        ("control characters", repeated("\u{1}", MAX_BYTES)),
        ("carriage returns", repeated("\r", MAX_BYTES)),
        ("too large", repeated("# x\n", MAX_BYTES + 4)),
        ("one line of brackets in a text", format!("title: {}", repeated("${a", MAX_BYTES - 8))),
    ] {
        let problems = timed(what, &source).unwrap_err();
        assert!(!problems.render(false).is_empty(), "{what}");
    }
}
