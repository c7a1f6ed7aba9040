//! The loop of the screen: keys, the host and the clock on one channel; pictures at most sixty times a second, none while
//! nothing changes, and none while the terminal still takes the one before. SHELL.

mod ears;

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use ratatui::crossterm::event::Event as Input;
use signal_hook::consts::{SIGCONT, SIGTSTP, SIGWINCH};

use crate::client::{ClientError, Incoming, Line, Wish, attach_line, join_line};
use crate::clock;
use crate::failpoint;
use crate::id::SessionId;
use crate::session::Session;
use crate::session::estimate::Past;
use crate::wire::ToHost;
use crate::wire::messages::Role;

use super::app::{Action, App, Link, Msg, update};
use super::bell;
use super::follow;
use super::mouse::Mouse;
use super::output::saving::{Saving, Step, Word};
use super::save::Saver;
use super::terminal::{self, Screen, discard_input, give_back, is_taken, shows_only_lines};
use super::theme::{Depth, Theme};
use super::view::{self, Seen};
use ears::{Keys, listen_to_signals};

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
    /// To go on in lines, on the same connection.
    Lines,
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
    /// The host has said something: it waits in the line.
    Rung,
    /// The terminal has the picture, since this time (milliseconds since boot), or fails.
    Written(io::Result<()>, u64),
    Saved(Word),
    Signal(i32),
}

/// A screen that was left.
#[derive(Debug)]
pub struct Left {
    /// How.
    pub end: End,
    /// The session it showed.
    pub session: SessionId,
    /// What it was for in the end.
    pub role: Role,
    /// What was under way on the screen and ended with it, in a sentence.
    pub ended: Option<String>,
    /// The connection, for whoever goes on with it.
    pub line: Line,
}

/// Connects to the session in `dir`, where there is a terminal that can show a screen.
pub fn open(dir: &Path, wish: Wish) -> Result<Line, TuiError> {
    let term = std::env::var("TERM").ok();
    if shows_only_lines(term.as_deref()) || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(TuiError::NoTerminal);
    }
    Ok(Line::open(dir, wish, Some(QUEUE), || ())?)
}

