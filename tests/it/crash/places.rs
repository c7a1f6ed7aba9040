//! What waits when everything ends: checks that are asked, a question, a second person, a person's own step. Who comes
//! back finds it where it was; nothing was executed, and no approval stands (R8). And where from one comes back (R5, R7).

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};

use rustix::process::{Signal, kill_process};

use crate::people::People;
use crate::support::{Home, Pid, Session, has_ended, kill, parked, until};

use super::power;

const WIPE: &str = "
onbelay: 1
title: Waits
checks:
  slow: { title: It takes a while, run: 'echo asked >>asked; test -e go || read -r word <gate' }
steps:
  - id: wipe
    title: Wipe it
    destructive: true
    requires: slow
    run: echo gone >>effects
";

const WITNESSED: &str = "
onbelay: 1
title: Witnessed
steps:
  - { id: wipe, title: Wipe it, destructive: true, witness: { proof: here }, confirm: shop, run: echo gone >>effects }
";

const BY_HAND: &str = "
onbelay: 1
title: By hand
steps:
  - { id: by-hand, title: By hand, destructive: true }
  - { id: next, title: Next, run: echo next >>effects }
";

/// Whom a test ends while something waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    Client,
    Host,
    Everything,
    Power,
}

const ENDS: [Ends; 4] = [Ends::Client, Ends::Host, Ends::Everything, Ends::Power];

/// Ends it, comes back, and hands over the session as it is then.
fn come_back(home: &mut Home, id: &str, client: &mut Child, ends: Ends) {
    let host = Session::new(home, id.to_owned()).host();
    match ends {
        Ends::Client => kill(Pid::from_child(client)),
        Ends::Host => {
            // Its client would bring it back, which is another case.
            kill(Pid::from_child(client));
            kill(host);
        }
        Ends::Everything => home.kill_everything(),
        Ends::Power => {
            home.kill_everything();
            home.set("ONBELAY_FAILPOINT", power::another_boot("after"));
        }
    }
    client.wait().unwrap();
    if ends != Ends::Client {
        has_ended(host);
    }
    Session::new(home, id.to_owned()).act(&["note", "somebody came back"]).expect(0);
}

