//! The first time: what `onbelay` alone says, and the runbook that `onbelay new` writes.

use crate::support::{Home, Screen};

/// Says that the step at hand is done.
fn done(screen: &mut Screen) {
    screen.press("d");
    screen.wait_for("Type y, or words for the log");
    screen.fill_in("y");
    screen.press("\r");
}

#[test]
fn alone_it_says_what_to_do_next_and_starts_nothing() {
    let home = Home::new();
    let ran = home.call::<&str>(&[]).expect(0).clean();
    let said = ran.says("onbelay demo").says("onbelay new").says("onbelay --help").said();
    assert!(!said.contains("Open sessions") && !said.contains("Runbooks here"), "{said}");
    assert!(home.sessions().is_empty());

    home.write("move.yaml", "onbelay: 1\ntitle: Move \u{1b}[2J\nsteps: [{ title: A }]\n");
    home.write(
        "shop.yaml",
        "onbelay: 1\ntitle: Move the shop\nsteps: [{ title: One }, { title: Two, destructive: All }]\n",
    );
    home.write("other.yaml", "jobs:\n  a:\n    steps: []\n");
    let file = home.path("shop.yaml");
    let session = home.start_file(&file, &[]);
    session.act(&["done", "one"]).expect(0);
    session.act(&["hold", "the lights are out"]).expect(0);
    let ran = home.call::<&str>(&[]).expect(0).clean();
    let end = session.id.rsplit('-').next().unwrap_or_default().to_owned();
    let said = ran
        .says("Open sessions, newest first")
        .says("begun ")
        .says("held · ")
        .says("holds: the lights are out · 1 of 2 · next is the hold point 2 Two")
        .says(&format!("onbelay attach {end}"))
        .says("onbelay run  shop.yaml   Move the shop")
        .says("onbelay lint move.yaml   2 errors in it")
        .said();
    assert!(!said.contains("other.yaml"), "{said}");
    session.kill_host();
    home.call::<&str>(&[]).expect(0).says("its host is gone; attach brings it back · ");
    assert_eq!(home.sessions().len(), 1);
}

#[test]
fn what_is_written_is_never_written_over() {
    let home = Home::new();
    home.call(&["new"]).expect(0).clean().says("onbelay check runbook.yaml").says("onbelay run runbook.yaml");
    let written = home.read("runbook.yaml");
    home.call(&["new"]).expect(2).says("runbook.yaml is there already, and nothing is written over it");
    assert_eq!(home.read("runbook.yaml"), written);
    home.call(&["new", "nowhere/r.yaml"]).expect(2).says("its directory is not there");
    home.call(&["new", "b.yaml", "--title", "two\nlines"]).expect(2).says("cannot have this title");
    home.call(&["new", "b c.yaml", "--title", "Shop: \"${all}\""]).expect(0).says("onbelay run 'b c.yaml'");
    home.call(&["lint", "runbook.yaml", "b c.yaml"]).expect(0).says("2 runbooks: nothing is wrong");
    home.call(&["new", "-"]).expect(0).says("copy-opened:");
}

#[test]
fn what_is_written_walks_in_lines() {
    let home = Home::new();
    home.call(&["new"]).expect(0);
    home.call(&["check", "runbook.yaml"]).expect(1).says("right-machine");
    let lines = "done\nrun\nrun\nattest copy-opened yes\nrun delete\ndelete the old files\ndone\nfinish\n";
    let ran = home.call_with(&["run", "runbook.yaml", "--plain"], lines.as_bytes()).expect(0).clean();
    let ran = ran.says("kitchen: copied").says("the old files are gone");
    ran.says("The walk is finished.");
    assert!(home.path("onbelay-example/new/cellar.txt").exists());
    assert!(!home.path("onbelay-example/old").exists());
    home.only_session().verifies();
}

#[test]
fn what_is_written_walks_by_keys() {
    let home = Home::new();
    home.call(&["new"]).expect(0);
    let mut screen = Screen::open(&home, &["run", "runbook.yaml"], (40, 120));
    screen.wait_for("○ 1 Tell everyone that it begins");
    done(&mut screen);
    screen.wait_for("2 of 5 · Make something to move");
    screen.wait_for("Enter start");
    screen.press("\r");
    screen.wait_for("3 of 5 · Copy what is there");
    screen.wait_for("Enter start");
    screen.press("\r");
    screen.wait_for("4 of 5 · Delete the old files");
    screen.wait_for("a answer");
    screen.press("a");
    screen.wait_for("Which file of the copy");
    screen.fill_in("kitchen.txt, the key");
    screen.press_until("\r", |text| text.contains("yes, it holds"));
    screen.press_until("y", |text| !text.contains("yes, it holds"));
    screen.wait_for("root says yes");
    screen.wait_for("Enter start");
    screen.press("\r");
    screen.wait_for("to go on");
    screen.fill_in("delete the old files");
    screen.press("\r");
    screen.wait_for("5 of 5 · Tell everyone that it is done");
    done(&mut screen);
    screen.wait_for("F closes the session");
    screen.press("F");
    screen.press_until("y", |text| text.contains("Type y to go on:  y"));
    screen.press("\r");
    screen.wait_for("finished;");
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    assert!(!home.path("onbelay-example/old").exists());
    home.only_session().verifies();
}
