//! Secrets, and values that would be code: where they may never be (X2, X3, X5, X7, F-I4).

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use data_encoding::{BASE32, BASE32_NOPAD, BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use onbelay::wire::messages::{OutputFile, PROTOCOL, Role, Stream};
use onbelay::wire::{Frames, FromHost, ToHost, frame};

use crate::support::{Home, Screen, Session, until};

#[test]
fn x2_what_another_tool_would_splice_is_never_spliced() {
    let home = Home::new();
    // What reaches the shell is what stands there: a template of another tool is some text, and `${v}` is the shell's own.
    let script =
        r#"printf '%s\n' '{{v}}' '{{ v }}' "{{v}}" '<%= v %>' '$((v))' "${v}" "$v" '%v%' '#{v}' '@v@'"#;
    let yaml = format!(
        "onbelay: 1\ntitle: Splice\nparams: {{ v: {{ about: any, matches: '(?s).*' }} }}\nsteps:\n  - id: plain\n    run: |\n      {script}\n  \
         - {{ id: words, shell: [sh, -c, 'printf \"%s|\" \"$@\"', zero, '${{v}}', 'a ${{v}} b'], run: '{{{{v}}}} $(touch pwned) ${{v}}' }}\n  \
         - {{ id: environment, env: {{ MINE: 'x${{v}}' }}, run: 'printf %s \"$MINE\"' }}\n"
    );
    for value in [
        "; touch pwned",
        "$(touch pwned)",
        "`touch pwned`",
        "'; touch pwned; '",
        "\"; touch pwned; \"",
        "}}; touch pwned",
        "a\ntouch pwned",
    ] {
        let session = home.start_with(&yaml, &["-p", &format!("v={value}")]);
        session.act(&["run", "plain"]).expect(0);
        let expected = format!(
            "{{{{v}}}}\n{{{{ v }}}}\n{{{{v}}}}\n<%= v %>\n$((v))\n{value}\n{value}\n%v%\n#{{v}}\n@v@\n"
        );
        assert_eq!(String::from_utf8(session.output(1)).unwrap(), expected);
        // In a list of words a value is (part of) one word; the script is the last of them, as it stands.
        session.act(&["run", "words"]).expect(0);
        let expected = format!("{value}|a {value} b|{{{{v}}}} $(touch pwned) ${{v}}|");
        assert_eq!(String::from_utf8(session.output(2)).unwrap(), expected);
        session.act(&["run", "environment"]).expect(0);
        assert_eq!(String::from_utf8(session.output(3)).unwrap(), format!("x{value}"));
        assert!(!home.path("pwned").exists(), "{value:?} was run");
        session.act(&["finish"]).expect(0);
    }
}

#[test]
fn x3_a_secret_in_the_words_of_a_command_is_refused_and_one_in_its_script_is_in_no_process_list() {
    const SECRET: &str = "x3-Wq7/hunter-of-lists";
    let head = "onbelay: 1\ntitle: T\nparams: { token: { about: T, secret: true, env: TOKEN }, all: { about: A, secret: true, list: true, env: ALL } }\n";
    let home = Home::new().with("TOKEN", SECRET).with("ALL", "one\ntwo");
    let mut refused = 0;
    for steps in [
        "steps: [{ id: a, shell: [ssh, '${token}'], run: x }]\n",
        "steps: [{ id: a, shell: [curl, -H, 'Bearer ${token}'], run: x }]\n",
        "shell: [sh, -c, '${token}']\nsteps: [{ id: a, run: x }]\n",
        "steps: [{ id: a, dir: '/srv/${token}', run: x }]\n",
        "steps: [{ id: a, run: x, confirm: '${token}', destructive: d }]\n",
        "steps: [{ id: a, run: x, for_each: { i: '${all}' } }]\n",
        "checks: { c: { run: x, expect: { equals: '${token}' } } }\nsteps: [{ id: a, run: x }]\n",
        "steps: [{ id: a, title: 'With ${token}', run: x }]\n",
        "steps: [{ id: a, run: x, announce: '${token}' }]\n",
    ] {
        let file = home.write("refused.yaml", &format!("{head}{steps}"));
        let name = if steps.contains("${all}") { "all" } else { "token" };
        for (verb, code) in [("lint", 1), ("start", 2)] {
            // The rule's own sentence and what it points at: the runbook's line, which is shown too, may hold any word.
            let ran = home.call(&[verb, file.to_str().unwrap()]).expect(code);
            let ran = ran.says(&format!("error: `{name}` is a secret\n"));
            let ran = ran.says(&format!("{} would be shown and written here", "^".repeat(name.len() + 3)));
            let ran = ran.says("a secret is used in a script as a variable, or in `env`").says(": 1 error\n");
            assert!(!ran.said().contains(SECRET), "{steps}: {}", ran.said());
            refused += 1;
        }
        assert!(home.sessions().is_empty(), "{steps}");
    }
    println!("X3: {refused} refusals of a secret where it would be shown");
    let session = home.start(&format!(
        "{head}steps: [{{ id: hold, run: 'echo \"${{#token}}\" >ready; until [ -e go ]; do sleep 0.02; done', env: {{ AUTH: 'Bearer ${{token}}' }} }}]\n"
    ));
    std::thread::scope(|scope| {
        let running = scope.spawn(|| session.act(&["run", "hold"]).expect(0));
        until("the command has its secret", || {
            (home.read("ready").trim() == SECRET.len().to_string()).then_some(())
        });
        assert_eq!(processes_with("cmdline", SECRET.as_bytes()), Vec::<u32>::new());
        home.write("go", "");
        running.join().unwrap();
    });
}

/// Every process of which this file of `/proc` holds these bytes, this one left out.
fn processes_with(file: &str, bytes: &[u8]) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| *pid != std::process::id())
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/{file}"))
                .is_ok_and(|text| memchr::memmem::find(&text, bytes).is_some())
        })
        .collect()
}

