//! A copy of a shared session, served by somebody else: whoever is lured there learns of it and gives nothing away. Real
//! accounts, a real socket.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use onbelay::client::{IfNoHost, Stay, Talk, Wish};
use onbelay::wire::ToHost;
use onbelay::wire::messages::Role;

use super::people::People;
use super::support::have;

const DANA: usize = 0;
const SAM: usize = 1;

const SECRET: &str = "onbelay: 1\ntitle: Lure\nparams:\n  pw: { about: Password, secret: true, env: PW }\nsteps:\n  - { id: a, title: A, run: 'true' }\n";

/// Takes the welcome of the session in its first word, then serves it in the directory of its second to whoever connects;
/// says `ready`, and then all that it is told.
const LURE: &str = r#"
use strict; use IO::Socket::UNIX; $| = 1;
my ($real, $mine) = @ARGV;
sub say_it { my ($s, $m) = @_; syswrite($s, pack("N/a*", $m)) }
sub hear { my ($s) = @_; read($s, my $len, 4) or return; read($s, my $body, unpack("N", $len)); $body }
my $s = IO::Socket::UNIX->new(Peer => "$real/socket") or die "cannot connect: $!";
say_it($s, '{"to_host":"hello","protocol":4,"onbelay":"test","role":"watch"}');
my $welcome = hear($s); $welcome =~ s/"secrets_missing":\[\]/"secrets_missing":["pw"]/;
my $l = IO::Socket::UNIX->new(Local => "$mine/socket", Listen => 9) or die "cannot listen: $!";
chmod 0777, "$mine/socket"; print "ready\n";
while (my $c = $l->accept) { while (defined(my $m = hear($c))) { print "$m\n"; say_it($c, $welcome) if $m =~ /hello/ } print "gone\n" }
"#;

struct Lure {
    child: Child,
    dir: PathBuf,
    said: BufReader<std::process::ChildStdout>,
}

impl Drop for Lure {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Dana's session with a secret, shared with sam.
fn started(people: &People) -> PathBuf {
    let file = people.write("runbook.yaml", SECRET);
    let mut start = people.command(DANA, &["start", file.to_str().unwrap(), "--share", &people.group]);
    assert!(start.env("PW", "tr0ub4dor&3").status().unwrap().success());
    people.session()
}

/// Sam serves a copy of it in a directory of `owner`'s.
fn lure(people: &People, session: &Path, owner: usize) -> Lure {
    let dir = session.parent().unwrap().parent().unwrap().join(session.file_name().unwrap());
    std::fs::create_dir(&dir).unwrap();
    for file in ["journal.jsonl", "runbook.yaml"] {
        std::fs::copy(session.join(file), dir.join(file)).unwrap();
        std::os::unix::fs::chown(dir.join(file), Some(people.uid(owner)), None).unwrap();
        std::fs::set_permissions(dir.join(file), std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    std::os::unix::fs::chown(&dir, Some(people.uid(owner)), None).unwrap();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = people.run_as(SAM, "perl");
    command.args(["-e", LURE]).args([session, &dir]).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let said = BufReader::new(child.stdout.take().unwrap());
    let mut lure = Lure { child, dir, said };
    assert_eq!(lure.line(), "ready\n");
    lure
}

impl Lure {
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line
    }
}

#[test]
fn a_copy_in_a_directory_of_its_maker_s_gets_no_secret() {
    let test = "a_copy_gets_no_secret";
    if !have(test, "perl") {
        return;
    }
    let Some(people) = People::new(test, &["dana", "sam"]) else { return };
    let mut lure = lure(&people, &started(&people), SAM);
    let mut call = people.command(DANA, &["do", lure.dir.to_str().unwrap(), "note", "hello"]);
    let ran = super::support::Ran::of(&call.env("PW", "tr0ub4dor&3").output().unwrap());
    let (dana, sam) = (people.name(DANA), people.name(SAM));
    let why = ran.expect(2).stderr.clone();
    assert!(
        why.contains(&format!("belongs to {sam}, and says that {dana} started the session: it is not")),
        "{why}"
    );
    // It heard that somebody came, and no more.
    assert!(lure.line().contains("hello"));
    assert_eq!(lure.line(), "gone\n");
}

#[test]
fn a_socket_that_another_account_serves_is_told_nothing_at_all() {
    let test = "a_socket_of_another_account";
    if !have(test, "perl") {
        return;
    }
    let Some(people) = People::new(test, &["dana", "sam"]) else { return };
    let mut lure = lure(&people, &started(&people), DANA);
    let why =
        people.call(DANA, &["do", lure.dir.to_str().unwrap(), "note", "hello"]).expect(2).stderr.clone();
    let (dana, sam) = (people.name(DANA), people.name(SAM));
    assert!(why.contains(&format!("belongs to {dana}, but {sam} serves the socket in it")), "{why}");
    assert_eq!(lure.line(), "gone\n");
}

#[test]
fn a_host_of_another_account_is_given_no_secret() {
    let Some(people) = People::new("a_host_of_another_account", &["dana", "sam"]) else { return };
    let wish = Wish { role: Role::Act, if_no_host: IfNoHost::Never, stay: Stay::No };
    // This test is root, and the host is dana's.
    let talk = Talk::open(&started(&people), wish).unwrap();
    assert!(!talk.line.client.is_own());
    let secret = ToHost::GiveSecret { name: "pw".into(), value: "tr0ub4dor&3".to_owned().into() };
    let why = talk.send(&secret).unwrap_err().to_string();
    assert!(why.contains("the secret was not sent") && why.contains(people.name(DANA)), "{why}");
}
