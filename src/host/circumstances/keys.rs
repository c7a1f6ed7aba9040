//! The keys that an account holds itself: in `~/.ssh` and in its agent. SHELL; of a private key only the public part that
//! stands before it is kept, which needs no passphrase.

use std::fs::File;
use std::io::{Read, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use data_encoding::{BASE64, BASE64_NOPAD};
use sha2::{Digest as _, Sha256};

/// How long an agent may take to answer.
const AGENT: Duration = Duration::from_secs(2);

/// The longest answer of an agent, bytes (OpenSSH's own limit).
const LONGEST_ANSWER: usize = 256 * 1024;

/// The longest file of a public key that is read, bytes.
const LONGEST_FILE: u64 = 64 * 1024;

/// The most files of public keys that are read.
const MOST_FILES: usize = 1_000;

/// `SSH_AGENTC_REQUEST_IDENTITIES` (draft-ietf-sshm-ssh-agent).
const REQUEST_IDENTITIES: u8 = 11;

/// `SSH_AGENT_IDENTITIES_ANSWER`.
const IDENTITIES_ANSWER: u8 = 12;

/// What is known of the keys in somebody's `.ssh`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Their fingerprints.
    pub(super) keys: Vec<String>,
    /// What could not be looked into; a sentence.
    pub(super) unknown: Option<String>,
}

/// The keys in `HOME/.ssh`: public ones, and private ones whether or not their public half lies beside them.
pub(super) fn of_home(home: &Path) -> Held {
    let dir = home.join(".ssh");
    let files = match std::fs::read_dir(&dir) {
        Ok(files) => files,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Held::default(),
        Err(e) => {
            let unknown = Some(format!("which keys lie in {} cannot be looked up: {e}", dir.display()));
            return Held { unknown, ..Held::default() };
        }
    };
    let mut held = Held::default();
    for path in files.flatten().map(|file| file.path()).take(MOST_FILES) {
        let is_public = path.extension().is_some_and(|extension| extension == "pub");
        let Some(text) = read_small(&path) else { continue };
        if is_public {
            held.keys.extend(text.lines().filter_map(of_line));
        } else if let Some(found) = of_private(&text) {
            held.keys.extend(found);
        } else if is_private(&text) && !with_pub(&path).exists() {
            held.unknown.get_or_insert_with(|| {
                format!(
                    "which key {} is cannot be told: it is of an old form; put its public half beside it with: ssh-keygen \
                     -y -f {} > {}",
                    path.display(),
                    path.display(),
                    with_pub(&path).display()
                )
            });
        }
    }
    held
}