/// A walk in lines that has been told these, and waits for more.
fn lines(home: &Home, id: &str, told: &str) -> Child {
    let mut child =
        home.command(&["attach", id, "--plain"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(told.as_bytes()).unwrap();
    child
}

fn fifo(home: &Home, name: &str) {
    rustix::fs::mknodat(rustix::fs::CWD, home.path(name), rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .unwrap();
}

#[test]
fn r8_checks_that_were_being_asked_for_a_start_start_nothing_by_themselves() {
    for ends in ENDS {
        let mut home = Home::new();
        fifo(&home, "gate");
        let id = home.start(WIPE).id;
        let mut client = home.command(&["do", &id, "run", "wipe", "--confirm", "wipe"]).spawn().unwrap();
        until("it is asked", || (home.read("asked") == "asked\n").then_some(()));
        come_back(&mut home, &id, &mut client, ends);
        let session = Session::new(&home, id.clone());
        assert_eq!(home.read("effects"), "", "{ends:?}");
        if ends == Ends::Client {
            // Who asked is gone, what they asked for stands: the walk is the host's.
            std::fs::write(home.path("gate"), "go\n").unwrap();
            until("done", || (session.step("wipe") == "done").then_some(()));
        } else {
            assert_eq!(session.step("wipe"), "waiting", "{ends:?}");
            home.write("go", "");
            session.act(&["check", "slow"]).expect(0);
            assert_eq!(session.step("wipe"), "ready", "{ends:?}");
            assert!(session.records("step_started").is_empty(), "{ends:?}: an answer starts nothing");
            session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
        }
        assert_eq!(home.read("effects"), "gone\n", "{ends:?}");
        session.verifies();
    }
}

#[test]
fn r8_a_question_that_stood_is_answered_by_nobody() {
    for ends in ENDS {
        let mut home = Home::new();
        home.write("go", "");
        let id = home.start(WIPE).id;
        let mut client = lines(&home, &id, "run wipe\n");
        Session::new(&home, id.clone()).wait_for("question_put");
        come_back(&mut home, &id, &mut client, ends);
        let session = Session::new(&home, id.clone());
        // The text alone, without the wish, is no answer to anything any more.
        let mut late = lines(&home, &id, "wipe\nquit\n");
        late.wait().unwrap();
        assert!(session.records("step_started").is_empty(), "{ends:?}");
        assert_eq!(home.read("effects"), "", "{ends:?}");
        session.act(&["run", "wipe"]).expect(1);
        session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
        assert_eq!(home.read("effects"), "gone\n", "{ends:?}");
        session.verifies();
    }
}

#[test]
fn r8_f_a3_an_approval_that_was_waited_for_or_given_does_not_stand() {
    let (mut void, mut stands) = (0, 0);
    for given in [false, true] {
        for ends in ENDS {
            let mut home = Home::new();
            let id = home.start(WITNESSED).id;
            let mut client = lines(&home, &id, if given { "run\napprove\nkim\napprove\n" } else { "run\n" });
            Session::new(&home, id.clone()).wait_for(if given { "approved" } else { "approval_asked" });
            come_back(&mut home, &id, &mut client, ends);
            let session = Session::new(&home, id.clone());
            let place = format!("{ends:?}, given: {given}");
            assert_eq!(home.read("effects"), "", "{place}");
            assert!(session.records("step_started").is_empty(), "{place}");
            if given && ends == Ends::Client {
                // Who types their name at the operator's terminal has no screen of their own to lose.
                assert_eq!(session.step("wipe"), "ready", "{place}");
                stands += 1;
                continue;
            }
            assert_eq!(session.step("wipe"), "waiting", "{place}");
            session.act(&["run", "wipe", "--confirm", "shop"]).expect(1);
            assert!(session.records("step_started").is_empty(), "{place}");
            let mut again = lines(&home, &id, "run\napprove\nkim\napprove\nrun\nshop\nfinish\n");
            drop(again.stdin.take());
            again.wait().unwrap();
            assert_eq!(home.read("effects"), "gone\n", "{place}");
            session.verifies();
            void += 1;
        }
    }
    println!(
        "F-A3: {void} returns to an approval that was waited for or given, which serves in 0 of them; {stands} where it stands, \
         for no screen of the approver's had gone"
    );
}

#[test]
fn r8_a_persons_step_and_a_hold_are_where_they_were() {
    for ends in ENDS {
        let mut home = Home::new();
        let id = home.start(BY_HAND).id;
        let session = Session::new(&home, id.clone());
        session.act(&["run", "by-hand", "--confirm", "by-hand"]).expect(0);
        assert_eq!(session.step("by-hand"), "running");
        session.act(&["hold", "wait for Kim"]).expect(0);
        let mut client = lines(&home, &id, "");
        come_back(&mut home, &id, &mut client, ends);
        let session = Session::new(&home, id.clone());
        assert_eq!(session.step("by-hand"), "running", "{ends:?}");
        assert_eq!(session.status()["state"], "held", "{ends:?}");
        session.act(&["done", "by-hand"]).expect(0);
        session.act(&["run", "next"]).expect(1).says("wait for Kim");
        session.act(&["release"]).expect(0);
        session.act(&["run", "next"]).expect(0);
        assert_eq!(home.read("effects"), "next\n", "{ends:?}");
        session.verifies();
    }
}

#[test]
fn r5_a_runbook_that_was_edited_meanwhile_is_walked_as_it_was_and_the_difference_is_told() {
    let home = Home::new();
    let session = home.start(
        "onbelay: 1\ntitle: Before\nsteps:\n  - { id: a, title: A, destructive: true, run: echo a >>effects }\n  - { id: b, title: B, run: echo b >>effects }\n",
    );
    let status = session.call("status", &[]).expect(0);
    assert!(!status.stdout.contains("was changed since"), "{}", status.stdout);
    assert!(session.status()["runbook"].get("differs").is_none());
    session.kill_host();
    // The order, the commands, and that it destroys something.
    home.write(
        "runbook.yaml",
        "onbelay: 1\ntitle: After\nsteps:\n  - { id: b, title: B, run: echo other >>effects }\n  - { id: a, title: A, run: echo other >>effects }\n",
    );
    let told = "was changed since the start; what is walked is the copy from then:  diff ";
    session.call("status", &[]).expect(0).says(told);
    assert!(session.status()["runbook"]["differs"].as_str().unwrap().contains(told));
    home.call_with(&["attach", &session.id, "--plain"], b"quit\n").says(told);
    session.act(&["run", "a"]).expect(1);
    session.act(&["run", "a", "--confirm", "a"]).expect(0);
    session.act(&["run", "b"]).expect(0);
    assert_eq!(home.read("effects"), "a\nb\n");
    session.verifies();
}

#[test]
fn r7_whoever_comes_back_from_elsewhere_changes_nothing_but_what_is_on_record() {
    let mut home = Home::new();
    let session = home.start(
        "onbelay: 1\ntitle: Elsewhere\nsteps:\n  - { id: a, title: A, run: 'pwd; umask; echo $LANG; : >made' }\n",
    );
    let id = session.id.clone();
    session.kill_host();
    home.set("LANG", "de_DE.UTF-8");
    let elsewhere = tempfile::tempdir().unwrap();
    let mut back = std::process::Command::new("sh");
    let onbelay = home.command(&["do", &id, "run", "a"]);
    let program = onbelay.get_program().to_owned();
    back.args(["-c", "umask 0; exec \"$@\"", "sh"]).arg(program).args(["do", &id, "run", "a"]);
    back.env_clear().envs(home.variables()).current_dir(elsewhere.path());
    assert!(back.stdout(Stdio::null()).status().unwrap().success());
    let session = Session::new(&home, id);
    let output = String::from_utf8(session.output(1)).unwrap();
    let seen: Vec<&str> = output.lines().collect();
    let opened = &session.records("session_opened")[0];
    assert_eq!(seen[0], opened["dir"].as_str().unwrap(), "the directory is the session's");
    let umask = u32::try_from(opened["umask"].as_u64().unwrap()).unwrap();
    assert_eq!(u32::from_str_radix(seen[1], 8).unwrap(), umask, "and so is the mask");
    assert_eq!(seen[2], "de_DE.UTF-8");
    let host = session.records("host_started").pop().unwrap();
    assert!(host["env_changed"].to_string().contains("LANG"), "what differs is on record: {host}");
    let mode = |name: &str| session.dir().join(name).metadata().unwrap().permissions().mode() & 0o777;
    for private in ["journal.jsonl", "attempts/1/output", "attempts/1/outcome.json", "attempts/1/start.json"]
    {
        assert_eq!(mode(private), 0o600, "{private}");
    }
    session.verifies();
}

#[test]
fn r7_another_account_takes_no_session_over() {
    let Some(people) = People::new("r7_another_account", &["dana", "sam"]) else { return };
    let file =
        people.write("wipe.yaml", "onbelay: 1\ntitle: T\nsteps:\n  - { id: a, title: A, run: 'true' }\n");
    people.call(0, &["start", "--share", &people.group, file.to_str().unwrap()]).expect(0);
    let dir = people.session();
    let hosts = || {
        let journal = std::fs::read_to_string(dir.join("journal.jsonl")).unwrap();
        journal.matches("\"event\":\"host_started\"").count()
    };
    let journal = std::fs::read_to_string(dir.join("journal.jsonl")).unwrap();
    let host = journal.split("\"pid\":").nth(1).unwrap();
    let host: i32 = host[..host.find(|c: char| !c.is_ascii_digit()).unwrap()].parse().unwrap();
    let host = Pid::from_raw(host).unwrap();
    kill(host);
    has_ended(host);
    let path = dir.to_str().unwrap();
    // A member of its group; and root, who may do anything, but not by mistake.
    let home = Home::new();
    for ran in
        [people.call(1, &["do", path, "note", "mine now"]), home.call(&["do", path, "note", "mine now"])]
    {
        let whose = people.name(0);
        ran.expect(2)
            .says(&format!("its host is gone; only {whose} can bring it back: onbelay attach {path}"))
            .clean();
        assert_eq!(
            (hosts(), std::fs::read_to_string(dir.join("journal.jsonl")).unwrap()),
            (1, journal.clone())
        );
    }
    people.call(0, &["do", path, "note", "back"]).expect(0);
    assert_eq!(hosts(), 2);
}

#[test]
fn r6_a_host_that_dies_while_a_check_is_asked_has_started_nothing() {
    let mut home = Home::new();
    for tree in ["site", "copy"] {
        std::fs::create_dir(home.path(tree)).unwrap();
        home.write(&format!("{tree}/page"), "the same\n");
    }
    let park = home.path("park");
    home.set("ONBELAY_FAILPOINT", format!("probe-read=stop:{}", park.display()));
    let id = home
        .start(
            "onbelay: 1\ntitle: One look\nchecks:\n  copied: { title: Copied, covers: { source: site, backup: copy } }\nsteps:\n  - \
             { id: wipe, title: Wipe, destructive: true, requires: copied, run: echo gone >>effects }\n",
        )
        .id;
    let mut client = home.command(&["do", &id, "run", "wipe", "--confirm", "wipe"]).spawn().unwrap();
    let looks = parked(&park);
    home.unset("ONBELAY_FAILPOINT");
    come_back(&mut home, &id, &mut client, Ends::Host);
    let session = Session::new(&home, id.clone());
    // What was looking may come to its end after its host did: nobody waits for that.
    let _ = kill_process(looks, Signal::CONT);
    has_ended(looks);
    assert!(session.records("step_started").is_empty());
    assert_eq!((home.read("effects").as_str(), session.step("wipe").as_str()), ("", "waiting"));
    session.act(&["check", "copied"]).expect(0);
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    assert_eq!(home.read("effects"), "gone\n");
    session.verifies();
}

#[test]
fn j15_a_host_that_dies_over_an_older_log_does_not_take_another_starts_end_for_this_ones() {
    let mut home = Home::new();
    let id = home
        .start("onbelay: 1\ntitle: Put back\nsteps:\n  - { id: wipe, title: Wipe, destructive: true, run: echo gone >>effects }\n")
        .id;
    let session = Session::new(&home, id.clone());
    let journal = session.dir().join("journal.jsonl");
    let older = std::fs::read(&journal).unwrap();
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    session.kill_host();
    std::fs::write(&journal, older).unwrap();
    // The record of the start is on disk, and its host ends before it has looked where the attempt would be.
    home.set("ONBELAY_FAILPOINT", "intent-written=kill");
    let mut client = home.command(&["do", &id, "run", "wipe", "--confirm", "wipe"]).spawn().unwrap();
    client.wait().unwrap();
    home.unset("ONBELAY_FAILPOINT");
    let session = Session::new(&home, id);
    let told = home.call(&["status", &session.id]).expect(0);
    assert!(!told.said().contains("finished"), "the end of another start: {}", told.said());
    session.act(&["note", "back"]).expect(0);
    assert_eq!((home.read("effects").as_str(), session.step("wipe").as_str()), ("gone\n", "interrupted"));
    assert!(session.records("work_ended").is_empty(), "the end of another start");
    let evidence = &session.records("interrupted")[0]["evidence"];
    assert!(evidence.as_str().unwrap().contains("of another start"), "{evidence}");
}

#[test]
fn r7_who_comes_back_on_another_machine_is_told() {
    if !crate::support::root("r7_who_comes_back_on_another_machine_is_told") {
        return;
    }
    let home = Home::new();
    let session = home.start(WIPE);
    let there = |ours: std::process::Command, stdin: Stdio| {
        let mut there = std::process::Command::new("unshare");
        there.args(["--uts", "sh", "-c", "hostname elsewhere && exec \"$@\"", "sh"]);
        there.arg(ours.get_program()).args(ours.get_args()).env_clear().envs(home.variables());
        there.current_dir(home.path("")).stdin(stdin);
        crate::support::Ran::of(&there.output().unwrap())
    };
    let act =
        |words: &[&str]| there(home.command(&[&["do", session.id.as_str()], words].concat()), Stdio::null());
    let here = session.act(&["note", "here"]).expect(0);
    assert!(!here.said().contains("another machine"), "{here:?}");
    session.kill_host();
    act(&["note", "there"]).expect(0).says("this is another machine, elsewhere; until now");
    // Also after a walk that is longer than what a host tells of it at once.
    session.kill_host();
    act(&["note", "still there"]).expect(0);
    std::fs::write(home.path("notes"), "note more\n".repeat(600)).unwrap();
    let notes = std::fs::File::open(home.path("notes")).unwrap();
    there(home.command(&["attach", "--plain", session.id.as_str()]), notes.into());
    assert!(session.records("noted").len() > 600);
    session.kill_host();
    session.act(&["note", "here again"]).expect(0).says("; until now the session was walked on elsewhere");
}
