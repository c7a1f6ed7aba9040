//! A mode, looked at: snapshots with their styles at three sizes, and a picture for people in `docs/screens`, an SVG
//! made from the very cells that a terminal would get. Whoever changes a screen sees in review what it looks like.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::style::{Color, Modifier};

use crate::session::bench::sam;
use crate::wire::messages::Role;

use super::fixture::{Scene, styled};
use super::view::shape::columns;

/// Columns and rows of the snapshots.
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 12)];

/// Columns and rows of the picture.
const PICTURE: (u16, u16) = (100, 30);

/// Compares a mode with what it looked like, at every size and as a picture; what was on screen is drawn once before,
/// as in life.
pub(super) fn check(name: &str, scene: impl Fn() -> Scene, keys: impl Fn(&mut Scene)) {
    let shown = |(width, height)| {
        let mut scene = scene().sized(width, height);
        keys(&mut scene);
        scene.draw();
        scene.draw()
    };
    for (width, height) in SIZES {
        let picture = shown((width, height));
        nothing_shines_through(name, &picture);
        let picture = styled(&picture);
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "snapshots" }, {
            insta::assert_snapshot!(format!("{name}-{width}x{height}"), picture);
        });
    }
    let picture = shown(PICTURE);
    nothing_shines_through(name, &picture);
    same(&format!("screens/{name}.svg"), name, &picture);
}

/// Nothing shines through from what was drawn there before. In the row of the keys a word has one weight; what is said on
/// an edge is as strong as it was meant, and so is a badge: neither is dim but where all of it is quiet.
fn nothing_shines_through(name: &str, picture: &Buffer) {
    let bottom = picture.area.bottom() - 1;
    for y in picture.area.top()..=bottom {
        let cells: Vec<_> = (picture.area.left()..picture.area.right()).map(|x| &picture[(x, y)]).collect();
        let at = |symbol: &str| cells.iter().position(|cell| cell.symbol() == symbol);
        let edge = match (at("┌"), at("┐")) {
            (Some(left), Some(right)) => left..right,
            _ if cells[0].symbol() == "─" => 0..cells.len(),
            _ => 0..0,
        };
        // A badge stands in reverse at the end of its row, and says that there is more.
        let reversed = |at: &usize| cells[*at].modifier.contains(Modifier::REVERSED);
        let mut badge: Vec<usize> =
            (0..cells.len()).rev().skip_while(|at| !reversed(at)).take_while(reversed).collect();
        badge.reverse();
        let text: String = badge.iter().map(|at| cells[*at].symbol()).collect();
        let badge = if text.ends_with(" more ") { badge } else { Vec::new() };
        for (x, cell) in cells.iter().enumerate().filter(|(_, cell)| cell.modifier.contains(Modifier::DIM)) {
            let strong =
                cell.modifier.intersects(Modifier::BOLD | Modifier::REVERSED) || cell.fg != Color::Reset;
            let loud = badge.contains(&x) || edge.contains(&x) && strong;
            assert!(!loud, "{name}: {} at {x}, {y} is loud and dim", cell.symbol());
        }
        for pair in cells.windows(2).filter(|_| y == bottom) {
            if let [one, other] = pair
                && one.symbol() != " "
                && other.symbol() != " "
            {
                let both = (one.symbol(), other.symbol());
                assert_eq!(one.modifier, other.modifier, "{name}: {both:?} in its last row");
            }
        }
    }
}

/// Every mode has its picture, and there is none of a mode that is gone.
#[test]
fn there_is_a_picture_of_every_mode_and_of_nothing_else() {
    let names = |dir: PathBuf, end: &str| -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(dir)
            .expect("is there")
            .filter_map(|entry| entry.expect("reads").file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(end).map(str::to_owned))
            .collect();
        names.sort();
        names
    };
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let modes = names(here.join("src/tui/snapshots"), "-80x24.snap");
    assert_eq!(names(here.join("docs/screens"), ".svg"), modes);
    let page = std::fs::read_to_string(here.join("docs/ui.md")).expect("reads");
    for mode in &modes {
        assert!(page.contains(&format!("(screens/{mode}.svg)")), "docs/ui.md does not show {mode}");
    }
}

const CELL: (usize, usize) = (9, 19);
const GROUND: &str = "#14181f";
const INK: &str = "#d7dce4";

#[test]
fn the_pictures_in_the_documentation_are_of_this_screen() {
    let shut = Scene::shut().sized(110, 34);
    told("screen-walk.svg", shut, |_| {});
    told("screen-question.svg", Scene::open().sized(110, 34), |scene| scene.key(KeyCode::Enter));
    let asked = Scene::asked("true").seen_by(&sam(), Role::Witness).sized(110, 46);
    told("screen-approval.svg", asked, |scene| scene.keys("aG"));
    told("screen-two-people.svg", Scene::asked("true").sized(110, 34), |_| {});
    told("screen-hold.svg", Scene::open().sized(110, 34), |scene| {
        scene.key(KeyCode::Enter);
        scene.ctrl('x');
    });
}

