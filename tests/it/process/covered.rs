//! Secrets in the output of real shells: covered in every file, also what is printed in two writes or after the end.

use super::*;

#[test]
fn a_secret_reaches_the_command_and_no_file() {
    let secret = "hunter2-with-more";
    let mut attempt = bash(
        // In two writes, the second once the first has been taken out of the pipe.
        "echo \"$token\"; printf %s \"${token:0:5}\"; \
         perl -e '$n = pack \"L\", 1; ioctl(STDOUT, 0x541B, $n) || die \"$!\" while unpack \"L\", $n'; echo \"${token:5}\" >&2; \
         printf %s \"$token\" | base64 >&2; set -x; : \"$token\"; ulimit -c; echo ready; sleep 600",
    );
    attempt.spec.env.push((Bytes::from("token"), Bytes::from(secret)));
    attempt.spec.cover = vec![secret.to_owned()];
    let mut runner = attempt.spawn();
    attempt.until_it_says("ready");
    for file in ["cmdline", "environ"] {
        let text = std::fs::read(format!("/proc/{}/{file}", runner.id())).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains("hunter2"), "{file} of the runner");
    }
    send(runner.id(), Signal::TERM);
    runner.wait().unwrap();
    let text = attempt.text();
    assert!(text.starts_with("•••\n•••\n•••\n+ : •••\n+ ulimit -c\n0\n"), "{text}");
    for entry in std::fs::read_dir(attempt.path()).unwrap() {
        let path = entry.unwrap().path();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVy"), "{}", path.display());
    }
}

#[test]
fn a_captured_secret_is_covered_too() {
    let mut attempt = bash("echo \"$token\"");
    attempt.spec.env.push((Bytes::from("token"), Bytes::from("hunter2")));
    attempt.spec.cover = vec!["hunter2".to_owned()];
    attempt.spec.separate_stdout = true;
    assert_eq!(attempt.run().captured.as_deref(), Some("•••"));
}

#[test]
fn what_is_left_behind_is_still_covered() {
    let mut attempt = bash("(trap '' PIPE; read -r _ <\"$fifo\"; echo \"$token\"; echo last) & exit 0");
    let fifo = attempt.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
    attempt.spec.env.push((Bytes::from("fifo"), Bytes::from(&fifo)));
    attempt.spec.env.push((Bytes::from("token"), Bytes::from("hunter2")));
    attempt.spec.cover = vec!["hunter2".to_owned()];
    let mut runner = attempt.spawn();
    until("the outcome is there", || claim::read_outcome(attempt.path()).unwrap().is_some());
    assert_eq!(attempt.ended().outcome, Outcome::Exited { code: 0 });
    std::fs::write(&fifo, "go\n").unwrap();
    runner.wait().unwrap();
    assert_eq!(attempt.text(), "•••\nlast\n");
}
