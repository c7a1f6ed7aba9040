//! Runbooks of 256 KiB, each made to cost as much as it can of one thing: what F-I1 is measured on.

use std::fmt::Write as _;

/// The size that F-I1 names, bytes.
pub(crate) const SIZE: usize = 256 * 1024;

/// Each with what it is.
pub(crate) fn all() -> Vec<(&'static str, String)> {
    [lists(), regular_expressions(), names(), settings(), numbers()].concat()
}

/// Lists of values.
fn lists() -> Vec<(&'static str, String)> {
    vec![
        ("one-letter choices", flow("params: { a: { choices: [", "a,", "] } }\n")),
        ("choices and a default of as many", {
            let words: Vec<String> = (0..18_000).map(|n| format!("{n:06x}")).collect();
            let back: Vec<&str> = words.iter().rev().map(String::as_str).collect();
            whole(&format!(
                "params: {{ a: {{ list: true, choices: [{}], default: [{}] }} }}\n",
                words.join(","),
                back.join(",")
            ))
        }),
        ("empty lists", flow("params: { a: { choices: [", "[],", "] } }\n")),
        ("variables that pass", {
            let names = many(SIZE - 200, |n, out| write!(out, "A{n:06X},"));
            whole(&format!("pass_env: [{names}]\n"))
        }),
    ]
}

/// Regular expressions, and what they are tried on.
fn regular_expressions() -> Vec<(&'static str, String)> {
    vec![
        (
            "small patterns",
            whole(&format!(
                "params:\n{}",
                many(SIZE - 200, |n, out| writeln!(out, " a{n}: {{ matches: b{n} }}"))
            )),
        ),
        ("large patterns", patterns(r"\w{9}")),
        (
            "one pattern, and a default for it again and again",
            whole(&format!(
                "params:\n{}",
                many(SIZE - 200, |n, out| writeln!(
                    out,
                    r" a{n}: {{ matches: '\w{{9}}', default: 'abcdefghi' }}"
                ))
            )),
        ),
        (
            "a default that is slow to match",
            whole(&format!(
                "about: {}\nparams: {{ a: {{ matches: '[ab]*a[ab]{{9000}}', default: {} }} }}\n",
                "x".repeat(SIZE - 120_400),
                any_of_two(120_000)
            )),
        ),
        (
            "defaults that are as slow to match as they may be",
            whole(&format!(
                "params:\n{}",
                many(SIZE - 200, |n, out| writeln!(
                    out,
                    " a{n}: {{ matches: '[ab]*a[ab]{{300}}', default: {} }}",
                    any_of_two(1_900 + n)
                ))
            )),
        ),
        (
            "defaults that are slow to match",
            whole(&format!(
                "params:\n{}",
                many(SIZE - 200, |n, out| writeln!(
                    out,
                    " a{n}: {{ matches: '(?:.?.?x?){{200}}', default: abcdefghijklmnopqrstuvwxyz{n} }}"
                ))
            )),
        ),
        ("patterns of many classes", patterns(&r"\w".repeat(500))),
        ("long patterns", patterns(&"ab|".repeat(5_000))),
        (
            "patterns that take more together than in each direction",
            whole(&format!(
                "params:\n{}",
                many(SIZE - 200, |n, out| writeln!(out, " a{n}: {{ matches: '(?:a{{200}}){{160}}{n}' }}"))
            )),
        ),
        (
            "patterns with many groups, and defaults for them",
            whole(&format!(
                "params:\n{}",
                many(SIZE - 200, |n, out| writeln!(
                    out,
                    " a{n}: {{ matches: 'é(?:a?){{190}}\\b?{}', default: é{} }}",
                    "()".repeat(100),
                    "a".repeat(127)
                ))
            )),
        ),
        (
            "a list of defaults, each many states behind one letter",
            whole(&format!(
                "params: {{ a: {{ list: true, matches: '(?:{}[ab])*a[ab]{{9}}', default: [{}] }} }}\nabout: {}\n",
                "()".repeat(3_000),
                (0..3_000).map(|n| any_of_two(33 + n)[n..].to_owned()).collect::<Vec<_>>().join(","),
                "x".repeat(100_000)
            )),
        ),
        (
            "patterns that can be read and not be",
            whole(&format!(
                "params:\n{}",
                many(SIZE - 200, |n, out| writeln!(out, " a{n}: {{ matches: '(?-u:\\xff){n}' }}"))
            )),
        ),
        ("patterns of many tables that are too many", patterns(&format!("(?i){}", r"\pM".repeat(360)))),
        ("words that are no text", flow("pass_env: [", "true ,", "]\n")),
        ("patterns with many names", {
            let names = many(63_000, |n, out| write!(out, "(?<a{:04}>)", 9_000 - n));
            patterns(&names)
        }),
        (
            "classes beside classes",
            patterns(
                &(0..7_200_u32)
                    .rev()
                    .map(|n| format!("[{}]", char::from_u32(0x4e00 + 3 * n).unwrap()))
                    .collect::<Vec<_>>()
                    .join("|"),
            ),
        ),
        ("one very long pattern", patterns(&r"\W".repeat(100_000))),
        ("letters of both sizes", patterns(r"(?i)\p{any}")),
        ("letters of both sizes in brackets", patterns(&format!("(?i){}", r"[\w]".repeat(20)))),
        ("letters of both sizes in a range", patterns(r"(?i)[\x{100}-\x{ffff}]")),
        ("brackets in brackets", patterns(&format!(r"(?i){}\w{}", "[".repeat(100), "]".repeat(100)))),
        ("operations on classes", patterns(&format!(r"(?i)[\w{}]", "~~a~~b".repeat(1_000)))),
        (
            "letters in brackets",
            patterns(&format!(
                "(?i)[{}]",
                many(20_000, |n, out| {
                    write!(out, "{}", char::from_u32(0x4e00 + 2 * u32::try_from(n).unwrap()).unwrap())
                })
            )),
        ),
    ]
}