#[test]
fn x5_no_core_file_no_trace_and_no_process_of_ours_tells_a_secret() {
    const SECRET: &str = "x5-Kq81-of-no-core";
    let home = Home::new();
    let file = home.write(
        "runbook.yaml",
        "onbelay: 1\ntitle: Core\nparams: { token: { about: T, secret: true, env: TOKEN } }\nsteps:\n  \
         - { id: without, run: 'ulimit -Sc; ulimit -Hc' }\n  \
         - { id: with, run: 'ulimit -Sc; ulimit -Hc; set -x; : \"$token\"; echo \"$token\" >&2' }\n  \
         - { id: holds, run: ': $token; echo up >ready; until [ -e go ]; do sleep 0.02; done' }\n  \
         - { id: dies, run: ': $token; kill -SEGV $$' }\n",
    );
    // As on a machine that keeps core files; the limit comes down from here to host, runner and command.
    let begin = format!(
        "ulimit -c unlimited && TOKEN={SECRET} exec {} start {}",
        env!("CARGO_BIN_EXE_onbelay"),
        file.display()
    );
    let mut shell = std::process::Command::new("bash");
    shell.args(["-c", &begin]).env_clear().envs(home.variables()).current_dir(home.path(""));
    let out = shell.output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let session = Session::new(&home, String::from_utf8(out.stdout).unwrap().trim().to_owned());
    session.act(&["run", "without"]).expect(0);
    assert_eq!(session.output(1), b"unlimited\nunlimited\n", "one that is given none keeps what it had");
    session.act(&["run", "with"]).expect(0);
    let said = String::from_utf8(session.output(2)).unwrap();
    assert!(said.starts_with("0\n0\n") && said.contains("+ : •••") && !said.contains(SECRET), "{said}");
    std::thread::scope(|scope| {
        let running = scope.spawn(|| session.act(&["run", "holds"]).expect(0));
        until("the command is up", || (home.read("ready") == "up\n").then_some(()));
        // The command has it, as it was meant to; neither the host nor the runner holds it where other programs can read it.
        for pid in processes_with("environ", SECRET.as_bytes()) {
            let program = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
            assert_ne!(
                program,
                Path::new(env!("CARGO_BIN_EXE_onbelay")),
                "process {pid} has it in its environment"
            );
        }
        home.write("go", "");
        running.join().unwrap();
    });
    session.act(&["run", "dies"]).expect(4);
    let left: Vec<_> = files_below(&home.path("")).into_iter().filter(|name| name.contains("core")).collect();
    assert_eq!(left, Vec::<String>::new());
    for path in files_below(&home.state()) {
        let bytes = std::fs::read(&path).unwrap_or_default();
        assert!(memchr::memmem::find(&bytes, SECRET.as_bytes()).is_none(), "it is in {path}");
    }
    // What a panic or a log would print of a message that brings one.
    let told = format!("{:?}", ToHost::GiveSecret { name: "token".into(), value: SECRET.to_owned().into() });
    assert!(told.contains("token") && !told.contains(SECRET), "{told}");
}

fn files_below(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files_below(&entry.path()));
        } else if kind.is_file() {
            found.push(entry.path().display().to_string());
        }
    }
    found
}

