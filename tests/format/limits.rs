//! F-I1: what a runbook of 256 KiB may cost, whatever is in it. `--nocapture` prints what each cost; `cargo bench --bench loader`
//! prints the same of a release build, which is what the figure is of.

use std::process::Command;
use std::time::Instant;

use onbelay::runbook::read;

use crate::poison;

/// What the memory of this process rose to at most since the mark was set, over what it was then, KiB.
struct Mark(u64);

impl Mark {
    fn set() -> Option<Self> {
        // 5: the highest resident size is what it is now.
        std::fs::write("/proc/self/clear_refs", "5").ok()?;
        Some(Self(status("VmRSS:")?))
    }

    fn rose(&self) -> Option<u64> {
        Some(status("VmHWM:")?.saturating_sub(self.0))
    }
}

fn status(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// Says to this very test which file to read, in a process of its own that has done nothing else: what was taken and given back
/// before would not be counted.
const ONE: &str = "ONBELAY_TEST_POISON";

#[test]
fn f_i1_y1_no_runbook_of_256_kib_costs_more_than_it_may() {
    if let Some(file) = std::env::var_os(ONE) {
        return one(&std::fs::read(file).unwrap());
    }
    let dir = tempfile::tempdir().unwrap();
    let mut failed = Vec::new();
    for (what, source) in poison::all() {
        let length = source.len();
        assert!((poison::SIZE / 2..=poison::SIZE).contains(&length), "{what}: {length} bytes");
        let file = dir.path().join("large.yaml");
        std::fs::write(&file, source).unwrap();
        let mut alone = Command::new(std::env::current_exe().unwrap());
        alone.args([
            "--exact",
            "limits::f_i1_y1_no_runbook_of_256_kib_costs_more_than_it_may",
            "--nocapture",
        ]);
        let ran = alone.env(ONE, &file).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        let cost = said.lines().find(|line| line.contains(" KiB, "));
        println!("{what}: {}", cost.unwrap_or_default());
        if !ran.status.success() || cost.is_none() {
            failed.push(format!("{what}: {said}{}", String::from_utf8_lossy(&ran.stderr)));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn one(source: &[u8]) {
    let mark = Mark::set().expect("Linux tells what a process takes");
    let started = Instant::now();
    let result = read(source, "large.yaml");
    let (took, rose) = (started.elapsed(), mark.rose().expect("as before"));
    let found = match &result {
        Ok(_) => "taken".to_owned(),
        Err(problems) => {
            assert!(problems.render(false).contains("large.yaml:"), "a refusal names its place");
            format!("{} problems, first {}", problems.list.len(), problems.list[0].rule)
        }
    };
    println!("{took:.0?}, {rose} KiB, {found}");
    assert!(rose <= 32 * 1024, "it took {rose} KiB");
    // The figure is 100 ms of a release build on a quiet machine; what grows with the square takes minutes here.
    assert!(took.as_secs() < 30, "it took {took:.1?}");
}
