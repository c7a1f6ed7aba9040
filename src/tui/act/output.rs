//! What keys do in an output: moving in it, looking for a text, saving and copying it, another output, two of them. PURE.

use data_encoding::BASE64;

use crate::time::{parse_size, size_in_words};
use crate::tui::app::{Action, App, Link, Pending};
use crate::tui::keys::Verb;
use crate::tui::mode::{Ask, Clip, Mode, Prompt, Screen, Sure};
use crate::tui::output::find::{Find, Looking, Stage};
use crate::tui::output::saving::{PART, Saving, Step, Word};
use crate::tui::output::{Output, list};
use crate::tui::view::shape::plain;
use crate::wire::ToHost;
use crate::wire::messages::OutputFile;

/// The most that terminals take for their clipboard, bytes of base64.
pub(in crate::tui) const MOST_COPIED: usize = 74_994;

/// Opens the output of the step; where it has none, the newest that was written, and says so.
pub(super) fn open(app: &mut App) {
    if app.output.is_none()
        && let Some(place) = list::newest(app)
    {
        let without = app.selected + 1;
        // Whoever goes along with the walk does so again from here.
        app.select(place);
        let name = crate::session::view::step_name(&app.session, place);
        app.say(format!("{without} has no output yet: this is what {name} wrote"));
    }
    app.screen = Screen::Output;
}

pub(super) fn in_output(app: &mut App, verb: Verb) -> Vec<Action> {
    match verb {
        Verb::PreviousOutput | Verb::NextOutput | Verb::PreviousAttempt | Verb::NextAttempt => {
            other(app, verb);
        }
        Verb::Split => {
            app.split = !app.split;
            app.beside = None;
        }
        Verb::FindText => {
            let ask = Ask::FindText;
            let before = app.find.as_ref().map(|find| find.text.clone());
            if let Some(text) = before.filter(|_| app.places.draft(&ask).is_none()) {
                app.places.leave(&ask, &text);
            }
            super::ask(app, ask);
        }
        Verb::NextMatch | Verb::PreviousMatch => return again(app, verb == Verb::PreviousMatch),
        Verb::EndTask => return end_task(app),
        Verb::GoTo => super::ask(app, Ask::GoTo),
        Verb::Save => {
            if let Some(of) = app.output.as_ref().map(|output| output.of.clone()) {
                super::ask(app, Ask::SaveTo(of));
            }
        }
        Verb::Copy => copy(app),
        _ => {
            let (size, beside) = (app.seen.output, app.seen.beside);
            if let Some(output) = &mut app.output {
                moved(output, verb, size);
            }
            if let Some(output) = &mut app.beside {
                moved(output, verb, beside);
            }
            if let (Verb::Wrap, Some(output)) = (verb, &app.output) {
                app.wrap = output.wrap;
            }
        }
    }
    Vec::new()
}

fn moved(output: &mut Output, verb: Verb, (width, height): (usize, usize)) {
    let page = isize::try_from(height.saturating_sub(1).max(1)).unwrap_or(1);
    let aside = isize::try_from((width / 2).max(8)).unwrap_or(8);
    match verb {
        Verb::Follow if output.follow => output.unfollow(width, height),
        Verb::Follow | Verb::End => output.to_end(),
        Verb::Wrap => {
            output.wrap = !output.wrap;
            (output.top_row, output.left) = (0, 0);
        }
        Verb::Home => output.to_start(),
        Verb::Up => output.scroll(-1, width, height),
        Verb::Down => output.scroll(1, width, height),
        Verb::PageUp => output.scroll(-page, width, height),
        Verb::PageDown => output.scroll(page, width, height),
        Verb::Left => output.sideways(-aside, width, height),
        Verb::Right => output.sideways(aside, width, height),
        _ => {}
    }
}

