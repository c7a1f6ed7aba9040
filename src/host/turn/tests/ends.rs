//! Ends of commands that are not on record, and one that is and was not taken in (J5).

use super::*;

fn feed_end(scene: &mut Scene) -> String {
    let outputs = scene.feed(Input::Ended { attempt: 1, item: None, ended: Ok(Box::new(ended(3))) });
    let told = outputs.iter().filter_map(|output| match output {
        Output::Tell(Audience::All, FromHost::Health { log: LogHealth::Broken { why } }) => Some(why.clone()),
        _ => None,
    });
    let told: Vec<String> = told.collect();
    assert_eq!(told.len(), 1, "{outputs:?}");
    told[0].clone()
}

#[test]
fn j5_only_an_end_that_was_not_recorded_is_told_as_that() {
    let mut scene = Scene::joined(ONE);
    scene.run("a");
    scene.paper.0.lock().unwrap().fails_at = Some(1);
    let why = feed_end(&mut scene);
    assert!(why.starts_with("disk full; a is finished, not recorded (exit 3"), "{why}");

    // Its record is on disk, and the session has lost the places of its steps: a fault that no record makes.
    let mut scene = Scene::joined(ONE);
    scene.run("a");
    let without_index = serde_json::to_string(&scene.state.session).unwrap();
    scene.state.session = serde_json::from_str(&without_index).unwrap();
    let why = feed_end(&mut scene);
    assert_eq!(scene.on_paper().last().map(String::as_str), Some("work_ended"));
    assert!(why.contains("a fault of onbelay itself") && !why.contains("not recorded"), "{why}");
}
