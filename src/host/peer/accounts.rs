//! Accounts and groups, by the system's own database at the moment of the question; and who may be here. SHELL.

use std::ffi::CString;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::unistd::{Gid, Group as SystemGroup, Uid, User, getgrouplist};

use crate::session::Person;
use crate::session::event::Group;

/// The account that stands for every account that cannot be told apart here (`nobody`, the kernel's overflow id).
pub(in crate::host) const NOBODY: u32 = 65_534;

/// What the system's database says of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::host) enum Account {
    /// There is one.
    Known(Box<User>),
    /// There is none.
    Unknown,
    /// It did not answer; the system's word.
    Silent(String),
}

impl Account {
    fn of(found: nix::Result<Option<User>>) -> Self {
        match found {
            Ok(Some(user)) => Self::Known(Box::new(user)),
            // What getpwuid(3) lists for an account that is not found.
            Ok(None) | Err(Errno::ENOENT | Errno::ESRCH | Errno::EBADF | Errno::EPERM) => Self::Unknown,
            Err(e) => Self::Silent(e.desc().to_owned()),
        }
    }
}

/// An account, by its number.
pub(in crate::host) fn account(uid: u32) -> Account {
    Account::of(User::from_uid(Uid::from_raw(uid)))
}

/// An account with its name; its number where it has no name.
pub(in crate::host) fn person(uid: u32) -> Person {
    let name = match account(uid) {
        Account::Known(user) => user.name,
        Account::Unknown | Account::Silent(_) => format!("uid {uid}"),
    };
    Person { name, uid: Some(uid), login: None }
}

/// Where an account is at home.
pub(in crate::host) fn home_of(uid: u32) -> Option<PathBuf> {
    match account(uid) {
        Account::Known(user) => Some(user.dir),
        Account::Unknown | Account::Silent(_) => None,
    }
}

/// Who may be here: the session's owner, root, and the members of the group it is shared with.
#[derive(Clone, Debug)]
pub(in crate::host) struct Circle {
    owner: u32,
    /// The owner never had an account in the database (a container that runs under any number).
    owner_is_a_number: bool,
    share: Option<Group>,
}

impl Circle {
    pub(in crate::host) fn new(owner: u32, share: Option<Group>) -> Self {
        Self { owner, owner_is_a_number: account(owner) == Account::Unknown, share }
    }

    /// Whose session it is.
    pub(in crate::host) fn owner(&self) -> u32 {
        self.owner
    }

    /// May this account attach? Who it is, or a sentence.
    pub(in crate::host) fn admit(&self, uid: u32) -> Result<Person, String> {
        let who = person(uid);
        if uid == self.owner || uid == 0 {
            return Ok(who);
        }
        let belongs = || format!("this session belongs to {}", person(self.owner).name);
        match (account(uid), &self.share) {
            (Account::Silent(why), _) => Err(silent(&why)),
            (Account::Unknown, _) => Err(format!("{}; {} may not attach to it", belongs(), unknown(uid))),
            (_, None) => Err(format!(
                "{} and is shared with nobody: {} may not attach to it (start it with --share GROUP to let others join)",
                belongs(),
                who.name
            )),
            (Account::Known(user), Some(group)) => match member(&user, group) {
                Ok(()) => Ok(who),
                Err(why) => Err(format!("{} and is shared with the group {}: {why}", belongs(), group.name)),
            },
        }
    }

    /// Why this account may decide nothing now; `None`: it may.
    pub(in crate::host) fn bars(&self, uid: u32, account: &Account) -> Option<String> {
        match account {
            Account::Unknown if uid == self.owner && self.owner_is_a_number => None,
            Account::Unknown => Some(format!("{} decides nothing", unknown(uid))),
            _ if uid == self.owner || uid == 0 => None,
            Account::Silent(why) => Some(silent(why)),
            Account::Known(user) => match &self.share {
                None => {
                    Some(format!("this session is shared with nobody; {} decides nothing here", user.name))
                }
                Some(group) => member(user, group).err().map(|why| {
                    format!(
                        "this session is shared with the group {}: {why}, and decides nothing here",
                        group.name
                    )
                }),
            },
        }
    }

    /// The account of this name, if it could drive this session; else a sentence.
    pub(in crate::host) fn named(&self, name: &str) -> Result<Person, String> {
        let user = match Account::of(User::from_name(name)) {
            Account::Known(user) => user,
            Account::Unknown => return Err(format!("there is no account `{name}` here")),
            Account::Silent(why) => return Err(silent(&why)),
        };
        let uid = user.uid.as_raw();
        let person = Person { name: user.name.clone(), uid: Some(uid), login: None };
        if uid == self.owner || uid == 0 {
            return Ok(person);
        }
        let may_not = || format!("{} may not attach to this session: it is shared with", person.name);
        match &self.share {
            None => Err(format!("{} nobody", may_not())),
            Some(group) => match member(&user, group) {
                Ok(()) => Ok(person),
                Err(why) => Err(format!("{} the group {}; {why}", may_not(), group.name)),
            },
        }
    }
}

