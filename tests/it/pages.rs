//! The pages that people read: their runbooks pass, their links lead somewhere, every verb and action is explained.

use std::path::{Path, PathBuf};

use crate::support::Home;

fn pages() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "docs/cli.md",
        "docs/witness.md",
        "docs/security.md",
        "docs/reliability.md",
        "docs/format.md",
    ];
    names.iter().map(|name| (root.join(name), std::fs::read_to_string(root.join(name)).unwrap())).collect()
}

#[test]
fn the_runbook_in_the_readme_passes() {
    let (_, readme) = pages().remove(0);
    let yaml = readme.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let home = Home::new();
    let file = home.write("taste.yaml", yaml);
    home.call(&["lint", file.to_str().unwrap()]).expect(0);
}

#[test]
fn every_link_leads_somewhere() {
    for (page, text) in pages() {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if link.is_empty() || link.contains("://") {
                continue;
            }
            let target = page.parent().unwrap().join(link);
            assert!(target.exists(), "{} links to {link}", page.display());
        }
    }
}

#[test]
fn every_verb_and_action_is_explained() {
    let home = Home::new();
    let (_, cli) = pages().into_iter().find(|(path, _)| path.ends_with("docs/cli.md")).unwrap();
    for words in [&["--help"][..], &["do", "--help"]] {
        let help = home.call(words).expect(0).stdout;
        let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
        let names = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        for name in names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
            assert!(cli.contains(&format!("`{name}")), "docs/cli.md says nothing of {name}");
        }
    }
}
