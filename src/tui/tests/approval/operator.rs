//! At the operator's own screen: a name typed there, a start that waits for its second person, and what they hear.

use super::*;

#[test]
fn somebody_at_the_operators_screen_types_their_name_and_it_proves_nothing() {
    let mut scene = Scene::asked(HERE).sized(80, 40);
    scene.keys("a");
    read_to_the_end(&mut scene);
    scene.keys("A");
    let text = scene.text();
    assert!(text.contains("Second person, type your name:") && text.contains("unproven"), "{text}");
    scene.keys("dana");
    scene.key(KeyCode::Enter);
    assert_eq!(approvals(&scene), 0, "not the operator's: {}", scene.text());
    scene.keys("A");
    scene.give(Msg::Paste("Sam".to_owned()));
    scene.key(KeyCode::Enter);
    assert_eq!(approvals(&scene), 0, "nor a paste");
    scene.keys("ASam");
    scene.key(KeyCode::Enter);
    let given = scene.bench.entries.iter().find_map(|entry| match &entry.event {
        Event::Approved { proof, .. } => Some(proof.clone()),
        _ => None,
    });
    assert_eq!(given, Some(Proven::Here { name: "Sam".to_owned() }));
    scene.key(KeyCode::Esc);
    let text = scene.text();
    assert!(text.contains("unproven") && text.contains("it proves nothing"), "{text}");
}

#[test]
fn where_only_a_signature_counts_it_says_how_one_is_made() {
    let mut scene = Scene::asked("{ proof: key }");
    scene.keys("V");
    let text = scene.text();
    for line in [
        "onbelay approval show k3f9 delete > approval.txt",
        "ssh-keygen -Y sign -n onbelay-approval -f KEY approval.txt",
        "onbelay approve k3f9 delete --signature approval.txt.sig",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    read_to_the_end(&mut scene);
    scene.keys("A");
    assert!(scene.text().contains("only a signature counts"), "{}", scene.text());
}

#[test]
fn a_start_that_lacks_its_second_person_is_no_dead_end() {
    let mut scene = Scene::witnessed(ACCOUNT).sized(80, 30);
    scene.key(KeyCode::Enter);
    let text = scene.text();
    for word in [
        "Not yet: a second person must approve it",
        "The second person is asked now; sam (another account)",
        "another account than dana's",
        "onbelay attach --witness k3f9",
        "This screen says when it is approved",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    by_sam(&mut scene, &yes());
    let text = scene.text();
    assert!(text.contains("sam approved it meanwhile"), "{text}");
    assert!(matches!(scene.app.mode, Mode::Refused(_)), "nothing closes or starts by itself");
    scene.key(KeyCode::Enter);
    let text = scene.text();
    assert!(text.contains("sam approved 4") && text.contains("Enter starts it"), "{text}");
    assert!(text.contains("✓ witness") && text.contains("sam, another account, this very command"), "{text}");
    scene.key(KeyCode::Enter);
    let text = scene.text();
    assert!(matches!(scene.app.mode, Mode::Question(_)) && text.contains("✓ witness"), "{text}");
    scene.keys("shop-vm");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.bench.status("delete"), crate::session::view::StepStatus::Running);
}

#[test]
fn the_operator_hears_an_approval_a_refusal_and_what_voids_one() {
    let mut scene = Scene::asked(ACCOUNT).sized(80, 24);
    by_sam(&mut scene, &yes());
    assert!(
        scene.text().contains("sam approved 4 Delete the old virtual machine · Enter to start it"),
        "{}",
        scene.text()
    );
    by_sam(&mut scene, &Command::Hold { why: "wait".to_owned() });
    assert!(scene.text().contains("is void: sam called a hold"), "{}", scene.text());
    let mut scene = Scene::asked(ACCOUNT).sized(80, 30);
    by_sam(&mut scene, &Command::Refuse { step: "delete".into(), why: "west still runs".to_owned() });
    let text = scene.text();
    assert!(text.contains("sam REFUSED 4") && text.contains("Enter asks anew"), "{text}");
}
