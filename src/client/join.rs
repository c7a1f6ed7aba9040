//! How a session is called by whoever else is to find it, and the line that somebody joins with. SHELL: looks at who may list the sessions' home.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::wire::messages::Role;

/// What somebody types to join the session in `dir` as its witness: ready to be pasted into a shell, and as short as it
/// can be where they are.
///
/// `shared`: other accounts may join. `own_home`: the session lies where a terminal of this account looks for sessions
/// anyway, so that the end of its id says which one is meant.
#[must_use]
pub fn join_line(dir: &Path, shared: bool, own_home: bool) -> String {
    attach_line(Role::Witness, &quoted(&session_word(dir, shared, own_home)))
}

/// What stands for SESSION on a command line of whoever is to find the session in `dir`; not quoted. `shared` and `own_home`
/// as for [`join_line`].
#[must_use]
pub fn session_word(dir: &Path, shared: bool, own_home: bool) -> String {
    word(dir, shared, own_home, !shared || dir.parent().is_some_and(can_be_listed))
}

/// What somebody types to come back to a session as what they were in it. `session`: as they name it, ready for a shell.
#[must_use]
pub fn attach_line(role: Role, session: &str) -> String {
    let role = match role {
        Role::Drive | Role::Act => "",
        Role::Witness => "--witness ",
        Role::Watch => "--watch ",
    };
    format!("onbelay attach {role}{session}")
}

/// May whoever is in the group look through these sessions, so that a part of an id is enough?
fn can_be_listed(home: &Path) -> bool {
    home.metadata().is_ok_and(|found| found.mode() & 0o044 != 0)
}

fn word(dir: &Path, shared: bool, own_home: bool, listed: bool) -> String {
    let id = dir.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let tail = id.rsplit('-').next().filter(|tail| !tail.is_empty());
    match (tail, dir.parent()) {
        (Some(tail), _) if own_home && !shared => tail.to_owned(),
        (Some(tail), Some(home)) if listed => home.join(tail).to_string_lossy().into_owned(),
        _ => dir.to_string_lossy().into_owned(),
    }
}

/// As one word of a shell; as it is where it is one already.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(dir: &str, shared: bool, own_home: bool, listed: bool) -> String {
        format!("onbelay attach --witness {}", quoted(&word(Path::new(dir), shared, own_home, listed)))
    }

    #[test]
    fn it_is_as_short_as_whoever_joins_can_look() {
        let dir = "/srv/onbelay/20261121-081500-retire-the-vm-k3f9";
        assert_eq!(of(dir, false, true, true), "onbelay attach --witness k3f9");
        for (shared, own_home) in [(true, true), (true, false), (false, false)] {
            assert_eq!(of(dir, shared, own_home, true), "onbelay attach --witness /srv/onbelay/k3f9");
        }
        assert_eq!(of(dir, true, true, false), format!("onbelay attach --witness {dir}"));
    }

    #[test]
    fn a_home_that_only_its_owner_lists_is_no_place_to_search() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        for (mode, listed) in [(0o700, false), (0o710, false), (0o750, true)] {
            std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(can_be_listed(home.path()), listed, "{mode:o}");
        }
    }

    #[test]
    fn a_shell_takes_the_path_as_one_word() {
        assert_eq!(
            of("/srv/it's here/a-b", true, true, false),
            r"onbelay attach --witness '/srv/it'\''s here/a-b'"
        );
        assert_eq!(of("/srv/$(id)/a-b", true, true, true), "onbelay attach --witness '/srv/$(id)/b'");
        assert_eq!(of("/srv/x/a-b", false, true, true), "onbelay attach --witness b");
    }
}
