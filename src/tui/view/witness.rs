//! The second person's word, as a gate, a question and a refusal show it; and how somebody joins. PURE.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::runbook::Proof;
use crate::session::approve::{caveat, standing};
use crate::session::event::Work;
use crate::session::state::{Approval, Round};
use crate::session::view;
use crate::session::{Kind, Requirement};
use crate::time::in_words;
use crate::tui::app::App;
use crate::tui::approval::{Part, dead, given_and_attached, is_open, never_starts, part, waits_for_me};
use crate::tui::keys::{self, Verb};
use crate::tui::mode::{Refused, Screen};
use crate::tui::people;
use crate::tui::theme::Tone;
use crate::wire::messages::Role;

use super::shape::{
    between, chop, columns, fit_line, hang, left_in_words, line_columns, plain, say, wrap, wrap_spans,
};
use super::{Seen, View, clear, cut_bottom, cut_top, draw_rule, write_line, write_rows};

/// The requirement of a second person: who said what, how they are known, and how long that stands.
pub(super) fn rows(look: View<'_>, place: usize, work: Work, width: usize) -> Vec<Line<'static>> {
    let app = look.app;
    let round = app.session.steps[place].approval.as_deref().filter(|round| round.subject.work == work);
    let stands = standing(&app.session, place, work, None, look.now);
    let left = stands.left.map(|left| format!("{} left", left_in_words(left)));
    if stands.met && !never_starts(app, place) {
        let counted: Vec<&Approval> =
            round.into_iter().flat_map(|r| &r.given).filter(|a| stands.approvals.contains(&a.n)).collect();
        let who: Vec<String> =
            counted.iter().map(|a| format!("{}, {}", people::names(&[a]), people::proof(a))).collect();
        let age = counted.iter().filter_map(|a| a.at.age(look.now)).max().map(in_words).unwrap_or_default();
        let words = format!("{}, this very command", who.join("; "));
        let age = if age == "0 s" { "just now".to_owned() } else { format!("{age} ago") };
        let right = format!("{age}, {}", left.unwrap_or_default());
        let mut rows = headed(("✓", Tone::Good), &words, Tone::Plain, &right, width);
        let caveats: Vec<&str> = counted.iter().filter_map(|a| caveat(a, &app.session.operator)).collect();
        for caveat in caveats {
            rows.extend(hang(
                vec![Span::raw("    ")],
                wrap_spans(&[say(caveat, Tone::Warn)], width.saturating_sub(4)),
            ));
        }
        return rows;
    }
    let waits = round.is_some_and(|_| dead(app, place, look.now).is_none());
    let (mark, tone) = if waits || round.is_none() { ("·", Tone::Quiet) } else { ("✗", Tone::Bad) };
    let asked =
        round.and_then(|round| round.at.age(look.now)).map(|age| format!("asked {} ago", in_words(age)));
    let right = match (waits, asked, left) {
        (true, Some(asked), Some(left)) => format!("{asked}, {left}"),
        (false, Some(asked), _) => asked,
        _ => String::new(),
    };
    let words_tone = if tone == Tone::Bad { Tone::Bad } else { Tone::Plain };
    let mut rows = headed((mark, tone), &plain(&stands.why), words_tone, &right, width);
    for given in round.into_iter().flat_map(|round| &round.given) {
        let (text, tone) = match &given.void {
            None => (format!("{} approved: {}", people::names(&[given]), people::proof(given)), Tone::Good),
            Some(why) => {
                (format!("{}'s approval is void: {}", people::names(&[given]), plain(why)), Tone::Quiet)
            }
        };
        rows.extend(hang(vec![Span::raw("    ")], wrap_spans(&[say(text, tone)], width.saturating_sub(4))));
    }
    for hint in next(look, place, round, waits) {
        rows.extend(hang(vec![Span::raw("    → ")], wrap_spans(&hint, width.saturating_sub(6))));
    }
    rows
}

/// `✓ witness  words        right`, on one row where there is room.
fn headed(
    (mark, tone): (&'static str, Tone),
    words: &str,
    words_tone: Tone,
    right: &str,
    width: usize,
) -> Vec<Line<'static>> {
    let head = vec![say(format!("  {mark} "), tone), say("witness", Tone::Strong)];
    let right = Line::from(say(right.to_owned(), Tone::Quiet));
    let taken = 4 + columns("witness  ") + columns(words) + 2 + line_columns(&right);
    if taken <= width {
        let mut left = head;
        left.extend([Span::raw("  "), say(words.to_owned(), words_tone)]);
        return vec![between(Line::from(left), right, width)];
    }
    let mut rows = if 4 + columns("witness  ") + line_columns(&right) <= width {
        vec![between(Line::from(head), right, width)]
    } else {
        let mut rows = vec![Line::from(head)];
        rows.extend(hang(vec![Span::raw("    ")], wrap_spans(&right.spans, width.saturating_sub(4))));
        rows
    };
    rows.extend(hang(
        vec![Span::raw("    ")],
        wrap_spans(&[say(words.to_owned(), words_tone)], width.saturating_sub(4)),
    ));
    rows
}

/// What to do next, for whoever looks.
fn next(look: View<'_>, place: usize, round: Option<&Round>, waits: bool) -> Vec<Vec<Span<'static>>> {
    let app = look.app;
    let drives = app.session.operator.same_account(&app.you);
    let part = part(app, place);
    match (waits, &part) {
        (true, Part::Approve) => {
            return vec![look.press(Verb::Attest, "reads it, and approves or refuses it")];
        }
        (true, Part::Here) => {
            return vec![look.press(Verb::Attest, "lets a second person read it here, and type their name")];
        }
        (true, Part::Sign) => {
            return vec![look.press(Verb::Approval, "shows the text, and how it is signed")];
        }
        (true, Part::Given) => return vec![vec![Span::raw("more people must approve it")]],
        _ => {}
    }
    if never_starts(app, place) {
        return vec![vec![
            Span::raw("you approved it, so you never start it: hand over to somebody else with  "),
            say(keys::shown_for(Verb::Handover), Tone::Key),
        ]];
    }
    if waits && by_account(app, place) && app.session.opened.share.is_none() {
        let owner = plain(&app.session.opened.operator.name);
        return vec![
            vec![Span::raw(people::who_can(&app.session, place))],
            vec![Span::raw(format!(
                "only {owner} and root can open this session: it was started without --share"
            ))],
        ];
    }
    if waits {
        let mut line = vec![Span::raw("give them:  "), say(app.join.clone(), Tone::Code)];
        line.extend([Span::raw("   "), say(keys::shown_for(Verb::Join), Tone::Key), Span::raw(" all ways")]);
        return vec![vec![Span::raw(people::who_can(&app.session, place))], line];
    }
    if !drives {
        return match round {
            Some(round) if round.refused.is_some() => {
                vec![vec![Span::raw(format!("{} must ask anew", plain(&app.session.operator.name)))]]
            }
            Some(_) if app.role == Role::Watch => {
                let operator = plain(&app.session.operator.name);
                vec![vec![Span::raw(format!("{operator} or a witness asks anew; this screen only watches"))]]
            }
            Some(_) => vec![look.press(Verb::Approval, "asks anew, and shows it")],
            None => Vec::new(),
        };
    }
    let again =
        if round.is_some() { "asks anew, once that is settled" } else { "asks for it, once all else is met" };
    vec![look.press(Verb::Run, again)]
}

/// Below a refusal that only people's words are missing from: who was asked, and how they get here.
pub(super) fn way_on(look: View<'_>, refused: &Refused, width: usize) -> Vec<Line<'static>> {
    let app = look.app;
    let Some(wanted) = refused.unmet.iter().find(|r| r.kind == Kind::Witness) else { return Vec::new() };
    let Some(place) = app.session.step_at(&wanted.id) else { return Vec::new() };
    let Some(round) = app.session.steps[place].approval.as_deref() else { return Vec::new() };
    let mut rows: Vec<Line<'static>> = Vec::new();
    let mut text = |spans: Vec<Span<'static>>| rows.extend(wrap_spans(&spans, width));
    let run = keys::shown_for(Verb::Run);
    if standing(&app.session, place, round.subject.work, None, look.now).met {
        let names = people::names(&round.given.iter().filter(|a| a.void.is_none()).collect::<Vec<_>>());
        text(vec![say(
            format!("✓ {names} approved it meanwhile. Close this; {run} then starts it."),
            Tone::Good,
        )]);
        return rows;
    }
    if let Some(why) = dead(app, place, look.now) {
        text(vec![say(format!("✗ {}", plain(&why)), Tone::Bad)]);
        text(vec![Span::raw(format!("{run} asks anew, once that is settled."))]);
        return rows;
    }
    let here = people::here(&app.session, &app.people);
    let others: Vec<String> = here
        .iter()
        .filter(|h| h.role == "witness" || h.role == "attached")
        .map(|h| format!("{} ({})", h.name, h.known))
        .collect();
    let asked = if others.is_empty() {
        "A second person is asked now, and nobody who could answer is here yet.".to_owned()
    } else {
        format!("The second person is asked now; {} can read it on their screen.", others.join(", "))
    };
    text(vec![say(asked, Tone::Strong)]);
    text(vec![Span::raw(format!("It can be approved by {}.", people::who_can(&app.session, place)))]);
    match part(app, place) {
        Part::Here => text(vec![
            Span::raw("Close this, then  "),
            say(keys::shown_for(Verb::Attest), Tone::Key),
            Span::raw("  lets them read it here."),
        ]),
        Part::Sign => text(vec![
            Span::raw("Close this, then  "),
            say(keys::shown_for(Verb::Approval), Tone::Key),
            Span::raw("  shows the text, and how it is signed."),
        ]),
        _ => {
            if let Some(alone) = unshared(app).filter(|_| by_account(app, place)) {
                text(vec![say(alone, Tone::Warn)]);
            } else {
                // Who only looks on has no key that approves, and is not told so by a line for somebody else.
                let only = |h: &&people::Here| h.role == "watching" && h.known == "another account";
                let watch: Vec<&str> = here.iter().filter(only).map(|h| h.name.as_str()).collect();
                let give = match watch.as_slice() {
                    [] if !others.is_empty() => "Somebody else joins with this line:".to_owned(),
                    [] => "Give them this line:".to_owned(),
                    [one] => format!("{one} only watches: they leave (q) and join with this line:"),
                    more => {
                        format!("{} only watch: they leave (q) and join with this line:", more.join(" and "))
                    }
                };
                text(vec![Span::raw(give)]);
                rows.extend(
                    chop(&plain(&app.join), width).into_iter().map(|row| Line::from(say(row, Tone::Code))),
                );
            }
            rows.extend(wrap_spans(&look.press(Verb::Join, "has every way to join."), width));
        }
    }
    rows.extend(
        wrap(
            &format!("This screen says when it is approved; {run} then starts it. Nothing starts by itself."),
            width,
        )
        .into_iter()
        .map(|row| Line::from(say(row, Tone::Quiet))),
    );
    rows
}

/// Lines above the walk about approvals: what waits for this person, what they gave, what came.
pub(super) fn banners(look: View<'_>) -> Vec<(Tone, String)> {
    let app = look.app;
    let name = |place: usize| plain(&view::step_name(&app.session, place));
    let mut texts = Vec::new();
    let operator = plain(&app.session.operator.name);
    if let Some(place) = waits_for_me(app).filter(|place| is_open(app, *place, look.now)) {
        let key = keys::shown_for(Verb::Attest);
        texts.push(match part(app, place) {
            Part::Here => (
                Tone::Ready,
                format!("{} waits for a second person: {key} lets them read it here", name(place)),
            ),
            _ => (Tone::Alarm, format!("{operator} asks you to approve {} · {key} to read it", name(place))),
        });
    }
    if let Some(place) = given_and_attached(app) {
        texts.push((
            Tone::Good,
            format!("you approved {}: leaving this screen before it starts voids that", name(place)),
        ));
    }
    if app.session.operator.same_account(&app.you) {
        for place in 0..app.session.steps.len() {
            let Some(round) = app.session.steps[place].approval.as_deref() else { continue };
            let stands = standing(&app.session, place, round.subject.work, None, look.now);
            if let (true, Some(left)) = (stands.met, stands.left) {
                let by = plain(&stands.names.join(" and "));
                let key =
                    keys::shown_for(if round.subject.work == Work::Run { Verb::Run } else { Verb::Undo });
                let key = if app.screen == Screen::Walk { key } else { format!("back at the step, {key}") };
                texts.push((
                    Tone::Good,
                    format!("{by} approved {}: {key} starts it, {} left", name(place), left_in_words(left)),
                ));
            }
        }
    }
    texts
}

/// Every way to join, in lines that a terminal can copy: nothing else stands in their rows.
pub(super) fn join(look: View<'_>, scroll: usize, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    let width = usize::from(area.width);
    clear(area, buffer);
    let mut rest = area;
    let title = fit_line(Line::from(say(" How somebody joins", Tone::Strong)), width);
    write_rows(&[title], cut_top(&mut rest, 1), buffer);
    draw_rule(cut_top(&mut rest, 1), None, buffer);
    let bottom = cut_bottom(&mut rest, 1);
    draw_rule(bottom, None, buffer);
    let rows = join_rows(look.app, width);
    seen.popup_rows = rows.len();
    seen.popup_height = usize::from(rest.height);
    let most = rows.len().saturating_sub(usize::from(rest.height));
    let scroll = scroll.min(most);
    write_rows(&rows[scroll..], rest, buffer);
    if scroll < most {
        let more = say(format!(" ↓ {} more ", most - scroll), Tone::Selected);
        let room = Rect { x: bottom.x + 1, width: bottom.width.saturating_sub(1), ..bottom };
        write_line(&Line::from(more), room, buffer);
    }
}

fn join_rows(app: &App, width: usize) -> Vec<Line<'static>> {
    let line = plain(&app.join);
    let word = line.rsplit("--witness ").next().unwrap_or_default().to_owned();
    let witnessed = |place: &usize| app.session.runbook.steps[*place].witness.is_some();
    let steps = 0..app.session.steps.len();
    let places: Vec<usize> = steps.filter(witnessed).collect();
    let proof = |place: &usize| app.session.runbook.steps[*place].witness.as_ref().map(|rule| rule.proof);
    let signed = |place: &usize| matches!(proof(place), Some(Proof::Key | Proof::Here));
    let first = |wanted: &dyn Fn(&usize) -> bool| {
        [app.selected]
            .into_iter()
            .filter(|place| places.contains(place))
            .chain(places.iter().copied())
            .find(wanted)
    };
    // What the selected step asks for comes first; where no step asks for anything, what holds for any.
    let place = first(&|_| true);
    let by_key = first(&signed);
    let key_first = place.is_some_and(|place| proof(&place) == Some(Proof::Key));
    let mut rows: Vec<Line<'static>> = Vec::new();
    let mut part = |words: &str, lines: Vec<String>| {
        if !rows.is_empty() {
            rows.push(Line::default());
        }
        rows.extend(wrap(words, width).into_iter().map(Line::raw));
        for line in lines {
            rows.extend(chop(&line, width).into_iter().map(|row| Line::from(say(row, Tone::Code))));
        }
    };
    let signing = by_key.map(|place| {
        let step = app.step_id(place);
        vec![
            format!("onbelay approval show {word} {step} > approval.txt"),
            "ssh-keygen -Y sign -n onbelay-approval -f KEY approval.txt".to_owned(),
            format!("onbelay approve {word} {step} --signature approval.txt.sig"),
        ]
    });
    let by_signature = "To approve from another machine, with an SSH key that is allowed to sign: show it here, sign it there, bring the signature back.";
    if let (true, Some(lines)) = (key_first, &signing) {
        part(by_signature, lines.clone());
    }
    let accounts = places.is_empty() || places.iter().any(|place| proof(place) != Some(Proof::Key));
    let does =
        if accounts { "To approve, refuse, note and hold:" } else { "To read, refuse, note and hold:" };
    part(does, vec![line.clone()]);
    part("Only to look on (and to note and hold):", vec![line.replace("--witness", "--watch")]);
    if let (false, Some(lines)) = (key_first, signing) {
        part(by_signature, lines);
    }
    let who = match &app.session.opened.share {
        Some(group) => {
            format!("Members of the group {} can join, each logged in as themselves.", plain(&group.name))
        }
        None => format!(
            "{}{}",
            unshared(app).unwrap_or_default(),
            if by_key.is_some() { " A signature needs no account here." } else { "" }
        ),
    };
    part(&who, Vec::new());
    for place in places {
        let Some(proof) = proof(&place) else { continue };
        let step = app.step_id(place);
        let how = match proof {
            Proof::Account => "another account, not a signature",
            Proof::Key => "a signature, not an account",
            Proof::Here => "a name typed at the operator's terminal; an account or a signature is taken too",
        };
        part(&format!("`{step}` asks for {how}."), Vec::new());
    }
    rows
}

/// That a line to join leads nobody here but root.
fn unshared(app: &App) -> Option<String> {
    let opened = &app.session.opened;
    opened.share.is_none().then(|| {
        format!(
            "Only {} and root can open this session: it was started without --share GROUP, which opens it to a group's other accounts.",
            plain(&opened.operator.name)
        )
    })
}

/// Does nothing but another account count as the second person of the step at `place`?
fn by_account(app: &App, place: usize) -> bool {
    app.session.runbook.steps[place].witness.as_ref().is_some_and(|rule| rule.proof == Proof::Account)
}

/// The unmet second person of a refusal, as it was recorded.
#[must_use]
pub(super) fn only_people(unmet: &[Requirement]) -> bool {
    unmet.iter().any(|r| r.kind == Kind::Witness)
        && unmet.iter().all(|r| matches!(r.kind, Kind::Witness | Kind::Confirm))
}
