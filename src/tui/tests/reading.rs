//! What is read: values where they are used, long texts in good time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Instant;

use crate::id::ValueName;
use crate::runbook::Value;
use crate::session::bench::Bench;
use crate::tui::fixture::Scene;
use crate::tui::picture::check;

const STEP: &str = r#"
params:
  vm: { about: The old machine }
  regions: { about: Every region, list: true }
steps:
  - title: Delete the old machine
    about: |
      Deletes **${vm}** in `${regions}`. See [the plan](https://example.org/plan).

      | what | who | when |
      |---|---|--:|
      | the *old* machine | [Kim](mailto:kim@example.org) | 21:00 |
      | the copy in Phoenix, which nobody opened since spring | Sam, or whoever is on call that night | 22:30 |

      - [x] say so in `#shop`
      - [ ] look again
        1. at the lights
        2. at the door

      > Nothing is lost yet.

      ```sh
      # what is there
      ls "$vm" | head -3
      ```
    run: |
      # All of it, and the list anew.
      if [ -d "$vm" ]; then
        rm -r -- "$vm"
      fi
      for r in $regions; do echo "$r" > /etc/regions; done
  - { title: By hand, about: Look at it. }
"#;

fn scene() -> Scene {
    let values = BTreeMap::from([
        (ValueName::new("vm"), Value::Text("/srv/vm/shop".to_owned())),
        (ValueName::new("regions"), Value::List(vec!["us-east-1".to_owned(), "us-west-2".to_owned()])),
    ]);
    Scene::of(Bench::titled("Read it", STEP, values))
}

/// All that can be scrolled to.
fn all(scene: &mut Scene) -> String {
    let mut text = scene.text();
    for _ in 0..20 {
        scene.keys(" ");
        text.push_str(&scene.text());
    }
    text
}

#[test]
fn a_text_and_a_script_look_like_what_they_are() {
    for (name, keys) in [("reading", ""), ("reading-values", "="), ("reading-end", "     ")] {
        check(name, scene, |scene| scene.keys(keys));
    }
}

#[test]
fn values_are_shown_where_they_are_used_and_cannot_be_taken_for_the_script() {
    let mut scene = scene().sized(120, 60);
    let text = scene.text();
    assert!(text.contains("│ vm=/srv/vm/shop") && text.contains("Deletes /srv/vm/shop in"), "{text}");
    scene.keys("=");
    let text = scene.text();
    assert!(text.contains("│   rm -r -- \"$vm\""), "the script stays as it is: {text}");
    assert!(
        text.contains("├─ vm=/srv/vm/shop") && text.contains("├─ regions=us-east-1, us-west-2"),
        "{text}"
    );
    assert!(!text.contains("│ vm=/srv/vm/shop"), "no value is said twice: {text}");
    assert!(text.contains("Deletes /srv/vm/shop (${vm}) in us-east-1, us-west-2 (${regions})"), "{text}");
    scene.keys("=");
    assert!(scene.text().contains("│ vm=/srv/vm/shop"));
    scene.keys("j=");
    let text = scene.text();
    assert!(text.contains("this step's scripts and texts use no values"), "{text}");
}

#[test]
fn a_line_of_a_script_is_never_taken_for_a_value() {
    let steps =
        "params: { vm: { about: The machine } }\nsteps: [{ title: A, run: \"├─ vm=/other\\nrm $vm\" }]\n";
    let values = BTreeMap::from([(ValueName::new("vm"), Value::Text("├─ x\u{202e}".to_owned()))]);
    let mut scene = Scene::of(Bench::titled("T", steps, values)).sized(120, 40);
    scene.keys("=");
    let text = scene.text();
    assert!(text.contains("│ │ ├─ vm=/other") && text.contains("│ ├─ vm=├─ x{U+202E}"), "{text}");
}

/// The middle of several pictures, in milliseconds; the first one, which makes everything, does not count.
fn picture(scene: &mut Scene) -> u128 {
    scene.draw();
    let mut took: Vec<u128> = (0..9)
        .map(|_| {
            let begin = Instant::now();
            scene.draw();
            begin.elapsed().as_micros()
        })
        .collect();
    took.sort_unstable();
    took[4]
}

#[test]
fn long_texts_and_scripts_are_not_made_anew_for_every_picture() {
    let mut step = "steps:\n  - title: Long\n    about: |\n".to_owned();
    for n in 0..4_000 {
        let _ = writeln!(step, "      Word {n} of *many* words, and `code` to be read\n");
    }
    step.push_str("    run: |\n");
    for n in 0..500 {
        let _ = writeln!(step, "      if [ -d \"$x{n}\" ]; then rm -r -- \"$x{n}\" > /etc/{n}; fi # why");
    }
    let begin = Instant::now();
    let mut scene = Scene::of(Bench::titled("Long", &step, BTreeMap::new())).sized(200, 60);
    let read = begin.elapsed();
    let begin = Instant::now();
    scene.draw();
    let first = begin.elapsed();
    let middle = picture(&mut scene);
    println!("read {read:?}, first picture {first:?}, then {middle} µs");
    // Not optimised, and beside other tests: ten times what it may take in earnest.
    assert!(middle < 50_000, "{middle} µs");
    assert!(all(&mut scene).contains("Word 40"));
}
