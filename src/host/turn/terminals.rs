//! Which terminals are open, how large they are, and who types into them. PURE.
//!
//! None of it is on record but that somebody took a terminal: a host that takes over lets nobody type until it is taken
//! again.

use std::collections::BTreeMap;

use crate::process::terminal::SIZE;
use crate::session::{Session, terminal};
use crate::wire::FromHost;
use crate::wire::messages::{MAX_TYPED, OutputFile, Stream, Terminal};

use super::{Audience, ClientId, HostState, Output};

/// The most columns or rows that a terminal gets: a window, and nothing that takes a screen's emulator down.
const MOST: u16 = 1_000;

/// A terminal by what names its directory: the attempt, and the item's index.
type Place = (u32, Option<u32>);

/// What is known of terminals beside the walk.
#[derive(Debug, Default)]
pub(super) struct Terminals {
    /// Steps that may have one.
    steps: Vec<usize>,
    sizes: BTreeMap<Place, (u16, u16)>,
    typists: BTreeMap<Place, ClientId>,
    told: Vec<Terminal>,
}

impl Terminals {
    pub(super) fn of(session: &Session) -> Self {
        let steps = session.runbook.steps.iter().enumerate();
        let steps = steps.filter(|(_, step)| step.interactive).map(|(place, _)| place).collect();
        Self { steps, ..Self::default() }
    }

    /// A terminal is this large.
    pub(super) fn sized(&mut self, place: Place, size: (u16, u16)) {
        self.sizes.insert(place, size);
    }
}

/// This client types into the terminal of a step from here on; that is on record.
pub(super) fn taken(state: &mut HostState, step: &str, client: ClientId) {
    let open = state.session.step_at(step).and_then(|place| terminal::of_step(&state.session, place));
    if let Some(open) = open {
        let place = (open.attempt, open.item.map(|(index, _)| index));
        state.terminals.typists.insert(place, client);
    }
}

/// The terminals that are open.
pub(super) fn now(state: &HostState) -> Vec<Terminal> {
    let session = &state.session;
    let open = state.terminals.steps.iter().filter_map(|place| terminal::of_step(session, *place));
    open.map(|open| {
        let place = (open.attempt, open.item.map(|(index, _)| index));
        let (columns, rows) = state.terminals.sizes.get(&place).copied().unwrap_or((SIZE.columns, SIZE.rows));
        let typist = typist(state, place).and_then(|client| state.guests.get(&client));
        Terminal {
            of: OutputFile { attempt: place.0, item: place.1, stream: Stream::Output },
            step: session.runbook.steps[open.place].id.clone(),
            columns,
            rows,
            typist: typist.map(|guest| guest.person.clone()),
        }
    })
    .collect()
}

/// Who types into it: whoever took it last, as long as they are here and the operator.
fn typist(state: &HostState, place: Place) -> Option<ClientId> {
    let client = *state.terminals.typists.get(&place)?;
    let guest = state.guests.get(&client)?;
    state.session.operator.same_account(&guest.person).then_some(client)
}

/// Tells everyone which terminals are open, if that is news; and forgets those that are not.
pub(super) fn tell(state: &mut HostState, out: &mut Vec<Output>) {
    if state.terminals.steps.is_empty() {
        return;
    }
    let terminals = now(state);
    let is_open =
        |place: &Place| terminals.iter().any(|terminal| (terminal.of.attempt, terminal.of.item) == *place);
    // Who left, or handed over, types again only once they took it again.
    let typing: Vec<Place> = state.terminals.typists.keys().copied().collect();
    for place in typing {
        if !is_open(&place) || typist(state, place).is_none() {
            state.terminals.typists.remove(&place);
        }
    }
    state.terminals.sizes.retain(|place, _| is_open(place));
    if state.terminals.told != terminals {
        state.terminals.told.clone_from(&terminals);
        out.push(Output::Tell(Audience::All, FromHost::Terminals { terminals }));
    }
}

/// Somebody typed: bytes for the terminal, or a word why not.
pub(super) fn typed(
    state: &HostState,
    client: ClientId,
    id: u64,
    of: OutputFile,
    data: &str,
    out: &mut Vec<Output>,
) {
    let place = (of.attempt, of.item);
    let is_open = of.stream == Stream::Output
        && now(state).iter().any(|terminal| (terminal.of.attempt, terminal.of.item) == place);
    let bytes = data_encoding::BASE64.decode(data.as_bytes());
    let why_not = match (typist(state, place), bytes) {
        _ if !is_open => "its command has ended, and its terminal with it".to_owned(),
        (Some(typist), Ok(bytes)) if typist == client && bytes.len() <= MAX_TYPED => {
            out.push(Output::Type { client, id, of, bytes });
            return;
        }
        (Some(typist), Ok(_)) if typist == client => {
            format!("that is too much at once: {MAX_TYPED} bytes at most")
        }
        (Some(typist), Err(_)) if typist == client => "what was typed came in no known form".to_owned(),
        (Some(_), _) => "another screen types into it now; take the terminal first".to_owned(),
        (None, _) => "nobody took its terminal; take it first".to_owned(),
    };
    out.push(Output::Tell(Audience::One(client), FromHost::Typed { id, why_not: Some(why_not) }));
}

/// The typist's window has another size; the size of anybody else's is no matter.
pub(super) fn resized(
    state: &mut HostState,
    client: ClientId,
    of: OutputFile,
    size: (u16, u16),
    out: &mut Vec<Output>,
) {
    let place = (of.attempt, of.item);
    let (columns, rows) = (size.0.clamp(1, MOST), size.1.clamp(1, MOST));
    let same =
        state.terminals.sizes.get(&place).copied().unwrap_or((SIZE.columns, SIZE.rows)) == (columns, rows);
    if typist(state, place) == Some(client) && !same {
        state.terminals.sized(place, (columns, rows));
        out.push(Output::Window { of, columns, rows });
        tell(state, out);
    }
}
