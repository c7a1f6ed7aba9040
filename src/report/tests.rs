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
fn a_report_is_the_same_each_time_and_its_json_reads_back() {
    let bench = walked();
    assert_eq!(json(&of(&bench, Audience::Team)), json(&of(&bench, Audience::Team)));
    let back: Team = serde_json::from_str(&json(&of(&bench, Audience::Team))).unwrap();
    assert_eq!(back, *team(&bench));
}
