//! Which keys may stand where. PURE.

/// A kind of map in a runbook.
#[derive(Debug)]
pub(in crate::runbook) struct Context {
    /// What it is, with its article: "a step".
    pub(in crate::runbook) what: &'static str,
    /// Keys it may have.
    pub(in crate::runbook) keys: &'static [&'static str],
    /// Keys of the format that this version does not carry out.
    pub(in crate::runbook) later: &'static [&'static str],
}

pub(in crate::runbook) const RUNBOOK: Context = Context {
    what: "a runbook",
    keys: &["onbelay", "title", "about", "params", "pass_env", "shell", "dir", "env", "checks", "steps"],
    later: &[],
};

pub(in crate::runbook) const PARAM: Context = Context {
    what: "a parameter",
    keys: &["about", "default", "matches", "choices", "list", "secret", "env"],
    later: &[],
};

/// Keys of a check that are probes this version has.
pub(in crate::runbook) const PROBES: &[&str] = &["run", "attest", "elapsed"];

/// Keys of a check that are probes still to come.
pub(in crate::runbook) const PROBES_LATER: &[&str] =
    &["covers", "unchanged_since", "fresh", "persistent", "not_in_use", "different", "space", "where"];

pub(in crate::runbook) const CHECK: Context = Context {
    what: "a check",
    keys: &[
        "title",
        "why",
        "fix",
        "run",
        "attest",
        "elapsed",
        "expect",
        "shell",
        "dir",
        "env",
        "witness",
        "timeout",
        "wait",
        "for_each",
        "valid_for",
        "stale_after",
    ],
    later: &[
        "covers",
        "unchanged_since",
        "fresh",
        "persistent",
        "not_in_use",
        "different",
        "space",
        "where",
        "host",
    ],
};

pub(in crate::runbook) const EXPECT: Context = Context {
    what: "`expect`",
    keys: &["exit", "equals", "contains", "lacks", "matches", "at_least", "at_most"],
    later: &[],
};

pub(in crate::runbook) const ELAPSED: Context =
    Context { what: "`elapsed`", keys: &["since", "at_least"], later: &[] };

pub(in crate::runbook) const WAIT: Context =
    Context { what: "`wait`", keys: &["up_to", "every", "steady"], later: &[] };

pub(in crate::runbook) const STEP: Context = Context {
    what: "a step",
    keys: &[
        "id",
        "title",
        "about",
        "run",
        "shell",
        "dir",
        "env",
        "destructive",
        "optional",
        "requires",
        "confirm",
        "witness",
        "verify",
        "done_when",
        "undo",
        "capture",
        "timeout",
        "expect_within",
        "retry",
        "background",
        "for_each",
        "announce",
    ],
    later: &["interactive", "host"],
};

pub(in crate::runbook) const PHASE: Context =
    Context { what: "a heading", keys: &["phase"], later: &["for_each"] };

pub(in crate::runbook) const WITNESS: Context =
    Context { what: "`witness`", keys: &["proof", "of", "count"], later: &[] };

pub(in crate::runbook) const UNDO: Context =
    Context { what: "`undo`", keys: &["run", "requires"], later: &[] };

pub(in crate::runbook) const RETRY: Context =
    Context { what: "`retry`", keys: &["times", "every"], later: &[] };

/// Every kind of map with fixed keys, to say where a key belongs that stands in the wrong one.
pub(in crate::runbook) const ALL: &[&Context] =
    &[&RUNBOOK, &STEP, &CHECK, &PARAM, &PHASE, &EXPECT, &ELAPSED, &WAIT, &WITNESS, &UNDO, &RETRY];
