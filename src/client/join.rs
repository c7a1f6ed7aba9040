//! The line that one person gives to another to join a session. PURE.

use std::path::Path;

/// What somebody types to join the session in `dir` as its witness: ready to be pasted into a shell.
///
/// `shared`: accounts other than the owner's may join, and they find it by its whole path only. `own_home`: the session
/// lies where a terminal of this account looks for sessions anyway, so the end of its id says which one is meant.
#[must_use]
pub fn join_line(dir: &Path, shared: bool, own_home: bool) -> String {
    let id = dir.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let short = id.rsplit('-').next().filter(|tail| !tail.is_empty());
    let session = match short {
        Some(tail) if own_home && !shared => quoted(tail),
        _ => quoted(&dir.to_string_lossy()),
    };
    format!("onbelay attach --witness {session}")
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

    fn line(dir: &str, shared: bool, own_home: bool) -> String {
        join_line(Path::new(dir), shared, own_home)
    }

    #[test]
    fn who_shares_the_account_needs_the_end_of_the_id_and_everybody_else_the_path() {
        let dir = "/srv/onbelay/20261121-081500-retire-the-vm-k3f9";
        assert_eq!(line(dir, false, true), "onbelay attach --witness k3f9");
        for (shared, own_home) in [(true, true), (true, false), (false, false)] {
            assert_eq!(line(dir, shared, own_home), format!("onbelay attach --witness {dir}"));
        }
    }

    #[test]
    fn a_shell_takes_the_path_as_one_word() {
        assert_eq!(
            line("/srv/it's here/a-b", true, true),
            r"onbelay attach --witness '/srv/it'\''s here/a-b'"
        );
        assert_eq!(line("/srv/$(id)/a-b", true, true), "onbelay attach --witness '/srv/$(id)/a-b'");
        assert_eq!(line("/srv/x/a-b", false, true), "onbelay attach --witness b");
    }
}
