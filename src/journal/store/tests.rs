//! Making, finding and listing sessions.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::*;
use crate::id::Digest;
use crate::journal::record;
use crate::journal::tests::{entry, opened};
use crate::session::Event;
use crate::session::event::Person;

fn store() -> (tempfile::TempDir, Store) {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path().join("state")).unwrap();
    (home, store)
}

fn make(store: &Store, id: &str, at: i64, more: &[Event]) -> Writer {
    let events = [opened(record::link_to(b"onbelay: 1"))].into_iter().chain(more.iter().cloned());
    let entries: Vec<Entry> = (1..)
        .zip(events)
        .map(|(n, event)| Entry {
            session: id.into(),
            at: Timestamp::from_millis(at * 1_000 + i64::try_from(n).unwrap()),
            ..entry(n, event)
        })
        .collect();
    store.create(&id.into(), b"onbelay: 1", &entries).unwrap()
}

#[test]
fn looking_makes_no_directory_and_finds_no_sessions() {
    let home = tempfile::tempdir().unwrap();
    let none = home.path().join("state");
    let store = Store::look(none.clone()).unwrap();
    assert!(store.list().unwrap().sessions.is_empty());
    assert!(matches!(store.find("x"), Err(JournalError::NoSuchSession(_))));
    assert!(!none.exists());
}

#[test]
fn homes_are_found_as_the_contract_says() {
    let home_of = |pairs: &[(&str, &str)]| {
        home(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value)))
    };
    let all = [("ONBELAY_HOME", "/a"), ("XDG_STATE_HOME", "/b"), ("HOME", "/c")];
    assert_eq!(home_of(&all).unwrap(), Path::new("/a"));
    assert_eq!(home_of(&all[1..]).unwrap(), Path::new("/b/onbelay"));
    assert_eq!(home_of(&all[2..]).unwrap(), Path::new("/c/.local/state/onbelay"));
    assert_eq!(
        home_of(&[("ONBELAY_HOME", ""), ("XDG_STATE_HOME", "b"), ("HOME", "/c")]).unwrap(),
        Path::new("/c/.local/state/onbelay")
    );
    assert!(home_of(&[]).is_err());
}

#[test]
fn ids_tell_when_and_what() {
    let at = Timestamp::from_millis(1_795_187_413_201);
    let id = |title: &str| session_id(title, at, [0, 31, 255, 64]).to_string();
    assert_eq!(id("Retire the old dev VM"), "20261120-151013-retire-the-old-dev-vm-a99a");
    assert_eq!(id("…"), "20261120-151013-a99a");
    assert_eq!(
        id("Move the shop and all its customers to the new machine in Phoenix"),
        "20261120-151013-move-the-shop-and-all-its-customers-to-a99a"
    );
    assert_eq!(id(&"x".repeat(300)).len(), 16 + 40 + 5);
    // At a word, unless that leaves no more than half; as it is where it just fits.
    let words = |title: &str| id(title)["20261120-151013-".len()..].trim_end_matches("-a99a").to_owned();
    let (half, rest) = ("x".repeat(20), "y".repeat(50));
    assert_eq!(words(&format!("{half} {rest}")), format!("{half}-{}", &rest[..19]));
    assert_eq!(words(&format!("xx {rest}")), format!("xx-{}", &rest[..37]));
    assert_eq!(words(&rest[..40]), rest[..40]);
}

