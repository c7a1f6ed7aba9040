//! What comes from outside: parameters of any bytes, secrets, texts that would move a cursor.

use std::path::Path;

use crate::support::{Home, Screen};

/// Values that have become code, options or globs somewhere (X1).
const VALUES: &[&str] = &[
    "; rm -rf /",
    "$(touch pwned)",
    "`touch pwned`",
    "${HOME}",
    "a\nb\n\nc",
    "'\"\\'",
    "*",
    "~",
    " leading and trailing ",
    "\t",
    "--",
    "%s%n",
    "\u{1b}]0;title\u{7}",
    "\u{202e}drowssap",
    "é ß 字 🙂",
    "${other}",
    "$${x}",
    "a=b, c",
];

#[test]
fn x1_a_parameter_arrives_unchanged_and_never_becomes_code() {
    let home = Home::new();
    let yaml = "onbelay: 1\ntitle: Value\nparams:\n  v: { about: Any, matches: '(?s).*' }\n  other: { about: O, default: o }\nsteps:\n  \
                - { id: put, title: Put, run: 'printf %s \"$v\" >got; printf %s \"$v\"' }\n";
    for value in VALUES {
        let session = home.start_with(yaml, &["-p", &format!("v={value}")]);
        session.act(&["run", "put"]).expect(0).clean();
        assert_eq!(std::fs::read(home.path("got")).unwrap(), value.as_bytes(), "{value:?}");
        assert_eq!(session.output(1), value.as_bytes(), "{value:?}");
        assert!(!home.path("pwned").exists(), "{value:?}");
        session.call("status", &[]).expect(0).clean();
        session.call("log", &[]).expect(0).clean();
        session.call("report", &["--format", "md"]).expect(0).clean();
        session.verifies();
        session.act(&["finish"]).expect(0);
    }
}

#[test]
fn x1_a_list_is_one_item_a_line_and_nothing_is_split_at_commas() {
    let home = Home::new();
    let session = home.start_with(
        "onbelay: 1\ntitle: L\nparams:\n  l: { about: L, list: true }\nsteps:\n  - { id: put, title: '${l}', run: 'printf %s \"$l\"' }\n",
        &["-p", "l=a, b", "-p", "l=c d", "-p", "l=*"],
    );
    session.act(&["run", "put"]).expect(0);
    assert_eq!(session.output(1), b"a, b\nc d\n*");
}

#[test]
fn x1_what_could_be_an_option_or_is_too_long_is_refused_before_anything_starts() {
    let home = Home::new();
    let plain = home.write(
        "plain.yaml",
        "onbelay: 1\ntitle: V\nparams:\n  v: { about: Any }\nsteps:\n  - { id: a, title: A, run: 'true' }\n",
    );
    let plain = plain.to_str().unwrap();
    for given in ["v=-rf", "v=--help", "v="] {
        home.call(&["start", plain, "-p", given]).expect(2).says("v");
    }
    home.call(&["start", plain, "-p", "v=1", "-p", "v=2"]).expect(2);
    home.call(&["start", plain, "-p", "w=1"]).expect(2).says("w");
    home.call(&["start", plain, "-p", "v"]).expect(2);
    home.call(&[
        std::ffi::OsStr::new("start"),
        plain.as_ref(),
        "-p".as_ref(),
        std::os::unix::ffi::OsStrExt::from_bytes(b"v=\xff\xfe"),
    ])
    .expect(2);
    assert!(home.sessions().is_empty());
}

/// The longest text that the kernel gives a command as `v=…`, its end mark left out.
const LONGEST: usize = 128 * 1024 - 1 - "v=".len();