/// Names, and who waits for whom.
fn names() -> Vec<(&'static str, String)> {
    vec![
        (
            "unknown values in a text",
            whole(&format!("about: |\n  {}\n", many(SIZE - 200, |n, out| write!(out, "${{a{n}}}")))),
        ),
        ("values in a text", {
            let params = many(SIZE / 2, |n, out| write!(out, "a{n}: {{}}, "));
            let text = many(SIZE / 2 - 200, |n, out| write!(out, "${{a{n}}}"));
            whole(&format!("params: {{ {params} }}\nabout: |\n  {text}\n"))
        }),
        (
            "unknown steps that are required",
            steps(SIZE, |n| format!("- {{ id: step-{n}, run: x, requires: stop-{n} }}")),
        ),
        ("long unknown steps that are required", {
            let known =
                many(SIZE / 2, |n, out| writeln!(out, "- {{ id: {}{n:06}, run: x }}", "k".repeat(78)));
            let asked = many(SIZE / 2 - 200, |n, out| {
                writeln!(out, "- {{ id: {n}, run: x, requires: {}{n:06} }}", "k".repeat(58))
            });
            whole_with("", &format!("{known}{asked}"))
        }),
        ("one step that requires unknown ones", {
            let names = many(SIZE / 2, |n, out| write!(out, "stop-{n},"));
            let step = format!("- {{ id: last, run: x, requires: [{names}] }}\n");
            let before = steps(SIZE - step.len(), |n| format!("- {{ id: step-{n}, run: x }}"));
            format!("{before}{step}")
        }),
        ("one step that requires the same ones again and again", {
            let (checks, again) = checks_again_and_again();
            whole_with(&checks, &format!("- {{ id: last, run: x, requires: [{again}] }}\n"))
        }),
        ("checks that are asked again and again behind one step", {
            let (checks, again) = checks_again_and_again();
            whole_with(&checks, &format!("- {{ id: last, run: x, verify: [{again}] }}\n"))
        }),
        ("a check that is stale after every step", {
            let steps = many(SIZE * 2 / 3, |n, out| writeln!(out, "- {{ id: {n:010x}, run: x }}"));
            let names = (0..steps.lines().count()).map(|n| format!("{n:010x}")).collect::<Vec<_>>().join(",");
            whole_with(&format!("checks: {{ k: {{ attest: x, stale_after: [{names}] }} }}\n"), &steps)
        }),
        (
            "as many witnesses as fit",
            dense(
                1,
                "onbelay: 1\ntitle: t\nsteps:\n- { id: last, run: x, witness: { of: [",
                |n, out| write!(out, "{n:x},"),
                "] } }\n",
            ),
        ),
        ("a script that uses every value that comes later", {
            let captures =
                many(SIZE * 2 / 3, |n, out| writeln!(out, "- {{ id: c{n}, run: x, capture: v{n}        }}"));
            let uses = (0..captures.lines().count()).fold(String::new(), |text, n| format!("{text} $v{n}"));
            whole_with("", &format!("- {{ id: first, run: 'echo {uses}' }}\n{captures}"))
        }),
        ("a check of a value that comes later, for every step", {
            let captures =
                many(SIZE / 2, |n, out| writeln!(out, "- {{ id: c{n}, run: x, capture: v{n}        }}"));
            let last = captures.lines().count() - 1;
            let steps =
                many(SIZE / 2 - 300, |n, out| writeln!(out, "- {{ id: u{n}, run: x, requires: k         }}"));
            whole_with(
                &format!("checks: {{ k: {{ run: 'echo $v{last}' }} }}\n"),
                &format!("{steps}{captures}"),
            )
        }),
        ("unknown keys", whole(&many(SIZE - 200, |n, out| writeln!(out, "key{n:08}: x")))),
        ("all that has a bound, up to it", {
            let params = many(SIZE / 4, |n, out| writeln!(out, r" a{n}: {{ matches: '(?i)\p{{any}}{n}' }}"));
            let steps = many(SIZE * 3 / 4 - 100, |n, out| {
                writeln!(out, "- {{ id: step-{n}, run: '$stop-{n}', requires: stop-{n} }}")
            });
            whole_with(&format!("params:\n{params}"), &steps)
        }),
        (
            "unknown keys in steps",
            steps(SIZE, |n| format!("- {{ id: s{n}, run: x, requirez: y, verifi: z             }}")),
        ),
        ("a check that needs every capture, for every step", {
            let captures =
                many(SIZE / 3, |n, out| writeln!(out, "- {{ id: c{n}, run: x, capture: v{n}        }}"));
            let count = captures.lines().count();
            let uses = (0..count).fold(String::new(), |text, n| format!("{text} $v{n}"));
            let rest = SIZE - captures.len() - uses.len() - 200;
            let steps = many(rest, |n, out| writeln!(out, "- {{ id: u{n}, run: x, requires: k         }}"));
            whole_with(&format!("checks: {{ k: {{ run: '{uses}' }} }}\n"), &format!("{captures}{steps}"))
        }),
        ("steps that require all before them", {
            let mut text = String::new();
            let mut before = String::new();
            for n in 0.. {
                let step = format!("- {{ id: step-{n}, run: x, requires: [{before}] }}\n");
                if text.len() + step.len() + 200 > SIZE {
                    break;
                }
                text += &step;
                write!(before, "step-{n},").unwrap();
            }
            whole_with("", &text)
        }),
    ]
}