/// Another of the step's outputs.
fn other(app: &mut App, verb: Verb) {
    let listed = list::of_step(app);
    let files = app.outputs();
    let Some(index) = app.output_index(&files) else { return };
    let to = match verb {
        Verb::NextOutput => (index + 1 < listed.len()).then_some(index + 1),
        Verb::PreviousOutput => index.checked_sub(1),
        _ => list::of_other_attempt(&listed, index, verb == Verb::NextAttempt),
    };
    match to {
        Some(to) => app.output_choice = Some(to),
        None => app.say(match verb {
            Verb::NextOutput => "this is the last output",
            Verb::PreviousOutput => "this is the first output",
            Verb::NextAttempt => "this is the last attempt",
            _ => "this is the first attempt",
        }),
    }
}

/// A text was typed that is to be found: from what is on the screen on.
pub(super) fn find(app: &mut App, text: &str) -> Vec<Action> {
    let Some(output) = &app.output else { return Vec::new() };
    let shown = output.bytes_shown(app.seen.output.0, app.seen.output.1);
    let Some(find) = Find::new(text, output.of.clone()) else {
        app.refuse("that is too long to be looked for");
        return Vec::new();
    };
    app.find = Some(find);
    look(app, shown.start, false, false, 0)
}

/// On to the next place, or the one before: from the last one, if it is on the screen, else from the screen's edge.
fn again(app: &mut App, backwards: bool) -> Vec<Action> {
    let (Some(output), Some(find)) = (&app.output, &mut app.find) else { return Vec::new() };
    if find.of != output.of {
        (find.of, find.at, find.stage) = (output.of.clone(), None, Stage::Stopped);
    }
    if let Stage::Looking(looking) = &mut find.stage
        && looking.backwards == backwards
    {
        // What was looked through is not looked through again, and no key is lost.
        looking.more += 1;
        return Vec::new();
    }
    let shown = output.bytes_shown(app.seen.output.0, app.seen.output.1);
    let last = find.at.filter(|at| shown.contains(at));
    let from = match (last, backwards) {
        (Some(at), false) => at + 1,
        (Some(at), true) => at,
        (None, false) => shown.start,
        (None, true) => shown.end,
    };
    look(app, from, backwards, false, 0)
}

/// Has the host look, from `from` on; `around`: from the other end of the file to there; `more`: so many places further.
fn look(app: &mut App, from: u64, backwards: bool, around: bool, more: u32) -> Vec<Action> {
    if app.link != Link::Up {
        app.refuse("there is no connection to the session: nothing is looked for");
        return Vec::new();
    }
    let id = app.new_id(Pending::Find);
    let Some(find) = &mut app.find else { return Vec::new() };
    find.stage = Stage::Looking(Looking { id, start: from, backwards, around, looked: 0, more });
    let (begin, until) = match (around, backwards) {
        (false, _) => (from, None),
        (true, false) => (0, Some(from)),
        (true, true) => (u64::MAX, Some(from)),
    };
    vec![Action::Send(ToHost::FindOutput {
        id,
        of: find.of.clone(),
        from: begin,
        until,
        backwards,
        text: find.text.clone(),
        fold_case: find.fold_case,
    })]
}

/// The host says how far it is, or where it is.
pub(in crate::tui) fn found(app: &mut App, id: u64, at: Option<u64>, looked: u64, done: bool) -> Vec<Action> {
    if done {
        app.pending.remove(&id);
    }
    let size = app.seen.output;
    let Some(find) = &mut app.find else { return Vec::new() };
    let Stage::Looking(looking) = &mut find.stage else { return Vec::new() };
    if looking.id != id {
        return Vec::new();
    }
    looking.looked = looked;
    let looking = looking.clone();
    match at {
        Some(at) => {
            find.at = Some(at);
            find.stage = Stage::Found { around: looking.around };
            let needle = find.needle.clone();
            let of = find.of.clone();
            if looking.more == 0
                && let Some(output) = app.output.as_mut().filter(|output| output.of == of)
            {
                output.reveal(at, &needle, size.0, size.1);
            }
            if looking.around {
                app.say(if looking.backwards {
                    "before the start there is nothing: this is from the end on"
                } else {
                    "past the end there is nothing: this is from the start on"
                });
            }
            if let Some(more) = looking.more.checked_sub(1) {
                let from = if looking.backwards { at } else { at + 1 };
                return look(app, from, looking.backwards, false, more);
            }
        }
        None if done && !looking.around => {
            return look(app, looking.start, looking.backwards, true, looking.more);
        }
        None if done => {
            find.stage = Stage::Nowhere;
            let text = plain(&find.text);
            app.refuse(format!("“{text}” is nowhere in this output"));
        }
        None => {}
    }
    Vec::new()
}

