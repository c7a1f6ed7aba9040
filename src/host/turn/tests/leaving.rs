//! Screens of the second person: what becomes of an approval when one goes, and of whoever is barred. PURE.

use super::*;

const WITNESSED: &str =
    "steps:\n  - { id: wipe, title: Wipe, destructive: true, witness: true, run: 'true' }\n";

/// A second person's screens.
const SAM: [ClientId; 2] = [ClientId(11), ClientId(12)];

impl Scene {
    /// The operator has asked for an approval, and sam has these screens.
    fn witnessed(roles: &[Role]) -> Self {
        let mut scene = Self::joined(WITNESSED);
        for (client, role) in SAM.into_iter().zip(roles) {
            scene.feed(Input::Joined { client, person: sam(), role: *role });
        }
        let ask = Command::AskApproval { step: "wipe".into(), work: None, by_hand: false };
        assert_eq!(words(&scene.act(ask)), ["approval_asked", "recorded"]);
        scene
    }

    fn says(&mut self, client: ClientId, command: Command, barred: Option<&str>) -> Vec<String> {
        let found = crate::session::Circumstances { barred: barred.map(str::to_owned), ..Default::default() };
        let request = ToHost::Request { id: 1, command: Box::new(command) };
        words(&self.feed(Input::Asked(client, sam(), request, Box::new(found))))
    }

    fn approves(&mut self, client: ClientId) {
        assert_eq!(self.says(client, approve_wipe(), None), ["approved", "recorded"]);
    }

    fn leaves(&mut self, client: ClientId) -> bool {
        words(&self.feed(Input::Left(client))).contains(&"approvals_voided".to_owned())
    }
}

#[test]
fn a6_a_witness_who_leaves_before_the_start_takes_the_approval_along() {
    let mut scene = Scene::witnessed(&[Role::Witness]);
    scene.approves(SAM[0]);
    assert!(scene.leaves(SAM[0]));
}

#[test]
fn a6_a_witness_who_leaves_while_it_runs_changes_nothing() {
    let mut scene = Scene::witnessed(&[Role::Witness]);
    scene.approves(SAM[0]);
    let typed = Some("wipe".to_owned());
    let told =
        words(&scene.act(Command::Run { step: "wipe".into(), typed, will_ask: false, by_hand: false }));
    assert!(told.contains(&"START wipe".to_owned()), "{told:?}");
    let on_paper = scene.on_paper();
    assert_eq!(words(&scene.feed(Input::Left(SAM[0]))), ["people 1"], "the command is not stopped");
    assert_eq!(scene.on_paper(), on_paper, "and nothing is voided: the approval was used up by the start");
    let step = &scene.state.session().steps[0];
    let crate::session::Progress::Running(running) = &step.progress else { panic!("{:?}", step.progress) };
    assert_eq!(step.approvers[0].by, sam(), "who approved it stays on record");
    assert_eq!(running.attempt, 1);
}

#[test]
fn a6_an_approval_ends_with_the_screen_it_was_given_on_whatever_else_is_open() {
    for other in [Role::Watch, Role::Witness, Role::Drive] {
        let mut scene = Scene::witnessed(&[Role::Witness, other]);
        scene.approves(SAM[0]);
        assert!(!scene.leaves(SAM[1]), "{other:?}: it was not given there");
        let mut scene = Scene::witnessed(&[Role::Witness, other]);
        scene.approves(SAM[0]);
        assert!(scene.leaves(SAM[0]), "beside {other:?}");
        let round = scene.state.session().steps[0].approval.clone().unwrap();
        assert_eq!(round.given[0].void.as_deref(), Some("sam left before the start"));
        assert!(!scene.leaves(SAM[1]), "said once");
    }
}

#[test]
fn a_screen_that_comes_again_is_another_one() {
    let mut scene = Scene::witnessed(&[Role::Witness]);
    scene.approves(SAM[0]);
    scene.feed(Input::Joined { client: SAM[1], person: sam(), role: Role::Witness });
    assert!(scene.leaves(SAM[0]), "it was cut, and came again before the end was noticed");
}

#[test]
fn one_action_that_approves_does_not_leave_but_the_last_screen_beside_it_does() {
    let mut scene = Scene::witnessed(&[Role::Act]);
    scene.approves(SAM[0]);
    assert!(!scene.leaves(SAM[0]));
    // Whoever only watches was never asked to stay.
    let mut scene = Scene::witnessed(&[Role::Act, Role::Watch]);
    scene.approves(SAM[0]);
    assert!(!scene.leaves(SAM[1]));
    let mut scene = Scene::witnessed(&[Role::Act, Role::Witness]);
    scene.approves(SAM[0]);
    assert!(!scene.leaves(SAM[0]));
    let third = ClientId(13);
    scene.feed(Input::Joined { client: third, person: sam(), role: Role::Witness });
    assert!(!scene.leaves(SAM[1]), "another is open that could have given it");
    assert!(scene.leaves(third));
}

#[test]
fn leaving_a_host_whose_journal_is_broken_is_still_leaving() {
    let mut scene = Scene::witnessed(&[Role::Witness]);
    scene.approves(SAM[0]);
    let calls = scene.paper.0.lock().unwrap().calls;
    scene.paper.0.lock().unwrap().fails_at = Some(calls + 1);
    assert_eq!(words(&scene.act(note("x"))), ["broken", "failed!"]);
    assert_eq!(words(&scene.feed(Input::Left(SAM[0]))), ["people 1"]);
    assert_eq!(words(&scene.run("wipe")), ["failed!"]);
}

#[test]
fn who_is_barred_is_told_why_and_it_is_on_record() {
    let mut scene = Scene::witnessed(&[Role::Witness]);
    for command in [approve_wipe(), note("x"), Command::Hold { why: "stop".to_owned() }] {
        assert_eq!(scene.says(SAM[0], command, Some("sam is not in it now")), ["refused", "refused!"]);
    }
    assert!(scene.state.session().holds.is_empty());
}

fn approve_wipe() -> Command {
    Command::Approve { step: "wipe".into(), seen: None, name: None, signature: None }
}

#[test]
fn a_newcomer_understands_a_walk_with_approvals() {
    let mut scene = Scene::witnessed(&[Role::Witness]);
    scene.approves(SAM[0]);
    let late = ClientId(13);
    let outputs = scene.feed(Input::Joined { client: late, person: sam(), role: Role::Watch });
    let Output::Tell(_, welcome @ FromHost::Welcome(_)) = &outputs[0] else { panic!("{outputs:?}") };
    let sent = serde_json::to_vec(welcome).unwrap();
    let FromHost::Welcome(mut heard) = serde_json::from_slice(&sent).unwrap() else {
        panic!("another message")
    };
    heard.session.reindex();
    assert_eq!(heard.session, *scene.state.session());
}