#[test]
fn x7_a_secret_is_never_taken_from_a_command_line_and_typed_where_nobody_reads_it() {
    const SECRET: &str = "x7-typed-by-hand";
    let yaml = "onbelay: 1\ntitle: T\nparams: { token: { about: The key, secret: true }, plain: { about: P, default: d } }\n\
                steps: [{ id: a, run: 'printf %s \"${#token}\"' }]\n";
    let home = Home::new();
    let file = home.write("runbook.yaml", yaml);
    let file = file.to_str().unwrap();
    let given = format!("token={SECRET}");
    let params = home.write("params.yaml", &format!("token: {SECRET}\n"));
    for words in [
        vec!["start", file, "-p", &given],
        vec!["run", "--plain", file, "-p", &given],
        vec!["start", file, "--params", params.to_str().unwrap()],
        vec!["check", file, "-p", &given],
    ] {
        let ran = home.call(&words).expect(2);
        assert!(ran.said().contains("token") && !ran.said().contains(SECRET), "{words:?}: {}", ran.said());
    }
    assert!(home.sessions().is_empty(), "nothing was made of it");
    // No verb has a word or an option that a secret could be given with.
    let help = home.call(&["help"]).expect(0).stdout;
    for verb in help.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next()) {
        let told = home.call(&[verb, "--help"]).stdout;
        assert!(
            !told.contains("--secret") && !told.contains("--password") && !told.contains("--token"),
            "{verb}: {told}"
        );
    }
    let mut screen = Screen::open(&home, &["run", file], (24, 80));
    screen.wait("it asks", |text| text.contains("token") || text.contains("The key"));
    screen.press(&format!("{SECRET}\r"));
    let session = home.only_session();
    screen.wait_for("a");
    screen.press("q");
    screen.wait_end();
    assert!(memchr::memmem::find(&screen.raw, SECRET.as_bytes()).is_none(), "it was shown as it was typed");
    session.act(&["run", "a"]).expect(0);
    assert_eq!(session.output(1), SECRET.len().to_string().as_bytes());
}

/// The script that tells a secret in every form that F-I4 names.
const TELLS: &str = r#"
onbelay: 1
title: Every form
params:
  token: { about: T, secret: true, env: TOKEN }
  key: { about: K, secret: true, env: KEY, matches: '(?s).*' }