/// Ends what goes on in an output: the saving, the looking, then the search itself.
fn end_task(app: &mut App) -> Vec<Action> {
    if app.saving.take().is_some() {
        app.say("saving was stopped: what there was of the file is removed");
        return vec![Action::Save(Step::Drop)];
    }
    match &mut app.find {
        Some(find) if find.looking().is_some() => {
            find.stage = Stage::Stopped;
            app.pending.retain(|_, pending| *pending != Pending::Find);
            app.say("stopped: it was not looked through to its end");
            vec![Action::Send(ToHost::StopFinding)]
        }
        _ => {
            app.find = None;
            Vec::new()
        }
    }
}

/// A place was typed: `50`, `50 %`, `3.1 GB`.
pub(super) fn go_to(app: &mut App, text: &str) {
    let Some(output) = &mut app.output else { return };
    match place_in(text, output.total) {
        Some(byte) if byte >= output.total => output.to_end(),
        Some(byte) => output.go_to(byte),
        None => app.refuse("a place in it is said like this: 50 %, or 3.1 GB"),
    }
}

/// The byte that is meant in a file of `total` bytes, to the nearest line. `None`: it says no place.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "to the nearest line; a number that is too large is the end"
)]
fn place_in(text: &str, total: u64) -> Option<u64> {
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let digits = bare.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(bare.len());
    let (number, unit) = bare.split_at(digits);
    let number: f64 = number.parse().ok()?;
    if matches!(unit, "" | "%") {
        return (number <= 100.0).then(|| (total as f64 * number / 100.0) as u64);
    }
    // As people type it: `3.1gb`, `3G`.
    let unit = unit.to_uppercase().replace('I', "i");
    let unit = if unit.ends_with('B') { unit } else { format!("{unit}B") };
    let unit = parse_size(&format!("1{unit}")).ok()?;
    Some((number * unit as f64) as u64)
}

/// Asks before the screen's lines go to the terminal's clipboard.
fn copy(app: &mut App) {
    let (width, height) = app.seen.output;
    let Some(output) = &app.output else { return };
    let lines = output.lines_in(width, height);
    let (count, mut text) = (lines.len(), lines.join("\n"));
    text.push('\n');
    if BASE64.encode_len(text.len()) > MOST_COPIED {
        let (is, most) = (size_in_words(text.len() as u64), size_in_words(MOST_COPIED as u64 / 4 * 3));
        app.refuse(format!("{is} is too much for a terminal's clipboard, which takes {most}: S saves it"));
    } else if count == 0 {
        app.say("there is nothing to copy");
    } else {
        super::ask(app, Ask::Sure(Sure::Copy(Clip { lines: count, text })));
    }
}

/// It was said where to save it.
pub(super) fn save(app: &mut App, of: OutputFile, path: String) -> Vec<Action> {
    if app.saving.is_some() {
        app.refuse("another output is being saved: wait for it, or stop it with Esc");
        return Vec::new();
    }
    app.saving = Some(Saving::new(of, path.clone()));
    vec![Action::Save(Step::Create(path))]
}

