//! What can be asked of a session in one line: the actions of `do`, which plain mode's lines are too. PURE.
//! It must not know how one is carried out.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// The actions of `do`; the lines of plain mode are the same.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Action {
    /// Ask automatic checks, `wait` and all
    #[command(before_help = "Example:\n  onbelay do k3f9 check backup-verified")]
    Check {
        /// Which; ID@ITEM is one item
        #[arg(value_name = "ID", required_unless_present = "all")]
        checks: Vec<String>,
        /// Every automatic check whose values are there
        #[arg(long, conflicts_with = "checks")]
        all: bool,
    },
    /// Answer a check in words
    #[command(
        before_help = "Example:\n  onbelay do k3f9 attest copy-taken --say 'NAS in Phoenix, opened by Kim'"
    )]
    Attest {
        /// Which; CHECK@ITEM for one item
        check: String,
        /// The answer is no
        #[arg(long)]
        no: bool,
        /// The answer in words
        #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
        say: String,
    },
    /// Ask what is not fresh, pass the gate, start the step
    #[command(before_help = "Example:\n  onbelay do k3f9 run delete-old-vm --confirm shop-vm")]
    Run {
        /// Which
        step: String,
        /// The text that confirms it
        #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
        confirm: Option<String>,
        /// A person does what the script would
        #[arg(long)]
        by_hand: bool,
    },
    /// End a person's step well
    #[command(before_help = "Example:\n  onbelay do k3f9 done point-dns --value C0123ABC")]
    Done {
        /// Which
        step: String,
        /// A few words about it
        #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
        say: Option<String>,
        /// The value that the step captures
        #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
        value: Option<String>,
    },
    /// End a person's step the other way
    #[command(before_help = "Example:\n  onbelay do k3f9 fail point-dns --say 'the registrar is down'")]
    Fail {
        /// Which
        step: String,
        /// Why
        #[arg(long, value_name = "WHY", allow_hyphen_values = true)]
        say: String,
    },
    /// Pass steps by
    #[command(before_help = "Example:\n  onbelay do k3f9 skip tell-customers --say 'nobody was using it'")]
    Skip {
        /// Which
        #[arg(required = true)]
        steps: Vec<String>,
        /// Why
        #[arg(long, value_name = "WHY", allow_hyphen_values = true)]
        say: String,
    },
    /// Take a step back
    #[command(before_help = "Example:\n  onbelay do k3f9 undo point-dns")]
    Undo {
        /// Which
        step: String,
        /// The text that confirms it
        #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
        confirm: Option<String>,
    },
    /// The second person says yes to what is shown: one start of this very command
    #[command(before_help = "Example:\n  onbelay do /srv/onbelay/k3f9 approve delete-old-vm")]
    Approve {
        /// Which
        step: String,
        /// Who approves at the operator's own terminal (proof `here`; it proves nothing)
        #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
        name: Option<String>,
        /// Which start is meant.
        #[command(flatten)]
        start: Start,
    },
    /// The second person says no
    #[command(
        before_help = "Example:\n  onbelay do k3f9 refuse delete-old-vm --say 'the backup is of the wrong shop'"
    )]
    Refuse {
        /// Which
        step: String,
        /// Why; a refusal needs words
        #[arg(long, value_name = "WHY", allow_hyphen_values = true)]
        say: Option<String>,
    },
    /// Write something down
    #[command(before_help = "Example:\n  onbelay do k3f9 note 'called the datacentre, spoke to Lee'")]
    Note {
        /// The words
        text: String,
    },
    /// Stop: nothing starts until it is released
    #[command(before_help = "Example:\n  onbelay do k3f9 hold 'customers still see the old site'")]
    Hold {
        /// Why
        why: String,
    },
    /// Release your own holds; with words, other people's too
    #[command(before_help = "Example:\n  onbelay do k3f9 release --say 'cache cleared, all see the new one'")]
    Release {
        /// Why
        #[arg(long, value_name = "WHY", allow_hyphen_values = true)]
        say: Option<String>,
    },
    /// Say what became of an interrupted step
    #[command(before_help = "Example:\n  onbelay do k3f9 resolve write-image done --say 'it boots'")]
    Resolve {
        /// Which
        step: String,
        /// What became of it
        became: Became,
        /// What you saw
        #[arg(long, value_name = "WHAT", allow_hyphen_values = true)]
        say: String,
    },
    /// End a running step: TERM to its process group, KILL 10 s later
    #[command(before_help = "Example:\n  onbelay do k3f9 stop restore-drill")]
    Stop {
        /// Which
        step: String,
    },
    /// Another person is the operator from now; what was approved is void
    #[command(before_help = "Example:\n  onbelay do k3f9 handover kim")]
    Handover {
        /// Their account
        name: String,
    },
    /// Go on with a corrected runbook (not yet)
    Amend {
        /// The corrected runbook
        file: PathBuf,
        /// Why
        #[arg(long, value_name = "WHY", allow_hyphen_values = true)]
        say: String,
    },
    /// Close a session whose steps are all done or skipped
    #[command(before_help = "Example:\n  onbelay do k3f9 finish")]
    Finish,
    /// Give up: nothing starts any more but undos
    #[command(before_help = "Example:\n  onbelay do k3f9 abort --say 'the restore drill failed twice'")]
    Abort {
        /// Why
        #[arg(long, value_name = "WHY", allow_hyphen_values = true)]
        say: String,
    },
}

/// Which start of a step an approval is of; neither: what was asked for last, else what the step could do next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct Start {
    /// Of its undo
    #[arg(long)]
    pub undo: bool,
    /// A person does what the script would
    #[arg(long)]
    pub by_hand: bool,
}

/// What became of an interrupted step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Became {
    /// It did what it is for
    Done,
    /// It did not
    Failed,
}
