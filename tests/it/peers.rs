//! Who speaks, with real accounts: a connection that is handed on, an account or a membership that ends meanwhile, a
//! login that two accounts share.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::people::People;
use super::support::{have, skipped};

const WITNESSED: &str = "onbelay: 1\ntitle: Peers\nsteps:\n  - { id: wipe, title: Wipe, destructive: true, witness: true, run: 'true' }\n";

/// Connects, greets, says `here`, then sends each line of its stdin as a request and prints what is answered to it. With
/// an account as its second word, requests are sent by a child that has become that account.
const SPEAKER: &str = r#"
use strict; use IO::Socket::UNIX; $| = 1; $SIG{PIPE} = "IGNORE";
my ($path, $uid) = @ARGV;
my $s = IO::Socket::UNIX->new(Peer => $path) or die "cannot connect: $!";
sub say_it { syswrite($s, pack("N/a*", $_[0])) }
sub heard {
    my ($want) = @_;
    while (1) {
        my $n = read($s, my $len, 4); if (!$n) { print "END\n"; exit 0 }
        read($s, my $body, unpack("N", $len));
        if ($body =~ /"from_host":"goodbye"/ || $body =~ $want) { print "$body\n" if $want ne 'welcome'; return }
    }
}
say_it('{"to_host":"hello","protocol":4,"onbelay":"test","role":"witness"}');
heard('welcome'); print "here\n";
while (my $line = <STDIN>) {
    chomp $line; my $message = qq({"to_host":"request","id":7,"command":$line});
    if (defined $uid) { if (!fork()) { $) = $uid; $( = $uid; $< = $uid; $> = $uid; say_it($message); exit 0 } wait() }
    else { say_it($message) }
    heard('"from_host":"reply"');
}
"#;