#[test]
fn j9_a_session_appears_whole_and_for_its_owner_alone() {
    let (_home, store) = store();
    let mut writer = make(&store, "20260101-000000-tour-aaaa", 1, &[]);
    let dir = store.dir(&"20260101-000000-tour-aaaa".into());
    for (path, mode) in [("", 0o700), (ATTEMPTS, 0o700), (JOURNAL, 0o600), (RUNBOOK, 0o400)] {
        let found = fs::metadata(dir.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{path}");
    }
    assert!(host_alive(&dir).unwrap(), "its maker is its host");
    let next = Entry { session: "20260101-000000-tour-aaaa".into(), ..entry(2, Event::Finished) };
    writer.append(&[next]).expect("the writer knows the place it was moved to");
    drop(writer);
    assert!(!host_alive(&dir).unwrap());
    let again = store.create(&"20260101-000000-tour-aaaa".into(), b"", &[]);
    assert!(matches!(again, Err(JournalError::Exists(_))));
}

#[test]
fn j9_a_session_that_cannot_be_made_leaves_nothing_behind() {
    let (_home, store) = store();
    // A record that does not start at 1 is refused half-way through.
    let refused = store.create(&"x".into(), b"", &[entry(7, Event::Finished)]);
    assert!(refused.is_err());
    assert_eq!(fs::read_dir(store.home()).unwrap().count(), 0);
}

#[test]
fn directories_open_to_others_are_refused_with_what_to_do() {
    let (home, store) = store();
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(store.home(), 0o770);
    let refused = Store::open(store.home().to_owned()).unwrap_err().to_string();
    assert!(refused.contains("chmod go-w"), "{refused}");
    mode(store.home(), 0o700);
    mode(home.path(), 0o777);
    let refused = Store::open(store.home().to_owned()).unwrap_err().to_string();
    assert!(refused.contains("chmod o-w"), "{refused}");
    mode(home.path(), 0o1777);
    Store::open(store.home().to_owned()).unwrap();
    drop(make(&store, "s", 1, &[]));
    mode(&store.dir(&"s".into()), 0o755);
    let refused = resume(&store.dir(&"s".into()), 0).unwrap_err().to_string();
    assert!(refused.contains("chmod 700"), "{refused}");
}

#[test]
fn a_part_of_an_id_finds_the_one_it_fits() {
    let (_home, store) = store();
    for id in ["20260101-000000-tour-aaaa", "20260102-000000-tour-bbbb", "20260103-000000-shop-cccc"] {
        drop(make(&store, id, 1, &[]));
    }
    let found =
        |name: &str| store.find(name).map(|dir| dir.file_name().unwrap().to_string_lossy().into_owned());
    assert_eq!(found("bbbb").unwrap(), "20260102-000000-tour-bbbb");
    assert_eq!(found("20260103-000000-shop-cccc").unwrap(), "20260103-000000-shop-cccc");
    let several = found("tour").unwrap_err().to_string();
    assert!(several.contains("aaaa") && several.contains("bbbb") && !several.contains("cccc"), "{several}");
    assert!(!several.contains("\n  and "), "{several}");
    assert!(found("\u{1b}[2J").unwrap_err().to_string().contains("␛[2J"));
    assert!(found("../20260101-000000-tour-aaaa").is_err());
}

#[test]
fn a_list_is_newest_first_and_says_how_each_fares() {
    let (_home, store) = store();
    let hold = Event::HoldCalled { why: "wait".to_owned() };
    let release = |n| Event::HoldReleased { holds: vec![n], why: None };
    let abort = Event::Aborted { why: "\"event\":\"finished\"".to_owned() };
    let note = |text: &str| Event::Noted { text: text.to_owned() };
    let long = note(&"x".repeat(300_000));
    let _open = make(&store, "open", 6, &[note("\"event\":\"finished\""), hold.clone(), release(3)]);
    let _held = make(&store, "held", 5, &[long.clone(), hold.clone(), long.clone()]);
    drop(make(&store, "lost", 4, &[hold]));
    drop(make(&store, "aborted", 3, &[abort, note("still here"), long]));
    let _finished = make(&store, "finished", 2, &[Event::Finished]);
    fs::create_dir(store.home().join("rubbish")).unwrap();
    // What is being made, and what is no directory, is no session.
    fs::create_dir(store.home().join(".making-x")).unwrap();
    fs::write(store.home().join("file"), "").unwrap();
    let listing = store.list().unwrap();
    let states: Vec<_> = listing.sessions.iter().map(|s| (s.id.as_str(), s.state)).collect();
    assert_eq!(
        states,
        [
            ("open", SessionState::Open),
            ("held", SessionState::Held),
            ("lost", SessionState::Lost),
            ("aborted", SessionState::Aborted),
            ("finished", SessionState::Finished),
        ]
    );
    assert_eq!(listing.sessions[0].last_at, Timestamp::from_millis(6_004));
    assert_eq!(
        listing.sessions[0].operator,
        Person { name: "dana".to_owned(), uid: Some(1000), login: None }
    );
    assert_eq!(listing.unreadable.len(), 1);
}

#[test]
fn the_same_runbook_with_the_same_values_is_found_while_it_is_going() {
    let (_home, store) = store();
    drop(make(&store, "done", 2, &[Event::Finished]));
    let digest = record::link_to(b"onbelay: 1");
    assert!(store.same_open(&digest, &BTreeMap::new()).unwrap().is_none());
    drop(make(&store, "lost", 1, &[]));
    assert_eq!(store.same_open(&digest, &BTreeMap::new()).unwrap().unwrap().id.as_str(), "lost");
    assert!(store.same_open(&Digest::new("0"), &BTreeMap::new()).unwrap().is_none());
    let other = BTreeMap::from([("a".into(), crate::runbook::Value::Text("b".to_owned()))]);
    assert!(store.same_open(&digest, &other).unwrap().is_none());
}

#[test]
fn a_name_that_fits_many_names_ten_and_counts_the_rest() {
    let (_home, store) = store();
    for n in 10..22 {
        drop(make(&store, &format!("202601{n}-000000-tour-aaaa"), 1, &[]));
    }
    let said = store.find("tour").unwrap_err().to_string();
    assert!(said.contains("fits 12 sessions") && said.ends_with("and 2 more"), "{said}");
    assert_eq!(said.matches("tour-aaaa").count(), 10, "{said}");
}

#[test]
fn a_home_that_is_no_directory_is_no_empty_one() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("state");
    fs::write(&file, "").unwrap();
    let said = Store { home: file }.list().unwrap_err().to_string();
    assert!(said.contains("cannot read the directory"), "{said}");
}

