//! The way out to one client: a bounded queue and the thread that writes from it. SHELL.
//!
//! The host's loop only ever puts something into a queue; it never waits for a client.

use std::collections::VecDeque;
use std::io::{ErrorKind, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::wire::FromHost;
use crate::wire::frame;
use crate::wire::messages::MAX_FROM_HOST;

/// What may wait for one client, bytes.
const QUEUE: usize = 1 << 20;

/// Answers to a client's own requests wait up to this, bytes; beyond, the client is let go.
const QUEUE_OF_REPLIES: usize = 4 << 20;

/// A client that takes nothing for this long is let go.
const STALLED: Duration = Duration::from_secs(2);

/// How often a thread that waits for room looks whether it is still to.
const LOOK_UP: Duration = Duration::from_millis(20);

/// The way out to one client.
#[derive(Debug)]
pub(super) struct Line {
    stream: UnixStream,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    pace: Pace,
    door: Door,
}

/// Does the client keep up?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pace {
    /// It has, or will get, every message.
    #[default]
    Current,
    /// Messages to everyone were left out; a fresh snapshot is due once the queue is empty.
    Lagging,
    /// The queue is empty, and the host's loop was told so.
    Drained,
}

/// What may still go through the line?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Door {
    /// Everything.
    #[default]
    Open,
    /// Nothing more is taken; what waits is still written.
    Closing,
    /// The writer has ended.
    Closed,
}

#[derive(Debug)]
enum Item {
    /// Ready to be written, shared by all it goes to.
    Frame(Arc<[u8]>),
    /// To be turned into a frame by the writer (a snapshot can be large).
    Message(Box<FromHost>),
}

impl Queue {
    /// Is there room for it? An empty queue takes anything.
    fn takes(&self, frame: &[u8]) -> bool {
        self.items.is_empty() || self.bytes + frame.len() <= QUEUE
    }
}

