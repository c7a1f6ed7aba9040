//! Reports of whole walks.

use std::time::Duration;

use super::markdown::markdown;
use super::{Audience, Report, Team, json, report};
use crate::session::bench::{Bench, sam};
use crate::session::{Command, Verdict};

const YAML: &str = "params:
  disk: { about: The disk, default: old-disk }
checks:
  backup: { title: The backup is whole, run: 'true' }
steps:
  - { id: drill, title: Restore somewhere empty, run: 'true', expect_within: 5s, announce: 'The drill on ${disk} is over' }
  - { id: wipe, title: Wipe, destructive: 'All of it.', requires: [backup], confirm: '${disk}', run: 'wipe it' }
  - { id: tell, title: Tell them }
";

fn walked() -> Bench {
    let values = [("disk".into(), crate::runbook::Value::Text("old-disk".to_owned()))].into();
    let mut bench = Bench::with_values(YAML, values);
    bench.run("drill").unwrap();
    bench.later(Duration::from_secs(12));
    bench.exits(0);
    bench.answers.insert("backup".to_owned(), Verdict::Fails);
    bench.run_typed("wipe", "old-disk").unwrap();
    bench.answers.clear();
    bench.run_typed("wipe", "old-disk").unwrap();
    bench.exits(0);
    let note = "<script>alert(1)</script> | a | [x](http://e) `c` \u{1b}[2J\n# no".to_owned();
    bench.act_as(&sam(), &Command::Note { text: note }).unwrap();
    bench.skip("tell").unwrap();
    bench.act(&Command::Finish).unwrap();
    bench
}

fn of(bench: &Bench, audience: Audience) -> Report {
    report(&bench.session, &bench.entries, bench.now, audience)
}

fn team(bench: &Bench) -> Box<Team> {
    match of(bench, Audience::Team) {
        Report::Team(team) => team,
        Report::Public(_) => panic!("asked for the team's"),
    }
}

#[test]
fn a_report_tells_what_was_done_by_whom_and_what_it_rested_on() {
    let bench = walked();
    let team = team(&bench);
    assert_eq!((team.state.as_str(), team.operator.as_str()), ("finished", "dana"));
    assert_eq!(team.people, ["dana", "sam"]);
    let drill = &team.steps[0].attempts[0];
    assert_eq!((drill.took_ms, drill.late_ms, drill.ok), (Some(12_000), Some(7_000), Some(true)));
    let wipe = &team.steps[1].attempts[0];
    assert_eq!(wipe.typed.as_deref(), Some("old-disk"));
    let backup = &team.checks[0].answers;
    assert_eq!(
        backup.iter().map(|answer| answer.verdict).collect::<Vec<_>>(),
        [Verdict::Fails, Verdict::Holds]
    );
    assert_eq!(wipe.rests_on, [backup[1].n]);
    assert_eq!(team.refused.len(), 1);
    assert!(team.refused[0].unmet[0].starts_with("backup: "), "{:?}", team.refused);
    assert!(
        team.decisions.iter().any(|line| line.what.contains("skipped 3 Tell them")),
        "{:?}",
        team.decisions
    );
    assert_eq!(team.timeline.len(), bench.entries.len());
}

#[test]
fn u6_nothing_from_outside_is_markup_in_markdown() {
    let text = markdown(&of(&walked(), Audience::Team));
    assert!(text.starts_with("# Test\n"), "{text}");
    assert!(
        text.contains(r"\<script\>alert(1)\</script\> \| a \| \[x\](http://e) \`c\` ␛\[2J␊\# no"),
        "{text}"
    );
    assert!(!text.replace(r"\<", "").contains('<'));
    assert!(!text.contains('\u{1b}'));
    assert!(text.contains("| 2 | Wipe (destructive) | done |"), "{text}");
    assert!(text.contains("0:07 late"), "{text}");
}

#[test]
fn outsiders_see_what_was_announced_and_nothing_else() {
    let bench = walked();
    let public = of(&bench, Audience::Public);
    let expected = "# What was done\n\nTimes are UTC.\n\n- 2026-11-20 15:10:25 **Restore somewhere empty**: The drill on old-disk is over\n";
    assert_eq!(markdown(&public), expected);
    for hidden in ["dana", "sam", "Wipe", "backup", "script"] {
        assert!(!json(&public).contains(hidden), "{hidden}");
    }
}