/// Settings that many scripts share.
fn settings() -> Vec<(&'static str, String)> {
    vec![
        ("variables for every step", {
            let names = many(SIZE / 2, |n, out| write!(out, "A{n:06}: '', "));
            let book = steps(SIZE / 2, |n| format!("- {{ id: s{n}, run: x         }}"));
            book.replace("steps:", &format!("env: {{ {names} }}\nsteps:"))
        }),
        ("values in variables for every step", {
            let names = many(SIZE / 2, |n, out| write!(out, "A{n:06}: '${{v}}', "));
            let book = steps(SIZE / 2, |n| format!("- {{ id: s{n}, run: x         }}"));
            book.replace("steps:", &format!("params: {{ v: {{}} }}\nenv: {{ {names} }}\nsteps:"))
        }),
        ("variables for every step, and one of its own", {
            let names = many(SIZE / 3, |n, out| write!(out, "A{n:06}: '', "));
            let book = steps(SIZE * 2 / 3 - 100, |n| {
                format!("- {{ id: s{n}, run: x, env: {{ B: '' }}                    }}")
            });
            book.replace("steps:", &format!("env: {{ {names} }}\nsteps:"))
        }),
        (
            "as many ways back as may be",
            dense(7, STEPS, |n, out| writeln!(out, "- {{ id: {n:x}, run: x, undo: y }}"), ""),
        ),
        (
            "as many steps with something of everything as may be",
            dense(
                43,
                STEPS,
                |n, out| {
                    writeln!(
                        out,
                        "- {{ id: {n:x}, for_each: {{ i: [a] }}, run: x, undo: {{ run: y }}, witness: {{ of: a }}, retry: {{ times: 2 }}, \
                     capture: {{ v{n}: a }}, timeout: 1s, confirm: a, announce: b, about: c, title: d, env: {{ A: b }} }}"
                    )
                },
                "",
            ),
        ),
        ("a long directory for every step", {
            let book = steps(SIZE / 2, |n| format!("- {{ id: s{n}, run: x         }}"));
            book.replace("steps:", &format!("dir: /{}\nsteps:", "d".repeat(SIZE / 2)))
        }),
        ("a long shell for every step", {
            let book = steps(SIZE / 2, |n| format!("- {{ id: s{n}, run: x         }}"));
            book.replace("steps:", &format!("shell: [sh, {}]\nsteps:", "--verbose, ".repeat(SIZE / 2 / 11)))
        }),
    ]
}

