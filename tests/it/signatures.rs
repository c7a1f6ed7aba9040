//! What `ssh-keygen -Y sign` signs is taken, and what `ssh-keygen -Y verify` refuses is refused: the real program, its agent,
//! every type of key.

use std::process::{Child, Command, Output, Stdio};

use onbelay::session::Signers;
use onbelay::session::approve::signature::{check, check_again, check_against};
use onbelay::time::Timestamp;

use crate::support::{Home, have, until};

const TEXT: &str = "onbelay approval 1\nWhoever signs this has read it.\n";

/// 2026-11-20T15:10:13Z, as ssh-keygen is told it.
const AT: &str = "20261120151013Z";

fn at() -> Timestamp {
    Timestamp::from_millis(1_795_187_413_000)
}

fn keygen(words: &[&str], input: &str) -> Output {
    said("ssh-keygen", words, input, &[])
}

fn said(program: &str, words: &[&str], input: &str, env: &[(&str, &str)]) -> Output {
    use std::io::Write as _;
    let mut command = Command::new(program);
    command.args(words).env_remove("SSH_AUTH_SOCK").env("TZ", "UTC");
    let piped = command.envs(env.iter().copied()).stdin(Stdio::piped());
    let mut child = piped.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A key pair of its own; the path of the private one.
fn key(home: &Home, name: &str, kind: &str, bits: &str) -> String {
    let path = home.path(name).display().to_string();
    good(&keygen(&["-q", "-t", kind, "-b", bits, "-N", "", "-C", name, "-f", &path], ""));
    path
}

fn public(key: &str) -> String {
    std::fs::read_to_string(format!("{key}.pub")).unwrap().trim().to_owned()
}

fn sign(key: &str, namespace: &str, text: &str) -> String {
    good(&keygen(&["-Y", "sign", "-n", namespace, "-f", key], text))
}

fn signers(text: &str) -> Signers {
    Signers { path: "/etc/onbelay/allowed_signers".to_owned(), text: text.to_owned() }
}

#[test]
fn every_type_of_key_that_ssh_keygen_makes_is_taken() {
    if !have("every_type_of_key_that_ssh_keygen_makes_is_taken", "ssh-keygen") {
        return;
    }
    let home = Home::new();
    let kinds = [
        ("ed25519", "256"),
        ("ecdsa", "256"),
        ("ecdsa", "384"),
        ("ecdsa", "521"),
        ("rsa", "2048"),
        ("rsa", "3072"),
        ("rsa", "4096"),
    ];
    for (kind, bits) in kinds {
        let key = key(&home, &format!("{kind}-{bits}"), kind, bits);
        let list = signers(&format!("kim {}\n", public(&key)));
        let armoured = sign(&key, "onbelay-approval", TEXT);
        let signed = check(TEXT, &armoured, &list, at()).unwrap_or_else(|why| panic!("{kind} {bits}: {why}"));
        assert_eq!(signed.principal, "kim");
        assert_eq!(signed.signature, armoured, "kept byte for byte as ssh-keygen writes it");
        assert_eq!(format!("{}\n", signed.line), list.text);
        let listed = good(&keygen(&["-l", "-f", &key], ""));
        assert_eq!(listed.split(' ').nth(1), Some(signed.fingerprint.as_str()));
        assert_eq!(check_again(TEXT, &signed, at()), Ok(()));
        assert_eq!(check_against(TEXT, &signed, &list, at()), Ok(()));
        let why = check_against(TEXT, &signed, &signers(&format!("sam {}", public(&key))), at()).unwrap_err();
        assert!(why.contains("not of kim"), "{why}");
        for other in [&TEXT[1..], "", "onbelay approval 1\nWhoever signs this has read it.\n\n"] {
            assert!(check(other, &armoured, &list, at()).unwrap_err().contains("does not sign this text"));
            assert!(check_again(other, &signed, at()).is_err());
        }
        let windows = armoured.replace('\n', "\r\n");
        assert_eq!(check(TEXT, &windows, &list, at()), Ok(signed), "copied through another system");
    }
}

#[test]
fn a_small_rsa_key_and_a_certificate_are_refused_in_words() {
    if !have("a_small_rsa_key_and_a_certificate_are_refused_in_words", "ssh-keygen") {
        return;
    }
    let home = Home::new();
    let small = key(&home, "small", "rsa", "1024");
    let list = signers(&format!("kim {}\n", public(&small)));
    let why = check(TEXT, &sign(&small, "onbelay-approval", TEXT), &list, at()).unwrap_err();
    assert!(why.contains("2048"), "{why}");

    let (ca, own) = (key(&home, "ca", "ed25519", "256"), key(&home, "own", "ed25519", "256"));
    good(&keygen(&["-q", "-s", &ca, "-I", "kim", "-n", "kim", &format!("{own}.pub")], ""));
    let certificate = format!("{own}-cert.pub");
    let armoured = sign(&certificate, "onbelay-approval", TEXT);
    let list = signers(&format!("kim cert-authority {}\n", public(&ca)));
    let why = check(TEXT, &armoured, &list, at()).unwrap_err();
    assert!(why.contains("certificate"), "{why}");
}

/// An agent that ends with the test.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_key_that_only_an_agent_holds_signs() {
    let name = "a_key_that_only_an_agent_holds_signs";
    if !["ssh-keygen", "ssh-agent", "ssh-add"].iter().all(|program| have(name, program)) {
        return;
    }
    let home = Home::new();
    let key = key(&home, "held", "ed25519", "256");
    let socket = home.path("agent.sock").display().to_string();
    let agent = Command::new("ssh-agent").args(["-D", "-a", &socket]).stdout(Stdio::null()).spawn().unwrap();
    let _agent = Agent(agent);
    until("the agent answers", || std::os::unix::net::UnixStream::connect(&socket).ok());
    let env = [("SSH_AUTH_SOCK", socket.as_str())];
    good(&said("ssh-add", &["-q", &key], "", &env));
    std::fs::remove_file(&key).unwrap();
    let file = format!("{key}.pub");
    let armoured =
        good(&said("ssh-keygen", &["-Y", "sign", "-n", "onbelay-approval", "-f", &file], TEXT, &env));
    let signed = check(TEXT, &armoured, &signers(&format!("kim {}", public(&key))), at()).unwrap();
    assert_eq!(signed.principal, "kim");
}

