//! What a second person is protected from: a list that goes on elsewhere, themselves at the wheel, a name that looks like
//! another, an approval that somebody else wipes.

use crate::session::approve::{Word, caveat, remark, same_name};
use crate::session::bench::{Bench, dana, sam};
use crate::session::event::{Event, Proven, SignedBy};
use crate::session::view::StepStatus::{Done, Failed};
use crate::session::{Command, Person, Work};

use super::approval::{WIPE, kim};

const LIST: &str = "
steps:
  - { id: each, title: Each, destructive: true, witness: true, for_each: { n: [a, b, c] }, run: 'wipe \"$n\"' }
";

/// Starts the list under sam's approval; its first item runs.
fn started(bench: &mut Bench) {
    bench.run("each").unwrap();
    bench.approves(&sam(), "each").unwrap();
    bench.run_typed("each", "each").unwrap();
    assert_eq!(bench.log.last().unwrap(), "each@a");
}

fn hand_to(bench: &mut Bench, from: &Person, to: Person) {
    let name = to.name.clone();
    bench.found.named = Some(Ok(to));
    bench.act_as(from, &Command::Handover { to: name }).unwrap();
}

#[test]
fn a_list_does_not_go_on_in_another_environment() {
    type Change = fn(&mut Event);
    let cases: [(Change, &str); 4] = [
        (
            |event| {
                let Event::HostStarted { env, .. } = event else { return };
                env.insert("ZZ_T".to_owned(), crate::id::Digest::new("b".repeat(64)));
            },
            "the environment variable `ZZ_T`",
        ),
        (
            |event| {
                let Event::HostStarted { env, .. } = event else { return };
                env.clear();
            },
            "the environment variable `ZZ_T`",
        ),
        (
            |event| {
                let Event::HostStarted { machine, .. } = event else { return };
                *machine = Some("elsewhere".to_owned());
            },
            "the machine",
        ),
        (
            |event| {
                let Event::HostStarted { runs_as, .. } = event else { return };
                *runs_as = Some(kim());
            },
            "the account that commands run as",
        ),
    ];
    let host = |boot| Event::HostStarted {
        pid: 8,
        boot_id: "boot-a".to_owned(),
        boot,
        onbelay: "0.1.0".to_owned(),
        env: [("ZZ_T".to_owned(), crate::id::Digest::new("a".repeat(64)))].into(),
        env_changed: Vec::new(),
        machine: None,
        runs_as: None,
    };
    for (change, what) in cases {
        let mut bench = Bench::new(LIST);
        bench.record(&Person::tool(), host(0));
        started(&mut bench);
        // The host is gone, the command goes on under its keeper, and another host takes over.
        let mut again = host(0);
        change(&mut again);
        bench.record(&Person::tool(), again);
        bench.exits(0);
        assert_eq!(bench.log, ["each@a"], "{what}");
        assert_eq!(bench.status("each"), Failed);
        let why = bench.session.steps[0].why.clone();
        let expected = format!(
            "stopped before b: what was approved is not what would run next: {what} changed since; run the step again to ask \
             anew"
        );
        assert_eq!(why, expected);
        bench.run("each").unwrap();
        assert_eq!(bench.refused(), ["Witness each", "Confirm each"]);
        bench.approves(&sam(), "each").unwrap();
        bench.run_typed("each", "each").unwrap();
        bench.exits(0);
        bench.exits(0);
        assert_eq!(bench.log, ["each@a", "each@b", "each@c"]);
        assert_eq!(bench.status("each"), Done);
        bench.assert_replays();
    }
    let mut bench = Bench::new(LIST);
    bench.record(&Person::tool(), host(0));
    started(&mut bench);
    bench.record(&Person::tool(), host(0));
    bench.exits(0);
    assert_eq!(bench.log, ["each@a", "each@b"], "the same as it was: it goes on");
}

#[test]
fn who_approved_a_list_does_not_carry_it_on() {
    let mut bench = Bench::new(LIST);
    started(&mut bench);
    hand_to(&mut bench, &dana(), kim());
    bench.exits(0);
    assert_eq!(bench.log, ["each@a", "each@b"], "kim goes on with what dana started and sam approved");
    hand_to(&mut bench, &kim(), sam());
    bench.exits(0);
    assert_eq!(bench.log, ["each@a", "each@b"]);
    assert_eq!(bench.status("each"), Failed);
    let why = &bench.session.steps[0].why;
    assert!(why.starts_with("stopped before c: sam approved it and is the operator now"), "{why}");
    hand_to(&mut bench, &sam(), dana());
    bench.run("each").unwrap();
    bench.approves(&sam(), "each").unwrap();
    bench.run_typed("each", "each").unwrap();
    bench.exits(0);
    assert_eq!(bench.status("each"), Done);
    bench.assert_replays();
}

const ASKED: &str = "
checks:
  copy: { title: A copy is elsewhere, attest: 'Is it?', witness: true }
steps:
  - { id: go, title: Go, requires: copy, run: 'true' }
";