/// Much of one thing.
fn numbers() -> Vec<(&'static str, String)> {
    vec![
        ("the same id again", steps(SIZE, |_| "- { id: the-same-again, run: x }".to_owned())),
        (
            "steps on one line",
            whole(&format!(
                "steps: [{}]\n",
                many(SIZE - 200, |n, out| write!(out, "{{ id: Step-Number-{n}, run: '' }},"))
            )),
        ),
        ("duplicate keys", whole(&"title: x\n".repeat((SIZE - 200) / 9))),
        ("quotes", whole(&format!("about: {}\n", "''\"\"".repeat((SIZE - 200) / 4)))),
        ("a text of escapes", whole(&format!("about: \"{}\"\n", "\\u0041".repeat((SIZE - 200) / 6)))),
        ("steps of one letter", steps(SIZE, |n| format!("- {{ id: {n:x}, run: x }}"))),
        ("as many steps as may be", dense(5, STEPS, |n, out| writeln!(out, "- {{ id: {n:x}, run: x }}"), "")),
        ("as many steps of a person as may be", dense(3, STEPS, |n, out| writeln!(out, "- id: {n:x}"), "")),
        (
            "checks as many as may be",
            dense(4, CHECKS, |n, out| write!(out, "{n:x}: {{ run: x }}, "), ONE_STEP),
        ),
        (
            "headings as many as may be",
            dense(3, STEPS, |n, out| writeln!(out, "- phase: {n}"), "- { id: last, run: x }\n"),
        ),
        ("checks with nothing in them", dense(2, CHECKS, |n, out| write!(out, "{n:x}: {{}}, "), ONE_STEP)),
        (
            "one id for steps of nothing else",
            dense(3, STEPS, |n, out| writeln!(out, "- id: a{}", n / 100_000), ""),
        ),
        (
            "empty items",
            dense(
                1,
                "onbelay: 1\ntitle: t\nsteps:\n- { id: last, run: x, for_each: { i: [",
                |n, out| out.write_str(if n % 2 == 0 { "''," } else { "'' ," }),
                "] } }\n",
            ),
        ),
        (
            "unknown words of a probe",
            dense(
                1,
                &format!("{CHECKS} k: {{ covers: {{ source: a, backup: b, also: ["),
                |n, out| write!(out, "x{},", n % 10),
                &format!("] }} }} {ONE_STEP}"),
            ),
        ),
        ("words of a shell that are no values", {
            let words = many(SIZE - 300, |_, out| out.write_str("\"${a}\","));
            whole_with("", &format!("- {{ id: s, run: x, undo: y, shell: [{words}] }}\n"))
        }),
        ("values where there can be none", {
            whole(&format!("params: {{ a: {{ about: '{}' }} }}\n", "${a}".repeat((SIZE - 300) / 4)))
        }),
        (
            "a check of a later value, asked again and again",
            dense(
                1,
                "onbelay: 1\ntitle: t\nchecks: { k: { run: 'echo $v' } }\nsteps:\n- { id: b, run: x, verify: [",
                |n, out| out.write_str(if n % 2 == 0 { "k," } else { "k ," }),
                "] }\n- { id: c, run: x, capture: v }\n",
            ),
        ),
        (
            "steps with nothing in them",
            dense(1, STEPS, |n, out| writeln!(out, "- {{{}}}", " ".repeat(n % 2)), ""),
        ),
        ("lists for steps", dense(1, STEPS, |n, out| writeln!(out, "- [{}]", " ".repeat(n % 2)), "")),
        ("words for steps", dense(1, STEPS, |n, out| writeln!(out, "- a{}", n % 10), "")),
        ("steps of one unknown key", dense(3, STEPS, |n, out| writeln!(out, "- {{ a{n}: b }}"), "")),
        ("steps with a script and no name", dense(3, STEPS, |n, out| writeln!(out, "- run: {n}"), "")),
        ("words for checks", {
            let checks = many(SIZE - 300, |n, out| write!(out, "{n:09x}: a, "));
            whole(&format!("checks: {{ {checks} }}\n"))
        }),
        ("words for parameters", {
            let params = many(SIZE - 300, |n, out| write!(out, "a{n:09x}: a, "));
            whole(&format!("params: {{ {params} }}\n"))
        }),
        ("parameters with nothing in them", {
            let params = many(SIZE - 300, |n, out| write!(out, "a{n:08x}: {{}}, "));
            whole(&format!("params: {{ {params} }}\n"))
        }),
    ]
}