fn told(name: &str, mut scene: Scene, keys: impl Fn(&mut Scene)) {
    scene.draw();
    keys(&mut scene);
    scene.draw();
    same(name, "a hold point that stays shut until its checks hold", &scene.draw());
}

/// The file must be what would be drawn now. Run with `UPDATE_PICTURES=1` after a change that was looked at.
fn same(name: &str, title: &str, buffer: &Buffer) {
    let now = svg(buffer, title);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        std::fs::write(&path, &now).expect("writes");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == now,
        "docs/{name} is not of this screen: run the tests with UPDATE_PICTURES=1, and look at it"
    );
}

fn svg(buffer: &Buffer, title: &str) -> String {
    let (columns_of, rows) = (usize::from(buffer.area.width), usize::from(buffer.area.height));
    let (width, height) = (columns_of * CELL.0 + 24, rows * CELL.1 + 24);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"ui-monospace, \
         SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"15\">\n\
         <title>onbelay: {title}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"10\" fill=\"{GROUND}\"/>\n"
    );
    for (y, cells) in buffer.content.chunks(columns_of).enumerate() {
        let mut x = 0;
        while x < cells.len() {
            let style = look(&cells[x]);
            let mut end = x;
            let mut text = String::new();
            while end < cells.len() && look(&cells[end]) == style {
                text.push_str(cells[end].symbol());
                end += columns(cells[end].symbol()).max(1);
            }
            run(&mut out, x, y, end - x, &text, &style);
            x = end;
        }
    }
    out.push_str("</svg>\n");
    out
}

#[derive(PartialEq)]
struct Look {
    ink: Cow<'static, str>,
    ground: Option<Cow<'static, str>>,
    modifier: Modifier,
}

fn look(cell: &ratatui::buffer::Cell) -> Look {
    let ink = shade(cell.fg).unwrap_or(Cow::Borrowed(INK));
    let ground = shade(cell.bg);
    let modifier = cell.modifier;
    if modifier.contains(Modifier::REVERSED) {
        return Look { ink: ground.unwrap_or(Cow::Borrowed(GROUND)), ground: Some(ink), modifier };
    }
    Look { ink, ground, modifier }
}

/// The colour as a browser knows it; `None`: the terminal's own.
fn shade(color: Color) -> Option<Cow<'static, str>> {
    let named = match color {
        Color::Reset => return None,
        Color::Rgb(red, green, blue) => return Some(format!("#{red:02x}{green:02x}{blue:02x}").into()),
        Color::Indexed(index @ 16..=231) => {
            let level = |part: u8| if part == 0 { 0 } else { 55 + 40 * part };
            let (red, green, blue) = ((index - 16) / 36, (index - 16) / 6 % 6, (index - 16) % 6);
            return shade(Color::Rgb(level(red), level(green), level(blue)));
        }
        Color::Indexed(index @ 232..) => {
            let grey = 8 + 10 * (index - 232);
            return shade(Color::Rgb(grey, grey, grey));
        }
        Color::Black | Color::Indexed(0) => "#2b313b",
        Color::Red | Color::Indexed(1) => "#f0716b",
        Color::Green | Color::Indexed(2) => "#7fc98f",
        Color::Yellow | Color::Indexed(3) => "#e0b566",
        Color::Blue | Color::Indexed(4) => "#7aa7f5",
        Color::Magenta | Color::Indexed(5) => "#d79be8",
        Color::Cyan | Color::Indexed(6) => "#6fc3d6",
        Color::Gray | Color::Indexed(7) => "#b4bcc8",
        Color::DarkGray | Color::Indexed(8) => "#7d8694",
        Color::LightRed | Color::Indexed(9) => "#ff9a94",
        Color::LightGreen | Color::Indexed(10) => "#a5e3b1",
        Color::LightYellow | Color::Indexed(11) => "#f5d491",
        Color::LightBlue | Color::Indexed(12) => "#a8c7ff",
        Color::LightMagenta | Color::Indexed(13) => "#eac2f5",
        Color::LightCyan | Color::Indexed(14) => "#a2e0ee",
        Color::White | Color::Indexed(15) => "#ffffff",
    };
    Some(Cow::Borrowed(named))
}

fn run(out: &mut String, x: usize, y: usize, cells: usize, text: &str, look: &Look) {
    let (left, top) = (12 + x * CELL.0, 12 + y * CELL.1);
    let width = cells * CELL.0;
    if let Some(ground) = &look.ground {
        let _ = writeln!(
            out,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{}\" fill=\"{ground}\"/>",
            CELL.1
        );
    }
    if text.trim().is_empty() && !look.modifier.contains(Modifier::UNDERLINED) {
        return;
    }
    let mut how = String::new();
    for (modifier, attribute) in [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::DIM, " opacity=\"0.6\""),
        (Modifier::ITALIC, " font-style=\"italic\""),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
        (Modifier::CROSSED_OUT, " text-decoration=\"line-through\""),
    ] {
        if look.modifier.contains(modifier) {
            how.push_str(attribute);
        }
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        out,
        "<text x=\"{left}\" y=\"{}\" textLength=\"{width}\" fill=\"{}\"{how} xml:space=\"preserve\">{text}</text>",
        top + 15,
        look.ink
    );
}
