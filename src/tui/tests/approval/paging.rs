//! That every byte an approval binds can be read, at any size, and that no two texts look alike.

use super::*;

/// What is bound, as rows put together again by a reader who pages through it: one that goes on begins with a mark.
fn read_as_a_person(lines_of_script: usize, columns_of_line: usize, size: (u16, u16)) {
    let hostile = "a\u{202e}b\u{200b} ѕudo 日本語 {U+202E} \u{1b}[2J שלום עולם مرحبا 12  ";
    let script: Vec<String> = (0..lines_of_script).map(|n| format!("      line-{n:04}  \n")).collect();
    let script = script.concat();
    let wide = "日x y ".repeat(columns_of_line / 6);
    let runbook = format!(
        "params: {{ x: {{ about: any }} }}\nsteps:\n  - id: gone\n    title: Gone\n    destructive: All of it\n    witness: true\n    run: |\n{script}      echo {wide} \"$x\"\n"
    );
    let values = std::collections::BTreeMap::from([(
        crate::id::ValueName::new("x"),
        crate::runbook::Value::Text(hostile.to_owned()),
    )]);
    let mut bench = crate::session::bench::Bench::titled("Hostile", &runbook, values);
    let _ = bench.run("gone");
    let mut scene = Scene::of(bench).seen_by(&sam(), Role::Witness).sized(size.0, size.1);
    scene.keys("a");
    let Mode::Approval(reading) = &scene.app.mode else { panic!("{}", scene.text()) };
    let bound = reading.subject.as_ref().expect("is asked").text();
    let mut rows: Vec<String> = Vec::new();
    loop {
        let text = scene.text();
        let sight: Vec<&str> = text.lines().skip(1).take(scene.app.seen.popup_height).collect();
        let Mode::Approval(reading) = &scene.app.mode else { panic!("closed") };
        rows.truncate(reading.scroll);
        rows.extend(sight.iter().map(|row| (*row).to_owned()));
        if reading.read.is_some() {
            break;
        }
        scene.key(KeyCode::PageDown);
    }
    let mut lines: Vec<String> = Vec::new();
    for row in &rows {
        match (row.strip_prefix("› "), lines.last_mut()) {
            (Some(more), Some(line)) => line.push_str(&more.replace('␠', " ")),
            _ => lines.push(row.strip_prefix("  ").unwrap_or(row).replace('␠', " ")),
        }
    }
    let first = lines.iter().position(|line| line == "onbelay approval 1").expect("begins");
    let shown = lines[first..].iter();
    let wanted: Vec<String> = bound
        .lines()
        .map(|line| {
            let body = line.trim_end_matches(' ');
            let spaces = "{U+0020}".repeat(line.len() - body.len());
            let blank = line == "  | ";
            let shown = crate::tui::view::shape::plain(body);
            if blank { shown } else { format!("{shown}{spaces}") }
        })
        .collect();
    for (shown, wanted) in shown.zip(&wanted) {
        assert_eq!(shown, wanted, "at {size:?}");
    }
    assert!(lines.len() >= first + wanted.len(), "some of it is missing");
}

#[test]
fn a7_every_byte_that_is_bound_can_be_read_at_any_size() {
    read_as_a_person(30, 400, (40, 12));
    read_as_a_person(30, 10_000, (80, 24));
    read_as_a_person(5_000, 10_000, (41, 900));
}

#[test]
fn f_i3_two_texts_that_are_bound_never_make_the_same_rows() {
    let mut seen = std::collections::HashMap::new();
    let pieces = ["a", " ", "  ", "  |", "\u{301}", "é", "e\u{301}", "{U+0020}", "␠", "{U+007C}", "日"];
    for unicode in [true, false] {
        seen.clear();
        for (a, b, c, d) in (0..11usize.pow(4)).map(|n| (n % 11, n / 11 % 11, n / 121 % 11, n / 1331)) {
            let text = [pieces[a], pieces[b], pieces[c], pieces[d]].concat();
            let rows: Vec<String> =
                crate::tui::view::approval::exact_rows(&text, 6, crate::tui::theme::Tone::Plain, unicode)
                    .iter()
                    .map(|row| row.to_string().trim_end().to_owned())
                    .collect();
            if let Some(other) = seen.insert(rows.clone(), text.clone()) {
                assert_eq!(other, text, "{rows:?}");
            }
        }
    }
}

#[test]
fn colours_change_no_character_and_no_row() {
    use crate::tui::view::approval::{exact_rows, script_rows};
    let lines = [
        "if [ -d \"$vm\" ]; then rm -r -- \"$vm\"   ",
        "  |",
        "#日本 e\u{301}\u{202e} why \u{1b}[2J",
        "",
        "fi > /etc/x",
    ];
    for (width, unicode) in [(8, true), (40, true), (8, false), (40, false)] {
        let plain: Vec<_> = lines
            .iter()
            .flat_map(|line| exact_rows(line, width, crate::tui::theme::Tone::Code, unicode))
            .map(|row| row.to_string())
            .collect();
        let painted = script_rows(&lines, true, width, unicode);
        let shown: Vec<_> = painted.iter().map(ToString::to_string).collect();
        assert_eq!(shown, plain);
        assert!(painted[0].spans.len() > 2, "it has colours: {painted:?}");
    }
}