#[test]
fn what_is_no_session_of_this_account_is_not_gone_on_with() {
    let (home, store) = store();
    drop(make(&store, "s", 1, &[]));
    let dir = store.dir(&"s".into());
    let link = home.path().join("link");
    std::os::unix::fs::symlink(&dir, &link).unwrap();
    let refused = resume(&link, 0).unwrap_err().to_string();
    assert!(refused.contains("is not a directory"), "{refused}");
    // Somebody else's: only root can make it so here, and root alone can look into it.
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&dir, Some(65534), None).unwrap();
        let refused = resume(&dir, 0).unwrap_err().to_string();
        assert!(refused.contains("belongs to account 65534"), "{refused}");
    } else if fs::metadata("/").unwrap().uid() == 0 {
        let refused = Store::open("/".into()).unwrap_err().to_string();
        assert!(refused.contains("belongs to account 0"), "{refused}");
    }
}

#[test]
fn a_list_tells_what_opens_no_session_and_reads_past_what_is_long_or_torn() {
    let (_home, store) = store();
    let note = |length: usize| Event::Noted { text: "x".repeat(length) };
    // Longer than what is searched at a time; then an end that is torn, longer than what is looked at for its time.
    drop(make(&store, "long", 1, &[note(600_000), Event::Finished]));
    drop(make(&store, "torn", 2, &[note(1)]));
    let torn = store.dir(&"torn".into()).join(JOURNAL);
    let mut journal = File::options().append(true).open(&torn).unwrap();
    journal.write_all(&vec![b'x'; 20_000]).unwrap();
    drop(make(&store, "other", 3, &[]));
    let other = store.dir(&"other".into()).join(JOURNAL);
    fs::write(&other, record::line(&entry(1, note(1)), &record::no_link())).unwrap();
    // Whoever it belongs to: it can be read, and is no session that somebody closed.
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(store.dir(&"other".into()), Some(65534), None).unwrap();
    }
    let listing = store.list().unwrap();
    let found: Vec<_> = listing.sessions.iter().map(|one| (one.id.as_str(), one.state)).collect();
    assert_eq!(found, [("torn", SessionState::Lost), ("long", SessionState::Finished)]);
    assert_eq!(listing.sessions[0].last_at, listing.sessions[0].opened_at);
    assert_eq!(listing.unreadable[0].0, "other");
    assert!(listing.unreadable[0].1.contains("does not open a session"), "{:?}", listing.unreadable);
    let said = load(&other.with_file_name("")).unwrap_err().to_string();
    assert!(said.contains("the first record, which opens the session, cannot be read"), "{said}");
}

#[test]
fn of_no_records_there_is_no_session() {
    let runbook = crate::session::bench::read("onbelay: 1\ntitle: T\nsteps:\n  - { id: a, title: A }\n");
    let illegal = replay(std::sync::Arc::new(runbook), &[]).unwrap_err();
    assert!(illegal.to_string().contains("it is missing"), "{illegal}");
}

#[test]
fn j13_a_lock_that_cannot_be_looked_at_is_neither_free_nor_held() {
    let (_home, store) = store();
    drop(make(&store, "s", 1, &[]));
    let dir = store.dir(&"s".into());
    std::os::unix::fs::symlink("/dev/null", dir.join("lock")).unwrap();
    assert!(host_alive(&dir).unwrap_err().to_string().contains("the lock of"));
    assert!(Writer::open(&dir, |_| ()).err().unwrap().to_string().contains("cannot lock"));
    // One that is there is what counts, whoever holds the journal.
    fs::remove_file(dir.join("lock")).unwrap();
    fs::write(dir.join("lock"), "").unwrap();
    let journal = File::open(dir.join(JOURNAL)).unwrap();
    journal.lock().unwrap();
    assert!(!host_alive(&dir).unwrap());
    let host = Writer::open(&dir, |_| ()).unwrap();
    assert!(host_alive(&dir).unwrap());
    assert!(matches!(Writer::open(&dir, |_| ()), Err(JournalError::InUse { .. })));
    drop(host);
    assert!(!host_alive(&dir).unwrap());
}
