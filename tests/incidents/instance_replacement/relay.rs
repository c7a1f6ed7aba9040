//! What connections pass on their way: an address that can be moved from one machine to another, and a line that can be
//! made to wait in the middle of what it carries. Knows nothing of what passes.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// Listens on a port of its own and passes each connection on.
pub(super) struct Relay {
    pub(super) port: u16,
    to: Arc<AtomicU16>,
    halt: Arc<Mutex<Option<Halt>>>,
}

/// Where the next long answer waits.
struct Halt {
    after: usize,
    reached: Sender<()>,
    go_on: Receiver<()>,
}

/// An answer that waits, or will. Dropped, it lets the answer go on.
pub(super) struct Held {
    pub(super) reached: Receiver<()>,
    _go_on: Sender<()>,
}

impl Relay {
    /// A relay to this port on loopback. Its threads end with the test.
    pub(super) fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let relay = Self {
            port: listener.local_addr().unwrap().port(),
            to: Arc::new(AtomicU16::new(port)),
            halt: Arc::default(),
        };
        let (to, halt) = (Arc::clone(&relay.to), Arc::clone(&relay.halt));
        std::thread::spawn(move || {
            for asking in listener.incoming().flatten() {
                // Nobody there: this connection ends as it would without a relay.
                let Ok(answering) = TcpStream::connect((Ipv4Addr::LOCALHOST, to.load(Ordering::SeqCst)))
                else {
                    continue;
                };
                let (back, there) = (asking.try_clone().unwrap(), answering.try_clone().unwrap());
                let halt = Arc::clone(&halt);
                std::thread::spawn(move || pass(asking, there, None));
                std::thread::spawn(move || pass(answering, back, Some(&halt)));
            }
        });
        relay
    }

    /// Connections from here on lead to this port.
    pub(super) fn lead_to(&self, port: u16) {
        self.to.store(port, Ordering::SeqCst);
    }

    /// The first connection that answers with this many bytes waits there.
    pub(super) fn hold_after(&self, after: usize) -> Held {
        let ((reached, was_reached), (go_on, may_go_on)) = (channel(), channel());
        *self.halt.lock().unwrap() = Some(Halt { after, reached, go_on: may_go_on });
        Held { reached: was_reached, _go_on: go_on }
    }
}

/// Passes on what comes from one side until either ends.
fn pass(mut from: TcpStream, mut to: TcpStream, halt: Option<&Mutex<Option<Halt>>>) {
    let mut buffer = vec![0; 1 << 14];
    let mut passed = 0;
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        passed += count;
        let here = halt.and_then(|halt| halt.lock().unwrap().take_if(|halt| halt.after <= passed));
        if let Some(halt) = here {
            let _ = halt.reached.send(());
            // Ends when whoever holds it lets go.
            let _ = halt.go_on.recv();
        }
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