#[test]
fn x1_a_value_that_no_command_can_be_given_begins_no_session_and_the_longest_arrives_whole() {
    let home = Home::new();
    let yaml = "onbelay: 1\ntitle: Long\nparams:\n  v: { about: Any, matches: '(?s).*', env: LONG }\nsteps:\n  \
                - { id: put, title: Put, run: 'printf %s \"$v\"' }\n";
    let file = home.write("runbook.yaml", yaml);
    let file = file.to_str().unwrap();
    let params = |text: &str| home.write("params.yaml", text).to_str().unwrap().to_owned();
    // No argument of the program can be that long: a file is how such a value comes.
    for bytes in [LONGEST + 1, 140_000] {
        let given = params(&format!("v: {}\n", "x".repeat(bytes)));
        for words in
            [vec!["start", file, "--params", &given], vec!["run", "--plain", file, "--params", &given]]
        {
            let ran = home.call(&words).expect(2).clean();
            ran.says("parameter `v` is").says(&format!("{bytes} bytes")).says(&format!("at most {LONGEST}"));
        }
    }
    let given = params("v: \"a\\0b\"\n");
    home.call(&["start", file, "--params", &given]).expect(2).clean().says("parameter `v` holds a NUL byte");
    let given = params("v: a\0b\n");
    home.call(&["start", file, "--params", &given]).expect(2).clean().says("params.yaml:1:5").says("U+0000");
    assert!(home.sessions().is_empty(), "nothing was begun of any of them");
    let long = "x".repeat(120_000);
    let longest = "x".repeat(LONGEST);
    let in_file = params(&format!("v: {longest}\n"));
    let flag = format!("v={long}");
    for (more, value) in [(["-p", &flag], &long), (["--params", &in_file], &longest)] {
        let session = home.start_with(yaml, &more);
        session.act(&["run", "put"]).expect(0);
        assert!(
            session.output(1) == value.as_bytes(),
            "{} bytes of {}",
            session.output(1).len(),
            value.len()
        );
        session.act(&["finish"]).expect(0);
    }
}

#[test]
fn a8_nothing_of_the_starters_environment_passes_but_the_allow_list() {
    let home = Home::new()
        .with("BASH_ENV", "/nonexistent/evil")
        .with("ENV", "/nonexistent/evil")
        .with("BASH_FUNC_echo%%", "() { builtin echo pwned; }")
        .with("PS4", "$(touch pwned)")
        .with("SHELLOPTS", "xtrace")
        .with("GIT_DIR", "/evil")
        .with("PYTHONPATH", "/evil")
        .with("IFS", "x")
        // The loader complains of it on stderr wherever it is given.
        .with("LD_PRELOAD", "/nonexistent/evil.so")
        .with("LD_LIBRARY_PATH", "/evil")
        .with("AWS_REGION", "us-west-2")
        .with("LC_TIME", "C");
    let session = home.start(
        "onbelay: 1\ntitle: E\npass_env: ['AWS_*']\nsteps:\n  - { id: look, title: L, env: { MINE: '1' }, run: \"env | cut -d= -f1 | sort | paste -sd' '; echo fine\" }\n",
    );
    session.act(&["run", "look"]).expect(0);
    let out = String::from_utf8(session.output(1)).unwrap();
    let names: Vec<&str> = out
        .lines()
        .next()
        .unwrap()
        .split(' ')
        .filter(|n| !["PWD", "SHLVL", "_", "OLDPWD"].contains(n))
        .collect();
    assert_eq!(names, ["AWS_REGION", "HOME", "LANG", "LC_TIME", "MINE", "PATH"]);
    assert_eq!(out.lines().nth(1), Some("fine"));
    assert!(!out.contains("evil.so"), "{out}");
    assert!(!home.path("pwned").exists());
}