#[test]
fn a_hold_that_nobody_released_is_named_at_the_top() {
    let mut bench = Bench::new("steps:\n  - { id: a, title: A, run: 'true' }\n");
    bench.walk("a");
    bench.act_as(&sam(), &Command::Hold { why: "a disk *clicks*".to_owned() }).unwrap();
    let n = bench.session.head;
    bench.act(&Command::Finish).unwrap();
    let holds = team(&bench).holds;
    assert_eq!((holds.len(), holds[0].n, holds[0].by.as_str()), (1, n, "sam"));
    let text = markdown(&of(&bench, Audience::Team));
    let said = format!(
        r"- Hold never released: sam called it at 2026-11-20 15:10:13: a disk \*clicks\* (record {n})"
    );
    assert!(text.contains(&said), "{said} is not in\n{text}");
    assert!(!json(&of(&bench, Audience::Public)).contains("clicks"));
    assert_eq!(team(&walked()).holds, []);
}

#[test]
fn a_report_is_the_same_each_time_and_its_json_reads_back() {
    let bench = walked();
    assert_eq!(json(&of(&bench, Audience::Team)), json(&of(&bench, Audience::Team)));
    let back: Team = serde_json::from_str(&json(&of(&bench, Audience::Team))).unwrap();
    assert_eq!(back, *team(&bench));
}

const WITNESSED: &str = "steps:
  - { id: wipe, title: Wipe, destructive: 'All of it.', witness: true, run: 'wipe it', announce: 'It is wiped' }
  - { id: bury, title: Bury, destructive: 'The rest.', witness: { proof: here }, run: 'bury it' }
";

fn approve(step: &str, name: Option<&str>) -> Command {
    Command::Approve { step: step.into(), seen: None, name: name.map(str::to_owned), signature: None }
}

#[test]
fn the_second_person_is_told_with_proof_refusals_and_what_was_void() {
    let mut bench = Bench::new(WITNESSED);
    let ask = |step: &str| Command::AskApproval { step: step.into(), work: None, by_hand: false };
    bench.act(&ask("wipe")).unwrap();
    bench
        .act_as(&sam(), &Command::Refuse { step: "wipe".into(), why: "wait for *west*".to_owned() })
        .unwrap();
    bench.act(&ask("wipe")).unwrap();
    bench.act_as(&sam(), &approve("wipe", None)).unwrap();
    bench.act_as(&sam(), &Command::Hold { why: "look".to_owned() }).unwrap();
    bench.act_as(&sam(), &Command::Release { why: None }).unwrap();
    bench.act(&ask("wipe")).unwrap();
    bench.act_as(&sam(), &approve("wipe", None)).unwrap();
    bench.run_typed("wipe", "wipe").unwrap();
    bench.exits(0);
    bench.act(&ask("bury")).unwrap();
    bench.act(&approve("bury", Some("Kim"))).unwrap();
    bench.run_typed("bury", "bury").unwrap();
    bench.exits(0);
    let team = team(&bench);
    let rounds = &team.approvals;
    assert_eq!(rounds.len(), 4, "{rounds:#?}");
    assert_eq!(rounds[0].refused.as_ref().map(|no| no.what.as_str()), Some("wait for *west*"));
    assert_eq!((&rounds[0].given, rounds[0].used_by), (&Vec::new(), None));
    assert_eq!(rounds[1].void.as_deref(), Some("sam called a hold"));
    assert_eq!((rounds[1].given[0].by.as_str(), rounds[1].used_by), ("sam", None));
    assert_eq!(rounds[2].used_by, Some(team.steps[0].attempts[0].n));
    assert_eq!((&rounds[2].void, &rounds[2].given[0].unproven), (&None, &None));
    assert!(rounds[3].given[0].unproven.is_some(), "{rounds:#?}");
    let text = markdown(&of(&bench, Audience::Team));
    for part in [
        r"sam **refused**: wait for \*west\*",
        "sam **approved**, known by another account, by the machine's word",
        "  - void: sam called a hold",
        "Kim **approved**, known by a name typed at the terminal of dana",
        "**unproven**: typed at the operator's own terminal: it proves nothing",
        "used by the start in record",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let public = json(&of(&bench, Audience::Public)) + &markdown(&of(&bench, Audience::Public));
    assert!(public.contains("It is wiped"));
    for hidden in ["sam", "Kim", "approv", "refused", "west"] {
        assert!(!public.contains(hidden), "{hidden}: {public}");
    }
}
