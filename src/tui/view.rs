//! The picture: a function of what the screen knows and the time, drawn into a buffer. PURE.
//!
//! One file for each area. Only what fits into the window is made, however long the walk or the output is.

pub mod approval;
pub mod detail;
pub mod footer;
pub mod gate;
pub mod header;
pub mod help;
pub mod highlight;
pub mod log;
pub mod markdown;
pub mod memo;
pub mod output;
pub mod palette;
pub mod popup;
pub mod pulse;
pub mod question;
pub mod script;
pub mod shape;
mod small;
pub mod steps;
pub mod terminal;
pub mod witness;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use ratatui::text::{Line, Span};

use crate::session::view::Order;
use crate::time::Moment;

use super::app::App;
use super::follow;
use super::keys::{self, Verb};
use super::mode::{Mode, Screen};
use super::mouse::Hit;
use super::reading::Sighted;
use super::theme::{Tone, style};

/// Below this many columns nothing can be shown that one could act on.
pub const MIN_WIDTH: u16 = 40;

/// Below this many rows nothing can be shown that one could act on.
pub const MIN_HEIGHT: u16 = 12;

/// From this many rows on there is one for who is here, and how others join.
const ROOMY: u16 = 16;

/// From this many columns on the steps stand beside the step.
const WIDE: u16 = 100;

/// Text is not set wider than this, columns.
const READABLE: u16 = 110;

/// What a picture had room for: what scrolling needs to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Rows of the list of steps.
    pub list_height: usize,
    /// Rows that all that is said about the step takes.
    pub detail_rows: usize,
    /// Rows there were for it.
    pub detail_height: usize,
    /// Columns and rows of the output.
    pub output: (usize, usize),
    /// Columns and rows of the output beside it.
    pub beside: (usize, usize),
    /// Rows of the journal.
    pub log_height: usize,
    /// Rows that all of the popup takes.
    pub popup_rows: usize,
    /// Rows there were for it.
    pub popup_height: usize,
    /// What was shown of a text that must be read.
    pub bound: Option<Sighted>,
    /// What stood where, what lies on top last: what a click means.
    pub hits: Vec<(Rect, Hit)>,
    /// Where the cursor of a terminal that is typed into stands, column and row.
    pub cursor: Option<(u16, u16)>,
    /// Records that started what was late then.
    pub late: Vec<u64>,
}

/// What every area is drawn from.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) app: &'a App,
    pub(super) now: Moment,
    pub(super) order: Order,
    /// Whose box is drawn, where it is not this screen's own.
    pub(super) theirs: Option<&'a str>,
    /// It is a box: the keys of the walk come after the one that closes it.
    pub(super) boxed: bool,
}

impl View<'_> {
    /// A box's title, with whose it is.
    pub(super) fn titled(self, title: &str) -> String {
        self.theirs.map_or_else(|| title.to_owned(), |name| format!("{name} sees: {title}"))
    }

    /// A key of the walk, and what it does, from wherever this is drawn.
    pub(super) fn press(self, verb: Verb, words: impl Into<String>) -> Vec<Span<'static>> {
        let first = if self.boxed { "Esc, then " } else { "" };
        let words = format!(" {}", words.into());
        vec![Span::raw(first), shape::say(keys::shown_for(verb), Tone::Key), Span::raw(words)]
    }

    /// That a box is not to be answered here.
    pub(super) fn not_here(self) -> Option<String> {
        self.theirs.map(|name| format!("{name} types here; Esc looks away"))
    }
}

/// Draws the whole screen.
pub fn draw(app: &App, now: Moment, buffer: &mut Buffer) -> Seen {
    let area = buffer.area;
    let mut seen = Seen { late: pulse::late(app, now), ..Seen::default() };
    let view =
        View { app, now, order: crate::session::view::order(&app.session), theirs: None, boxed: false };
    if area.width < MIN_WIDTH || area.height < MIN_HEIGHT {
        small::draw(view, area, buffer);
    } else if let Mode::Terminal(typing) = &app.mode {
        terminal::draw(view, typing, area, buffer, &mut seen);
    } else {
        screen(view, area, buffer, &mut seen);
        popup(view, area, buffer, &mut seen);
    }
    app.theme.finish(buffer);
    seen
}