steps:
  - id: tell
    title: Tell
    run: |
      tell() {
        printf '%s\n' "$1"; printf '%s\n' "$1" >&2; echo "<$1>"
        for before in '' x xx; do printf '%s%s' "$before" "$1" | base64 -w0; echo; printf '%s%s\n' "$before" "$1" | base64; done
        printf '%s' "$1" | base64 -w0 | tr '+/' '-_' | tr -d =; echo
        for before in '' x xx xxx xxxx; do printf '%s%s' "$before" "$1" | base32 -w0; echo; done
        printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'; echo
        printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n' | tr a-f A-F; echo
        local i c
        for ((i = 0; i < ${#1}; i++)); do c=${1:i:1}; case $c in [A-Za-z0-9._~-]) printf %s "$c" ;; *) printf '%%%02X' "'$c" ;; esac; done; echo
        printf '%s' "$1" | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' | sed -e ':a;N;$!ba;s/\n/\\n/g'; echo
        while IFS= read -r line; do echo "line: $line."; done <<<"$1"
        # In two writes, the second once the first has been taken out of the pipe.
        echo split; printf '%s' "${1:0:7}"; taken; printf '%s\n' "${1:7}"
      }
      taken() { perl -e '$n = pack "L", 1; ioctl(STDOUT, 0x541B, $n) || die "$!" while unpack "L", $n'; }
      tell "$token"
      tell "$key"
      echo ready >ready
      until [ -e go ]; do sleep 0.02; done
"#;

#[test]
fn f_i4_a_secret_is_in_no_place_in_any_form() {
    const TOKEN: &str = "hunter2-Zx9/+=\"q\\w&e~";
    const KEY: &str = "-----BEGIN OPENSSH KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\nAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz\n-----END OPENSSH KEY-----";
    let home = Home::new().with("TOKEN", TOKEN).with("KEY", KEY);
    let session = home.start(TELLS);
    let (socket, argv) = std::thread::scope(|scope| {
        let running = scope.spawn(|| session.act(&["run", "tell"]).expect(0));
        until("all of it is told", || (home.read("ready") == "ready\n").then_some(()));
        let argv: Vec<Vec<u8>> = std::fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
            .collect();
        let socket = all_that_a_client_gets(&session);
        home.write("go", "");
        running.join().unwrap();
        (socket, argv)
    });
    let output = session.output(1);
    let shown = String::from_utf8(output.clone()).unwrap();
    assert!(shown.matches("•••").count() >= 40, "{shown}");
    assert_eq!(shown.matches("split\n•••\n").count(), 2, "each in two writes: {shown}");
    assert!(memchr::memmem::find(&socket, "•••".as_bytes()).is_some(), "the output came through the socket");
    let views: Vec<String> = [&["status"][..], &["log"], &["report"]]
        .iter()
        .map(|words| home.call(&[words[0], &session.id]).expect(0).said())
        .collect();
    let files: Vec<(String, Vec<u8>)> = files_below(&home.state())
        .into_iter()
        .map(|path| (path.clone(), std::fs::read(path).unwrap_or_default()))
        .collect();
    assert!(
        files.iter().any(|(path, _)| path.ends_with("journal.jsonl"))
            && files.iter().any(|(path, _)| path.ends_with("output"))
    );
    let all = [forms(TOKEN), forms(KEY)];
    println!(
        "F-I4: 2 secrets in {} and {} forms, looked for in {} files, the socket, the words of {} processes and {} reports",
        all[0].len(),
        all[1].len(),
        files.len(),
        argv.len(),
        views.len()
    );
    for form in all.concat() {
        let has = |bytes: &[u8]| memchr::memmem::find(bytes, form.as_bytes()).is_some();
        for (path, bytes) in &files {
            assert!(!has(bytes), "{form} is in {path}");
        }
        assert!(!has(&socket), "{form} went through the socket");
        assert!(!argv.iter().any(|words| has(words)), "{form} is in a command's words");
        assert!(!views.iter().any(|view| has(view.as_bytes())), "{form} is told");
    }
}

/// What stands for a secret in each form, as far as it alone decides.
fn forms(secret: &str) -> Vec<String> {
    let mut found = vec![secret.to_owned(), BASE64URL_NOPAD.encode(secret.as_bytes())];
    for before in 0..3 {
        let encoded = BASE64.encode(format!("{}{secret}", "x".repeat(before)).as_bytes());
        found.push(encoded[(before * 8_usize).div_ceil(6)..(before + secret.len()) * 8 / 6].to_owned());
    }
    for before in 0..5 {
        let encoded = BASE32_NOPAD.encode(format!("{}{secret}", "x".repeat(before)).as_bytes());
        found.push(encoded[(before * 8_usize).div_ceil(5)..(before + secret.len()) * 8 / 5].to_owned());
    }
    found.push(BASE32.encode(secret.as_bytes()).trim_end_matches('=').to_owned());
    found.extend([HEXLOWER.encode(secret.as_bytes()), HEXUPPER.encode(secret.as_bytes())]);
    let url = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    found.push(secret.bytes().map(url).collect());
    let json = serde_json::Value::from(secret).to_string();
    found.push(json[1..json.len() - 1].to_owned());
    found.extend(secret.lines().map(str::to_owned));
    // In parts, and of an encoding wrapped into lines, what a screen would show of a line.
    found.push(BASE64.encode(format!("{secret}\n").as_bytes()).chars().take(60).collect());
    found
}

/// Everything the host sends to one who joins, follows the output and reads the log, undone of base64.
fn all_that_a_client_gets(session: &Session<'_>) -> Vec<u8> {
    let mut stream = UnixStream::connect(session.dir().join("socket")).unwrap();
    let of = OutputFile { attempt: 1, item: None, stream: Stream::Output };
    for message in [
        ToHost::Hello { protocol: PROTOCOL, onbelay: "0".to_owned(), role: Role::Watch },
        ToHost::FollowOutput { of: Some(of.clone()) },
        ToHost::ReadOutput { id: 1, of, from: 0, len: 1 << 18 },
        ToHost::ReadLog { id: 2, before: u64::MAX, count: 1_000 },
    ] {
        stream.write_all(&frame::encode(&message).unwrap()).unwrap();
    }
    let mut all = Vec::new();
    let mut frames = Frames::new(64 << 20);
    let mut buffer = vec![0; 1 << 16];
    let (mut output, mut log) = (false, false);
    while !(output && log) {
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "the host hung up");
        all.extend_from_slice(&buffer[..count]);
        frames.push(&buffer[..count]);
        while let Some(message) = frames.take::<FromHost>().unwrap() {
            match message {
                FromHost::Output { data, .. } => {
                    all.extend(BASE64.decode(data.as_bytes()).unwrap());
                    output = true;
                }
                FromHost::Log { .. } => log = true,
                _ => {}
            }
        }
    }
    all
}
