//! What a second person is asked to approve, all of it: what is lost, where, what runs, what was checked, and then the
//! very text that is bound. PURE.
//!
//! Nothing here is ever cut: what is too wide goes on in the next row behind a mark, and two different texts never make
//! the same rows.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::session::approve::{Evidence, LIFETIME, Subject, caveat};
use crate::session::event::{How, Work};
use crate::session::view;
use crate::text::strange;
use crate::time::in_words;
use crate::tui::app::Link;
use crate::tui::approval::{Last, NO_CONNECTION, Part, Reading, WORD, dead, part};
use crate::tui::keys::{self, Verb};
use crate::tui::mode::Page;
use crate::tui::people;
use crate::tui::reading::{RowAt, Sighted};
use crate::tui::theme::Tone;

use super::highlight;
use super::popup::{field_rows, write_field};
use super::shape::{
    between, chop, columns, fit_line, hang, left_in_words, line_columns, plain, say, wrap, wrap_spans,
};
use super::{Seen, View, clear, count, cut_bottom, cut_top, draw_rule, footer, write_rows};

/// A longer script is not shown twice, but only in the text that is bound.
const SHORT: usize = 20;

/// What a line of a script begins with in the text that is bound; an empty one is this and a space.
const BAR: &str = "  |";

/// Draws it over the whole window; `area` ends above the keys, which are drawn here too.
pub(super) fn draw(
    look: View<'_>,
    reading: &Reading,
    area: Rect,
    foot: Rect,
    buffer: &mut Buffer,
    seen: &mut Seen,
) {
    clear(area, buffer);
    let width = usize::from(area.width);
    let mut rest = area;
    let head = cut_top(&mut rest, 1);
    let rule = cut_bottom(&mut rest, footer::notice_height(look.app, area));
    draw_rule(rule, None, buffer);
    footer::notice(look, rule, buffer);
    let over = over(look, reading);
    let pinned = pinned(look, reading, over.as_deref(), width);
    write_rows(&pinned, cut_top(&mut rest, count(pinned.len())), buffer);
    if let Some(last) = &reading.last {
        last_word(look, last, &mut rest, buffer);
    }
    let (rows, places): (Vec<Line<'static>>, Vec<Option<RowAt>>) =
        rows(look, reading, over.as_deref(), width).into_iter().unzip();
    let height = usize::from(rest.height);
    seen.popup_rows = rows.len();
    seen.popup_height = height;
    let most = rows.len().saturating_sub(height);
    let scroll = reading.scroll.min(most);
    // No mark of more may lie over the end of a row: it would hide what is bound.
    write_rows(&rows[scroll..], rest, buffer);
    let window = scroll..(scroll + height).min(rows.len());
    let left = reading.had.left(&places, &window);
    seen.bound = reading.subject.as_ref().map(|subject| Sighted {
        asked: subject.asked,
        rows: places[window].iter().flatten().copied().collect(),
        next: left.next,
        all: left.rows == 0,
    });
    let share = left.share();
    write_rows(&[title(look, reading, over.is_some(), share, width)], head, buffer);
    let read = (left.rows == 0, share);
    keys_row(look, reading, over.is_some(), read, scroll < most, foot, buffer);
}

/// Why nothing said to it counts.
fn over(look: View<'_>, reading: &Reading) -> Option<String> {
    if look.app.link != Link::Up {
        return Some(NO_CONNECTION.to_owned());
    }
    let subject = reading.subject.as_ref()?;
    match look.app.session.steps[reading.step].approval.as_deref() {
        None => Some("nothing is asked any more: it was started, or moved on".to_owned()),
        Some(round) if round.subject.asked != subject.asked => Some("it was asked anew".to_owned()),
        Some(_) => dead(look.app, reading.step, look.now).map(|why| plain(&why)),
    }
}

fn title(look: View<'_>, reading: &Reading, over: bool, share: usize, width: usize) -> Line<'static> {
    let name = plain(&view::step_name(&look.app.session, reading.step));
    let undo = reading.subject.as_ref().is_some_and(|subject| subject.work == Work::Undo);
    let what = if undo { format!("undo {name}") } else { name };
    let left = vec![say(" Approval ", Tone::Alarm), say(format!(" {what}"), Tone::Strong)];
    let round = look.app.session.steps[reading.step].approval.as_deref();
    let left_over = round.and_then(|round| round.at.age(look.now)).map(|age| LIFETIME.saturating_sub(age));
    let right = match (left_over, width >= 60) {
        // What is over serves for no time, however much of it there would be.
        _ if over && look.app.link == Link::Up => {
            let word = match round {
                Some(round)
                    if reading.subject.as_ref().is_some_and(|read| read.asked != round.subject.asked) =>
                {
                    "asked anew"
                }
                Some(round) if round.refused.is_some() => "refused",
                Some(_) if left_over.is_none_or(|time| time.is_zero()) => "expired",
                Some(_) => "void",
                None => "over",
            };
            format!("{share} % read · {word} ")
        }
        (Some(time), true) => format!("{share} % read · serves for {} more ", left_in_words(time)),
        (Some(time), false) => format!("{share} % · {} ", left_in_words(time)),
        _ => format!("{share} % read "),
    };
    between(Line::from(left), Line::from(say(right, Tone::Quiet)), width)
}

/// What must be in sight wherever one reads: that it changed, or is over. The whole of it stands on top of the text.
fn pinned(look: View<'_>, reading: &Reading, over: Option<&str>, width: usize) -> Vec<Line<'static>> {
    let text = match (&look.app.link, over, &reading.news) {
        (Link::Lost(why), ..) => format!("no connection: nothing said here counts until it is back ({why})"),
        (Link::Waiting(owner), ..) => {
            format!(
                "no connection: it comes back when {owner} attaches. What runs goes on; nothing said here counts"
            )
        }
        (Link::Gone(why), ..) => format!("no connection: Esc, q, and attach again ({why})"),
        (Link::Up, Some(over), _) => over.to_owned(),
        (Link::Up, None, Some(news)) => plain(news),
        (Link::Up, None, None) => return Vec::new(),
    };
    let rows = wrap(&text, width.saturating_sub(2));
    let more = rows.len() > 2;
    rows.into_iter()
        .take(2)
        .enumerate()
        .map(|(i, row)| {
            let row = if more && i == 1 { format!("{row} … (the rest: Home)") } else { row };
            fit_line(Line::from(vec![Span::raw(" "), say(row, Tone::Alarm)]), width)
        })
        .collect()
}

/// Everything, in rows, each with what of the content stands in it.
fn rows(
    look: View<'_>,
    reading: &Reading,
    over: Option<&str>,
    width: usize,
) -> Vec<(Line<'static>, Option<RowAt>)> {
    let unicode = look.app.theme.unicode;
    let mut rows: Vec<(Line<'static>, Option<RowAt>)> = Vec::new();
    for text in over.map(str::to_owned).into_iter().chain(reading.news.as_deref().map(plain)) {
        rows.extend(wrap(&text, width).into_iter().map(|row| (Line::from(say(row, Tone::Alarm)), None)));
    }
    let Some(subject) = &reading.subject else {
        let text = "Nothing is asked yet. It is being asked for now.";
        rows.extend(wrap(text, width).into_iter().map(|row| (Line::raw(row), None)));
        return rows;
    };
    let mut piece = 0;
    // A piece of the content in as many rows as this window's width takes.
    let mut part = |lines: Vec<Line<'static>>| {
        let fitted: Vec<Line<'static>> = lines
            .into_iter()
            .flat_map(
                |row| if line_columns(&row) > width { wrap_spans(&row.spans, width) } else { vec![row] },
            )
            .collect();
        let of = u32::try_from(fitted.len()).unwrap_or(u32::MAX);
        rows.extend((0..).zip(fitted).map(|(row, line)| (line, Some(RowAt { piece, row, of }))));
        piece += 1;
    };
    let titled = |title: &str, lines: Vec<Line<'static>>, first: bool| {
        let air = (!first).then(Line::default);
        air.into_iter().chain([Line::from(say(title.to_owned(), Tone::Strong))]).chain(lines).collect()
    };
    part(titled(
        "What will be lost",
        lost(subject, width, unicode),
        over.is_none() && reading.news.is_none(),
    ));
    part(titled("Where", place(subject, width, unicode), false));
    part(titled("What runs", runs(look, subject, width, unicode), false));
    part(titled("What was checked", checked(look, subject, width, unicode), false));
    part(titled("You", you(look, reading, subject, width), false));
    let bound = format!("All that an approval binds (sha256 {})", subject.text_digest());
    part(titled(&bound, Vec::new(), false));
    for line in subject.text().lines() {
        part(exact_rows(line, width, Tone::Plain, unicode));
    }
    part(vec![Line::from(say("That is all of it.", Tone::Strong))]);
    rows
}

fn lost(subject: &Subject, width: usize, unicode: bool) -> Vec<Line<'static>> {
    if subject.loses.is_empty() {
        return wrap("Nothing is said about what is lost.", width).into_iter().map(Line::raw).collect();
    }
    subject.loses.split('\n').flat_map(|line| exact_rows(line, width, Tone::Warn, unicode)).collect()
}

fn place(subject: &Subject, width: usize, unicode: bool) -> Vec<Line<'static>> {
    let user = subject.user.uid.map_or_else(String::new, |uid| format!(" (uid {uid})"));
    [
        format!("machine    {}", subject.machine),
        format!("as user    {}{user}", subject.user.name),
        format!("directory  {}", subject.dir),
    ]
    .iter()
    .flat_map(|line| exact_rows(line, width, Tone::Plain, unicode))
    .collect()
}

