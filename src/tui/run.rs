//! The loop of the screen: keys, the host and the clock on one channel; pictures at most sixty times a second, and
//! none while nothing changes. SHELL.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event as Input};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;

use crate::client::{Client, ClientError, Incoming, Wish, attach_line, connect, join_line};
use crate::clock;
use crate::id::SessionId;
use crate::session::Session;
use crate::session::estimate::Past;
use crate::wire::ToHost;
use crate::wire::messages::Role;

use super::app::{Action, App, Link, Msg, update};
use super::bell;
use super::follow;
use super::mouse::Mouse;
use super::terminal::{Screen, discard_input, give_back, is_taken, ring};
use super::theme::Theme;
use super::view;

/// The least time between two pictures.
const FRAME: Duration = Duration::from_millis(16);

/// While something runs, its clock is drawn this often.
const TICK: Duration = Duration::from_secs(1);

/// While nothing runs, ages are drawn anew this often.
const IDLE: Duration = Duration::from_secs(30);

/// Messages that may wait; whoever has more waits with them.
const QUEUE: usize = 256;

/// How to open a session's screen.
#[derive(Clone, Debug)]
pub struct Options {
    /// How to connect; `stay` keeps the screen over the loss of a host.
    pub wish: Wish,
    /// What the terminal can show.
    pub theme: Theme,
    /// What people are to know with the first picture, in a sentence.
    pub said: Option<String>,
    /// The session lies where every terminal of this account looks for sessions.
    pub own_home: bool,
    /// Whose the mouse is.
    pub mouse: Mouse,
    /// What this account types, after `onbelay attach`, to name the session.
    pub named: String,
    /// The bell may ring.
    pub bell: bool,
    /// Finds what the steps and checks of the session in a directory took before. It may take its time.
    pub history: Option<fn(&Path, &Session) -> Past>,
}

impl Options {
    /// For this process's terminal.
    #[must_use]
    pub fn new(wish: Wish, named: String) -> Self {
        let var = |name: &str| std::env::var(name).ok();
        let mouse = Mouse::from_env(var("ONBELAY_MOUSE").as_deref());
        let theme = Theme::from_env(var);
        let bell = bell::is_wanted(var);
        Self { named, wish, theme, said: None, mouse, own_home: false, bell, history: None }
    }
}

/// How the screen was left. The session goes on in every case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By a key.
    Left,
    /// By this signal.
    Signal(i32),
}

/// Why there is no screen.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// There is nobody to look at it.
    #[error("there is no terminal to draw on; use --plain to walk in lines")]
    NoTerminal,
    /// The session cannot be reached.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The terminal failed.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The system's word.
        source: io::Error,
    },
}

fn failed(what: &'static str) -> impl FnOnce(io::Error) -> TuiError {
    move |source| TuiError::Io { what, source }
}

/// What arrives on the one channel.
enum Arrival {
    Input(Input, u64),
    Host(Incoming),
    History(Past),
    Signal(i32),
}

/// A screen that was left.
#[derive(Clone, Debug)]
pub struct Left {
    /// How.
    pub end: End,
    /// The session it showed.
    pub session: SessionId,
    /// What it was for in the end.
    pub role: Role,
}

/// Opens the screen of the session in `dir`, and returns when it is left.
pub fn run(dir: &Path, options: Options) -> Result<Left, TuiError> {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if dumb || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(TuiError::NoTerminal);
    }
    let (sender, arrivals) = sync_channel(QUEUE);
    let of_host = sender.clone();
    let role = options.wish.role;
    let (may_ring, history) = (options.bell, options.history);
    let client = connect(dir, options.wish, move |incoming| of_host.send(Arrival::Host(incoming)).is_ok())?;
    let size = ratatui::crossterm::terminal::size().map_err(failed("ask the terminal for its size"))?;
    let mut app = App::new((*client.welcome).clone(), role, options.theme, size);
    if let Some(said) = options.said {
        app.refuse(said);
    }
    let whole = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    app.join = join_line(&whole, app.session.opened.share.is_some(), options.own_home);
    let id = app.session.id.clone();
    listen_to_signals(sender.clone())?;
    let parting = format!("the session goes on: {}", attach_line(role, &options.named));
    app.mouse = options.mouse;
    super::terminal::mouse(app.mouse.on).map_err(failed("take the terminal over"))?;
    let screen = Screen::take(&parting).map_err(failed("take the terminal over"))?;
    if let Some(history) = history {
        recall(history, &whole, app.session.clone(), sender.clone())?;
    }
    listen_to_keys(sender)?;
    let mut screen = Loop {
        client,
        app,
        screen,
        may_ring,
        arrivals,
        dirty: true,
        urgent: false,
        drawn: None,
        looked: None,
    };
    let end = screen.go()?;
    Ok(Left { end, session: id, role: screen.app.role })
}