struct Speaker {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Speaker {
    fn new(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut speaker = Self { child, stdin, stdout };
        assert_eq!(speaker.line(), "here\n");
        speaker
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    fn asks(&mut self, command: &str) -> String {
        writeln!(self.stdin, "{command}").unwrap();
        self.line()
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const NOTE: &str = r#"{"command":"note","text":"x"}"#;
const HOLD: &str = r#"{"command":"hold","why":"x"}"#;
const ASK: &str = r#"{"command":"ask_approval","step":"wipe"}"#;
const APPROVE: &str = r#"{"command":"approve","step":"wipe"}"#;

/// The same call, by a login of this account; `None`: this kernel keeps no logins, or not for us.
fn with_login(test: &str, uid: u32, command: &Command) -> Option<Command> {
    let set = "echo \"$0\" > /proc/self/loginuid && exec \"$@\"";
    let works = Command::new("sh").args(["-c", set, &uid.to_string(), "true"]).stderr(Stdio::null()).status();
    if !works.unwrap().success() {
        skipped(test, "the kernel does not let this test set a login");
        return None;
    }
    let mut with = Command::new("sh");
    with.args(["-c", set, &uid.to_string()]).arg(command.get_program()).args(command.get_args());
    with.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(dir) = command.get_current_dir() {
        with.current_dir(dir);
    }
    Some(with)
}

fn speaker(people: &People, place: usize, socket: &str) -> Command {
    let mut command = people.run_as(place, "perl");
    command.args(["-e", SPEAKER, socket]);
    command
}

fn started(people: &People) -> String {
    let file = people.write("runbook.yaml", WITNESSED);
    people.call(0, &["start", file.to_str().unwrap(), "--share", &people.group]).expect(0);
    people.session().join("socket").to_str().unwrap().to_owned()
}

#[test]
fn a_connection_that_is_handed_to_another_account_ends() {
    let test = "handed_to_another_account";
    if !have(test, "perl") {
        return;
    }
    let Some(people) = People::new(test, &["dana", "sam"]) else { return };
    let socket = started(&people);
    let mut command = Command::new("perl");
    command.args(["-e", SPEAKER, &socket, &people.uid(1).to_string()]);
    let mut handed = Speaker::new(command);
    let said = handed.asks(NOTE);
    assert!(said.contains("goodbye") && said.contains("was opened by root and is used by"), "{said}");
    assert!(said.contains(people.name(1)), "{said}");
    let journal = std::fs::read_to_string(people.session().join("journal.jsonl")).unwrap();
    assert!(!journal.contains("noted"), "{journal}");
    // The same with nobody else in between goes on.
    let mut own = Speaker::new(speaker(&people, 1, &socket));
    assert!(own.asks(NOTE).contains("recorded"));
}

#[test]
fn a16_who_left_the_group_or_is_deleted_decides_nothing_more() {
    let test = "a16_left_or_deleted";
    if !have(test, "perl") || !have(test, "gpasswd") {
        return;
    }
    let Some(people) = People::new(test, &["dana", "sam", "!mallory"]) else { return };
    let socket = started(&people);
    let mut sam = Speaker::new(speaker(&people, 1, &socket));
    assert!(sam.asks(NOTE).contains("recorded"));
    assert!(sam.asks(ASK).contains("recorded"));
    let mut others: Vec<Speaker> = (0..3).map(|_| Speaker::new(speaker(&people, 1, &socket))).collect();
    people.leaves_group(1);
    for (sam, command) in [(&mut sam, APPROVE), (&mut others[0], HOLD)] {
        let said = sam.asks(command);
        assert!(said.contains("refused") && said.contains("is not in it now"), "{said}");
        // Told so, and let go.
        let said = sam.asks(NOTE);
        assert!(said.contains("goodbye") && said.contains("is not in it now"), "{said}");
    }
    let uid = people.uid(1);
    people.forget(1);
    for (sam, command) in others[1..].iter_mut().zip([APPROVE, HOLD]) {
        let said = sam.asks(command);
        assert!(said.contains(&format!("does not know (uid {uid}) decides nothing")), "{said}");
    }
}

#[test]
fn who_left_the_group_sees_no_more_even_in_silence() {
    let test = "left_the_group_in_silence";
    if !have(test, "perl") || !have(test, "gpasswd") {
        return;
    }
    let Some(people) = People::new(test, &["dana", "sam"]) else { return };
    let socket = started(&people);
    let listens = SPEAKER
        .replace("while (my $line = <STDIN>) {", "while (1) { heard('never'); }\nwhile (0) { my $line;");
    let mut command = people.run_as(1, "perl");
    command.args(["-e", &listens, &socket]);
    let mut sam = Speaker::new(command);
    people.leaves_group(1);
    let said = sam.line();
    assert!(said.contains("goodbye") && said.contains("is not in it now"), "{said}");
}

/// What the journal tells, without what the checks said.
fn told(people: &People) -> Vec<String> {
    let journal = std::fs::read_to_string(people.session().join("journal.jsonl")).unwrap();
    let events = ["approved", "approvals_voided", "requested", "step_started", "refused"];
    let of = |line: &str| {
        let found = events.iter().find(|event| line.contains(&format!("\"event\":\"{event}\"")));
        found.map(|event| (*event).to_owned())
    };
    journal.lines().filter_map(of).collect()
}

#[test]
fn an_approval_ends_with_the_right_to_give_it() {
    let test = "an_approval_ends_with_the_right";
    if !have(test, "gpasswd") {
        return;
    }
    let Some(people) = People::new(test, &["dana", "sam"]) else { return };
    started(&people);
    let session = people.session();
    let session = session.to_str().unwrap();
    people.call(0, &["do", session, "run", "wipe"]).expect(1);
    people.call(1, &["do", session, "approve", "wipe"]).expect(0);
    people.leaves_group(1);
    let ran = people.call(0, &["do", session, "run", "wipe", "--confirm", "wipe"]);
    assert_eq!(
        told(&people),
        ["requested", "refused", "approved", "approvals_voided", "requested", "refused"],
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    let journal = std::fs::read_to_string(people.session().join("journal.jsonl")).unwrap();
    assert!(journal.contains("is not in it now, and decides nothing here"), "{journal}");
}

#[test]
fn f_a2_a3_two_accounts_of_one_login_are_one_person() {
    let test = "a3_one_login";
    if !have(test, "perl") {
        return;
    }
    let Some(people) = People::new(test, &["dana", "sam"]) else { return };
    let file = people.write("runbook.yaml", WITNESSED);
    let start = people.command(0, &["start", file.to_str().unwrap(), "--share", &people.group]);
    let Some(mut start) = with_login(test, people.uid(0), &start) else { return };
    assert!(start.stdin(Stdio::null()).status().unwrap().success());
    let socket = people.session().join("socket").to_str().unwrap().to_owned();
    let by_login = |uid: u32| Speaker::new(with_login(test, uid, &speaker(&people, 1, &socket)).unwrap());
    let mut same = by_login(people.uid(0));
    assert!(same.asks(ASK).contains("recorded"));
    let said = same.asks(APPROVE);
    assert!(said.contains("refused") && said.contains("share a login"), "{said}");
    let said = by_login(people.uid(1)).asks(APPROVE);
    assert!(said.contains("recorded"), "{said}");
}