fn runs(look: View<'_>, subject: &Subject, width: usize, unicode: bool) -> Vec<Line<'static>> {
    let who = match subject.how {
        How::Script => "The tool runs this script:",
        How::Person => "A person does this, by hand:",
        How::ByHand => "A person does by hand what the script would.",
    };
    let mut rows: Vec<Line<'static>> = wrap(who, width).into_iter().map(Line::raw).collect();
    let body = subject.argv.last().map_or(subject.words.as_str(), String::as_str);
    let lines: Vec<&str> = body.split('\n').collect();
    let long = lines.len() > SHORT || body.len() > SHORT * 80;
    if long {
        let text = format!("It has {} lines and {} bytes; all of it stands below.", lines.len(), body.len());
        rows.extend(wrap(&text, width).into_iter().map(Line::raw));
    } else if !body.is_empty() {
        let shell = !subject.argv.is_empty() && highlight::knows(&subject.argv);
        rows.extend(script_rows(&lines, shell, width, unicode));
    }
    for (name, value) in &subject.values {
        rows.extend(exact_rows(&format!("{name}={value}"), width, Tone::Plain, unicode));
    }
    for name in &subject.secrets {
        rows.extend(exact_rows(
            &format!("{name}=••• (a secret; nobody sees it)"),
            width,
            Tone::Plain,
            unicode,
        ));
    }
    if !subject.items.is_empty() {
        let items: Vec<&str> = subject.items.iter().map(|item| item.item.as_str()).collect();
        let text = format!("once for each of these {}: {}", items.len(), items.join(", "));
        rows.extend(exact_rows(&text, width, Tone::Plain, unicode));
    }
    rows.extend(strangers(subject, width));
    let session = &look.app.session;
    let unwatched =
        session.step_at(subject.step.as_str()).and_then(|at| view::unwatched(session, at, subject.work));
    rows.extend(unwatched.map(|text| wrap_spans(&[say(text, Tone::Warn)], width)).unwrap_or_default());
    rows
}

/// The lines of a script as [`exact_rows`] makes them, in colours; those change no character and no row.
pub(in crate::tui) fn script_rows(
    lines: &[&str],
    shell: bool,
    width: usize,
    unicode: bool,
) -> Vec<Line<'static>> {
    let rows = lines.iter().map(|line| exact_rows(line, width, Tone::Code, unicode));
    if !shell {
        return rows.flatten().collect();
    }
    let shown: Vec<String> = lines.iter().map(|line| exact(line, unicode)).collect();
    let painted = highlight::lines(&shown);
    rows.zip(painted)
        .flat_map(|(rows, spans)| {
            let mut styles =
                spans.into_iter().flat_map(|span| vec![span.style; span.content.chars().count()]);
            rows.into_iter().map(move |row| repainted(row, &mut styles)).collect::<Vec<_>>()
        })
        .collect()
}

