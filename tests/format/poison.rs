//! Runbooks of 256 KiB, each made to cost as much as it can of one thing: what F-I1 is measured on.

use std::fmt::Write as _;

/// The size that F-I1 names, bytes.
pub(crate) const SIZE: usize = 256 * 1024;

/// Each with what it is.
pub(crate) fn all() -> Vec<(&'static str, String)> {
    vec![
        ("one-letter choices", flow("params: { a: { choices: [", "a,", "] } }\n")),
        ("choices and a default of as many", {
            let words: Vec<String> = (0..25_500).map(|n| format!("{n:04x}")).collect();
            let back: Vec<&str> = words.iter().rev().map(String::as_str).collect();
            whole(&format!(
                "params: {{ a: {{ list: true, choices: [{}], default: [{}] }} }}\n",
                words.join(","),
                back.join(",")
            ))
        }),
        ("empty lists", flow("params: { a: { choices: [", "[],", "] } }\n")),
        ("variables that pass", {
            let names = many(SIZE - 200, |n, out| write!(out, "A{n:X},"));
            whole(&format!("pass_env: [{names}]\n"))
        }),
        (
            "small patterns",
            whole(&format!(
                "params:\n{}",
                many(SIZE - 200, |n, out| writeln!(out, " a{n}: {{ matches: b{n} }}"))
            )),
        ),
        ("large patterns", patterns(r"\w{9}")),
        ("patterns of many classes", patterns(&r"\w".repeat(500))),
        ("long patterns", patterns(&"ab|".repeat(5_000))),
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
        ("one step that requires unknown ones", {
            let names = many(SIZE / 2, |n, out| write!(out, "stop-{n},"));
            let step = format!("- {{ id: last, run: x, requires: [{names}] }}\n");
            let before = steps(SIZE - step.len(), |n| format!("- {{ id: step-{n}, run: x }}"));
            format!("{before}{step}")
        }),
        ("unknown keys", whole(&many(SIZE - 200, |n, out| writeln!(out, "key{n}: x")))),
        (
            "unknown keys in steps",
            steps(SIZE, |n| format!("- {{ id: s{n}, run: x, requirez: y, verifi: z }}")),
        ),
        ("variables for every step", {
            let names = many(SIZE / 2, |n, out| write!(out, "A{n}: '', "));
            let book = steps(SIZE / 2, |n| format!("- {{ id: s{n}, run: x }}"));
            book.replace("steps:", &format!("env: {{ {names} }}\nsteps:"))
        }),
        ("values in variables for every step", {
            let names = many(SIZE / 2, |n, out| write!(out, "A{n}: '${{v}}', "));
            let book = steps(SIZE / 2, |n| format!("- {{ id: s{n}, run: x }}"));
            book.replace("steps:", &format!("params: {{ v: {{}} }}\nenv: {{ {names} }}\nsteps:"))
        }),
        ("a long directory for every step", {
            let book = steps(SIZE / 2, |n| format!("- {{ id: s{n}, run: x }}"));
            book.replace("steps:", &format!("dir: /{}\nsteps:", "d".repeat(SIZE / 2)))
        }),
        ("a long shell for every step", {
            let book = steps(SIZE / 2, |n| format!("- {{ id: s{n}, run: x }}"));
            book.replace("steps:", &format!("shell: [sh, {}]\nsteps:", "--verbose, ".repeat(SIZE / 2 / 11)))
        }),
        ("a check that needs every capture, for every step", {
            let captures = many(SIZE / 3, |n, out| writeln!(out, "- {{ id: c{n}, run: x, capture: v{n} }}"));
            let count = captures.lines().count();
            let uses = (0..count).fold(String::new(), |text, n| format!("{text} $v{n}"));
            let rest = SIZE - captures.len() - uses.len() - 200;
            let steps = many(rest, |n, out| writeln!(out, "- {{ id: u{n}, run: x, requires: k }}"));
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
    ]
}

/// As many parameters as fit, each with this pattern and one letter more.
fn patterns(pattern: &str) -> String {
    whole(&format!(
        "params:\n{}",
        many(SIZE - 200, |n, out| writeln!(out, " a{n}: {{ matches: '{pattern}{n}' }}"))
    ))
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
