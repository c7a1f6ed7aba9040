//! What somebody's request leads to: the events that record it, or a refusal. PURE.

use crate::time::Moment;

use super::{Command, Event, Person, Refusal, Session};

/// Decides on a request of `by`. The events are journaled in order, by `by`; what follows from them is `next`'s.
pub fn decide(
    _session: &Session,
    _command: &Command,
    _by: &Person,
    _now: Moment,
) -> Result<Vec<Event>, Refusal> {
    todo!("lead")
}