/// Shows the session of a connection, and returns when its screen is left.
pub fn show(dir: &Path, line: Line, options: Options) -> Result<Left, TuiError> {
    let (sender, arrivals) = sync_channel(QUEUE);
    let role = options.wish.role;
    let (may_ring, history) = (options.bell, options.history);
    line.client.set_role(role);
    let signals = listen_to_signals(sender.clone())?;
    let size = terminal::size();
    let mut theme = options.theme;
    if !terminal::knows_colours() {
        theme.depth = Depth::None;
    }
    let mut app = App::new((*line.client.welcome).clone(), role, theme, size.cells);
    app.ids_from(line.client.new_id());
    if let Some(said) = options.said {
        app.refuse(said);
    }
    if let Some(why) = line.lost.clone() {
        let _ = update(&mut app, Msg::Lost(why));
    }
    if let Some(owner) = line.waits_for.clone() {
        // Nothing can be asked for where nobody is there to answer.
        let _ = update(&mut app, Msg::Waiting(owner));
    }
    if size.guessed {
        app.say(format!(
            "this terminal does not say how large it is: taken as {} × {}; stty cols N rows N tells it",
            size.cells.0, size.cells.1
        ));
    }
    let whole = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    app.join = join_line(&whole, app.session.opened.share.is_some(), options.own_home);
    let id = app.session.id.clone();
    let of_host = sender.clone();
    // Where the queue is full, the loop looks for what the host says anyway before it waits.
    line.wake_by(move || {
        let _ = of_host.try_send(Arrival::Rung);
    });
    let parting = format!("the session goes on: {}", attach_line(role, &options.named));
    app.mouse = options.mouse;
    terminal::take_mouse(app.mouse.on);
    let of_pen = sender.clone();
    let written = move |result| of_pen.send(Arrival::Written(result, clock::up())).is_ok();
    let screen = Screen::take(&parting, size.cells, written).map_err(failed("take the terminal over"))?;
    failpoint::pass("screen-taken");
    if let Some(history) = history {
        recall(history, &whole, app.session.clone(), sender.clone())?;
    }
    let keys = Keys::listen(sender.clone())?;
    let mut screen = Loop {
        line,
        app,
        screen,
        may_ring,
        arrivals,
        dirty: true,
        urgent: false,
        drawn: None,
        looked: None,
        on_its_way: OnItsWay::Nothing,
        sender,
        saver: None,
    };
    let end = screen.go()?;
    let ended = screen.app.saving.as_ref().map(Saving::given_up);
    let Loop { mut line, app, screen, arrivals, .. } = screen;
    drop(screen);
    drop(arrivals);
    drop(keys);
    if end == End::Lines {
        // Whoever goes on hears signals in a way of their own. (Else a second signal ends what a dead terminal keeps.)
        signals.close();
    }
    line.wake_by(|| ());
    line.client.ids_from(app.ids_end());
    line.client.welcome.session = app.session;
    Ok(Left { end, session: id, role: app.role, ended, line })
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

/// The picture that the terminal is taking: until its end is heard there is no other.
enum OnItsWay {
    Nothing,
    /// What is in it, and what took the keys as it was made.
    Picture(Seen, u64),
    /// The terminal is another one, or of another size: nobody sees it as it was made.
    Outdated,
}

impl OnItsWay {
    fn is_awaited(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    fn outdate(&mut self) {
        if self.is_awaited() {
            *self = Self::Outdated;
        }
    }
}

struct Loop {
    line: Line,
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
    on_its_way: OnItsWay,
    /// For threads that have something to say.
    sender: SyncSender<Arrival>,
    /// What writes the file that an output is saved into; after `arrivals`, so that it never waits for room there.
    saver: Option<Saver>,
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
            let due = self.urgent || self.drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME);
            if self.dirty && due && !self.on_its_way.is_awaited() {
                self.draw()?;
            }
        }
    }

    /// Waits for something to come, or for the next picture to be due.
    fn wait(&mut self) -> Result<Option<Arrival>, TuiError> {
        if let Some(arrival) = self.of_host() {
            return Ok(Some(arrival));
        }
        let since = self.drawn.map_or(Duration::MAX, |drawn| drawn.elapsed());
        let due = if self.dirty {
            FRAME
        } else if self.app.is_live() {
            TICK
        } else {
            IDLE
        };
        // No picture is due while one is on its way: its end is told.
        let mut wait = if self.on_its_way.is_awaited() { IDLE } else { due.saturating_sub(since) };
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

    fn more(&mut self) -> Result<Option<Arrival>, TuiError> {
        match self.arrivals.try_recv() {
            Ok(arrival) => Ok(Some(arrival)),
            Err(TryRecvError::Empty) => Ok(self.of_host()),
            Err(TryRecvError::Disconnected) => Err(hung_up()),
        }
    }

    /// What the host said next, if it said something.
    fn of_host(&mut self) -> Option<Arrival> {
        let incoming = self.line.incoming.try_recv().ok()?;
        self.line.note(&incoming);
        Some(Arrival::Host(incoming))
    }

    fn take(&mut self, arrival: Arrival) -> Result<Option<End>, TuiError> {
        failpoint::pass("message-taken");
        let msg = match arrival {
            Arrival::Written(result, at) => return self.written(result, at),
            Arrival::Input(Input::Key(key), at) => {
                self.urgent = true;
                Msg::Key { key, at }
            }
            Arrival::Input(Input::Mouse(event), at) => {
                self.urgent = true;
                Msg::Mouse { event, at }
            }
            Arrival::Input(Input::Paste(text), _) => {
                self.urgent = true;
                Msg::Paste(text)
            }
            // A new size comes as a signal, and is asked for then.
            Arrival::Rung | Arrival::Input(_, _) => return Ok(None),
            Arrival::Signal(SIGWINCH) => {
                let (width, height) = terminal::size().cells;
                // Several of them may end at the size of the last picture, of which the terminal has kept less.
                self.screen.wipe((width, height)).map_err(failed("draw on the terminal"))?;
                self.urgent = true;
                self.on_its_way.outdate();
                Msg::Resize(width, height)
            }
            Arrival::Saved(word) => Msg::Saved(word),
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
                self.again()?;
                return Ok(None);
            }
            Arrival::Signal(signal) => return Ok(Some(End::Signal(signal))),
        };
        self.dirty = true;
        let actions = update(&mut self.app, msg);
        self.line.client.set_role(self.app.role);
        self.perform(actions)
    }

    fn perform(&mut self, actions: Vec<Action>) -> Result<Option<End>, TuiError> {
        for action in actions {
            match action {
                Action::Send(message) => self.send(&message),
                Action::DiscardInput => discard_input(),
                Action::Mouse(ours) => {
                    self.screen.mouse(ours).map_err(failed("draw on the terminal"))?;
                }
                Action::Bell if self.may_ring => {
                    self.screen.ring().map_err(failed("draw on the terminal"))?;
                    self.dirty = true;
                }
                Action::Bell => {}
                Action::Save(step) => self.save(step)?,
                Action::Clipboard(text) => {
                    self.screen.copy(&text).map_err(failed("draw on the terminal"))?;
                    self.dirty = true;
                }
                Action::Suspend => self.suspend()?,
                Action::Quit => return Ok(Some(End::Left)),
                Action::Lines => return Ok(Some(End::Lines)),
            }
        }
        Ok(None)
    }

    fn save(&mut self, step: Step) -> Result<(), TuiError> {
        if self.saver.is_none() {
            let sender = self.sender.clone();
            let tell = move |word| drop(sender.send(Arrival::Saved(word)));
            self.saver = Some(Saver::new(tell).map_err(failed("start a thread"))?);
        }
        if let Some(saver) = &self.saver {
            saver.take(step);
        }
        Ok(())
    }

    fn send(&mut self, message: &ToHost) {
        if let Err(error) = self.line.client.send(message) {
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
        let mut seen = Seen::default();
        let app = &self.app;
        self.screen
            .inner
            .draw(|frame| {
                seen = view::draw(app, now, frame.buffer_mut());
                failpoint::pass("picture-begun");
                if let Some(at) = seen.cursor {
                    frame.set_cursor_position(at);
                }
            })
            .map_err(failed("draw on the terminal"))?;
        self.screen.post();
        self.on_its_way = OnItsWay::Picture(seen, self.app.faces);
        self.drawn = Some(Instant::now());
        self.dirty = false;
        self.urgent = false;
        Ok(())
    }

    /// The terminal has the picture: from now on people can see it.
    fn written(&mut self, result: io::Result<()>, at: u64) -> Result<Option<End>, TuiError> {
        let was = std::mem::replace(&mut self.on_its_way, OnItsWay::Nothing);
        if let Err(source) = result {
            return Err(TuiError::Io { what: "draw on the terminal", source });
        }
        // What took the keys when it was made may have gone meanwhile; what took its place was not in it.
        if let OnItsWay::Picture(seen, faces) = was
            && faces == self.app.faces
        {
            let actions = update(&mut self.app, Msg::Drawn { at, seen });
            return self.perform(actions);
        }
        Ok(None)
    }

    /// Goes to the background as the shell's user asked, and comes back when they ask again.
    fn suspend(&mut self) -> Result<(), TuiError> {
        give_back();
        signal_hook::low_level::emulate_default_handler(SIGTSTP).map_err(failed("go to the background"))?;
        self.again()
    }

    /// Takes the terminal over again, of the size that it has by now.
    fn again(&mut self) -> Result<(), TuiError> {
        let (width, height) = terminal::size().cells;
        self.screen.again((width, height)).map_err(failed("take the terminal over again"))?;
        self.on_its_way.outdate();
        self.dirty = true;
        if self.app.size != (width, height) {
            let _ = update(&mut self.app, Msg::Resize(width, height));
        }
        Ok(())
    }
}

fn hung_up() -> TuiError {
    TuiError::Io { what: "listen", source: io::Error::other("every listener has ended") }
}