fn listen_to_keys(sender: SyncSender<Arrival>) -> Result<(), TuiError> {
    let listen = move || {
        while let Ok(input) = event::read() {
            if matches!(&input, Input::Mouse(event) if !super::mouse::counts(event)) {
                continue;
            }
            if sender.send(Arrival::Input(input, clock::up())).is_err() {
                return;
            }
        }
        // Nobody will type here any more.
        let _ = sender.send(Arrival::Signal(SIGHUP));
    };
    std::thread::Builder::new().name("keys".to_owned()).spawn(listen).map_err(failed("start a thread"))?;
    Ok(())
}

/// Looks at earlier walks, beside all else: no picture waits for it.
fn recall(
    history: fn(&Path, &Session) -> Past,
    dir: &Path,
    session: Session,
    sender: SyncSender<Arrival>,
) -> Result<(), TuiError> {
    let dir = dir.to_owned();
    let look = move || {
        let _ = sender.send(Arrival::History(history(&dir, &session)));
    };
    std::thread::Builder::new().name("history".to_owned()).spawn(look).map_err(failed("start a thread"))?;
    Ok(())
}

fn listen_to_signals(sender: SyncSender<Arrival>) -> Result<(), TuiError> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT])
        .map_err(failed("listen to signals"))?;
    let told = Arc::new(AtomicBool::new(false));
    let listen = move || {
        for signal in signals.forever() {
            let ends = !matches!(signal, SIGTSTP | SIGCONT);
            // Told twice: the loop may be stuck in a terminal that takes nothing.
            if ends && told.swap(true, Ordering::SeqCst) {
                give_back();
                std::process::exit(128 + signal);
            }
            if sender.send(Arrival::Signal(signal)).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(listen).map_err(failed("start a thread"))?;
    Ok(())
}

struct Loop {
    client: Client,
    app: App,
    screen: Screen,
    may_ring: bool,
    arrivals: Receiver<Arrival>,
    /// Something has changed since the last picture.
    dirty: bool,
    /// A key was among it: whoever pressed it is looking.
    urgent: bool,
    /// When the last picture was made.
    drawn: Option<Instant>,
    /// When the host was told last where this screen looks.
    looked: Option<Instant>,
}

impl Loop {
    fn go(&mut self) -> Result<End, TuiError> {
        loop {
            let mut arrival = self.wait()?;
            // Everything that has come is taken in before the next picture.
            let until = Instant::now() + FRAME;
            while let Some(one) = arrival {
                if let Some(end) = self.take(one)? {
                    return Ok(end);
                }
                arrival = if Instant::now() < until { self.more()? } else { None };
            }
            self.tell_gaze();
            if self.dirty && (self.urgent || self.drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME)) {
                self.draw()?;
            }
        }
    }

    /// Waits for something to come, or for the next picture to be due.
    fn wait(&mut self) -> Result<Option<Arrival>, TuiError> {
        let since = self.drawn.map_or(Duration::MAX, |drawn| drawn.elapsed());
        let due = if self.dirty {
            FRAME
        } else if self.app.is_live() {
            TICK
        } else {
            IDLE
        };
        let mut wait = due.saturating_sub(since);
        if let Some(looked) = self.looked.filter(|_| follow::owes(&self.app)) {
            wait = wait.min(FRAME.saturating_sub(looked.elapsed()));
        }
        match self.arrivals.recv_timeout(wait) {
            Ok(arrival) => Ok(Some(arrival)),
            Err(RecvTimeoutError::Timeout) => {
                self.dirty = true;
                Ok(None)
            }
            Err(RecvTimeoutError::Disconnected) => Err(hung_up()),
        }
    }

    fn more(&self) -> Result<Option<Arrival>, TuiError> {
        match self.arrivals.try_recv() {
            Ok(arrival) => Ok(Some(arrival)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(hung_up()),
        }
    }

    fn take(&mut self, arrival: Arrival) -> Result<Option<End>, TuiError> {
        self.dirty = true;
        self.urgent |= matches!(arrival, Arrival::Input(..));
        let msg = match arrival {
            Arrival::Input(Input::Key(key), at) => Msg::Key { key, at },
            Arrival::Input(Input::Mouse(event), at) => Msg::Mouse { event, at },
            Arrival::Input(Input::Paste(text), _) => Msg::Paste(text),
            Arrival::Input(Input::Resize(width, height), _) => {
                // Several of them may end at the size of the last picture, of which the terminal has kept less.
                self.screen.wipe().map_err(failed("draw on the terminal"))?;
                Msg::Resize(width, height)
            }
            Arrival::Input(_, _) => return Ok(None),
            Arrival::Host(Incoming::Message(message)) => Msg::Host(message),
            Arrival::Host(Incoming::Lost { why }) => Msg::Lost(why),
            Arrival::Host(Incoming::Waiting { owner }) => Msg::Waiting(owner),
            Arrival::Host(Incoming::Gone { why }) => Msg::Gone(why),
            Arrival::History(past) => Msg::History(past),
            Arrival::Signal(SIGTSTP) => {
                self.suspend()?;
                return Ok(None);
            }
            Arrival::Signal(SIGCONT) => {
                self.screen.again().map_err(failed("take the terminal over again"))?;
                return Ok(None);
            }
            Arrival::Signal(signal) => return Ok(Some(End::Signal(signal))),
        };
        let actions = update(&mut self.app, msg);
        self.client.set_role(self.app.role);
        self.perform(actions)
    }

    fn perform(&mut self, actions: Vec<Action>) -> Result<Option<End>, TuiError> {
        for action in actions {
            match action {
                Action::Send(message) => self.send(&message),
                Action::DiscardInput => discard_input(),
                Action::Mouse(ours) => {
                    super::terminal::mouse(ours).map_err(failed("draw on the terminal"))?
                }
                Action::Bell if self.may_ring => ring(),
                Action::Bell => {}
                Action::Suspend => self.suspend()?,
                Action::Quit => return Ok(Some(End::Left)),
            }
        }
        Ok(None)
    }

    fn send(&mut self, message: &ToHost) {
        if let Err(error) = self.client.send(message) {
            if let ClientError::Wrong { why } = &error {
                // It was not sent, and the connection is as it was.
                self.app.refuse(why);
                return;
            }
            // The reading end says more soon; until then this is what is known.
            if self.app.link == Link::Up {
                update(&mut self.app, Msg::Lost(error.to_string()));
            }
        }
    }

    /// Tells where this screen looks, for others to follow: as often as there are pictures, and the last of it always.
    fn tell_gaze(&mut self) {
        if self.looked.is_some_and(|looked| looked.elapsed() < FRAME) {
            return;
        }
        if let Some(look) = follow::tell(&mut self.app) {
            self.looked = Some(Instant::now());
            self.send(&look);
        }
    }

    fn draw(&mut self) -> Result<(), TuiError> {
        if !is_taken() {
            // Another thread has broken and given the terminal back; this process is about to end.
            return Ok(());
        }
        let now = clock::now(&self.app.session);
        let mut seen = super::view::Seen::default();
        let app = &self.app;
        self.screen
            .inner
            .draw(|frame| {
                seen = view::draw(app, now, frame.buffer_mut());
                if let Some(at) = seen.cursor {
                    frame.set_cursor_position(at);
                }
            })
            .map_err(failed("draw on the terminal"))?;
        self.drawn = Some(Instant::now());
        self.dirty = false;
        self.urgent = false;
        let actions = update(&mut self.app, Msg::Drawn { at: clock::up(), seen });
        self.perform(actions)?;
        Ok(())
    }

    /// Goes to the background as the shell's user asked, and comes back when they ask again.
    fn suspend(&mut self) -> Result<(), TuiError> {
        give_back();
        signal_hook::low_level::emulate_default_handler(SIGTSTP).map_err(failed("go to the background"))?;
        self.screen.again().map_err(failed("take the terminal over again"))?;
        self.dirty = true;
        Ok(())
    }
}

fn hung_up() -> TuiError {
    TuiError::Io { what: "listen", source: io::Error::other("every listener has ended") }
}