#[test]
fn a_question_for_a_second_person_is_not_answered_by_the_operator_in_any_guise() {
    let mut bench = Bench::new(ASKED);
    let attest = |bench: &mut Bench, by: &Person| {
        let check = crate::session::command::CheckItem::parse("copy");
        bench.act_as(by, &Command::Attest { check, yes: true, words: "seen".to_owned() })
    };
    assert!(attest(&mut bench, &dana()).is_err());
    let su = Person { login: Some(1000), ..sam() };
    assert!(attest(&mut bench, &su).unwrap_err().sentence.contains("second person"), "dana, by su to sam");
    attest(&mut bench, &sam()).unwrap();
    hand_to(&mut bench, &dana(), sam());
    let run = Command::Run { step: "go".into(), typed: None, will_ask: false, by_hand: false };
    bench.act_as(&sam(), &run).unwrap();
    assert_eq!(bench.refused(), ["Check copy"]);
    let seen = crate::session::view::check(&bench.session, 0, bench.now);
    assert_eq!(seen.state, crate::session::view::CheckStatus::Stale);
    assert!(
        seen.detail.starts_with("sam answered it and is the operator now: somebody else must answer"),
        "{}",
        seen.detail
    );
    assert!(bench.log.is_empty());
    attest(&mut bench, &dana()).unwrap();
    bench.act_as(&sam(), &run).unwrap();
    assert_eq!(bench.log, ["go"]);
    bench.assert_replays();
}

#[test]
fn names_that_look_alike_are_one() {
    for (a, b) in [
        ("sam@example.org", "sam"),
        ("sam@example.org", "SAM@corp"),
        ("Sam Smith", "sam-smith"),
        ("Sam Smith", "samsmith"),
        ("s.a.m", "Sam"),
    ] {
        assert!(same_name(a, b) && same_name(b, a), "{a} {b}");
    }
    for (a, b) in [("sam", "sam2"), ("sam smith", "sam jones"), ("@a", "@b")] {
        assert!(!same_name(a, b) && !same_name(b, a), "{a} {b}");
    }
}

#[test]
fn a_typed_name_has_no_letters_that_pass_for_others() {
    let mut bench =
        Bench::new("steps:\n  - { id: go, title: Go, confirm: go, witness: { proof: here }, run: 'true' }\n");
    bench.run("go").unwrap();
    let mut types = |name: &str| {
        let (step, name) = ("go".into(), Some(name.to_owned()));
        bench.act_as(&dana(), &Command::Approve { step, seen: None, name, signature: None })
    };
    for name in ["ｄａｎａ", "da\u{200b}na", "d\u{430}na", "𝐝𝐚𝐧𝐚", "d.a-n a", "\u{24d3}\u{24d0}na", "!!"]
    {
        assert!(types(name).is_err(), "{name}");
    }
    types("Дана Петрова").unwrap();
}

#[test]
fn nobody_but_the_operator_wipes_what_was_approved() {
    let mut bench = Bench::approved(WIPE, "wipe");
    let asked = bench.round("wipe").unwrap().subject.asked;
    for work in [None, Some(Work::Run), Some(Work::Undo)] {
        let ask = Command::AskApproval { step: "wipe".into(), work, by_hand: true };
        bench.act_as(&kim(), &ask).ok();
        assert_eq!(bench.round("wipe").unwrap().subject.asked, asked, "{work:?}");
    }
    assert_eq!(bench.word("wipe").0, Word::Given);
    let by_hand = Command::AskApproval { step: "wipe".into(), work: Some(Work::Run), by_hand: true };
    bench.act(&by_hand).unwrap();
    let text = bench.round("wipe").unwrap().subject.text();
    let replaces = format!("replaces:    what sam approved of record {asked}: that was with its script\n");
    assert!(text.contains(&replaces), "{text}");
    let told = crate::session::summary::sentence(bench.entries.last().unwrap(), &bench.session);
    assert!(told.contains("what sam approved of record"), "{told}");
    bench.assert_replays();
}

#[test]
fn by_hand_does_not_stick_to_what_the_operator_asks_next() {
    let mut bench = Bench::new(WIPE);
    bench.check("backup").unwrap();
    let by_hand = Command::AskApproval { step: "wipe".into(), work: None, by_hand: true };
    bench.act_as(&sam(), &by_hand).unwrap();
    bench.asks(&dana(), "wipe").unwrap();
    assert!(
        !crate::session::approve::standing::is_by_hand(bench.round("wipe").unwrap()),
        "sam asked for that"
    );
    bench.act(&by_hand).unwrap();
    bench.asks(&sam(), "wipe").unwrap();
    bench.asks(&dana(), "wipe").unwrap();
    assert!(
        crate::session::approve::standing::is_by_hand(bench.round("wipe").unwrap()),
        "dana asked for that"
    );
    bench.run("wipe").unwrap();
    assert!(!crate::session::approve::standing::is_by_hand(bench.round("wipe").unwrap()));
    bench.asks(&dana(), "wipe").unwrap();
    assert!(!crate::session::approve::standing::is_by_hand(bench.round("wipe").unwrap()));
    bench.assert_replays();
}

