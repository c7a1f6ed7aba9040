//! What the host finds out about one request at the moment it comes. SHELL: asks the system; nothing is kept from one
//! request to the next but what cannot change.

mod keys;
mod lapsed;
mod signers;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::session::{Circumstances, Command, Person, Session};

use super::glance;
use super::peer::{self, Account, Circle, Login, NOBODY, Sender};

/// What every finding out needs to know of the session.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    /// Who may be here.
    pub(super) circle: Circle,
    /// Where it says which keys may sign: as the session was started with.
    signers: Option<PathBuf>,
    /// Where all sessions are.
    home: PathBuf,
    /// The ssh agent of whoever started the host.
    agent: Option<PathBuf>,
    /// The agent's keys when the host began: it may be gone with the login that brought it.
    at_first: Arc<OnceLock<Vec<String>>>,
    /// Where the walk stands.
    pub(super) glance: glance::Shared,
}

impl Surroundings {
    /// Of the session in `dir`. Keys are asked for on a thread of their own: an agent may take its time.
    pub(super) fn new(dir: &Path, session: &Session, agent: Option<PathBuf>, glance: glance::Shared) -> Self {
        let opened = &session.opened;
        let owner = rustix::process::geteuid().as_raw();
        let found = Self {
            circle: Circle::new(owner, opened.share.clone()),
            signers: opened.signers.as_ref().map(|path| Path::new(&opened.dir).join(path)),
            home: dir.parent().unwrap_or(dir).to_owned(),
            agent,
            at_first: Arc::default(),
            glance,
        };
        let first = found.clone();
        // Where no thread can be had, whoever needs the keys first asks for them.
        let _ = std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
            first.keys_at_first();
        });
        found
    }

    fn keys_at_first(&self) -> &[String] {
        self.at_first.get_or_init(|| self.agent.as_deref().map(keys::of_agent).unwrap_or_default())
    }

    /// The keys that the session's own account holds, and those of the operator where that is another account, as far as
    /// this one may look.
    fn own_keys(&self) -> keys::Held {
        let mut held = keys::Held { keys: self.keys_at_first().to_vec(), unknown: None };
        held.keys.extend(self.agent.as_deref().map(keys::of_agent).unwrap_or_default());
        let owner = self.circle.owner();
        let operator = glance::operator(&self.glance).filter(|uid| *uid != owner);
        for home in [Some(owner), operator].into_iter().flatten().filter_map(peer::home_of) {
            let found = keys::of_home(&home);
            held.keys.extend(found.keys);
            held.unknown = held.unknown.or(found.unknown);
        }
        held.keys.sort();
        held.keys.dedup();
        held
    }
}

/// Who asks, by the system's word at this moment, and what else the request needs known. `known_as`: who they were when
/// they connected.
pub(super) fn of_request(
    around: &Surroundings,
    sender: Sender,
    known_as: &Person,
    command: &Command,
) -> (Person, Circumstances) {
    let (person, barred) = who(around, sender, known_as, Some(command));
    let mut found = Circumstances { barred, ..Circumstances::default() };
    if found.barred.is_some() {
        return (person, found);
    }
    match command {
        Command::Approve { signature: Some(_), .. } => {
            found.signers =
                Some(signers::read(around.circle.owner(), around.signers.as_deref(), &around.home));
            let held = around.own_keys();
            (found.own_keys, found.keys_unknown) = (held.keys, held.unknown);
        }
        Command::Run { step, .. } | Command::Undo { step, .. } | Command::Done { step, .. } => {
            match lapsed::approvals(around, step) {
                Ok(lapsed) => found.lapsed = lapsed,
                Err(why) => found.barred = Some(why),
            }
        }
        Command::Handover { to } => found.named = Some(around.circle.named(to.trim())),
        _ => {}
    }
    (person, found)
}

/// As [`of_request`], for a message that is no request and is not open to everyone.
pub(super) fn of_message(
    around: &Surroundings,
    sender: Sender,
    known_as: &Person,
) -> (Person, Circumstances) {
    let (person, barred) = who(around, sender, known_as, None);
    (person, Circumstances { barred, ..Circumstances::default() })
}

