//! The command line as clap reads it: verbs, flags, and the example each help begins with. PURE.
//! It must not know what a verb does.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub use actions::{Action, Became, Start};

mod actions;

/// What the whole command line says.
#[derive(Debug, Parser)]
#[command(
    name = "onbelay",
    version,
    about = "Walk a migration runbook with a second set of eyes: nothing destructive runs until its checks hold, and \
             every action is logged.",
    before_help = "Example:\n  onbelay demo                     see it work, in a sandbox, within a minute\n  \
                   onbelay run move.yaml -p vm=shop walk a runbook of your own",
    after_help = "Exit status: 0 yes; 1 the answer is no, nothing was carried out; 2 the call or the file is wrong; \
                  3 the machine failed us; 4 carried out and did not end well; 130 interrupted, what runs goes on.",
    disable_help_subcommand = false,
    max_term_width = 100
)]
pub struct Cli {
    /// What to do; absent: what to do next.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// The verbs, in the order of a first day with them.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Walk a bundled tour in a sandbox that is made for it and removed after it
    #[command(before_help = "Example:\n  onbelay demo")]
    Demo(DemoArgs),
    /// Write a runbook to begin with, which explains itself and runs as it stands
    #[command(before_help = "Example:\n  onbelay new move.yaml --title 'Move the shop'")]
    New(NewArgs),
    /// Start a session of a runbook and open the screen on it
    #[command(
        before_help = "Example:\n  onbelay run move.yaml -p vm=/srv/vm/shop -p archive=/backup/site.tar"
    )]
    Run(RunArgs),
    /// Start a session with no screen; prints its id
    #[command(before_help = "Example:\n  session=$(onbelay start move.yaml --params shop.yaml)")]
    Start(StartArgs),
    /// Open the screen on a session
    #[command(
        before_help = "Example:\n  onbelay attach k3f9                          back to one of yours\n  onbelay attach --witness /srv/onbelay/k3f9   join as the second person"
    )]
    Attach(AttachArgs),
    /// Ask one action of a session, for scripts: the same request that a key on the screen makes
    #[command(before_help = "Example:\n  onbelay do k3f9 run delete-old-vm --confirm shop-vm")]
    Do(DoArgs),
    /// Approve a step with a signature that was made elsewhere
    #[command(
        before_help = "Example:\n  onbelay approve /srv/onbelay/k3f9 delete-old-vm --signature approval.txt.sig",
        allow_missing_positional = true
    )]
    Approve(ApproveArgs),
    /// The text that a second person reads and signs
    #[command(before_help = "Example:\n  onbelay approval show k3f9 delete-old-vm -o approval.txt")]
    Approval(ApprovalArgs),
    /// Show every step, its gate and every check
    #[command(before_help = "Example:\n  onbelay status k3f9 --json")]
    Status(StatusArgs),
    /// List sessions, newest first
    #[command(before_help = "Example:\n  onbelay list")]
    List(ListArgs),
    /// Show the journal, as people read it or as it is
    #[command(before_help = "Example:\n  onbelay log k3f9 --follow")]
    Log(LogArgs),
    /// Prove a journal whole, and that every destructive step in it was allowed to run
    #[command(before_help = "Example:\n  onbelay verify k3f9")]
    Verify(VerifyArgs),
    /// Write the timeline, evidence and decisions of a session
    #[command(before_help = "Example:\n  onbelay report k3f9 --format md -o report.md")]
    Report(ReportArgs),
    /// Ask every automatic check of a runbook once: which hold points would open?
    #[command(before_help = "Example:\n  onbelay check move.yaml --params shop.yaml")]
    Check(CheckArgs),
    /// Say what is wrong in a runbook
    #[command(before_help = "Example:\n  onbelay lint runbooks/*.yaml")]
    Lint(LintArgs),
    /// Turn a Markdown runbook into YAML (not yet)
    #[command(before_help = "Example:\n  onbelay import RUNBOOK.md")]
    Import(ImportArgs),
    /// Print the JSON Schema of the format, for editors
    #[command(before_help = "Example:\n  onbelay schema > onbelay.schema.json")]
    Schema,
    /// Print a theme, to begin one of your own with
    #[command(before_help = "Example:\n  onbelay theme dark > ~/.config/onbelay/theme.yaml")]
    Theme(ThemeArgs),
    /// Print shell completions
    #[command(
        before_help = "Example:\n  onbelay completions bash > ~/.local/share/bash-completion/completions/onbelay"
    )]
    Completions {
        /// For which shell
        shell: Shell,
    },
    /// Print the manual page
    #[command(before_help = "Example:\n  onbelay man | man -l -")]
    Man,
    /// The process that owns a session (started by the others)
    #[command(hide = true)]
    Host,
    /// The process that runs one command (started by the host)
    #[command(hide = true)]
    Runner {
        /// The directory of the attempt
        dir: PathBuf,
    },
    /// The process that asks one built-in probe (started by whoever asks)
    #[command(hide = true)]
    Probe {
        /// What is asked, as JSON
        look: String,
    },
}

