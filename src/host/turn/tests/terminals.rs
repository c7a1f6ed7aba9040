//! Who types into a terminal, and what everyone is told of it.

use super::*;
use crate::session::Circumstances;
use crate::wire::messages::{OutputFile, Stream, Terminal};

const ASK: &str = "steps:\n  - { id: a, title: A, run: 'read -r x', interactive: true }\n";
const KIM: ClientId = ClientId(77);

fn of(attempt: u32) -> OutputFile {
    OutputFile { attempt, item: None, stream: Stream::Output }
}

fn asked(client: ClientId, by: Person, message: ToHost) -> Input {
    Input::Asked(client, by, message, Box::default())
}

fn key(client: ClientId, by: Person, data: &str) -> Input {
    asked(client, by, ToHost::Type { id: 5, of: of(1), data: data.to_owned() })
}

fn take(client: ClientId, by: Person) -> Input {
    let command = Box::new(Command::TakeTerminal { step: "a".into() });
    asked(client, by, ToHost::Request { id: 6, command })
}

/// What everyone is told of the terminals, last.
fn told(outputs: &[Output]) -> Option<Vec<Terminal>> {
    outputs.iter().rev().find_map(|output| match output {
        Output::Tell(Audience::All, FromHost::Terminals { terminals }) => Some(terminals.clone()),
        _ => None,
    })
}

fn typist(outputs: &[Output]) -> Option<String> {
    told(outputs)?.first()?.typist.as_ref().map(|person| person.name.clone())
}

fn why_not(outputs: &[Output]) -> String {
    match outputs {
        [Output::Tell(Audience::One(_), FromHost::Typed { id: 5, why_not: Some(why) })] => why.clone(),
        other => panic!("{:?}", words(other)),
    }
}

#[test]
fn a_key_passes_once_the_terminal_was_taken_and_from_that_screen_alone() {
    let mut scene = Scene::joined(ASK);
    assert!(why_not(&scene.feed(key(DANA, dana(), "bHM="))).contains("has ended"));
    let open = told(&scene.run("a")).unwrap();
    assert_eq!((open[0].of.clone(), open[0].columns, open[0].rows), (of(1), 80, 24));
    assert!(open[0].typist.is_none());
    assert!(why_not(&scene.feed(key(DANA, dana(), "bHM="))).contains("take it first"));
    let outputs = scene.feed(take(DANA, dana()));
    assert_eq!(typist(&outputs), Some(dana().name));
    assert_eq!(words(&scene.feed(key(DANA, dana(), "bHM="))), ["TYPE 1 2"]);
    assert!(why_not(&scene.feed(key(DANA, dana(), "?"))).contains("no known form"));
    let long = data_encoding::BASE64.encode(&vec![b'x'; crate::wire::messages::MAX_TYPED + 1]);
    assert!(why_not(&scene.feed(key(DANA, dana(), &long))).contains("too much at once"));
    // Another screen of the same person, then theirs.
    scene.feed(Input::Joined { client: KIM, person: dana(), role: Role::Drive });
    assert!(why_not(&scene.feed(key(KIM, dana(), "bHM="))).contains("another screen"));
    scene.feed(take(KIM, dana()));
    assert!(why_not(&scene.feed(key(DANA, dana(), "bHM="))).contains("another screen"));
    let outputs = scene.feed(Input::Left(KIM));
    assert!(told(&outputs).unwrap()[0].typist.is_none());
    assert!(why_not(&scene.feed(key(DANA, dana(), "bHM="))).contains("take it first"));
    let outputs = scene.feed(Input::Ended { attempt: 1, item: None, ended: Ok(Box::new(ended(0))) });
    assert_eq!(told(&outputs), Some(Vec::new()));
    // No key is on record.
    let taken = scene.on_paper().iter().filter(|name| *name == "terminal_taken").count();
    assert_eq!((taken, scene.on_paper().len()), (2, 6));
}

#[test]
fn a_handover_ends_typing_and_who_only_watches_never_begins() {
    let mut scene = Scene::joined(ASK);
    scene.run("a");
    scene.feed(take(DANA, dana()));
    scene.feed(Input::Joined { client: KIM, person: sam(), role: Role::Drive });
    let refused = scene.feed(take(KIM, sam()));
    assert!(words(&refused).contains(&"refused!".to_owned()), "{:?}", words(&refused));
    let found = Circumstances { named: Some(Ok(sam())), ..Circumstances::default() };
    let command = Box::new(Command::Handover { to: sam().name });
    let request = ToHost::Request { id: 7, command };
    let outputs = scene.feed(Input::Asked(DANA, dana(), request, Box::new(found)));
    assert!(told(&outputs).unwrap()[0].typist.is_none());
    assert!(why_not(&scene.feed(key(DANA, dana(), "bHM="))).contains("take it first"));
    // Back again, they type only once they took it again.
    assert_eq!(typist(&scene.feed(take(KIM, sam()))), Some(sam().name));
}

#[test]
fn the_size_is_that_of_the_typists_window() {
    let mut scene = Scene::joined(ASK);
    scene.run("a");
    let window = |columns: u16| asked(DANA, dana(), ToHost::Window { of: of(1), columns, rows: 50 });
    assert!(scene.feed(window(100)).is_empty(), "nobody types");
    scene.feed(take(DANA, dana()));
    let outputs = scene.feed(window(100));
    assert_eq!(words(&outputs), ["WINDOW 1 100x50", "told"]);
    assert_eq!(told(&outputs).unwrap()[0].columns, 100);
    assert!(scene.feed(window(100)).is_empty(), "no news");
    assert_eq!(words(&scene.feed(window(0)))[0], "WINDOW 1 1x50");
    assert_eq!(words(&scene.feed(window(60_000)))[0], "WINDOW 1 1000x50");
}
