//! Themes: which one counts, what is said of a wrong one, and what reaches a terminal that shows few colours or none.

use crate::support::{Home, Screen};

const WALK: &str =
    "onbelay: 1\ntitle: Move the shop\nsteps:\n  - { id: wait, title: Look at the racks, about: Slowly. }\n";

fn raw(screen: &Screen) -> String {
    String::from_utf8_lossy(&screen.raw).into_owned()
}

/// Opens a screen on a fresh session, until it stands there.
fn walk(home: &Home, more: &[&str]) -> Screen {
    let file = home.write("runbook.yaml", WALK);
    let mut words = vec!["run", "--another", file.to_str().unwrap()];
    words.extend(more);
    let mut screen = Screen::open(home, &words, (24, 80));
    screen.wait_for("? keys");
    screen
}

fn leave(mut screen: Screen) {
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
}

#[test]
fn every_bundled_theme_is_printed_and_can_be_used_as_it_was_printed() {
    let home = Home::new();
    for name in ["default", "dark", "light", "high-contrast", "mono"] {
        let printed = home.call(&["theme", name]).expect(0).stdout;
        assert!(printed.contains("\nground: ") && printed.contains("\nselected: "), "{printed}");
        home.write("mine.yaml", &printed);
        assert_eq!(home.call(&["theme", "mine.yaml"]).expect(0).stdout, printed);
    }
    assert_eq!(home.call(&["theme"]).expect(0).stdout, home.call(&["theme", "default"]).expect(0).stdout);
}

#[test]
fn a_wrong_theme_on_the_command_line_is_exit_2_before_anything_is_started() {
    let home = Home::new();
    let file = home.write("runbook.yaml", WALK);
    home.write("bad.yaml", "good: green\nbda: red\n");
    for (named, says) in [
        ("drak", "did you mean dark?"),
        ("bad.yaml", "bad.yaml:2:1"),
        ("bad.yaml", "did you mean `bad`?"),
        ("nowhere/t.yaml", "cannot read the theme nowhere/t.yaml"),
    ] {
        let mut screen = Screen::open(&home, &["run", file.to_str().unwrap(), "--theme", named], (24, 80));
        assert_eq!(screen.wait_end(), 2, "{named}");
        assert!(screen.text().contains(says), "{named}: {}", screen.text());
    }
    assert!(home.sessions().is_empty());
}

#[test]
fn a_wrong_theme_among_the_settings_keeps_nobody_from_a_session() {
    let mut home = Home::new();
    let settings = home.path("settings");
    std::fs::create_dir_all(settings.join("onbelay")).unwrap();
    std::fs::write(settings.join("onbelay/theme.yaml"), "good: grene\n").unwrap();
    home.set("XDG_CONFIG_HOME", &settings);
    let mut screen = walk(&home, &[]);
    assert!(screen.text().contains("the default theme is used"), "{}", screen.text());
    screen.press("?");
    screen.wait_for("Esc close");
    leave_popup(&mut screen);
    leave(screen);
    // The variable goes before the file, and the flag before both.
    home.set("ONBELAY_THEME", "dark");
    let screen = walk(&home, &[]);
    assert!(!screen.text().contains("default theme"), "{}", screen.text());
    assert!(raw(&screen).contains("38;5;"), "256 colours of the dark theme");
    leave(screen);
    home.set("ONBELAY_THEME", "nothing.yaml");
    let screen = walk(&home, &["--theme", "mono"]);
    assert!(!screen.text().contains("default theme"), "{}", screen.text());
    leave(screen);
}

fn leave_popup(screen: &mut Screen) {
    screen.press_until("\x1b", |text| !text.contains("Esc close"));
}

#[test]
fn a_terminal_gets_no_colours_that_it_has_not() {
    let mut home = Home::new();
    home.set("ONBELAY_THEME", "light");
    home.set("COLORTERM", "truecolor");
    let screen = walk(&home, &[]);
    assert!(raw(&screen).contains("38;2;"), "all colours");
    leave(screen);
    home.unset("COLORTERM");
    let screen = walk(&home, &[]);
    assert!(!raw(&screen).contains("38;2;") && raw(&screen).contains("38;5;"), "256");
    leave(screen);
    home.set("NO_COLOR", "1");
    let screen = walk(&home, &[]);
    let said = raw(&screen);
    assert!(!said.contains("38;") && !said.contains("48;"), "none");
    assert!(said.contains("\x1b[1m"), "what matters is bold");
    leave(screen);
}

#[test]
fn a_theme_for_another_ground_is_said() {
    let mut home = Home::new();
    home.set("COLORFGBG", "0;15");
    let screen = walk(&home, &["--theme", "dark"]);
    let said = screen.text().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("made for a dark ground"), "{said}");
    leave(screen);
}