/// What `ssh-keygen -Y verify` says at that time of a file of allowed signers.
fn verdict(home: &Home, list: &str, armoured: &str, principal: &str, text: &str) -> bool {
    let list = home.write("allowed_signers", list).display().to_string();
    let seal = home.write("text.sig", armoured).display().to_string();
    let time = format!("-Overify-time={AT}");
    let words = ["-Y", "verify", &time, "-n", "onbelay-approval", "-f", &list, "-I", principal, "-s", &seal];
    keygen(&words, text).status.success()
}

#[test]
fn ssh_keygen_and_onbelay_give_the_same_verdict() {
    if !have("ssh_keygen_and_onbelay_give_the_same_verdict", "ssh-keygen") {
        return;
    }
    let home = Home::new();
    let (own, other) = (key(&home, "own", "ed25519", "256"), key(&home, "other", "ed25519", "256"));
    let armoured = sign(&own, "onbelay-approval", TEXT);
    let (own_key, other_key) = (public(&own), public(&other));
    // A line for kim's key: `{K}` the key that signed, `{O}` another; and whether both take it.
    let table = [
        ("kim {K}", true),
        ("  kim\t{K}", true),
        ("\"kim\" {K}", true),
        ("kim,sam {K}", true),
        ("sam,kim {K}", true),
        ("sam {K}", false),
        ("kim {O}", false),
        ("", false),
        ("# kim {K}", false),
        ("kim", false),
        ("kim {O}\nkim {K}", true),
        ("# note\n\nsam {O}\nkim {K}", true),
        ("!kim,kim {K}", false),
        ("kim,!kim {K}", false),
        ("kim,!k* {K}", false),
        ("kim,!sam {K}", true),
        ("kim namespaces=\"onbelay-approval\" {K}", true),
        ("kim NameSpaces=\"git,onbelay-*\" {K}", true),
        ("kim namespaces=\"git\" {K}", false),
        ("kim namespaces=\"*,!onbelay-approval\" {K}", false),
        ("kim namespaces=\"onbelay?approval\" {K}", true),
        ("kim namespaces=onbelay-approval {K}", false),
        ("kim namespaces=\"git\",namespaces=\"onbelay-approval\" {K}", false),
        ("kim namespaces=\"git\" {K}\nkim {K}", true),
        ("kim cert-authority {K}", false),
        ("kim CERT-AUTHORITY,namespaces=\"*\" {K}", false),
        ("kim no-touch-required {K}", false),
        ("kim namespaces=\"*\",agent {K}", false),
        ("kim valid-after=\"20261120151013Z\" {K}", true),
        ("kim valid-after=\"20261120151014Z\" {K}", false),
        ("kim valid-before=\"20261120151013Z\" {K}", true),
        ("kim valid-before=\"20261120151012Z\" {K}", false),
        ("kim valid-after=\"202611201510Z\",valid-before=\"202611201511Z\" {K}", true),
        ("kim valid-after=\"20261120Z\",valid-before=\"20261121Z\" {K}", true),
        ("kim valid-after=\"20261121Z\" {K}", false),
        ("kim valid-before=\"20261120Z\" {K}", false),
        (
            "kim valid-before=\"20261121Z\",valid-after=\"20261120Z\",namespaces=\"onbelay-approval\" {K}",
            true,
        ),
        ("kim valid-before=\"20261120Z\",valid-after=\"20261121Z\" {K}", false),
        ("kim valid-after=\"2026\" {K}", false),
        ("kim valid-after=\"20261320Z\" {K}", false),
        ("kim valid-before=\"20261120Z\" {K}\nkim valid-after=\"20261120Z\" {K}", true),
        ("kim valid-after=\"20250101\",valid-before=\"20270101\" {K}", true),
        ("kim valid-after=\"20261120 {K}", false),
    ];
    let mut taken = 0;
    for (lines, expected) in table {
        let list = lines.replace("{K}", &own_key).replace("{O}", &other_key);
        let signers = signers(&list);
        let theirs = verdict(&home, &list, &armoured, "kim", TEXT);
        let first = check(TEXT, &armoured, &signers, at());
        let ours = first.clone().is_ok_and(|mut signed| {
            "kim".clone_into(&mut signed.principal);
            check_against(TEXT, &signed, &signers, at()).is_ok()
        });
        assert_eq!((theirs, ours), (expected, expected), "{lines}: {first:?}");
        if let Ok(signed) = &first {
            assert_eq!(check_again(TEXT, signed, at()), Ok(()), "{lines}");
        }
        assert!(!verdict(&home, &list, &armoured, "kim", "another text"));
        assert!(check("another text", &armoured, &signers, at()).is_err());
        taken += usize::from(expected);
    }
    println!("{} lists of signers, {taken} of which allow the key: one verdict", table.len());
    let git = sign(&own, "git", TEXT);
    let list = format!("kim {own_key}");
    assert!(!verdict(&home, &list, &git, "kim", TEXT));
    let why = check(TEXT, &git, &signers(&list), at()).unwrap_err();
    assert!(why.contains("made for `git`"), "{why}");
}

#[test]
fn where_onbelay_is_stricter_than_ssh_keygen() {
    if !have("where_onbelay_is_stricter_than_ssh_keygen", "ssh-keygen") {
        return;
    }
    let home = Home::new();
    let own = key(&home, "own", "ed25519", "256");
    let armoured = sign(&own, "onbelay-approval", TEXT);
    let table = [
        // A pattern names nobody in particular.
        ("k?m K", "names no one person"),
        ("* K", "names no one person"),
        // In some time zone that is not yet, or no longer.
        ("kim valid-after=\"20261120100000\" K", "not yet"),
        ("kim valid-before=\"20261120200000\" K", "expired"),
        // No such day.
        ("kim valid-after=\"20250230Z\" K", "is no time"),
    ];
    for (line, expected) in table {
        let list = line.replace('K', &public(&own));
        assert!(verdict(&home, &list, &armoured, "kim", TEXT), "ssh-keygen takes {line}");
        let why = check(TEXT, &armoured, &signers(&list), at()).unwrap_err();
        assert!(why.contains(expected) && why.contains("line 1 of /etc/onbelay/allowed_signers"), "{why}");
    }
}
