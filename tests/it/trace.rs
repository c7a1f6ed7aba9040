//! What strace saw, call by call (with `-y`, which names files). Knows nothing of who was traced, and why.

use std::collections::BTreeMap;

/// A call of a trace: the line or the two that strace made of it, and where it began and ended.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) began: usize,
    pub(crate) ended: usize,
    pub(crate) text: String,
}

impl Call {
    /// By its name.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.text.split('(').next().is_some_and(|before| before.ends_with(name))
    }

    /// Does it write to a session's log, or sync that?
    pub(crate) fn is_on_the_log(&self) -> bool {
        self.text.contains("/journal.jsonl>") && (self.is("write") || self.is("fdatasync"))
    }

    pub(crate) fn went_well(&self) -> bool {
        let result = self.text.rsplit_once(") = ").map_or("?", |(_, result)| result);
        result.split_whitespace().next().is_some_and(|word| word.parse::<u64>().is_ok())
    }
}

/// The calls of a trace, in the order in which they ended. With `-f` another thread may come between the halves of one.
pub(crate) fn calls<S: AsRef<str>>(trace: &[S]) -> Vec<Call> {
    let mut open = BTreeMap::<&str, (usize, &str)>::new();
    let mut calls = Vec::new();
    for (at, line) in trace.iter().map(AsRef::as_ref).enumerate() {
        let thread = line.split(' ').next().unwrap_or_default();
        if let Some(half) = line.strip_suffix("<unfinished ...>") {
            open.insert(thread, (at, half));
        } else if line[thread.len()..].trim_start().starts_with("<... ") {
            let Some((began, half)) = open.remove(thread) else { continue };
            let rest = line.split_once(" resumed>").map_or("", |(_, rest)| rest);
            calls.push(Call { began, ended: at, text: format!("{half}{rest}") });
        } else {
            calls.push(Call { began: at, ended: at, text: line.to_owned() });
        }
    }
    // Who was killed in a call never came back from it.
    let never = open.into_values();
    calls.extend(never.map(|(began, half)| Call { began, ended: trace.len(), text: half.to_owned() }));
    calls
}

#[test]
fn a_call_that_strace_tells_in_two_halves_is_one_call() {
    let trace = [
        "7 write(5</s/journal.jsonl>, \"step_started\", 14 <unfinished ...>",
        "8 execve(\"/bin/sh\", [\"sh\"]) = 0",
        "7 <... write resumed>) = 14",
        "7 fdatasync(6</s/attempts/1/start.json>) = 0",
        "7 fdatasync(5</s/journal.jsonl>) = -1 EIO (Input/output error) (INJECTED)",
        "9 write(5</s/journal.jsonl>, \"x\", 1 <unfinished ...>",
    ];
    let calls = calls(&trace);
    let of_log: Vec<_> = calls.iter().filter(|call| call.is_on_the_log()).collect();
    let read = of_log.iter().map(|call| (call.began, call.ended, call.went_well()));
    assert_eq!(read.collect::<Vec<_>>(), [(0, 2, true), (4, 4, false), (5, 6, false)]);
    assert!(calls[0].is("execve") && calls[0].began < calls[1].ended);
}
