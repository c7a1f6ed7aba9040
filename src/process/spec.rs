//! What the host tells a runner, as JSON over a pipe: nothing of it is in an argument or a file. PURE.
//!
//! A text that is cut anywhere is no JSON, so a runner whose host died while telling starts nothing.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::session::state::StartRecord;

/// The most bytes Linux takes as one argument, or as one variable with its name and `=`.
pub const MAX_TEXT: usize = 128 * 1024 - 1;

/// One command, ready to be started. It holds secrets: it has no `Debug` and is never written to a file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunnerSpec {
    /// The program and its arguments.
    pub argv: Vec<Bytes>,
    /// The whole environment, secrets included.
    pub env: Vec<(Bytes, Bytes)>,
    /// The working directory, absolute.
    pub dir: Bytes,
    /// Ended after this many milliseconds.
    pub timeout_ms: Option<u64>,
    /// File mode creation mask.
    pub umask: u32,
    /// Keep stdout (`output`) and stderr (`errors`) apart, and report stdout.
    pub separate_stdout: bool,
    /// Texts to be covered in the output; where there are any, output passes through the runner.
    pub cover: Vec<String>,
    /// Number of the group that may read the output.
    #[serde(default)]
    pub share: Option<u32>,
    /// Give it a terminal, into which the host types.
    #[serde(default)]
    pub terminal: bool,
    /// The record of its start, where one is kept.
    #[serde(default)]
    pub of: Option<StartRecord>,
}

impl RunnerSpec {
    /// When the command is ended, from its start.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout_ms.map(Duration::from_millis)
    }

    /// What no kernel would start, in a sentence; `None`: nothing is wrong with it.
    #[must_use]
    pub fn objection(&self) -> Option<String> {
        let Some(program) = self.argv.first() else {
            return Some("there is no command to start".to_owned());
        };
        if program.0.is_empty() {
            return Some("the command has no name".to_owned());
        }
        for (place, word) in self.argv.iter().enumerate() {
            let what = || {
                if place + 1 == self.argv.len() {
                    "the script".to_owned()
                } else {
                    format!("word {}", place + 1)
                }
            };
            if let Some(why) = objection_to(&word.0, 0) {
                return Some(format!("{} {why}", what()));
            }
        }
        for (name, value) in &self.env {
            let shown = String::from_utf8_lossy(&name.0);
            if name.0.is_empty() || name.0.contains(&b'=') || name.0.contains(&0) {
                return Some(format!("`{shown}` cannot be the name of a variable"));
            }
            if let Some(why) = objection_to(&value.0, name.0.len() + 1) {
                return Some(format!("the value of `{shown}` {why}"));
            }
        }
        None
    }
}

fn objection_to(text: &[u8], more: usize) -> Option<String> {
    if text.contains(&0) {
        return Some("holds a NUL byte, which no command can be given".to_owned());
    }
    let len = text.len() + more;
    (len > MAX_TEXT)
        .then(|| format!("is {len} bytes long; a command can be given at most {MAX_TEXT} (128 KiB) at once"))
}

/// Text of any bytes. In JSON a string where it is UTF-8, else `{"base64": "…"}`.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    /// As the system's own kind of text.
    #[must_use]
    pub fn to_os(&self) -> OsString {
        OsString::from_vec(self.0.clone())
    }
}

impl<T: AsRef<OsStr> + ?Sized> From<&T> for Bytes {
    fn from(text: &T) -> Self {
        Self(text.as_ref().as_bytes().to_vec())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Text(String),
    Raw { base64: String },
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => Form::Raw { base64: data_encoding::BASE64.encode(&self.0) }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Form::deserialize(deserializer)? {
            Form::Text(text) => Ok(Self(text.into_bytes())),
            Form::Raw { base64 } => {
                data_encoding::BASE64.decode(base64.as_bytes()).map(Self).map_err(serde::de::Error::custom)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(argv: &[&str], env: &[(&str, &str)]) -> RunnerSpec {
        RunnerSpec {
            argv: argv.iter().map(Bytes::from).collect(),
            env: env.iter().map(|(n, v)| (Bytes::from(n), Bytes::from(v))).collect(),
            dir: Bytes::from("/"),
            timeout_ms: Some(1),
            umask: 0o22,
            separate_stdout: false,
            cover: vec![],
            share: None,
            terminal: false,
            of: None,
        }
    }

    #[test]
    fn any_bytes_survive_and_no_cut_is_read() {
        let mut whole = spec(&["sh", "-c", "é \u{2028} \" \\"], &[("A", "")]);
        whole.env.push((Bytes::from("B"), Bytes(vec![0xff, 0xfe, b'\n'])));
        let text = serde_json::to_vec(&whole).unwrap();
        assert!(serde_json::from_slice::<RunnerSpec>(&text).unwrap() == whole);
        for cut in 0..text.len() {
            assert!(serde_json::from_slice::<RunnerSpec>(&text[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn what_no_kernel_starts_is_refused_with_its_name() {
        let long = "x".repeat(140_000);
        assert_eq!(spec(&["sh"], &[("A", "b")]).objection(), None);
        assert!(spec(&[], &[]).objection().unwrap().contains("no command"));
        assert!(spec(&["sh", "-c", "a\0b"], &[]).objection().unwrap().starts_with("the script holds a NUL"));
        assert!(spec(&["sh", &long, "x"], &[]).objection().unwrap().contains("word 2 is 140000 bytes"));
        assert!(spec(&["sh"], &[("big", &long)]).objection().unwrap().contains("`big` is 140004 bytes"));
        assert!(spec(&["sh"], &[("a=b", "")]).objection().unwrap().contains("name of a variable"));
        let just = "x".repeat(MAX_TEXT - 2);
        assert_eq!(spec(&["sh"], &[("A", &just)]).objection(), None);
        assert!(spec(&["sh"], &[("AB", &just)]).objection().is_some());
    }
}