fn unknown(uid: u32) -> String {
    format!("an account that the system does not know (uid {uid})")
}

fn silent(why: &str) -> String {
    format!("the system's list of accounts does not answer ({why}); try again")
}

/// Is this account in the group now? Else a sentence.
fn member(user: &User, group: &Group) -> Result<(), String> {
    if user.uid.as_raw() == NOBODY {
        return Err(format!("{} stands for accounts that cannot be told apart", user.name));
    }
    // By number: the directory belongs to it. A number that another group got since counts no more.
    match SystemGroup::from_gid(Gid::from_raw(group.gid)) {
        Ok(Some(found)) if found.name == group.name => {}
        Ok(_) | Err(Errno::ENOENT | Errno::ESRCH | Errno::EBADF | Errno::EPERM) => {
            return Err(format!("that group (gid {}) is gone, so {} is not in it", group.gid, user.name));
        }
        Err(e) => return Err(silent(e.desc())),
    }
    let name = CString::new(user.name.as_str()).map_err(|e| e.to_string())?;
    let groups = getgrouplist(&name, user.gid).map_err(|e| silent(e.desc()))?;
    if groups.iter().any(|gid| gid.as_raw() == group.gid) {
        Ok(())
    } else {
        Err(format!("{} is not in it now", user.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number that no system gives to an account.
    const NONE: u32 = 3_999_999_123;

    fn circle(share: Option<Group>) -> Circle {
        Circle::new(NONE + 1, share)
    }

    fn group_of_root() -> Group {
        let found = SystemGroup::from_gid(Gid::from_raw(0)).unwrap().unwrap();
        Group { name: found.name, gid: 0 }
    }

    #[test]
    fn the_owner_and_root_are_let_in_and_others_are_told_why_not() {
        assert_eq!(circle(None).admit(0).unwrap().name, "root");
        assert_eq!(circle(None).admit(NONE + 1).unwrap().uid, Some(NONE + 1));
        let why = circle(None).admit(NOBODY).unwrap_err();
        assert!(why.contains("shared with nobody") && why.contains("--share"), "{why}");
        let why = circle(Some(group_of_root())).admit(NOBODY).unwrap_err();
        assert!(why.contains("cannot be told apart"), "{why}");
        let why = circle(Some(group_of_root())).admit(NONE).unwrap_err();
        assert!(why.contains("does not know (uid 3999999123)"), "{why}");
    }

    #[test]
    fn an_account_that_is_not_known_decides_nothing() {
        let why = circle(Some(group_of_root())).bars(NONE, &account(NONE)).unwrap();
        assert_eq!(why, format!("an account that the system does not know (uid {NONE}) decides nothing"));
        assert_eq!(circle(None).bars(NONE + 1, &account(NONE + 1)), None, "an owner that never had a name");
        let mut had = circle(None);
        had.owner_is_a_number = false;
        assert!(had.bars(NONE + 1, &account(NONE + 1)).is_some(), "an owner that had one");
    }

    #[test]
    fn a_database_that_does_not_answer_bars_members_only() {
        let silent = Account::Silent("timed out".to_owned());
        let circle = circle(Some(group_of_root()));
        assert!(circle.bars(NONE, &silent).unwrap().contains("timed out"));
        assert_eq!(circle.bars(0, &silent), None);
        assert_eq!(circle.bars(NONE + 1, &silent), None);
    }

    #[test]
    fn a_group_that_is_gone_or_another_has_no_members() {
        let gone = Group { name: "no-such-group".to_owned(), gid: 0 };
        let Account::Known(root) = account(0) else { panic!("root has no account") };
        assert!(member(&root, &gone).unwrap_err().contains("is gone"));
        assert_eq!(member(&root, &group_of_root()), Ok(()));
    }

    #[test]
    fn a_name_must_be_somebody_who_could_attach() {
        let none = circle(None).named("no-such-account").unwrap_err();
        assert_eq!(none, "there is no account `no-such-account` here");
        assert_eq!(circle(None).named("root").unwrap().uid, Some(0));
        if let Account::Known(nobody) = account(NOBODY) {
            let why = circle(None).named(&nobody.name).unwrap_err();
            assert!(why.ends_with("it is shared with nobody"), "{why}");
            let why = circle(Some(group_of_root())).named(&nobody.name).unwrap_err();
            assert!(why.contains("shared with the group root"), "{why}");
        }
    }
}