fn who(
    around: &Surroundings,
    sender: Sender,
    known_as: &Person,
    command: Option<&Command>,
) -> (Person, Option<String>) {
    let account = peer::account(sender.uid);
    let login = peer::login_of(sender);
    let name = match &account {
        Account::Known(user) => user.name.clone(),
        Account::Unknown => format!("uid {}", sender.uid),
        Account::Silent(_) => known_as.name.clone(),
    };
    let barred = around
        .circle
        .bars(sender.uid, &account)
        // A hold must not wait until a directory service is back, nor for whoever called it.
        .filter(|_| !(command.is_some_and(only_stops) && matches!(account, Account::Silent(_))))
        .or_else(|| {
            let gone = login == Login::Gone && !command.is_some_and(only_stops);
            gone.then(|| {
                "the process that asked was gone before the kernel could say who logged in there; \
                 it must stay until it has its answer"
                    .to_owned()
            })
        })
        .or_else(|| {
            let nobody = sender.uid == NOBODY && matches!(command, Some(Command::Approve { .. }));
            nobody.then(|| {
                format!("{name} stands for accounts that cannot be told apart, and approves nothing")
            })
        });
    (Person { name, uid: Some(sender.uid), login: login.account() }, barred)
}

/// Does this start nothing, whoever asks?
fn only_stops(command: &Command) -> bool {
    matches!(
        command,
        Command::Hold { .. } | Command::Stop { .. } | Command::Withdraw { .. } | Command::Note { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around() -> Surroundings {
        let owner = rustix::process::geteuid().as_raw();
        Surroundings {
            circle: Circle::new(owner, None),
            signers: None,
            home: "/nowhere".into(),
            agent: None,
            at_first: Arc::default(),
            glance: Arc::default(),
        }
    }

    fn me() -> Sender {
        Sender { pid: i32::try_from(std::process::id()).unwrap(), uid: rustix::process::getuid().as_raw() }
    }

    fn ask(sender: Sender, command: &Command) -> (Person, Circumstances) {
        of_request(&around(), sender, &peer::person(sender.uid), command)
    }

    fn approve(signature: Option<&str>) -> Command {
        let signature = signature.map(str::to_owned);
        Command::Approve { step: "a".into(), seen: None, name: None, signature }
    }

    #[test]
    fn a_request_of_ours_carries_our_account_and_login() {
        let (person, found) = ask(me(), &Command::Finish);
        assert_eq!((person.uid, person.login), (Some(me().uid), peer::own_login()));
        assert_eq!(found, Circumstances::default());
    }

    #[test]
    fn who_is_gone_before_it_was_seen_may_stop_things_and_no_more() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let gone = Sender { pid: i32::try_from(child.id()).unwrap(), ..me() };
        child.wait().unwrap();
        for command in [Command::Finish, approve(None), approve(Some("x"))] {
            let why = ask(gone, &command).1.barred.unwrap();
            assert!(why.contains("must stay until it has its answer"), "{why}");
        }
        let hold = Command::Hold { why: "x".to_owned() };
        assert_eq!(ask(gone, &hold).1.barred, None);
        assert!(of_message(&around(), gone, &peer::person(gone.uid)).1.barred.is_some());
    }

    #[test]
    fn an_account_that_is_gone_may_not_even_hold() {
        let unknown = Sender { uid: 3_999_999_123, ..me() };
        let hold = Command::Hold { why: "x".to_owned() };
        let (person, found) = ask(unknown, &hold);
        assert_eq!(person.name, "uid 3999999123");
        assert!(found.barred.unwrap().ends_with("(uid 3999999123) decides nothing"));
    }

    #[test]
    fn a16_nobody_approves_nothing_even_where_the_session_is_its_own() {
        let around = Surroundings { circle: Circle::new(NOBODY, None), ..around() };
        // The first process is root's, so nothing is learnt of a login; it is a process that is there.
        let nobody = Sender { pid: 0, uid: NOBODY };
        let ask = |command: &Command| of_request(&around, nobody, &peer::person(NOBODY), command).1.barred;
        assert!(ask(&approve(None)).unwrap().contains("approves nothing"));
        assert_eq!(ask(&Command::Finish), None);
    }

    #[test]
    fn keys_and_signers_are_looked_up_for_a_signature_only() {
        let (_, found) = ask(me(), &approve(None));
        assert_eq!((found.signers, found.own_keys), (None, Vec::new()));
        let (_, found) = ask(me(), &approve(Some("x")));
        assert!(found.signers.is_some());
        let (_, found) = ask(me(), &Command::Handover { to: " root\n".to_owned() });
        assert_eq!(found.named.unwrap().unwrap().uid, Some(0));
        let (_, found) = ask(me(), &Command::Handover { to: "no-such-account".to_owned() });
        assert!(found.named.unwrap().is_err());
    }
}