/// The shell says what came of a step of saving.
pub(in crate::tui) fn saved(app: &mut App, word: Word) -> Vec<Action> {
    let Some(saving) = &mut app.saving else { return Vec::new() };
    match word {
        Word::Created(path) => {
            saving.path = path;
            next_part(app)
        }
        Word::Appended(bytes) => {
            saving.done += bytes;
            if saving.total.is_some_and(|total| saving.done >= total) {
                return vec![Action::Save(Step::Finish)];
            }
            next_part(app)
        }
        Word::Exists => {
            let Some(saving) = app.saving.take() else { return Vec::new() };
            let note = "there is a file of that name, and nothing is overwritten: type another name";
            if matches!(app.mode, Mode::Plain) {
                let mut prompt = Prompt::new(Ask::SaveTo(saving.of));
                prompt.field.insert_str(&saving.path);
                prompt.note = Some(note.to_owned());
                app.mode = Mode::Prompt(Box::new(prompt));
            } else {
                app.refuse(format!("{}: {note}", plain(&saving.path)));
            }
            Vec::new()
        }
        Word::Finished(path) => {
            let size = size_in_words(saving.done);
            app.saving = None;
            app.say(format!(
                "saved {size} into {}: every byte as the command wrote it, control sequences too",
                plain(&path)
            ));
            Vec::new()
        }
        Word::Failed(why) => {
            app.saving = None;
            app.refuse(format!("not saved: {}", plain(&why)));
            Vec::new()
        }
    }
}

/// A part that is to be saved came.
pub(in crate::tui) fn part_to_save(app: &mut App, id: u64, total: u64, data: Vec<u8>) -> Vec<Action> {
    let Some(saving) = app.saving.as_mut().filter(|saving| saving.awaited == Some(id)) else {
        return Vec::new();
    };
    saving.awaited = None;
    // What is written from here on is no part of it: an output that never ends can be saved, too.
    let all = *saving.total.get_or_insert(total);
    let left = usize::try_from(all.saturating_sub(saving.done)).unwrap_or(usize::MAX);
    if data.is_empty() || left == 0 {
        return vec![Action::Save(Step::Finish)];
    }
    let mut data = data;
    data.truncate(left);
    vec![Action::Save(Step::Append(data))]
}

fn next_part(app: &mut App) -> Vec<Action> {
    let id = app.new_id(Pending::Save);
    let Some(saving) = &mut app.saving else { return Vec::new() };
    saving.awaited = Some(id);
    vec![Action::Send(ToHost::ReadOutput { id, of: saving.of.clone(), from: saving.done, len: PART })]
}

/// What was asked for was forgotten on the way: a saving goes on where it is.
pub(in crate::tui) fn go_on(app: &mut App) -> Vec<Action> {
    if app.saving.as_ref().is_some_and(|saving| saving.awaited.is_some()) {
        next_part(app)
    } else {
        Vec::new()
    }
}

/// The connection is lost: what the host was to do for an output is not done.
pub(in crate::tui) fn lost(app: &mut App) -> Vec<Action> {
    if let Some(find) = app.find.as_mut().filter(|find| find.looking().is_some()) {
        find.stage = Stage::Stopped;
    }
    if app.saving.take().is_some() {
        app.refuse("the connection was lost: nothing was saved, what there was of the file is removed");
        return vec![Action::Save(Step::Drop)];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_understood_as_people_type_it() {
        let said = |text| place_in(text, 10_000_000_000);
        for (text, byte) in [
            ("50", 5_000_000_000),
            ("12.5 %", 1_250_000_000),
            ("0", 0),
            ("3.1 GB", 3_100_000_000),
            ("3.1gb", 3_100_000_000),
            ("3 G", 3_000_000_000),
            (".5 kB", 500),
            ("1 MiB", 1 << 20),
            ("812 B", 812),
            ("99 PB", 99_000_000_000_000_000),
        ] {
            assert_eq!(said(text), Some(byte), "{text}");
        }
        for text in
            ["", "%", "101", "101 %", "-1", "nan", "inf", "1e1", "1.2.3 GB", "GB", ".", "3 lines", "3,1 GB"]
        {
            assert_eq!(said(text), None, "{text}");
        }
    }
}