/// Values for the parameters of a runbook.
#[derive(Clone, Debug, Default, Args)]
pub struct Params {
    /// Give a parameter its value; again for each item of a list
    #[arg(short = 'p', long = "param", value_name = "NAME=VALUE", allow_hyphen_values = true)]
    pub given: Vec<String>,
    /// Take values from a YAML map of texts and lists
    #[arg(id = "params", long = "params", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// `demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Walk as lines and prompts instead of a screen
    #[arg(long)]
    pub plain: bool,
    /// A bundled theme (default, dark, light, high-contrast, mono) or a file; else `ONBELAY_THEME`, else
    /// `~/.config/onbelay/theme.yaml`
    #[arg(long, value_name = "NAME|FILE")]
    pub theme: Option<String>,
}

/// `new`
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Where it is written; `-` is stdout. A file that is there is never written over
    #[arg(default_value = "runbook.yaml")]
    pub file: PathBuf,
    /// Its title
    #[arg(long)]
    pub title: Option<String>,
}

/// `run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The runbook
    pub file: PathBuf,
    /// Values of its parameters.
    #[command(flatten)]
    pub params: Params,
    /// Walk as lines and prompts on stdin and stdout
    #[arg(long)]
    pub plain: bool,
    /// A bundled theme (default, dark, light, high-contrast, mono) or a file; else `ONBELAY_THEME`, else
    /// `~/.config/onbelay/theme.yaml`
    #[arg(long, value_name = "NAME|FILE")]
    pub theme: Option<String>,
    /// A second open session of the same runbook with the same values is meant
    #[arg(long)]
    pub another: bool,
    /// Open it to the members of a Unix group: they may watch, witness and read it, and nobody else may
    #[arg(long, value_name = "GROUP")]
    pub share: Option<String>,
    /// The keys that may sign approvals, a file as ssh-keygen reads it; absent:
    /// `/etc/onbelay/allowed_signers`, else the file of that name where sessions are kept
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,
}

/// `start`
#[derive(Debug, Args)]
pub struct StartArgs {
    /// The runbook
    pub file: PathBuf,
    /// Values of its parameters.
    #[command(flatten)]
    pub params: Params,
    /// A second open session of the same runbook with the same values is meant
    #[arg(long)]
    pub another: bool,
    /// Open it to the members of a Unix group: they may watch, witness and read it, and nobody else may
    #[arg(long, value_name = "GROUP")]
    pub share: Option<String>,
    /// The keys that may sign approvals, a file as ssh-keygen reads it; absent:
    /// `/etc/onbelay/allowed_signers`, else the file of that name where sessions are kept
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,
}

/// `attach`
#[derive(Debug, Args)]
pub struct AttachArgs {
    /// Its id, a part that fits no other, or its path; absent: the only open one
    pub session: Option<String>,
    /// Only look; a hold and a note are open to you all the same
    #[arg(long, conflicts_with = "witness")]
    pub watch: bool,
    /// Join as the second person: approve, refuse, answer, note, hold
    #[arg(long)]
    pub witness: bool,
    /// Lines and prompts instead of a screen
    #[arg(long)]
    pub plain: bool,
    /// A bundled theme (default, dark, light, high-contrast, mono) or a file; else `ONBELAY_THEME`, else
    /// `~/.config/onbelay/theme.yaml`
    #[arg(long, value_name = "NAME|FILE")]
    pub theme: Option<String>,
}

/// `do`
#[derive(Debug, Args)]
pub struct DoArgs {
    /// Its id, a part that fits no other, or its path
    pub session: String,
    /// Do not wait for the end of run, undo and check
    #[arg(long, global = true)]
    pub no_wait: bool,
    /// Print what became of it as one JSON object
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// `approve`
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// Its id, a part that fits no other, or its path; absent: the only open one
    pub session: Option<String>,
    /// Which step
    #[arg(required = true)]
    pub step: String,
    /// What `ssh-keygen -Y sign` made of the text; `-`: from stdin
    #[arg(long, value_name = "FILE")]
    pub signature: Option<PathBuf>,
    /// Print what became of it as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `approval`
#[derive(Debug, Args)]
pub struct ApprovalArgs {
    /// What to do
    #[command(subcommand)]
    pub what: ApprovalVerb,
}

/// What can be done about an approval that needs no session of one's own.
#[derive(Debug, Subcommand)]
pub enum ApprovalVerb {
    /// Print the text, asking for an approval if nobody has
    #[command(
        before_help = "Example:\n  onbelay approval show /srv/onbelay/k3f9 delete-old-vm > approval.txt",
        allow_missing_positional = true
    )]
    Show(ShowArgs),
}