impl Line {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self { stream, queue: Mutex::default(), changed: Condvar::new() }
    }

    pub(super) fn stream(&self) -> &UnixStream {
        &self.stream
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offers what everyone gets; a client that has too much waiting is marked and gets a snapshot later instead.
    pub(super) fn offer(&self, frame: &Arc<[u8]>) {
        let mut queue = self.queue();
        if queue.door != Door::Open || queue.pace != Pace::Current {
            return;
        }
        if !queue.items.is_empty() && queue.bytes + frame.len() > QUEUE {
            queue.pace = Pace::Lagging;
            return;
        }
        queue.bytes += frame.len();
        queue.items.push_back(Item::Frame(Arc::clone(frame)));
        self.changed.notify_all();
    }

    /// Puts in what only this client gets.
    pub(super) fn put(&self, frame: Arc<[u8]>) {
        let mut queue = self.queue();
        if queue.door != Door::Open {
            return;
        }
        if queue.bytes + frame.len() > QUEUE_OF_REPLIES {
            drop(queue);
            self.cut();
            return;
        }
        queue.bytes += frame.len();
        queue.items.push_back(Item::Frame(frame));
        self.changed.notify_all();
    }

    /// As [`Self::put`], but waits for room: only for this client's own reading thread. `false`: the line is closed.
    pub(super) fn put_when_there_is_room(&self, frame: Arc<[u8]>) -> bool {
        let mut queue = self.queue();
        while queue.door == Door::Open && !queue.takes(&frame) {
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        if queue.door != Door::Open {
            return false;
        }
        queue.bytes += frame.len();
        queue.items.push_back(Item::Frame(frame));
        self.changed.notify_all();
        true
    }

    /// As [`Self::put_when_there_is_room`], for a thread that is to end when `stop` is set: it looks at it often enough
    /// that nobody who waits for that notices. `false`: it is not put in.
    pub(super) fn put_when_there_is_room_unless(&self, frame: Arc<[u8]>, stop: &AtomicBool) -> bool {
        let mut queue = self.queue();
        while queue.door == Door::Open && !stop.load(Ordering::Relaxed) && !queue.takes(&frame) {
            queue = self.changed.wait_timeout(queue, LOOK_UP).unwrap_or_else(PoisonError::into_inner).0;
        }
        if queue.door != Door::Open || stop.load(Ordering::Relaxed) {
            return false;
        }
        queue.bytes += frame.len();
        queue.items.push_back(Item::Frame(frame));
        self.changed.notify_all();
        true
    }

    #[cfg(test)]
    pub(super) fn has_room_for(&self, frame: &[u8]) -> bool {
        self.queue().takes(frame)
    }

    /// Puts in a snapshot: the client is up to date with it.
    pub(super) fn put_snapshot(&self, message: FromHost) {
        let mut queue = self.queue();
        queue.pace = Pace::Current;
        if queue.door == Door::Open {
            queue.items.push_back(Item::Message(Box::new(message)));
            self.changed.notify_all();
        }
    }

    /// Takes nothing more; the writer ends the connection after what waits.
    pub(super) fn finish(&self) {
        {
            let mut queue = self.queue();
            queue.door = queue.door.max(Door::Closing);
        }
        self.changed.notify_all();
    }

    /// Ends the connection now.
    pub(super) fn cut(&self) {
        {
            let mut queue = self.queue();
            queue.door = queue.door.max(Door::Closing);
            queue.items.clear();
            queue.bytes = 0;
        }
        self.changed.notify_all();
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Waits until the writer has ended, at most until `deadline`.
    pub(super) fn wait_closed(&self, deadline: Instant) {
        let mut queue = self.queue();
        while queue.door != Door::Closed {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            queue = self.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Writes until the line is finished, or the client stalls or is gone. `drained` is called when a client that lagged
    /// has caught up.
    pub(super) fn write_for_ever(&self, mut drained: impl FnMut()) {
        if self.stream.set_write_timeout(Some(STALLED)).is_ok() {
            while let Some(frame) = self.next_frame(&mut drained) {
                if write_all(&self.stream, &frame).is_err() {
                    break;
                }
                let mut queue = self.queue();
                queue.bytes = queue.bytes.saturating_sub(frame.len());
                drop(queue);
                self.changed.notify_all();
            }
        }
        self.cut();
        self.queue().door = Door::Closed;
        self.changed.notify_all();
    }

    fn next_frame(&self, drained: &mut impl FnMut()) -> Option<Arc<[u8]>> {
        let mut queue = self.queue();
        loop {
            match queue.items.pop_front() {
                Some(Item::Frame(frame)) => return Some(frame),
                Some(Item::Message(message)) => {
                    drop(queue);
                    let frame = encode_snapshot(*message)?;
                    self.queue().bytes += frame.len();
                    return Some(frame);
                }
                None if queue.door != Door::Open => return None,
                None if queue.pace == Pace::Lagging => {
                    queue.pace = Pace::Drained;
                    drop(queue);
                    drained();
                    queue = self.queue();
                }
                None => queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// A message as a frame; `None` where it is none (which only a fault of ours could bring about).
pub(super) fn encode(message: &FromHost) -> Option<Arc<[u8]>> {
    frame::encode(message).ok().map(Arc::from)
}

/// A snapshot that would be too large goes without its newest records; the client can ask for them.
fn encode_snapshot(mut message: FromHost) -> Option<Arc<[u8]>> {
    let frame = encode(&message)?;
    if frame.len() <= MAX_FROM_HOST {
        return Some(frame);
    }
    if let FromHost::Welcome(welcome) = &mut message {
        welcome.recent.clear();
    }
    encode(&message)
}

/// Writes all of it; a write that moves nothing within the socket's time-out is an error.
fn write_all(mut stream: &UnixStream, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => bytes = &bytes[n..],
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::sync::mpsc::{Receiver, channel};
    use std::thread::JoinHandle;

    use super::*;
    use crate::wire::Frames;

    struct Scene {
        line: Arc<Line>,
        theirs: UnixStream,
        drained: Receiver<()>,
        writer: JoinHandle<()>,
    }

    fn scene() -> Scene {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let line = Arc::new(Line::new(ours));
        let (tell, drained) = channel();
        let of_writer = Arc::clone(&line);
        let writer = std::thread::spawn(move || {
            of_writer.write_for_ever(|| {
                let _ = tell.send(());
            });
        });
        Scene { line, theirs, drained, writer }
    }

    fn big(n: u64) -> Arc<[u8]> {
        let data = "x".repeat(64 << 10);
        encode(&FromHost::Output { id: n, from: 0, total: 0, data }).unwrap()
    }

    /// Reads until `stop` says so; the ids that came.
    fn read(theirs: &mut UnixStream, mut stop: impl FnMut(u64) -> bool) -> Vec<u64> {
        let (mut frames, mut ids, mut buffer) = (Frames::new(MAX_FROM_HOST), Vec::new(), vec![0; 64 << 10]);
        loop {
            match frames.take::<FromHost>().unwrap() {
                Some(FromHost::Output { id, .. }) => {
                    ids.push(id);
                    if stop(id) {
                        return ids;
                    }
                }
                Some(_) => {}
                None => match theirs.read(&mut buffer).unwrap() {
                    0 => return ids,
                    n => frames.push(&buffer[..n]),
                },
            }
        }
    }

    #[test]
    fn s1_a_client_that_does_not_read_costs_no_more_than_its_queue_and_is_cut_off() {
        let scene = scene();
        let frame = big(0);
        for _ in 0..200 {
            scene.line.offer(&frame);
        }
        {
            let queue = scene.line.queue();
            assert!(queue.bytes <= QUEUE + big(0).len(), "{} bytes wait", queue.bytes);
            assert_eq!(queue.pace, Pace::Lagging);
        }
        // The writer gives up by itself; nobody has read a byte.
        scene.writer.join().unwrap();
        assert_eq!(scene.line.queue().door, Door::Closed);
        drop(scene.theirs);
    }

    #[test]
    fn a_client_that_lagged_hears_what_waited_and_then_a_fresh_snapshot() {
        let mut scene = scene();
        for n in 0..100 {
            scene.line.offer(&big(n));
        }
        assert_eq!(scene.line.queue().pace, Pace::Lagging);
        let last_before = {
            let queue = scene.line.queue();
            let Some(Item::Frame(frame)) = queue.items.back() else { panic!("frames wait") };
            let mut frames = Frames::new(MAX_FROM_HOST);
            frames.push(frame);
            match frames.take::<FromHost>().unwrap() {
                Some(FromHost::Output { id, .. }) => id,
                other => panic!("{other:?}"),
            }
        };
        assert!(last_before < 99, "some were left out");
        assert_eq!(read(&mut scene.theirs, |id| id == last_before), (0..=last_before).collect::<Vec<_>>());
        scene.drained.recv().unwrap();
        scene.line.offer(&big(500));
        let snapshot = FromHost::Output { id: 1_000, from: 0, total: 0, data: String::new() };
        scene.line.put_snapshot(snapshot);
        scene.line.offer(&big(1_001));
        assert_eq!(
            read(&mut scene.theirs, |id| id == 1_001),
            [1_000, 1_001],
            "nothing between lag and snapshot"
        );
        scene.line.finish();
        scene.writer.join().unwrap();
    }

    #[test]
    fn what_waits_is_written_before_a_line_is_finished() {
        let mut scene = scene();
        for n in 0..10 {
            scene.line.put(big(n));
        }
        scene.line.finish();
        scene.line.put(big(99));
        assert_eq!(read(&mut scene.theirs, |_| false), (0..10).collect::<Vec<_>>());
        scene.writer.join().unwrap();
    }

    #[test]
    fn a_client_that_is_gone_ends_its_writer() {
        let scene = scene();
        drop(scene.theirs);
        scene.line.put(big(1));
        scene.writer.join().unwrap();
        assert!(!scene.line.put_when_there_is_room(big(2)));
    }
}
