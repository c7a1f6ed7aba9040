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

/// Keys of a check that are probes.
pub(in crate::runbook) const PROBES: &[&str] = &[
    "run",
    "attest",
    "covers",
    "unchanged_since",
    "fresh",
    "persistent",
    "not_in_use",
    "different",
    "space",
    "where",
    "elapsed",
];

pub(in crate::runbook) const CHECK: Context = Context {
    what: "a check",
    keys: &[
        "title",
        "why",
        "fix",
        "run",
        "attest",
        "covers",
        "unchanged_since",
        "fresh",
        "persistent",
        "not_in_use",
        "different",
        "space",
        "where",
        "elapsed",
        "expect",
        "shell",
        "dir",
        "env",
        "witness",
        "timeout",
        "wait",
        "for_each",
        "jobs",
        "valid_for",
        "stale_after",
    ],
    later: &["host"],
};

pub(in crate::runbook) const EXPECT: Context = Context {
    what: "`expect`",
    keys: &["exit", "equals", "contains", "lacks", "matches", "at_least", "at_most"],
    later: &[],
};

pub(in crate::runbook) const ELAPSED: Context =
    Context { what: "`elapsed`", keys: &["since", "at_least"], later: &[] };

pub(in crate::runbook) const COVERS: Context =
    Context { what: "`covers`", keys: &["source", "backup", "ignore", "by", "also"], later: &[] };

pub(in crate::runbook) const UNCHANGED_SINCE: Context =
    Context { what: "`unchanged_since`", keys: &["path", "reference"], later: &[] };

pub(in crate::runbook) const FRESH: Context =
    Context { what: "`fresh`", keys: &["path", "max_age", "min_size", "sha256"], later: &[] };

pub(in crate::runbook) const PERSISTENT: Context =
    Context { what: "`persistent`", keys: &["path"], later: &[] };

pub(in crate::runbook) const NOT_IN_USE: Context =
    Context { what: "`not_in_use`", keys: &["path"], later: &[] };

pub(in crate::runbook) const DIFFERENT: Context =
    Context { what: "`different`", keys: &["a", "b"], later: &[] };

pub(in crate::runbook) const SPACE: Context =
    Context { what: "`space`", keys: &["path", "at_least", "at_most"], later: &[] };

pub(in crate::runbook) const WHERE: Context =
    Context { what: "`where`", keys: &["host", "user"], later: &[] };

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
        "interactive",
        "for_each",
        "announce",
    ],
    later: &["host"],
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
pub(in crate::runbook) const ALL: &[&Context] = &[
    &RUNBOOK,
    &STEP,
    &CHECK,
    &PARAM,
    &PHASE,
    &EXPECT,
    &ELAPSED,
    &COVERS,
    &UNCHANGED_SINCE,
    &FRESH,
    &PERSISTENT,
    &NOT_IN_USE,
    &DIFFERENT,
    &SPACE,
    &WHERE,
    &WAIT,
    &WITNESS,
    &UNDO,
    &RETRY,
];
