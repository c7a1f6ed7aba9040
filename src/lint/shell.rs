//! A rough look at shell scripts: enough for a warning, never for a decision. PURE.

use crate::runbook::commands::words;

/// Commands that are there to destroy.
const DESTROY: &[&str] = &[
    "rm",
    "rmdir",
    "shred",
    "wipefs",
    "mkfs",
    "dd",
    "truncate",
    "fdisk",
    "sfdisk",
    "parted",
    "blkdiscard",
    "lvremove",
    "vgremove",
    "pvremove",
    "dropdb",
    "dropuser",
    "userdel",
    "unlink",
];

/// Words of other languages that destroy, in any case, two in a row.
const STATEMENTS: &[(&str, &str)] = &[
    ("drop", "table"),
    ("drop", "database"),
    ("drop", "schema"),
    ("delete", "from"),
    ("truncate", "table"),
    ("terraform", "destroy"),
    ("terminate-instances", "--"),
];

/// The first command in a script that is there to destroy.
#[must_use]
pub(super) fn destructive_word(script: &str) -> Option<&str> {
    let mut previous = "";
    for word in words(script) {
        let (bare, line) = (word.bare, word.line);
        let name = bare.rsplit('/').next().unwrap_or(bare);
        if word.is_first {
            previous = "";
        }
        // Without somewhere to write, `dd` only reads.
        let harmless = name == "dd" && (!line.contains("of=") || line.contains("of=/dev/null"));
        if word.at_command && !harmless && (DESTROY.contains(&name) || name.starts_with("mkfs.")) {
            return Some(bare);
        }
        let lower = bare.to_lowercase();
        if STATEMENTS.iter().any(|(first, second)| {
            previous.eq_ignore_ascii_case(first)
                && (lower == *second || (*second == "--" && lower.starts_with("--")))
        }) {
            return Some(previous);
        }
        previous = bare;
    }
    None
}

/// Does a script pipe one command into another? Quotes and comments are passed over.
#[must_use]
pub(super) fn has_pipeline(script: &str) -> bool {
    let mut quote = None;
    let mut previous = '\n';
    let mut comment = false;
    let mut chars = script.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            _ if comment => comment = c != '\n',
            (None, '#') if previous.is_whitespace() => comment = true,
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            (None | Some('"'), '\\') => {
                chars.next();
            }
            (None, '|') if chars.peek() == Some(&'|') => {
                chars.next();
            }
            (None, '|') if previous != '>' => return true,
            _ => {}
        }
        previous = c;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_destroy_are_found_where_a_command_stands() {
        for script in [
            "rm -rf x",
            "cd y && rm x",
            "sudo dd if=a of=b",
            "find . | xargs rm",
            "if true; then /bin/rm x; fi",
            "mkfs.ext4 /dev/sdb",
            "LANG=C rm x",
            "psql -c 'DROP TABLE users'",
            "mysql -e \"delete from a\"",
            "aws ec2 terminate-instances --instance-ids x",
        ] {
            assert!(destructive_word(script).is_some(), "{script}");
        }
        for script in [
            "echo rm",
            "# rm -rf x",
            "ls # rm",
            "farm --rm",
            "docker run --rm x",
            "drop=1; table=2",
            "grep dd x",
        ] {
            assert_eq!(destructive_word(script), None, "{script}");
        }
    }

    #[test]
    fn pipelines_are_told_from_what_looks_like_them() {
        assert!(has_pipeline("a | b"));
        assert!(has_pipeline("a || b | c"));
        for script in ["a || b", "echo '|'", "echo \"a | b\"", "# a | b", "a >| b", "echo \\| x"] {
            assert!(!has_pipeline(script), "{script}");
        }
    }
}