/// `approval show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Its id, a part that fits no other, or its path; absent: the only open one
    pub session: Option<String>,
    /// Which step
    #[arg(required = true)]
    pub step: String,
    /// As JSON
    #[arg(long)]
    pub json: bool,
    /// Which start is meant.
    #[command(flatten)]
    pub start: Start,
    /// Write it there instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `status`
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Its id, a part that fits no other, or its path; absent: the only open one
    pub session: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `log`
#[derive(Debug, Args)]
pub struct LogArgs {
    /// Its id, a part that fits no other, or its path; absent: the only open one, else the newest
    pub session: Option<String>,
    /// The records as they are on disk
    #[arg(long)]
    pub json: bool,
    /// Go on with what is added, until the session ends
    #[arg(long)]
    pub follow: bool,
}

/// `verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Its id, a part that fits no other, or the directory that holds it; absent: the only open one, else the newest
    #[arg(value_name = "SESSION|DIR")]
    pub session: Option<String>,
    /// Hold every signature against this file too, kept where nobody at the session could change it
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,
    /// A head that was printed, or signed, earlier: one of the records must have it still; may be given again
    #[arg(long = "head", value_name = "SHA256")]
    pub heads: Vec<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Its id, a part that fits no other, or its path; absent: the only open one, else the newest
    pub session: Option<String>,
    /// How it is written
    #[arg(long, value_enum, default_value = "md")]
    pub format: ReportFormat,
    /// For those outside: what was announced, and when
    #[arg(long)]
    pub public: bool,
    /// Write it there instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Markdown
    Md,
    /// One HTML page (not yet)
    Html,
    /// JSON
    Json,
}

/// `check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The runbook
    pub file: PathBuf,
    /// Values of its parameters.
    #[command(flatten)]
    pub params: Params,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `lint`
#[derive(Debug, Args)]
pub struct LintArgs {
    /// The runbooks
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How findings are written
    #[arg(long, value_enum, default_value = "text")]
    pub format: LintFormat,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    /// As a compiler prints them
    Text,
    /// JSON
    Json,
    /// SARIF 2.1.0, for code review tools
    Sarif,
}

/// `theme`
#[derive(Debug, Args)]
pub struct ThemeArgs {
    /// A bundled theme (default, dark, light, high-contrast, mono) or a file; absent: default
    #[arg(value_name = "NAME|FILE")]
    pub name: Option<String>,
}

/// `import`
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The Markdown runbook
    pub file: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, error::ErrorKind};

    use super::*;

    #[test]
    fn clap_accepts_its_definition() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_help_begins_with_an_example() {
        let mut command = Cli::command();
        command.build();
        assert!(command.render_long_help().to_string().starts_with("Example:\n"));
        let verbs: Vec<String> = command
            .get_subcommands()
            .filter(|c| !c.is_hide_set() && c.get_name() != "help")
            .map(|c| c.get_name().to_owned())
            .collect();
        for verb in verbs {
            for flag in ["-h", "--help"] {
                let error = Cli::try_parse_from(["onbelay", &verb, flag]).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::DisplayHelp);
                assert!(error.to_string().starts_with("Example:\n"), "{verb} {flag}: {error}");
            }
        }
    }

    #[test]
    fn a_value_may_begin_with_a_dash() {
        let cli = Cli::try_parse_from(["onbelay", "do", "k3f9", "run", "a", "--confirm", "-rf", "--no-wait"])
            .unwrap();
        let Some(Verb::Do(args)) = cli.verb else { panic!("not do") };
        assert!(args.no_wait);
        let run = Action::Run { step: "a".into(), confirm: Some("-rf".into()), by_hand: false };
        assert_eq!(args.action, run);
    }

    #[test]
    fn words_that_an_action_needs_are_asked_for() {
        for line in [
            &["attest", "c"][..],
            &["fail", "s"],
            &["skip", "s"],
            &["skip", "--say", "x"],
            &["abort"],
            &["check"],
            &["check", "--all", "x"],
            &["resolve", "s", "maybe", "--say", "x"],
        ] {
            let words = ["onbelay", "do", "k3f9"].iter().chain(line);
            assert!(Cli::try_parse_from(words).is_err(), "{line:?}");
        }
    }
}
