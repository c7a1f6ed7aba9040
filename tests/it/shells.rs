//! What a script's shell takes for a failure (P7).

use std::fmt::Write as _;

use crate::support::Home;

#[test]
fn p7_the_documented_shell_fails_where_any_command_does() {
    let home = Home::new();
    // What a script says, and whether it ends well: under `bash -euo pipefail`, then under a shell of the runbook's own.
    let scripts = [
        ("false | true", "failed"),
        ("false; echo on", "failed"),
        ("x=$(exit 3; echo on); echo $x", "failed"),
        ("echo $unset_by_anyone", "failed"),
        ("cd /nowhere; echo on", "failed"),
        ("true | true; x=$(true); echo fine", "done"),
        ("shell: sh, run: 'false | true'", "done"),
        ("shell: sh, run: 'false; echo on'", "failed"),
    ];
    let mut yaml = "onbelay: 1\ntitle: Shells\nsteps:\n".to_owned();
    for (at, (script, _)) in scripts.iter().enumerate() {
        let run =
            if script.starts_with("shell:") { (*script).to_owned() } else { format!("run: '{script}'") };
        let _ = writeln!(yaml, "  - {{ id: s{at}, title: S, {run} }}");
    }
    let session = home.start(&yaml);
    for (at, (script, state)) in scripts.iter().enumerate() {
        let id = format!("s{at}");
        session.act(&["run", &id]).expect(if *state == "done" { 0 } else { 4 });
        assert_eq!(session.step(&id), *state, "{script}");
        if *state == "failed" {
            assert!(!session.output(u32::try_from(at + 1).unwrap()).ends_with(b"on\n"), "{script}");
            session.act(&["skip", &id, "--say", "it failed as it should"]).expect(0);
        }
    }
}