#[test]
fn who_asked_and_who_refused_before_is_in_the_text() {
    let mut bench = Bench::new(WIPE);
    bench.check("backup").unwrap();
    bench.asks(&kim(), "wipe").unwrap();
    let text = |bench: &Bench| bench.round("wipe").unwrap().subject.text();
    assert!(text(&bench).contains(" by kim (uid 1002)\n"), "{}", text(&bench));
    bench.refuses(&sam(), "wipe").unwrap();
    let refused = bench.session.head;
    bench.run("wipe").unwrap();
    let row = format!("refused:     record {refused} at {} by sam (uid 1001): not tonight\n", bench.now.at);
    assert!(text(&bench).contains(&row), "{}", text(&bench));
    bench.approves(&kim(), "wipe").unwrap();
    bench.run_typed("wipe", "wipe").unwrap();
    bench.exits(1);
    bench.run("wipe").unwrap();
    assert!(!text(&bench).contains("refused:"), "that was about an earlier start");
    for n in 0..8 {
        let why = format!("{n} {}", "x".repeat(5_000));
        bench.act_as(&sam(), &Command::Refuse { step: "wipe".into(), why }).unwrap();
        bench.run("wipe").unwrap();
    }
    let refusals = &bench.round("wipe").unwrap().subject.refusals;
    assert_eq!(refusals.len(), 5, "the last ones");
    assert!(refusals[0].why.starts_with("3 x") && refusals[0].why.chars().count() == 401, "and cut");
    bench.assert_replays();
}

#[test]
fn what_an_approval_does_not_prove_is_said() {
    let bench = Bench::approved(WIPE, "wipe");
    let round = bench.round("wipe").unwrap();
    let given =
        |by: Person, proof: Proven| crate::session::state::Approval { by, proof, ..round.given[0].clone() };
    let with = |person: Person, login| Person { login, ..person };
    let account = |login| given(with(sam(), login), Proven::Account);
    let by_operator = |login| {
        let mut subject = round.subject.clone();
        subject.operator.login = login;
        subject
    };
    let (known, unknown) = (by_operator(Some(1000)), by_operator(None));
    assert_eq!(caveat(&account(Some(1001)), &known.operator), None);
    assert_eq!(remark(&account(Some(1001)), &known), None);
    assert!(caveat(&account(Some(0)), &known.operator).unwrap().starts_with("root became that account"));
    for (approval, subject) in
        [(account(None), &known), (account(Some(1001)), &unknown), (account(None), &unknown)]
    {
        assert_eq!(caveat(&approval, &subject.operator), None, "no loud warning");
        assert!(remark(&approval, subject).unwrap().contains("`sudo -u` could not be seen"));
    }
    let mut as_root = known.clone();
    as_root.user = Person { name: "root".to_owned(), uid: Some(0), login: None };
    assert!(remark(&account(Some(1001)), &as_root).unwrap().contains("as root"));
}

#[test]
fn each_doubt_about_an_approval_has_its_own_sentence() {
    let bench = Bench::approved(WIPE, "wipe");
    let given = &bench.round("wipe").unwrap().given[0];
    let of = |by: Person, proof: Proven| crate::session::state::Approval { by, proof, ..given.clone() };
    let key = |unknown: Option<&str>| {
        let [principal, fingerprint, signature, signers, line] = [(); 5].map(|()| "x".to_owned());
        let (also, unknown) = (Vec::new(), unknown.map(str::to_owned));
        Proven::Key(Box::new(SignedBy { principal, fingerprint, signature, signers, line, also, unknown }))
    };
    let root = |login| Person { name: "root".to_owned(), uid: Some(0), login };
    let typed = Proven::Here { name: "Kim".to_owned() };
    let cases = [
        (of(dana(), typed.clone()), dana(), Some("typed at the operator's own terminal")),
        (of(root(None), typed), root(None), Some("typed at the operator's own terminal")),
        (of(sam(), key(Some("an old form"))), dana(), Some("whether the operator holds this key")),
        (of(sam(), key(None)), dana(), None),
        (of(root(None), key(None)), root(None), None),
        (of(root(None), Proven::Account), dana(), Some("root can act as anyone")),
        (of(root(Some(1001)), Proven::Account), dana(), Some("root can act as anyone")),
        (of(Person { login: Some(0), ..sam() }, Proven::Account), dana(), Some("root became that account")),
        (of(sam(), Proven::Account), root(None), Some("the operator is root")),
        (of(sam(), Proven::Account), dana(), None),
    ];
    for (approval, operator, begins) in cases {
        let said = caveat(&approval, &operator);
        assert_eq!(said.is_some(), begins.is_some(), "{approval:?}: {said:?}");
        assert!(said.unwrap_or_default().starts_with(begins.unwrap_or_default()), "{approval:?}: {said:?}");
        // What is said aloud needs no remark, and who logged in tells nothing of a key or of a typed name.
        let subject =
            crate::session::approve::Subject { operator, ..bench.round("wipe").unwrap().subject.clone() };
        let remarked = remark(&approval, &subject).is_some();
        assert_eq!(remarked, begins.is_none() && approval.proof == Proven::Account, "{approval:?}");
    }
}