fn screen(view: View<'_>, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    let mut rest = area;
    let width = usize::from(area.width);
    write_rows(&[header::title(view, width)], cut_top(&mut rest, 1), buffer);
    let roomy = area.height >= ROOMY;
    if roomy {
        let people = header::people(view, width);
        write_rows(&people, cut_top(&mut rest, count(people.len())), buffer);
    }
    let banners = header::banners(view, usize::from(area.width));
    let most = if area.height < 20 { 2 } else { 4 };
    let banners = &banners[..banners.len().min(most)];
    write_rows(banners, cut_top(&mut rest, count(banners.len())), buffer);
    let rule = cut_top(&mut rest, 1);
    let foot = cut_bottom(&mut rest, 1);
    let notice = cut_bottom(&mut rest, footer::notice_height(view.app, area));
    let wide = area.width >= WIDE && matches!(view.app.screen, Screen::Walk);
    let alone = view.app.screen == Screen::Log;
    let rows = if alone { 0 } else { log::newest_rows(area.height, view.app.log.len()) };
    let log = cut_bottom(&mut rest, rows);
    let log_rule = cut_bottom(&mut rest, u16::from(rows > 0));
    let split = if wide { (area.width / 3).clamp(32, (area.width / 4).max(48)) } else { 0 };
    draw_rule(rule, if wide { Some((split, "┬")) } else { None }, buffer);
    if !roomy {
        let people = header::people_in_rule(view, width);
        let room = Rect { x: rule.x + 1, width: rule.width.saturating_sub(2), ..rule };
        write_line(&people, room.intersection(rule), buffer);
    }
    let joint = if wide { Some((split, "┴")) } else { None };
    draw_rule(log_rule, joint, buffer);
    draw_rule(notice, if log_rule.height == 0 { joint } else { None }, buffer);
    footer::notice(view, notice, buffer);
    footer::draw(view, foot, buffer, seen);
    log::newest(view, log, buffer);
    match view.app.screen {
        Screen::Walk if wide => {
            let left = Rect { width: split, ..rest };
            let right = Rect { x: rest.x + split + 1, width: rest.width - split - 1, ..rest };
            let bar = Rect { x: rest.x + split, width: 1, ..rest };
            for y in bar.top()..bar.bottom() {
                buffer[(bar.x, y)].set_symbol("│").set_style(style(Tone::Quiet));
            }
            steps::draw(view, left, buffer, seen);
            detail::draw(view, padded(right), buffer, seen);
        }
        Screen::Walk => detail::draw(view, padded(rest), buffer, seen),
        Screen::Steps => steps::draw(view, rest, buffer, seen),
        Screen::Output => {
            seen.hits.push((rest, Hit::Page));
            output::draw(view, rest, buffer, seen);
        }
        Screen::Log => {
            seen.hits.push((rest, Hit::Page));
            log::draw(view, rest, buffer, seen);
        }
    }
}

fn popup(view: View<'_>, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    // The footer below a popup says what its keys do.
    let foot = Rect { y: area.bottom() - 1, height: 1, ..area };
    let above = Rect { height: area.height - 1, ..area };
    let Some((name, mode)) = follow::theirs(view.app) else {
        on_top(view, &view.app.mode, above, foot, buffer, seen);
        return footer::said_over(view, foot, buffer);
    };
    // The keys stay this screen's own, and so does what it says; nothing in the box is clicked, or counts as read.
    let own = footer::notice_height(view.app, area);
    let above = Rect { height: above.height.saturating_sub(own), ..above };
    seen.hits.retain(|(_, hit)| matches!(hit, Hit::Key(_)));
    on_top(View { theirs: Some(&name), ..view }, &mode, above, foot, buffer, &mut Seen::default());
}

/// Does what lies on top leave something of the page beside it as it is?
fn is_small(mode: &Mode) -> bool {
    let in_a_row = matches!(mode, Mode::Prompt(prompt) if popup::in_a_row(&prompt.ask).is_some());
    in_a_row || matches!(mode, Mode::Plain | Mode::Search(_))
}

/// Does a box lie on top, this screen's own or one that is only looked at?
pub(super) fn is_covered(view: View<'_>) -> bool {
    follow::theirs(view.app).map_or_else(|| !is_small(&view.app.mode), |(_, mode)| !is_small(&mode))
}

fn on_top(view: View<'_>, mode: &Mode, mut area: Rect, foot: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    let view = View { boxed: true, ..view };
    let small = is_small(mode);
    if !small {
        // What is below steps back.
        let back = style(Tone::Quiet).fg(Color::Reset).bg(Color::Reset);
        buffer.set_style(area, back.remove_modifier(Modifier::BOLD | Modifier::REVERSED));
    }
    if !small {
        // A hold is seen whatever lies on top.
        let width = usize::from(area.width);
        for line in header::cut_off(view, width).into_iter().chain(header::held(view, width)) {
            let row = cut_top(&mut area, 1);
            clear(row, buffer);
            write_rows(&[line], row, buffer);
        }
    }
    match mode {
        Mode::Plain | Mode::Terminal(_) => {}
        Mode::Approval(reading) => {
            // Its keys stand in a row of their own making.
            seen.hits.retain(|(_, hit)| !matches!(hit, Hit::Key(_)));
            approval::draw(view, reading, area, foot, buffer, seen);
        }
        Mode::Join { scroll } => witness::join(view, *scroll, area, buffer, seen),
        Mode::Question(question) => question::draw(view, question, area, buffer, seen),
        Mode::Prompt(prompt) => popup::prompt(view, prompt, area, buffer, seen),
        Mode::Choose(choose) => popup::choose(view, choose, area, buffer, seen),
        Mode::Refused(refused) => popup::refused(view, refused, area, buffer, seen),
        Mode::Help { scroll } => help::draw(view, *scroll, area, buffer, seen),
        Mode::About { scroll } => help::about(view, *scroll, area, buffer, seen),
        Mode::Actions(list) => palette::draw(view, list, area, buffer, seen),
        Mode::Search(search) => popup::search(view, search, area, buffer),
    }
}

