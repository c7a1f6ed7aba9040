//! Walks with approvals in them, as a host journals them: made here, signed by `ssh-keygen`, laid down on disk.

use super::*;
use crate::id::Digest;

pub(in crate::journal::verify::tests) fn yaml(witness: &str) -> String {
    format!(
        "checks:
  backup: {{ title: The backup is whole, run: 'true' }}
steps:
  - {{ id: drill, title: Restore somewhere empty, run: 'true' }}
  - id: wipe
    title: Wipe the old disk
    destructive: Everything on it.
    requires: [backup]
    witness: {witness}
    run: 'wipe it'
  - {{ id: bury, title: Bury it, destructive: The disk itself., witness: {witness}, run: 'bury it' }}
"
    )
}

/// A key made for one test, and the file that allows it.
pub(in crate::journal::verify::tests) struct Key {
    home: tempfile::TempDir,
}

impl Key {
    pub(in crate::journal::verify::tests) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let made = Program::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "sam", "-f"])
            .arg(home.path().join("key"))
            .status()
            .expect("ssh-keygen is here: the tests need OpenSSH");
        assert!(made.success());
        Self { home }
    }

    pub(in crate::journal::verify::tests) fn public(&self) -> String {
        fs::read_to_string(self.home.path().join("key.pub")).unwrap().trim().to_owned()
    }

    /// The line of an `allowed_signers` file.
    pub(in crate::journal::verify::tests) fn line(&self, options: &str) -> String {
        let public = self.public();
        let key = public.rsplit_once(' ').unwrap().0;
        format!("sam@example.org {options}{key}\n")
    }

    pub(in crate::journal::verify::tests) fn signers(&self, options: &str) -> Signers {
        Signers { path: "/elsewhere/signers".to_owned(), text: self.line(options) }
    }

    pub(in crate::journal::verify::tests) fn sign(&self, text: &str, namespace: &str) -> String {
        let mut program = Program::new("ssh-keygen")
            .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
            .arg(self.home.path().join("key"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        program.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = program.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

pub(in crate::journal::verify::tests) fn head_of(entries: &[Entry]) -> Digest {
    entries.iter().fold(no_link(), |prev, entry| {
        let line = line(entry, &prev);
        link_to(&line[..line.len() - 1])
    })
}

/// A walk whose askings name the head they follow, as a host's do.
pub(in crate::journal::verify::tests) struct Walk {
    pub(in crate::journal::verify::tests) bench: Bench,
    pub(in crate::journal::verify::tests) key: Option<Key>,
}

impl Walk {
    pub(in crate::journal::verify::tests) fn new(witness: &str) -> Self {
        let key = (witness == KEY).then(Key::new);
        Self { bench: Bench::new(&yaml(witness)), key }
    }

    /// Of another runbook.
    pub(in crate::journal::verify::tests) fn of(yaml: &str) -> Self {
        Self { bench: Bench::new(yaml), key: None }
    }

    pub(in crate::journal::verify::tests) fn ask(&mut self, step: &str) -> u64 {
        self.asks(step, None, false)
    }

    pub(in crate::journal::verify::tests) fn asks(
        &mut self,
        step: &str,
        work: Option<Work>,
        by_hand: bool,
    ) -> u64 {
        let command = Command::AskApproval { step: step.into(), work, by_hand };
        let bench = &mut self.bench;
        let events = decide(&bench.session, &command, &dana(), bench.now, &Circumstances::default()).unwrap();
        for mut event in events {
            if let Event::ApprovalAsked { subject } = &mut event {
                subject.head.sha256 = head_of(&bench.entries);
            }
            bench.record(&dana(), event);
        }
        bench.settle();
        bench.session.head
    }

    pub(in crate::journal::verify::tests) fn approve(&mut self, step: &str, by: &Person, name: Option<&str>) {
        let place = self.bench.session.step_at(step).unwrap();
        let subject = &self.bench.session.steps[place].approval.as_ref().unwrap().subject;
        let (seen, text) = (Some(subject.text_digest()), subject.text());
        let signature = self.key.as_ref().map(|key| key.sign(&text, NAMESPACE));
        self.bench.found.signers = self.key.as_ref().map(|key| Ok(key.signers("")));
        let name = name.map(str::to_owned);
        let command = Command::Approve { step: step.into(), seen, name, signature };
        self.bench.act_as(by, &command).unwrap_or_else(|refusal| panic!("{refusal:?}"));
    }

    /// Asks, approves, starts and ends it well; `by`: the account, and the name that was typed.
    pub(in crate::journal::verify::tests) fn through(&mut self, step: &str, by: &Person, name: Option<&str>) {
        self.bench.check("backup").unwrap();
        self.ask(step);
        self.approve(step, by, name);
        self.bench.run_typed(step, step).unwrap();
        assert!(!self.bench.started.is_empty(), "{step}: {:?}", self.bench.refused());
        self.bench.exits(0);
    }
}

/// A walk to its end: two approvals, and records after the last.
pub(in crate::journal::verify::tests) fn walked_with(witness: &str) -> Walk {
    let mut walk = Walk::new(witness);
    let (by, name) = if witness == HERE { (dana(), Some("Kim")) } else { (sam(), None) };
    walk.bench.walk("drill");
    walk.through("wipe", &by, name);
    walk.bench.act(&Command::Note { text: "half of it".to_owned() }).unwrap();
    walk.through("bury", &by, name);
    walk.bench.act(&Command::Finish).unwrap();
    walk
}

/// As [`on_disk`]; these commands wrote nothing.
pub(in crate::journal::verify::tests) fn laid_down(
    witness: &str,
    entries: &[Entry],
) -> (tempfile::TempDir, PathBuf) {
    laid_down_of(&yaml(witness), entries)
}

/// As [`laid_down`], of another runbook.
pub(in crate::journal::verify::tests) fn laid_down_of(
    yaml: &str,
    entries: &[Entry],
) -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let kept = Store::open(home.path().join("state")).unwrap();
    let id = entries[0].session.clone();
    let yaml = format!("onbelay: 1\ntitle: Test\n{yaml}");
    drop(kept.create(&id, yaml.as_bytes(), &entries[..1]).unwrap());
    let dir = kept.dir(&id);
    fs::write(dir.join(JOURNAL), bytes_of(entries)).unwrap();
    (home, dir)
}

pub(in crate::journal::verify::tests) fn bytes_of(entries: &[Entry]) -> Vec<u8> {
    let (mut bytes, mut prev) = (Vec::new(), no_link());
    for entry in entries {
        let line = line(entry, &prev);
        prev = link_to(&line[..line.len() - 1]);
        bytes.extend(line);
    }
    bytes
}

pub(in crate::journal::verify::tests) fn verified(
    witness: &str,
    entries: &[Entry],
    signers: Option<&Signers>,
) -> Verified {
    let (_home, dir) = laid_down(witness, entries);
    verify(&dir, signers).unwrap()
}

pub(in crate::journal::verify::tests) fn numbers(
    entries: &[Entry],
    wanted: impl Fn(&Event) -> bool,
) -> Vec<u64> {
    entries.iter().filter(|entry| wanted(&entry.event)).map(|entry| entry.n).collect()
}

pub(in crate::journal::verify::tests) fn askings(entries: &[Entry]) -> Vec<u64> {
    numbers(entries, |event| matches!(event, Event::ApprovalAsked { .. }))
}

pub(in crate::journal::verify::tests) fn yeses(entries: &[Entry]) -> Vec<u64> {
    numbers(entries, |event| matches!(event, Event::Approved { .. }))
}

pub(in crate::journal::verify::tests) fn starts(entries: &[Entry]) -> Vec<u64> {
    numbers(entries, |event| matches!(event, Event::StepStarted { step, .. } if step != "drill"))
}

pub(in crate::journal::verify::tests) fn at(entries: &mut [Entry], n: u64) -> &mut Entry {
    &mut entries[usize::try_from(n).unwrap() - 1]
}

#[track_caller]
pub(in crate::journal::verify::tests) fn says(lines: &[String], part: &str) {
    assert!(lines.iter().any(|line| line.contains(part)), "{part} is not in {lines:#?}");
}

#[track_caller]
pub(in crate::journal::verify::tests) fn found_at(verified: &Verified, n: u64, part: &str) {
    let found = verified.findings.iter().any(|one| one.record == Some(n) && one.what.contains(part));
    assert!(found, "no {part} at record {n}: {:#?}", verified.findings);
}