/// As many checks as may be, and as many of their ids, from the first to the last and from the first again, for one step.
fn checks_again_and_again() -> (String, String) {
    let checks = (0..4_500).fold(String::new(), |text, n| format!("{text}{n:x}: {{ attest: x }}, "));
    let again = (0..20_000).fold(String::new(), |text, n| format!("{text}{:x},", n % 4_500));
    (format!("checks: {{ {checks} }}\nabout: {}\n", "x".repeat(60_000)), again)
}

const STEPS: &str = "onbelay: 1\ntitle: t\nsteps:\n";
const CHECKS: &str = "onbelay: 1\ntitle: t\nchecks: { ";
const ONE_STEP: &str = "}\nsteps: [{ id: last-of-all, run: go }]\n";

/// As many of one thing, each of so many keys and values, as a file of [`SIZE`] may have, and a comment that makes it as long.
fn dense(
    nodes: usize,
    before: &str,
    one: impl Fn(usize, &mut String) -> std::fmt::Result,
    after: &str,
) -> String {
    let mut text = before.to_owned();
    for n in 0..43_600 / nodes {
        one(n, &mut text).unwrap();
    }
    text += after;
    let rest = SIZE - text.len() - 3;
    format!("{text}# {}\n", "x".repeat(rest))
}

/// As many parameters as fit, each with this pattern and one letter more.
fn patterns(pattern: &str) -> String {
    whole(&format!(
        "params:\n{}",
        many(SIZE - 200, |n, out| writeln!(out, " a{n}: {{ matches: '{pattern}{n}' }}"))
    ))
}

/// So many letters, each `a` or `b`, in no order that repeats.
fn any_of_two(letters: usize) -> String {
    let mut state = 1_u64;
    let letter = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if state >> 63 == 1 { 'a' } else { 'b' }
    };
    (0..letters).map(letter).collect()
}

fn many(bytes: usize, one: impl Fn(usize, &mut String) -> std::fmt::Result) -> String {
    let mut out = String::with_capacity(bytes);
    for n in 0.. {
        let before = out.len();
        one(n, &mut out).unwrap();
        if out.len() > bytes {
            out.truncate(before);
            break;
        }
    }
    out
}

/// A runbook with one step.
fn whole(yaml: &str) -> String {
    let steps = if yaml.starts_with("steps:") { "" } else { "steps: [{ id: last-of-all, run: go }]\n" };
    format!("onbelay: 1\ntitle: t\n{yaml}{steps}")
}

fn whole_with(yaml: &str, steps: &str) -> String {
    format!("onbelay: 1\ntitle: t\n{yaml}steps:\n{steps}")
}

/// A runbook of so many bytes in such steps.
fn steps(bytes: usize, one: impl Fn(usize) -> String) -> String {
    whole_with("", &many(bytes - 100, |n, out| writeln!(out, "{}", one(n))))
}

/// One list of such entries, as long as fits.
fn flow(before: &str, entry: &str, after: &str) -> String {
    whole(&format!("{before}{}{after}", entry.repeat((SIZE - 200) / entry.len())))
}
