//! Who did it, and how that is known, as the journal has it. PURE.

use serde::{Deserialize, Serialize};

/// Somebody, as the kernel knows them; or the tool itself, which has no account (`uid` absent).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Person {
    /// The account's name.
    pub name: String,
    /// The account's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The account that logged in, where the kernel knows it (its audit login id): who `sudo` and `su` were called by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<u32>,
}

impl Person {
    /// The tool acting by itself.
    #[must_use]
    pub fn tool() -> Self {
        Self { name: "onbelay".to_owned(), uid: None, login: None }
    }

    /// The same account, however they came to it.
    #[must_use]
    pub fn same_account(&self, other: &Self) -> bool {
        self.uid == other.uid
    }

    /// Can these two be one person as far as the kernel knows: the same account, or a login in common?
    #[must_use]
    pub fn may_be(&self, other: &Self) -> bool {
        let known = |person: &Self| [person.uid, person.login];
        known(self).iter().flatten().any(|id| known(other).contains(&Some(*id)))
    }

    /// Is this the tool itself?
    #[must_use]
    pub fn is_tool(&self) -> bool {
        self.uid.is_none()
    }
}

/// How the person who approved is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Proven {
    /// By the kernel's word: the account the record is by.
    Account,
    /// By an SSH signature over the text.
    Key(Box<SignedBy>),
    /// Not at all: somebody at the operator's own terminal gave this name.
    Here {
        /// The name as it was typed.
        name: String,
    },
}

/// Whose signature an approval carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedBy {
    /// The principal, as the `allowed_signers` file names it.
    pub principal: String,
    /// The key's fingerprint, `SHA256:…` as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// The armoured signature.
    pub signature: String,
    /// The file that allowed it.
    pub signers: String,
    /// The line of that file that allowed it.
    pub line: String,
    /// Every other name that the file has for this key, on any line and at any time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// Why it is not known whether the operator's account holds this key itself; absent: it was looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}