/// A row of two spans, its edge and what stands in it, the second with a style for each character.
fn repainted(row: Line<'static>, styles: &mut impl Iterator<Item = Style>) -> Line<'static> {
    let Some((edge, text)) = row.spans.split_first() else { return row };
    let mut spans: Vec<Span<'static>> = Vec::new();
    for c in text.iter().flat_map(|span| span.content.chars()) {
        let style = styles.next().unwrap_or_default();
        match spans.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push(c),
            _ => spans.push(Span::styled(c.to_string(), style)),
        }
    }
    spans.insert(0, edge.clone());
    Line::from(spans)
}

/// Characters that look like others are named, so that an `ѕudo` is not taken for `sudo`.
fn strangers(subject: &Subject, width: usize) -> Vec<Line<'static>> {
    let values = subject.values.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    let items = subject.items.iter().map(|item| item.item.as_str());
    let texts = subject.argv.iter().map(String::as_str).chain([subject.dir.as_str()]).chain(values);
    let text = strange::names(texts.chain([subject.words.as_str()]).chain(items));
    text.map(|text| wrap_spans(&[say(text, Tone::Warn)], width)).unwrap_or_default()
}

fn checked(look: View<'_>, subject: &Subject, width: usize, unicode: bool) -> Vec<Line<'static>> {
    if subject.evidence.is_empty() {
        return wrap("It requires no checks.", width).into_iter().map(Line::raw).collect();
    }
    subject.evidence.iter().flat_map(|evidence| found(look, evidence, width, unicode)).collect()
}

fn found(look: View<'_>, evidence: &Evidence, width: usize, unicode: bool) -> Vec<Line<'static>> {
    let age = evidence.at.map_or_else(String::new, |at| {
        let age = look.now.at.millis().saturating_sub(at.millis());
        format!("{} ago", in_words(std::time::Duration::from_millis(u64::try_from(age).unwrap_or(0))))
    });
    let by = if evidence.automatic { "found" } else { "said by a person" };
    let left = vec![say("✓ ", Tone::Good), say(plain(evidence.check.as_str()), Tone::Strong)];
    let mut rows =
        vec![between(Line::from(left), Line::from(say(format!("{by} {age}"), Tone::Quiet)), width)];
    let indent = || vec![Span::raw("  ")];
    for (text, tone) in [(&evidence.title, Tone::Quiet), (&evidence.words, Tone::Plain)] {
        for line in text.split('\n') {
            let lines = exact_rows(line, width.saturating_sub(2), tone, unicode);
            rows.extend(lines.into_iter().flat_map(|row| hang(indent(), vec![row])));
        }
    }
    rows
}

/// What the reader can do, and what their word proves.
fn you(look: View<'_>, reading: &Reading, subject: &Subject, width: usize) -> Vec<Line<'static>> {
    let app = look.app;
    let operator = plain(&subject.operator.name);
    let mut texts = vec![(
        format!(
            "{operator} drives, and asks. It can be approved by {}.",
            people::who_can(&app.session, reading.step)
        ),
        Tone::Plain,
    )];
    let me = plain(&app.you.name);
    match part(app, reading.step) {
        Part::Approve => texts.push((
            format!(
                "You approve as {me}, {}. It covers this one start. It is void when anything below changes, at a hold, and when you leave before it starts.",
                people::known(&app.you, &subject.operator)
            ),
            Tone::Plain,
        )),
        Part::Here => texts.push((
            "Whoever reads this beside the operator types their name. Nobody can check who typed it: the log, every screen and every report say that it proves nothing.".to_owned(),
            Tone::Warn,
        )),
        Part::Sign => texts.extend(signing(look, reading)),
        Part::Given => {
            let until = subject.expires.clock();
            texts.push((
                format!("You approved it. That stands until {until} UTC. Leave this screen before it starts, and it is void."),
                Tone::Good,
            ));
        }
        Part::Look(why) => texts.push((format!("You only read it: {why}."), Tone::Quiet)),
    }
    let round = app.session.steps[reading.step].approval.as_deref();
    for given in round.iter().flat_map(|round| &round.given) {
        let name = people::names(&[given]);
        let age = given.at.age(look.now).map(in_words).unwrap_or_default();
        texts.push(match &given.void {
            None => (format!("✓ {name} approved it {age} ago: {}", people::proof(given)), Tone::Good),
            Some(why) => (format!("✗ {name}'s approval is void: {}", plain(why)), Tone::Bad),
        });
        if let Some(caveat) = caveat(given, &subject.operator) {
            texts.push((format!("  {caveat}"), Tone::Warn));
        }
    }
    texts.into_iter().flat_map(|(text, tone)| wrap_spans(&[say(text, tone)], width)).collect()
}

/// How a signature comes about, in lines that can be copied.
fn signing(look: View<'_>, reading: &Reading) -> Vec<(String, Tone)> {
    let session = look.app.join.rsplit("--witness ").next().unwrap_or_default();
    let step = look.app.step_id(reading.step);
    [
        ("It asks for a signature. At this machine:".to_owned(), Tone::Plain),
        (format!("onbelay approval show {session} {step} > approval.txt"), Tone::Code),
        ("Whoever approves it reads that text, and signs it with a key of theirs:".to_owned(), Tone::Plain),
        ("ssh-keygen -Y sign -n onbelay-approval -f KEY approval.txt".to_owned(), Tone::Code),
        ("Then, at this machine again:".to_owned(), Tone::Plain),
        (format!("onbelay approve {session} {step} --signature approval.txt.sig"), Tone::Code),
        ("This screen says when it came.".to_owned(), Tone::Plain),
    ]
    .into_iter()
    .collect()
}

/// One line of bound text, exactly: rows that no other line makes.
pub(in crate::tui) fn exact_rows(line: &str, width: usize, tone: Tone, unicode: bool) -> Vec<Line<'static>> {
    let room = width.saturating_sub(2).max(4);
    chop(&exact(line, unicode), room)
        .into_iter()
        .enumerate()
        .map(|(i, mut row)| {
            // A row that was broken at a space must not look like one that was broken before it.
            if row.ends_with(' ') && unicode {
                row.pop();
                row.push('␠');
            }
            let gutter = if i == 0 { "  " } else { "› " };
            Line::from(vec![say(gutter, Tone::Quiet), say(row, tone)])
        })
        .collect()
}

/// As the one cleaning shows it, and spaces at its end as marks; where there is only ASCII, all else by number.
///
/// An empty line of a script is its bar alone, which no other line looks like.
fn exact(line: &str, unicode: bool) -> String {
    if let Some(bar) = line.strip_suffix(' ').filter(|bar| *bar == BAR) {
        return bar.to_owned();
    }
    if line == BAR {
        return "  {U+007C}".to_owned();
    }
    let body = line.trim_end_matches(' ');
    let mut shown = if unicode || body.is_ascii() && !body.contains(|c: char| c.is_ascii_control()) {
        plain(body)
    } else {
        by_number(body)
    };
    shown.push_str(&"{U+0020}".repeat(line.len() - body.len()));
    shown
}

fn by_number(text: &str) -> String {
    let mut out = String::new();
    for (at, c) in text.char_indices() {
        let itself = (c.is_ascii_graphic() || c == ' ') && !text[at..].starts_with("{U+");
        if itself {
            out.push(c);
        } else {
            let _ = write!(out, "{{U+{:04X}}}", u32::from(c));
        }
    }
    out
}

fn last_word(look: View<'_>, last: &Last, rest: &mut Rect, buffer: &mut Buffer) {
    let width = usize::from(rest.width);
    let before = if last.name { "Second person, type your name:  " } else { "› " };
    let ask = if last.name {
        format!(
            "Not {}: whoever else read this. It is recorded as unproven.",
            plain(&look.app.session.operator.name)
        )
    } else {
        format!("Type  {WORD}  to approve:")
    };
    let ask: Vec<Line<'static>> = wrap_spans(&[say(ask, Tone::Warn)], width);
    let note = last.note.clone().map_or_else(
        || say("Empty line or Esc: not now, nothing is approved.", Tone::Quiet),
        |note| say(note, Tone::Bad),
    );
    let note = wrap_spans(&[note], width);
    let field_height = field_rows(before, &last.field, width);
    let mut bottom = cut_bottom(rest, count(1 + ask.len() + field_height + note.len()));
    draw_rule(cut_top(&mut bottom, 1), None, buffer);
    write_rows(&ask, cut_top(&mut bottom, count(ask.len())), buffer);
    write_field(before, &last.field, cut_top(&mut bottom, count(field_height)), buffer);
    write_rows(&note, bottom, buffer);
}

/// What can be done now, first whether it can be approved.
fn keys_row(
    look: View<'_>,
    reading: &Reading,
    over: bool,
    (all, share): (bool, usize),
    below: bool,
    foot: Rect,
    buffer: &mut Buffer,
) {
    if look.app.page() == Page::Approving {
        footer::draw(look, foot, buffer, &mut Seen::default());
        return;
    }
    let width = usize::from(foot.width);
    let mut spans = vec![Span::raw(" ")];
    let gap = if width < 60 { "  " } else { "   " };
    let key = |verb: Verb, word: &str, spans: &mut Vec<Span<'static>>| {
        let binding = keys::binding(Page::Approval, verb).or_else(|| keys::binding(Page::Walk, verb));
        let label = binding.map(|binding| keys::label(binding.keys[0])).unwrap_or_default();
        let more = [say(label, Tone::Key), say(format!(" {word}{gap}"), Tone::Plain)];
        let used: usize = spans.iter().chain(&more).map(|span| columns(&span.content)).sum();
        if used <= width + gap.len() {
            spans.extend(more);
        }
    };
    let part = part(look.app, reading.step);
    let may = matches!(part, Part::Approve | Part::Here);
    let read = all || reading.read.is_some();
    let narrow = width < 60;
    if look.app.link != Link::Up {
        spans.push(say(format!("no connection{gap}"), Tone::Alarm));
    } else if over {
        let word = if narrow { "void" } else { "it does not count" };
        spans.push(say(format!("{word}{gap}"), Tone::Bad));
        key(Verb::AskAgain, "ask anew", &mut spans);
    } else if may && read {
        key(Verb::Approve, "approve", &mut spans);
        key(Verb::Refuse, "refuse", &mut spans);
    } else if may {
        let words =
            if narrow { format!("{share} % read") } else { format!("{share} % read: read all of it first") };
        spans.push(say(format!("{words}{gap}"), Tone::Warn));
        key(Verb::Unread, if narrow { "unread" } else { "next unread" }, &mut spans);
    } else {
        let word = match part {
            Part::Given => "you approved it",
            Part::Sign if narrow => "by signature: PgDn to “You”",
            Part::Sign => "approved by signature only: how, see “You”",
            _ => "only to read",
        };
        spans.push(say(format!("{word}{gap}"), Tone::Quiet));
    }
    key(Verb::Back, if narrow { "no" } else { "not now" }, &mut spans);
    match footer::no_hold(look.app) {
        None => key(Verb::HoldNow, "hold", &mut spans),
        // It stands at the start of the row.
        Some(_) if look.app.link != Link::Up => {}
        Some(why) => spans.extend([say(why, Tone::Alarm), Span::raw(gap)]),
    }
    if matches!(part, Part::Approve | Part::Here | Part::Sign) && !(may && read && !over) {
        key(Verb::Refuse, "refuse", &mut spans);
    }
    if below {
        key(Verb::PageDown, "more", &mut spans);
        key(Verb::End, "end", &mut spans);
    }
    clear(foot, buffer);
    write_rows(&[fit_line(Line::from(spans), width)], foot, buffer);
}
