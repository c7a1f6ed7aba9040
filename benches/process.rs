//! What the runner costs: a step that does nothing, output into its file, output that is covered.
//! `cargo bench --bench process`; `GIB=10` sets how much output (default 1).

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use onbelay::process::spec::{Bytes, RunnerSpec};

const RUNNER: &str = env!("CARGO_BIN_EXE_onbelay");
const ROUNDS: usize = 200;

fn main() {
    steps();
    let gib: u32 = std::env::var("GIB").ok().and_then(|gib| gib.parse().ok()).unwrap_or(1);
    output("zeros", &format!("head -c {gib}G /dev/zero"), gib << 10);
    output("lines", &format!("yes 'a line as programs print it, 12:00:00 ok' | head -c {gib}G"), gib << 10);
}

fn steps() {
    let (mut plain, mut through) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let clock = Instant::now();
        assert!(Command::new("sh").args(["-c", "true"]).status().is_ok_and(|status| status.success()));
        plain.push(clock.elapsed());
        let dir = tempfile::tempdir().expect("a directory");
        let clock = Instant::now();
        let mut runner = start(dir.path(), "true", &[]);
        assert!(runner.wait().is_ok_and(|status| status.success()));
        through.push(clock.elapsed());
        assert!(dir.path().join("outcome.json").exists());
    }
    let (plain, through) = (median(plain), median(through));
    println!(
        "a step that does nothing: sh -c true {plain:?}, through a runner {through:?} (medians of {ROUNDS})"
    );
}

fn output(what: &str, script: &str, mib: u32) {
    let rate = |took: Duration| f64::from(mib) / took.as_secs_f64();
    let dir = tempfile::tempdir().expect("a directory");
    let file = File::create(dir.path().join("direct")).expect("a file");
    let clock = Instant::now();
    assert!(
        Command::new("sh").args(["-c", script]).stdout(file).status().is_ok_and(|status| status.success())
    );
    println!("{what}, {mib} MiB: into a file {:.0} MiB/s", rate(clock.elapsed()));
    drop(dir);
    for (how, cover) in
        [("through a runner", &[][..]), ("covered by a runner", &["correct horse battery"][..])]
    {
        let dir = tempfile::tempdir().expect("a directory");
        let clock = Instant::now();
        let mut runner = start(dir.path(), script, cover);
        let mut peak = 0;
        while runner.try_wait().expect("a child").is_none() {
            peak = peak.max(peak_kib(runner.id()));
            std::thread::sleep(Duration::from_millis(10));
        }
        println!(
            "{what}, {mib} MiB: {how} {:.0} MiB/s, its memory {peak} KiB at most",
            rate(clock.elapsed())
        );
    }
}

fn start(dir: &Path, script: &str, cover: &[&str]) -> Child {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let orders = RunnerSpec {
        argv: ["sh", "-c", script].iter().map(Bytes::from).collect(),
        env: vec![(Bytes::from("PATH"), Bytes::from(&path))],
        dir: Bytes::from("/"),
        timeout_ms: None,
        umask: 0o022,
        separate_stdout: false,
        cover: cover.iter().map(|secret| (*secret).to_owned()).collect(),
        share: None,
        terminal: false,
        of: None,
    };
    let mut child = Command::new(RUNNER)
        .arg("runner")
        .arg(dir)
        .env_clear()
        .stdin(Stdio::piped())
        .spawn()
        .expect("a runner");
    let text = serde_json::to_vec(&orders).expect("orders");
    child.stdin.take().expect("a pipe").write_all(&text).expect("a runner that listens");
    child
}

fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