/// The row that the keys speak of: one colour throughout, but for what stands out already.
pub(super) fn select_row(row: Rect, buffer: &mut Buffer) {
    for x in row.left()..row.right() {
        let cell = &mut buffer[(x, row.y)];
        if !cell.modifier.contains(Modifier::REVERSED) {
            cell.set_fg(Color::Reset);
        }
    }
    buffer.set_style(row, style(Tone::Selected));
}

/// Takes away what lies in an area, its styles too: what is written on a style adds to it.
pub(super) fn clear(area: Rect, buffer: &mut Buffer) {
    for place in area.positions() {
        buffer[place].reset();
    }
}

/// Writes rows from the top of an area; what does not fit is left out.
pub(super) fn write_rows(rows: &[Line<'_>], area: Rect, buffer: &mut Buffer) {
    for (row, y) in rows.iter().zip(area.top()..area.bottom()) {
        write_line(row, Rect { y, height: 1, ..area }, buffer);
    }
}

/// Writes one row over what lies there: nothing of that shines through, neither a colour nor a weight.
pub(super) fn write_line(row: &Line<'_>, area: Rect, buffer: &mut Buffer) {
    let width = count(shape::line_columns(row)).min(area.width);
    clear(Rect { width, height: 1, ..area }, buffer);
    buffer.set_line(area.x, area.y, row, width);
}

/// The keys that scroll a popup, as its edge shows them.
pub(super) const ARROWS: (&str, &str) = ("↑", "↓");

/// Writes as many rows as fit, from `scroll` on; where some are left out, the first or last one says so.
/// `keys` are those that scroll, up and down.
pub(super) fn write_scrolled(
    rows: &[Line<'static>],
    scroll: usize,
    keys: (&str, &str),
    area: Rect,
    buffer: &mut Buffer,
) {
    let window = |from: usize, most: usize| rows.iter().skip(from).take(most).cloned().collect();
    write_window(rows.len(), window, scroll, keys, area, buffer);
}

/// As [`write_scrolled`], of `all` rows, of which `window` makes those from one on, and at most so many.
pub(super) fn write_window(
    all: usize,
    window: impl Fn(usize, usize) -> Vec<Line<'static>>,
    scroll: usize,
    keys: (&str, &str),
    area: Rect,
    buffer: &mut Buffer,
) {
    let height = usize::from(area.height);
    let most = all.saturating_sub(height);
    let scroll = scroll.min(most);
    let mut rows = window(scroll, height);
    let mut mark = |text: String, at: usize| {
        let Some(row) = rows.get_mut(at) else { return };
        let mark = shape::fit_line(
            Line::from(shape::say(format!(" {text} "), Tone::Selected)),
            usize::from(area.width),
        );
        // What it would cover ends before it, with a mark that it was cut.
        *row = shape::between(std::mem::take(row), mark, usize::from(area.width));
    };
    if height > 0 && scroll > 0 {
        mark(format!("{} {scroll} more", keys.0), 0);
    }
    if height > 1 && scroll < most {
        mark(format!("{} {} more", keys.1, most - scroll), height - 1);
    }
    write_rows(&rows, area, buffer);
}

/// As wide as the eye finds the next line's beginning.
fn readable(area: Rect) -> Rect {
    Rect { width: area.width.min(READABLE), ..area }
}

/// A column of air on both sides.
fn padded(area: Rect) -> Rect {
    Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area }
}

fn cut_top(rest: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(rest.height);
    let top = Rect { height: rows, ..*rest };
    rest.y += rows;
    rest.height -= rows;
    top
}

fn cut_bottom(rest: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(rest.height);
    rest.height -= rows;
    Rect { y: rest.bottom(), height: rows, ..*rest }
}

fn draw_rule(area: Rect, joint: Option<(u16, &str)>, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    clear(area, buffer);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            buffer[(x, y)].set_symbol("─").set_style(style(Tone::Quiet));
        }
    }
    if let Some((x, symbol)) = joint {
        buffer[(area.x + x, area.y)].set_symbol(symbol);
    }
}

/// A number of rows or columns as the screen counts them.
pub(super) fn count(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}
