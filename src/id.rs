//! Newtypes for the names things go by. PURE: knows no clock, no disk, no randomness.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares a newtype over `String` that prints as its text.
macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        name_type! { of $name }
    };
    ($(#[$doc:meta])* $name:ident, read as $read:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = $read, into = $read)]
        pub struct $name(String);

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
    StepId
}
name_type! {
    /// A check's id, `[a-z0-9][a-z0-9-]*`; one namespace with steps.
    CheckId
}
name_type! {
    /// A session's id, such as `20261120-151012-retire-the-old-dev-vm-k3f9`; also its directory's name.
    SessionId
}
name_type! {
    /// A name usable in `${name}`: a parameter, a capture or an item, `[a-z][a-z0-9_]*`. No other is read from a log or a
    /// message: it is shown in many places.
    ValueName, read as "UncheckedName"
}

/// A name as it comes from outside.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct UncheckedName(String);

impl TryFrom<UncheckedName> for ValueName {
    type Error = String;

    fn try_from(UncheckedName(text): UncheckedName) -> Result<Self, String> {
        if is_value_name(&text) {
            Ok(Self(text))
        } else {
            Err(format!("{text:?} is not the name of a value"))
        }
    }
}

impl From<ValueName> for UncheckedName {
    fn from(name: ValueName) -> Self {
        Self(name.0)
    }
}

name_type! {
    /// A SHA-256 as 64 lower-case hexadecimal digits.
    Digest
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

    #[test]
    fn u1_a_name_that_no_runbook_can_give_is_not_read() {
        let read = serde_json::from_str::<ValueName>;
        assert_eq!(serde_json::to_string(&read("\"disk_2\"").unwrap()).unwrap(), "\"disk_2\"");
        for bad in ["\"sit\\u007f\"", "\"\"", "\"Disk\"", "\"2\""] {
            assert!(read(bad).unwrap_err().to_string().contains("not the name of a value"), "{bad}");
        }
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
