//! Whether anybody said which keys may sign approvals: told before somebody signs in vain. SHELL.
//! It must not judge what is in such a file: the host does, at the moment of the approval.

use std::io::ErrorKind;
use std::path::Path;

use crate::runbook::{Proof, Runbook};

use super::file::shown;
use super::out::say;

/// Where the host looks first, where no file was named at the start.
const OF_THE_MACHINE: &str = "/etc/onbelay/allowed_signers";

/// Its name in the directory of all sessions.
const NAME: &str = "allowed_signers";

/// Does any step ask for a signature?
#[must_use]
pub fn are_wanted(runbook: &Runbook) -> bool {
    runbook.steps.iter().filter_map(|step| step.witness.as_ref()).any(|rule| rule.proof == Proof::Key)
}

/// Warns where no file of allowed signers is there, for the session in `dir`. `named`: the file of its start.
pub fn tell_missing(dir: &Path, named: Option<&Path>) {
    let home = dir.parent().unwrap_or(dir);
    if let Some(warning) = missing(named, Path::new(OF_THE_MACHINE), home) {
        say(warning);
    }
}

fn missing(named: Option<&Path>, machine: &Path, home: &Path) -> Option<String> {
    let of_home = home.join(NAME);
    // What cannot be looked at may be there.
    let is_there =
        |path: &Path| !matches!(path.symlink_metadata(), Err(e) if e.kind() == ErrorKind::NotFound);
    // The machine's own counts alone.
    if is_there(machine) {
        return None;
    }
    if let Some(named) = named {
        return (!is_there(named)).then(|| {
            format!(
                "warning: {}, the file of the keys that may sign, is not there; put it back before anybody signs",
                shown(named)
            )
        });
    }
    (!is_there(&of_home)).then(|| {
        format!(
            "warning: a step asks for a signature, and no file says whose keys may sign. Before anybody signs, write a \
             line\n  NAME ssh-ed25519 AAAA…\nfor each second person into one of:\n  {}   (root's: the best place)\n  {}\n  a file \
             that is named at the start: --allowed-signers FILE",
            shown(machine),
            shown(&of_home)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runbook(proof: &str) -> Runbook {
        let text = format!(
            "onbelay: 1\ntitle: t\nsteps:\n  - {{ id: a, title: A, witness: {{ proof: {proof} }}, run: 'true' }}\n"
        );
        crate::runbook::read(text.as_bytes(), "t.yaml").unwrap_or_else(|p| panic!("{p:?}"))
    }

    #[test]
    fn who_will_need_a_file_of_keys_hears_of_the_three_places_and_nobody_else_does() {
        let home = tempfile::tempdir().unwrap();
        let (machine, of_home) = (home.path().join("machine"), home.path().join(NAME));
        let look = |named: Option<&Path>| missing(named, &machine, home.path());
        assert!(are_wanted(&runbook("key")));
        assert!(!are_wanted(&runbook("account")) && !are_wanted(&runbook("here")));
        let said = look(None).expect("a warning");
        for place in [machine.to_str().unwrap(), of_home.to_str().unwrap(), "--allowed-signers FILE"] {
            assert!(said.contains(place), "{place} is missing in {said}");
        }
        let named = home.path().join("named");
        assert!(look(Some(&named)).is_some_and(|said| said.contains("put it back")));
        for there in [&machine, &of_home] {
            std::fs::write(there, "x").unwrap();
            assert_eq!(look(None), None);
            std::fs::remove_file(there).unwrap();
        }
        std::fs::write(&named, "x").unwrap();
        assert_eq!(look(Some(&named)), None);
    }
}
