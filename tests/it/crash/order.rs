//! What a power cut may take: by strace, in what order the runner makes durable what it leaves.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::support::{Home, Offer, Session, have, kill, not_offered};

#[test]
fn j9_r2_an_outcome_has_its_name_after_all_that_it_speaks_of_is_synced() {
    if !have("j9_r2", "strace") {
        return;
    }
    let home = Home::new();
    let runbook =
        home.write("runbook.yaml", "onbelay: 1\ntitle: T\nsteps:\n  - { id: a, title: A, run: echo on }\n");
    let log = home.path("trace");
    let mut strace = Command::new("strace");
    strace.args([
        "-f",
        "-y",
        "-e",
        "trace=fsync,fdatasync,rename,renameat,renameat2",
        "-e",
        "signal=none",
        "-o",
    ]);
    strace.arg(&log).arg(env!("CARGO_BIN_EXE_onbelay")).arg("start").arg(&runbook);
    strace.env_clear().envs(home.variables()).current_dir(home.path("")).stdin(Stdio::null());
    let mut strace = strace.stdout(Stdio::piped()).spawn().unwrap();
    let mut id = String::new();
    BufReader::new(strace.stdout.take().unwrap()).read_line(&mut id).unwrap();
    if id.trim().is_empty() {
        strace.wait().unwrap();
        not_offered("j9_r2", Offer::Traces, "strace may not trace here");
        return;
    }
    let session = Session::new(&home, id.trim().to_owned());
    session.act(&["run", "a"]).expect(0);
    session.kill_host();
    kill(rustix::process::Pid::from_child(&strace));
    strace.wait().unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    let at = |what: &str, end: &str, from: usize| {
        let found = text.lines().skip(from).position(|line| line.contains(what) && line.contains(end));
        from + found.unwrap_or_else(|| panic!("{what} … {end} is not there after line {from}:\n{text}"))
    };
    let named = at("rename", "/outcome.json\"", 0);
    let draft = at("fsync(", "/attempts/1/outcome.draft>", 0);
    let dir = at("fsync(", "/attempts/1>", 0);
    let output = at("fdatasync(", "/attempts/1/output>", 0);
    assert!(output < draft && draft < dir && dir < named, "{output} {draft} {dir} {named}\n{text}");
    at("fsync(", "/attempts/1>", named);
}