fn with_pub(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

fn is_private(text: &str) -> bool {
    text.trim_start()
        .lines()
        .next()
        .is_some_and(|line| line.starts_with("-----BEGIN ") && line.trim_end().ends_with("PRIVATE KEY-----"))
}

/// Fingerprints of the public parts that an OpenSSH private key file begins with (OpenSSH's `PROTOCOL.key`); `None`: it
/// is none.
fn of_private(text: &str) -> Option<Vec<String>> {
    let body = text.trim().strip_prefix("-----BEGIN OPENSSH PRIVATE KEY-----")?;
    let body = body.strip_suffix("-----END OPENSSH PRIVATE KEY-----")?;
    let body: String = body.split_whitespace().collect();
    let bytes = BASE64.decode(body.as_bytes()).ok()?;
    let rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
    let (_cipher, rest) = take_string(rest)?;
    let (_kdf, rest) = take_string(rest)?;
    let (_options, rest) = take_string(rest)?;
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    let mut found = Vec::new();
    for _ in 0..u32::from_be_bytes(*count) {
        let (blob, after) = take_string(rest)?;
        found.push(fingerprint(blob));
        rest = after;
    }
    Some(found)
}

/// Fingerprints of the keys that an agent holds; none where it does not answer.
pub(super) fn of_agent(socket: &Path) -> Vec<String> {
    ask(socket).and_then(|answer| read_identities(&answer)).unwrap_or_default()
}

/// How OpenSSH names a key: SHA-256 of its wire form, base64 without padding.
fn fingerprint(blob: &[u8]) -> String {
    format!("SHA256:{}", BASE64_NOPAD.encode(&Sha256::digest(blob)))
}

fn read_small(path: &Path) -> Option<String> {
    // A pipe of that name must not keep anybody waiting.
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path).ok()?;
    let found = file.metadata().ok()?;
    if !found.is_file() || found.size() > LONGEST_FILE {
        return None;
    }
    let mut text = String::new();
    file.take(LONGEST_FILE).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The fingerprint of the key in a line `TYPE BASE64 COMMENT`.
fn of_line(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let kind = words.next()?;
    let blob = BASE64.decode(words.next()?.as_bytes()).ok()?;
    let (named, _) = take_string(&blob)?;
    (named == kind.as_bytes()).then(|| fingerprint(&blob))
}

fn ask(socket: &Path) -> Option<Vec<u8>> {
    let deadline = Instant::now() + AGENT;
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_write_timeout(Some(AGENT)).ok()?;
    stream.write_all(&[0, 0, 0, 1, REQUEST_IDENTITIES]).ok()?;
    let mut length = [0; 4];
    read_exact_by(&mut stream, &mut length, deadline)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST_ANSWER {
        return None;
    }
    let mut answer = vec![0; length];
    read_exact_by(&mut stream, &mut answer, deadline)?;
    Some(answer)
}

fn read_exact_by(stream: &mut UnixStream, mut buffer: &mut [u8], deadline: Instant) -> Option<()> {
    while !buffer.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        stream.set_read_timeout(Some(left)).ok()?;
        match stream.read(buffer) {
            Ok(0) => return None,
            Ok(n) => buffer = &mut buffer[n..],
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    Some(())
}

fn read_identities(answer: &[u8]) -> Option<Vec<String>> {
    let (&IDENTITIES_ANSWER, rest) = answer.split_first()? else { return None };
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    let mut found = Vec::new();
    for _ in 0..u32::from_be_bytes(*count) {
        let (blob, after) = take_string(rest)?;
        let (_comment, after) = take_string(after)?;
        found.push(fingerprint(blob));
        rest = after;
    }
    Some(found)
}

/// A length of four bytes, and that many bytes (RFC 4251).
fn take_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    /// What `ssh-keygen` itself says of a public key; `None` where it is not installed.
    fn made_key(dir: &Path, name: &str, kind: &str) -> Option<String> {
        let path = dir.join(name);
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", kind, "-N", "", "-C", "a comment", "-f"])
            .arg(&path)
            .status();
        if !made.is_ok_and(|status| status.success()) {
            eprintln!("SKIPPED: there is no ssh-keygen here");
            return None;
        }
        let said = Command::new("ssh-keygen").arg("-lf").arg(&path).output().unwrap().stdout;
        Some(String::from_utf8(said).unwrap().split(' ').nth(1).unwrap().to_owned())
    }

    #[test]
    fn keys_of_a_home_are_named_as_ssh_names_them() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(of_home(home.path()), Held::default());
        let ssh = home.path().join(".ssh");
        std::fs::create_dir(&ssh).unwrap();
        let Some(one) = made_key(&ssh, "id_ed25519", "ed25519") else { return };
        let two = made_key(&ssh, "work", "ecdsa").unwrap();
        std::fs::write(ssh.join("noise.pub"), "ssh-ed25519 AAAA nonsense\n\nssh-rsa\n\u{fffd}\n").unwrap();
        std::fs::write(ssh.join("bytes.pub"), [0xff; 20]).unwrap();
        std::fs::write(ssh.join("huge.pub"), vec![b'x'; 70_000]).unwrap();
        std::fs::create_dir(ssh.join("dir.pub")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, ssh.join("pipe.pub"), rustix::fs::Mode::RWXU).unwrap();
        // A private key without its public half is held all the same; a passphrase hides nothing of that.
        let three = made_key(&ssh, "alone", "ed25519").unwrap();
        std::fs::remove_file(ssh.join("alone.pub")).unwrap();
        let mut locked = Command::new("ssh-keygen");
        let locked = locked.args(["-q", "-p", "-N", "a phrase", "-f"]).arg(ssh.join("alone"));
        assert!(locked.status().unwrap().success());
        let held = of_home(home.path());
        let (mut found, mut wanted) = (held.keys, vec![one, two, three]);
        found.sort();
        found.dedup();
        wanted.sort();
        assert_eq!((found, held.unknown), (wanted, None));
    }

    #[test]
    fn what_cannot_be_told_of_a_home_is_said() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(".ssh"), "").unwrap();
        assert!(of_home(home.path()).unknown.unwrap().contains("cannot be looked up"));
        std::fs::remove_file(home.path().join(".ssh")).unwrap();
        let ssh = home.path().join(".ssh");
        std::fs::create_dir(&ssh).unwrap();
        let Some(one) = made_key(&ssh, "id_rsa", "rsa") else { return };
        let mut old = Command::new("ssh-keygen");
        let old = old.args(["-q", "-p", "-m", "PEM", "-N", "", "-f"]).arg(ssh.join("id_rsa"));
        assert!(old.status().unwrap().success());
        assert_eq!(of_home(home.path()), Held { keys: vec![one], unknown: None });
        std::fs::remove_file(ssh.join("id_rsa.pub")).unwrap();
        let held = of_home(home.path());
        assert!(held.keys.is_empty() && held.unknown.unwrap().contains("of an old form"));
    }

    #[test]
    fn a_real_agent_is_asked() {
        let dir = tempfile::tempdir().unwrap();
        let Some(fingerprint) = made_key(dir.path(), "key", "ed25519") else { return };
        let socket = dir.path().join("agent");
        let mut agent = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // It says where it listens once it does.
        let mut said = [0; 1];
        agent.stdout.take().unwrap().read_exact(&mut said).unwrap();
        assert!(of_agent(&socket).is_empty());
        let add = Command::new("ssh-add")
            .arg("-q")
            .arg(dir.path().join("key"))
            .env("SSH_AUTH_SOCK", &socket)
            .status();
        let found = of_agent(&socket);
        agent.kill().unwrap();
        agent.wait().unwrap();
        assert!(add.unwrap().success());
        assert_eq!(found, [fingerprint]);
        assert!(of_agent(&socket).is_empty(), "it is gone");
    }

    #[test]
    fn an_agent_that_answers_nonsense_or_nothing_is_passed_over() {
        for answer in [
            &b"\0\0\0\x01\x05"[..],
            b"\0\0\0\x05\x0c\xff\xff\xff\xff",
            b"\xff\xff\xff\xff\x0c",
            b"\0\0\0\x09\x0c\0\0\0\x01\0\0\0\x09",
            b"\0\0",
            b"",
        ] {
            let dir = tempfile::tempdir().unwrap();
            let socket = dir.path().join("agent");
            let listener = UnixListener::bind(&socket).unwrap();
            let speaks = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                stream.read_exact(&mut [0; 5]).unwrap();
                stream.write_all(answer).unwrap();
            });
            assert!(of_agent(&socket).is_empty(), "{answer:?}");
            speaks.join().unwrap();
        }
    }
}