#[test]
fn x5_what_a_secret_is_taken_from_reaches_only_commands_that_name_it_whatever_pass_env_says() {
    const SECRET: &str = "x5-hunter-of-variables";
    let yaml = "onbelay: 1\ntitle: E\nparams: { token: { about: T, secret: true, env: AWS_TOKEN } }\npass_env: ['AWS_*']\nsteps:\n  \
        - { id: other, run: env }\n  - { id: named, run: 'test \"$token\" = x5-hunter-of-variables; env' }\n";
    let home = Home::new().with("AWS_TOKEN", SECRET).with("AWS_REGION", "us-west-2");
    let session = home.start(yaml);
    let printed = |attempt: u32| String::from_utf8(session.output(attempt)).unwrap();
    for attempt in 1..=2 {
        session.act(&["run", "other"]).expect(0);
        let out = printed(attempt);
        assert!(out.contains("AWS_REGION=us-west-2") && !out.contains("TOKEN"), "{out}");
        // The host that comes back finds the variables anew.
        session.kill_host();
    }
    session.act(&["run", "named"]).expect(0);
    let out = printed(3);
    assert!(out.contains("token=•••") && !out.contains("AWS_TOKEN"), "{out}");
    // One that is guessed would be known by its digest.
    let log = std::fs::read_to_string(session.dir().join("journal.jsonl")).unwrap();
    assert!(log.contains("AWS_REGION") && !log.contains("AWS_TOKEN"), "{log}");
    // What it may not be is as good as none, and no command begins with nothing in its place.
    session.kill_host();
    let mut empty = home.command(&["do", session.id.as_str(), "run", "named"]);
    let ran = crate::support::Ran::of(&empty.env("AWS_TOKEN", "").output().unwrap());
    ran.expect(1).says("the secret `token` is not known");
}

#[test]
fn x1_a_list_that_no_command_can_be_given_begins_no_session() {
    let home = Home::new();
    let file = home.write(
        "runbook.yaml",
        "onbelay: 1\ntitle: L\nparams: { files: { about: F, list: true } }\nsteps: [{ id: it, run: 'printf %s \"$files\" | wc -c' }]\n",
    );
    let file = file.to_str().unwrap();
    let many = |count: usize| {
        let items = (0..count).map(|n| format!("  - /srv/{n:044}\n"));
        home.write("many.yaml", &format!("files:\n{}", items.collect::<String>()))
            .to_str()
            .unwrap()
            .to_owned()
    };
    let ran = home.call(&["start", file, "--params", &many(3_000)]).expect(2);
    ran.says("parameter `files` is 150000 bytes long in all").says("put it in a file");
    assert!(home.sessions().is_empty());
    // With as many as fit every command begins.
    let session = home.start_file(Path::new(file), &["--params", &many(2_620)]);
    session.act(&["run", "it"]).expect(0);
    assert_eq!(String::from_utf8(session.output(1)).unwrap().trim(), (2_620 * 50 - 1).to_string());
}

/// Every file below a directory that has these bytes.
fn files_with(dir: &Path, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files_with(&entry.path(), bytes));
        } else if kind.is_file()
            && memchr::memmem::find(&std::fs::read(entry.path()).unwrap(), bytes).is_some()
        {
            found.push(entry.path().display().to_string());
        }
    }
    found
}

#[test]
fn f_i4_a_secret_is_in_no_file_of_the_session_in_any_form() {
    const SECRET: &str = "hunter2-Zx9/+=\"q";
    let home = Home::new().with("TOKEN", SECRET);
    let session = home.start(
        r#"
onbelay: 1
title: Secret
params:
  token: { about: T, secret: true, env: TOKEN }
checks:
  ask: { title: Ask, run: 'echo "$token"; echo "$token" >&2; exit 1' }
steps:
  - id: tell
    title: Tell
    run: |
      set -x
      echo "$token"; echo "$token" >&2
      { set +x; } 2>/dev/null
      # In two writes, the second once the first has been taken out of the pipe; no trace comes between them.
      echo split; printf '%s' "${token:0:5}"; perl -e '$n = pack "L", 1; ioctl(STDOUT, 0x541B, $n) || die "$!" while unpack "L", $n'; printf '%s\n' "${token:5}"; echo whole
      printf '%s' "$token" | base64; printf 'x%s' "$token" | base64; printf 'xx%s' "$token" | base64
      printf '%s' "$token" | od -An -tx1 | tr -d ' \n'; echo
      printf '%s' "$token" | base32
  - { id: quiet, title: Quiet, run: 'env | grep -c hunter2 || true' }
  - { id: wipe, title: W, destructive: true, requires: ask, run: 'true' }
"#,
    );
    session.act(&["run", "tell"]).expect(0);
    let out = String::from_utf8(session.output(1)).unwrap();
    assert!(out.contains("split\n•••\nwhole\n"), "{out}");
    session.act(&["run", "quiet"]).expect(0);
    assert_eq!(session.output(2), b"0\n", "it reaches only commands that name it");
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(1);
    session.call("report", &["--format", "json"]).expect(0);
    let hex = data_encoding::HEXLOWER.encode(SECRET.as_bytes());
    for form in [
        SECRET.to_owned(),
        SECRET.replace('"', "\\\""),
        data_encoding::BASE64.encode(SECRET.as_bytes()),
        data_encoding::BASE64.encode(format!("x{SECRET}").as_bytes())[2..18].to_owned(),
        data_encoding::BASE64.encode(format!("xx{SECRET}").as_bytes())[3..18].to_owned(),
        data_encoding::BASE32.encode(SECRET.as_bytes())[..16].to_owned(),
        hex,
    ] {
        let found = files_with(&home.state(), form.as_bytes());
        assert!(found.is_empty(), "{form} is in {found:?}");
        for words in [&["status"][..], &["log"], &["report"]] {
            let ran = home.call(&[words[0], &session.id]).expect(0);
            assert!(!ran.said().contains(&form), "{words:?} tells {form}");
        }
    }
    let given = home.path("runbook.yaml");
    let file = home.write("params.yaml", "token: x\n");
    home.call(&["start", given.to_str().unwrap(), "--another", "-p", "token=x"]).expect(2);
    home.call(&["start", given.to_str().unwrap(), "--another", "--params", file.to_str().unwrap()]).expect(2);
}

