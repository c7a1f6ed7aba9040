//! Newtypes for the names things go by. PURE: knows no clock, no disk, no randomness.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

/// Declares a newtype over `String` that prints as its text. What comes from a log, a message or a file is held to `$form`:
/// names are shown in many places, and what no runbook and no session can be called is not read.
macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $form:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                if $form(&text) { Ok(Self(text)) } else { Err(misread(&text, $what)) }
            }
        }

        name_type! { of $name }
    };
    (of $name:ident) => {
        impl $name {
            /// Takes the text as it is; whoever calls has checked its form.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }
    };
}

name_type! {
    /// A step's id, `[a-z0-9][a-z0-9-]*`; one namespace with checks.
    StepId, is_id, "the id of a step"
}
name_type! {
    /// A check's id, `[a-z0-9][a-z0-9-]*`; one namespace with steps.
    CheckId, is_id, "the id of a check"
}
name_type! {
    /// A session's id, such as `20261120-151012-retire-the-old-dev-vm-k3f9`; also its directory's name.
    SessionId, is_session_id, "the id of a session"
}
name_type! {
    /// A name usable in `${name}`: a parameter, a capture or an item, `[a-z][a-z0-9_]*`.
    ValueName, is_value_name, "the name of a value"
}
name_type! {
    /// A SHA-256 as 64 lower-case hexadecimal digits.
    Digest, is_hexadecimal, "a SHA-256"
}

fn misread<E: de::Error>(text: &str, what: &str) -> E {
    // As long as the text would be, nobody could read the sentence.
    let start: String = text.chars().take(40).collect();
    E::custom(format_args!("{start:?} is not {what}"))
}

/// Reads an id as a person asks for it: whatever they typed, so that they are told what is near it. Nothing of it is done, nor
/// kept under that name, before the runbook is seen to have one.
pub fn as_asked<'de, T: From<String>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    String::deserialize(from).map(T::from)
}

/// As [`as_asked`], of several.
pub fn all_as_asked<'de, T: From<String>, D: Deserializer<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Vec::<String>::deserialize(from)?.into_iter().map(T::from).collect())
}

/// Is `text` a well-formed id of a step or check (`format.md`: `[a-z0-9][a-z0-9-]*`)?
#[must_use]
pub fn is_id(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Is `text` a well-formed value name (`format.md`: `[a-z][a-z0-9_]*`)?
#[must_use]
pub fn is_value_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Can `text` be the id of a session? More than this version gives one, and nothing that a terminal or a shell acts on.
fn is_session_id(text: &str) -> bool {
    let longest_name_of_a_directory = 255;
    text.len() <= longest_name_of_a_directory
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// As much of a SHA-256 as has to be sure before one is compared.
fn is_hexadecimal(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The id that a title gives: lower case, every run of other characters one `-`, none at the ends.
#[must_use]
pub fn slug(title: &str) -> String {
    let mut out = String::with_capacity(title.len());
    for c in title.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.truncate(out.trim_end_matches('-').len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of a JSON text, or why it is not.
    fn read<T: serde::de::DeserializeOwned + Serialize>(text: &str) -> Result<String, String> {
        let json = serde_json::to_string(text).unwrap();
        let read: T = serde_json::from_str(&json).map_err(|error| error.to_string())?;
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
        Ok(text.to_owned())
    }

    #[test]
    fn u1_a_name_that_no_runbook_can_give_is_not_read() {
        let poison = "x\u{1b}]52;c;aGk=\u{7}";
        let long = "9".repeat(300);
        read::<ValueName>("disk_2").unwrap();
        for bad in ["sit\u{7f}", "", "Disk", "2", poison] {
            let why = read::<ValueName>(bad).unwrap_err();
            assert!(why.contains("is not the name of a value"), "{why}");
        }
        for good in ["wipe", "2", "wipe-2-", &"a-".repeat(64)] {
            assert_eq!((read::<StepId>(good), read::<CheckId>(good)), (Ok(good.into()), Ok(good.into())));
        }
        for bad in ["", "-a", "Wipe", "größe", "a b", "a;reboot", "a\u{202e}", poison] {
            let (step, check) = (read::<StepId>(bad).unwrap_err(), read::<CheckId>(bad).unwrap_err());
            assert!(step.contains("is not the id of a step"), "{step}");
            assert!(check.contains("is not the id of a check"), "{check}");
            assert!(!step.contains(char::is_control) && !step.contains('\u{202e}'), "{step:?}");
        }
        for good in ["20261120-151012-retire-the-old-dev-vm-k3f9", "s", "S_1.b"] {
            read::<SessionId>(good).unwrap();
        }
        for bad in ["", "-s", "..", "a b", "a\u{a0}b", "a/b", "$(a)", "a\u{202e}", poison, &long] {
            let why = read::<SessionId>(bad).unwrap_err();
            assert!(why.contains("is not the id of a session") && why.len() < 400, "{why}");
        }
        for good in ["", "ab", &link(64)] {
            read::<Digest>(good).unwrap();
        }
        for bad in ["AB", "xy", poison, &link(65)] {
            assert!(read::<Digest>(bad).unwrap_err().contains("is not a SHA-256"), "{bad}");
        }
    }

    fn link(length: usize) -> String {
        "0".repeat(length)
    }

    #[test]
    fn slugs_are_ids_or_empty() {
        for (title, id) in [
            ("Point DNS at the new machine, by hand", "point-dns-at-the-new-machine-by-hand"),
            ("  --x--  ", "x"),
            ("Ünïcode", "n-code"),
            ("…", ""),
        ] {
            assert_eq!(slug(title), id);
            assert!(id.is_empty() || is_id(id));
        }
    }
}
