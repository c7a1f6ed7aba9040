//! A picture of the screen for people who read about it: an SVG made from the very cells that a terminal would get.

use std::fmt::Write as _;
use std::path::Path;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::style::{Color, Modifier};

use crate::session::bench::sam;
use crate::wire::messages::Role;

use super::fixture::Scene;
use super::view::shape::columns;

const CELL: (usize, usize) = (9, 19);
const GROUND: &str = "#14181f";
const INK: &str = "#d7dce4";

#[test]
fn the_pictures_in_the_documentation_are_of_this_screen() {
    let shut = Scene::shut().sized(110, 34);
    same("screen-walk.svg", shut, |_| {});
    same("screen-question.svg", Scene::open().sized(110, 34), |scene| scene.key(KeyCode::Enter));
    let asked = Scene::asked("true").seen_by(&sam(), Role::Witness).sized(110, 46);
    same("screen-approval.svg", asked, |scene| scene.keys("aG"));
    same("screen-two-people.svg", Scene::asked("true").sized(110, 34), |_| {});
    same("screen-hold.svg", Scene::open().sized(110, 34), |scene| {
        scene.key(KeyCode::Enter);
        scene.ctrl('x');
    });
}

/// The file must be what would be drawn now. Run with `UPDATE_PICTURES=1` after a change that was looked at.
fn same(name: &str, mut scene: Scene, keys: impl Fn(&mut Scene)) {
    scene.draw();
    keys(&mut scene);
    scene.draw();
    let now = svg(&scene.draw());
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

fn svg(buffer: &Buffer) -> String {
    let (columns_of, rows) = (usize::from(buffer.area.width), usize::from(buffer.area.height));
    let (width, height) = (columns_of * CELL.0 + 24, rows * CELL.1 + 24);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"ui-monospace, \
         SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"15\">\n\
         <title>onbelay: a hold point that stays shut until its checks hold</title>\n\
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
    ink: &'static str,
    ground: Option<&'static str>,
    bold: bool,
    dim: bool,
}

fn look(cell: &ratatui::buffer::Cell) -> Look {
    let modifier = cell.modifier;
    let ink = match cell.fg {
        Color::Red => "#f0716b",
        Color::Green => "#7fc98f",
        Color::Magenta => "#d79be8",
        Color::Cyan => "#6fc3d6",
        Color::Blue => "#7aa7f5",
        _ => INK,
    };
    let reversed = modifier.contains(Modifier::REVERSED);
    Look {
        ink: if reversed { GROUND } else { ink },
        ground: reversed.then_some(ink),
        bold: modifier.contains(Modifier::BOLD),
        dim: modifier.contains(Modifier::DIM),
    }
}

fn run(out: &mut String, x: usize, y: usize, cells: usize, text: &str, look: &Look) {
    let (left, top) = (12 + x * CELL.0, 12 + y * CELL.1);
    let width = cells * CELL.0;
    if let Some(ground) = look.ground {
        let _ = writeln!(
            out,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{}\" fill=\"{ground}\"/>",
            CELL.1
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let weight = if look.bold { " font-weight=\"bold\"" } else { "" };
    let dim = if look.dim { " opacity=\"0.6\"" } else { "" };
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        out,
        "<text x=\"{left}\" y=\"{}\" textLength=\"{width}\" fill=\"{}\"{weight}{dim} xml:space=\"preserve\">{text}</text>",
        top + 15,
        look.ink
    );
}