/// Texts that would move a cursor, change a title, write a clipboard or turn text round (U1, U2).
const HOSTILE: &str = r#"
onbelay: 1
title: "Tit\u001b]0;owned\u0007le \u202edrowssap \u009b2J"
about: "About\u001b[2Jabout\u0008\u0008"
checks:
  c: { title: "Che\u001b]52;c;b3duZWQ=\u0007ck", run: "printf 'an\\033]0;owned\\007swer\\033[2J'; exit 1", fix: "fi\u001b[31mx" }
steps:
  - { id: first, title: "Fir\u001b[?1049lst", run: "printf '\\033]0;owned\\007out\\033[?1049l\\033[2J\\233put\\rover\\n'" }
  - { id: wipe, title: W, destructive: "Lo\u001b[1mst", requires: c, confirm: "o\u200bk", run: 'true' }
"#;

#[test]
fn u1_nothing_outside_reaches_a_pipe_as_a_control_sequence() {
    let home = Home::new();
    let file = home.write("runbook.yaml", HOSTILE);
    home.call(&["lint", file.to_str().unwrap()]).expect(0).clean();
    let session = home.start_file(&file, &[]);
    session.act(&["run", "first"]).expect(0).clean();
    session.act(&["run", "wipe"]).expect(1).clean();
    session.act(&["note", "no\u{1b}]0;owned\u{7}te\u{202e}"]).expect(0).clean();
    for words in [&["status"][..], &["log"], &["list"], &["report", "--format", "md"]] {
        let mut all = words.to_vec();
        if words[0] != "list" {
            all.insert(1, &session.id);
        }
        let ran = home.call(&all).expect(0).clean();
        for mark in ['\u{202e}', '\u{200b}', '\u{9b}'] {
            assert!(!ran.said().contains(mark), "{words:?}: {mark:?}");
        }
    }
    for input in ["status\nrun first\n", "run wipe\n"] {
        let ran = home.call_with(&["attach", &session.id, "--plain"], input.as_bytes()).clean();
        assert!(!ran.said().contains('\u{202e}'));
    }
}

#[test]
fn u1_the_name_of_a_file_that_was_changed_is_marked_once_wherever_it_is_told() {
    let home = Home::new();
    let yaml =
        |title: &str| format!("onbelay: 1\ntitle: {title}\nsteps:\n  - {{ id: a, title: A, run: 'true' }}\n");
    let file = home.write("odd\u{1b}[2Jname.yaml", &yaml("Before"));
    let session = home.start_file(&file, &[]);
    home.write("odd\u{1b}[2Jname.yaml", &yaml("After"));
    for ran in [
        home.call_with(&["attach", &session.id, "--plain"], b"quit\n"),
        home.call(&["status", &session.id]).expect(0),
    ] {
        let ran = ran.clean().says("was changed since the start");
        assert_eq!(ran.said().matches("odd␛[2Jname.yaml").count(), 2, "{}", ran.said());
    }
    let differs = session.status()["runbook"]["differs"].clone();
    assert_eq!(differs.as_str().unwrap().matches(file.to_str().unwrap()).count(), 2, "{differs}");
}

