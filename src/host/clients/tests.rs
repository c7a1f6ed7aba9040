//! Real sockets, and an inbox that the test reads instead of a host.

use std::io::Write as _;
use std::sync::mpsc::{Receiver, sync_channel};

use super::super::turn::Input;
use super::*;
use crate::session::Command;
use crate::session::bench::Bench;
use crate::wire::frame;

const PATIENCE: Duration = Duration::from_secs(20);

/// A door that takes clients in, and what they say.
fn door(dir: &std::path::Path) -> Receiver<FromClients> {
    let bench = Bench::new("steps:\n  - { id: a, title: A, run: 'true' }\n");
    let (to_host, inbox) = sync_channel(64);
    let hall = Hall {
        dir: dir.to_owned(),
        around: Surroundings::new(dir, &bench.session, None, Arc::default()),
        to_host,
        running: Arc::default(),
        seats: Arc::default(),
        pages: Arc::new(Mutex::new(Pages::new(dir))),
    };
    let listener = peer::listen(&dir.join("s")).unwrap();
    std::thread::spawn(move || accept_for_ever(&listener, &hall));
    inbox
}

fn join(dir: &std::path::Path, inbox: &Receiver<FromClients>) -> (UnixStream, ClientId) {
    let mut stream = UnixStream::connect(dir.join("s")).unwrap();
    let hello = ToHost::Hello { protocol: PROTOCOL, onbelay: "test".to_owned(), role: Role::Act };
    stream.write_all(&frame::encode(&hello).unwrap()).unwrap();
    match inbox.recv_timeout(PATIENCE).unwrap() {
        FromClients::Joined(client, ..) => (stream, client),
        other => panic!("{other:?}"),
    }
}

fn request(command: Command) -> Vec<u8> {
    frame::encode(&ToHost::Request { id: 1, command: Box::new(command) }).unwrap()
}

fn asked(inbox: &Receiver<FromClients>) -> (ClientId, Served) {
    match inbox.recv_timeout(PATIENCE).unwrap() {
        FromClients::Asked(Input::Asked(client, ..), served) => (client, served),
        other => panic!("{other:?}"),
    }
}

#[test]
fn however_much_one_client_says_another_is_heard_next() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = door(dir.path());
    let ((mut loud, of_loud), (mut quiet, of_quiet)) = (join(dir.path(), &inbox), join(dir.path(), &inbox));
    let note = request(Command::Note { text: "x".repeat(60_000) });
    let speaks = std::thread::spawn(move || loud.write_all(&note.repeat(20)).map(|()| loud).unwrap());
    let (client, first) = asked(&inbox);
    assert_eq!(client, of_loud);
    quiet.write_all(&request(Command::Hold { why: "x".to_owned() })).unwrap();
    let (client, hold) = asked(&inbox);
    assert_eq!(client, of_quiet, "it waits behind one note, not behind twenty");
    drop((first, hold));
    for _ in 1..20 {
        assert_eq!(asked(&inbox).0, of_loud);
    }
    drop(speaks.join().unwrap());
}