/// A hold point whose script says one thing and looks like another: a Cyrillic letter, a value with a space that is none,
/// a tower of marks.
const LOOKALIKE: &str = r#"
onbelay: 1
title: Grüße
params:
  where: { about: Where, matches: '(?s).*' }
checks:
  c: { title: Check, run: 'true' }
steps:
  - { id: wipe, title: W, destructive: All of it., requires: c, confirm: shop, run: "ѕudo() { echo gone >>effects; }; ѕudo $where" }
"#;

#[test]
fn u2_what_may_look_like_another_is_named_before_it_is_confirmed() {
    let home = Home::new();
    let file = home.write("runbook.yaml", LOOKALIKE);
    let file = file.to_str().unwrap();
    home.call(&["lint", file]).expect(0).clean().says("may look like another").says("ѕ U+0455");
    let value = format!("where=a\u{a0}b\u{ad}e{}", "\u{301}".repeat(10_000));
    let names = "Characters in it that are not ASCII: ѕ U+0455, {U+00A0} U+00A0, U+00AD, U+0301";
    // In lines: before the text is asked for.
    let ran = home.call_with(&["run", file, "--plain", "-p", &value], "run wipe\n\n".as_bytes()).clean();
    let said = ran.stdout.replace('\n', " ");
    let (before, _) = said.split_once("Type  shop  to go on").unwrap_or_else(|| panic!("{said}"));
    assert!(before.contains(names), "{before}");
    let tower = "\u{301}".repeat(20);
    assert!(!ran.said().contains(['\u{a0}', '\u{ad}']) && !ran.said().contains(&tower), "{ran:?}");
    // On the screen: in the question itself; a tower of marks stands on no other row.
    let session = home.only_session();
    let mut screen = Screen::open(&home, &["attach", &session.id], (60, 120));
    screen.wait_for("Enter start");
    screen.press_until("\r", |text| text.contains("to go on"));
    screen.wait("their names", |text| {
        let words = text.split(['│', '\n']).collect::<String>();
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        words.contains("ѕ U+0455") && words.contains("U+0301")
    });
    let raw = String::from_utf8_lossy(&screen.raw).into_owned();
    assert!(!raw.contains(['\u{a0}', '\u{ad}']) && !raw.contains(&tower), "it reaches the terminal");
    assert_eq!(home.read("effects"), "");
    screen.press("\x1b");
}

#[test]
fn u1_nothing_outside_reaches_the_terminal_as_a_control_sequence() {
    let home = Home::new();
    let hostile = HOSTILE;
    let file = home.write("runbook.yaml", hostile);
    home.call(&["lint", file.to_str().unwrap()]).expect(0);
    let mut screen = Screen::open(&home, &["run", file.to_str().unwrap()], (30, 100));
    screen.wait_for("Fir");
    screen.press("\r");
    let session = home.only_session();
    session.wait_for("step_settled");
    screen.press("o");
    screen.wait_for("out");
    screen.press("o");
    session.act(&["note", "no\u{1b}]52;c;b3duZWQ=\u{7}te"]).expect(0);
    screen.wait_for("te");
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    screen.is_restored();
    let raw = String::from_utf8_lossy(&screen.raw).into_owned();
    for sequence in ["\u{1b}]0;owned", "\u{1b}]52", "\u{7}", "\u{202e}", "\u{200b}", "\u{9b}", "\u{8}"] {
        assert!(!raw.contains(sequence), "{sequence:?} reached the terminal");
    }
    assert_eq!(raw.matches("\u{1b}[?1049l").count(), 1, "only our own farewell leaves the alternate screen");
}
