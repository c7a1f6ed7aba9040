//! Who may sign: an `allowed_signers` file (ssh-keygen(1), section ALLOWED SIGNERS). PURE.
//!
//! A line that cannot be read allows nothing; it is named where the key that signed is not found elsewhere.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use data_encoding::BASE64;

use super::seal::{Seal, type_of};
use crate::session::approve::NAMESPACE;
use crate::time::Timestamp;

/// Most bytes of a file of allowed signers.
const MOST: usize = 1024 * 1024;

/// A time without `Z` is in a time zone that is not known here. No zone is further from UTC than 14 hours (tzdata:
/// Pacific/Kiritimati), so a validity that is shortened by that at either end allows nothing that `ssh-keygen` would not.
const FURTHEST_ZONE: i64 = 14 * 60 * 60 * 1000;

/// How many lines a sentence names.
const MOST_NAMED: usize = 3;

/// The types of keys that `ssh-keygen` knows: what stands after the principals is one of them, or options.
const KEY_TYPES: [&str; 8] = [
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
    "ssh-dss",
];

/// Where the lines come from.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// A whole file.
    File { path: &'a str, text: &'a str },
    /// The one line that is kept on record.
    Record { path: &'a str, line: &'a str },
}

impl<'a> Source<'a> {
    pub(super) fn path(self) -> &'a str {
        match self {
            Self::File { path, .. } | Self::Record { path, .. } => path,
        }
    }

    fn text(self) -> &'a str {
        match self {
            Self::File { text, .. } => text,
            Self::Record { line, .. } => line,
        }
    }

    fn place(self, number: usize) -> String {
        match self {
            Self::File { path, .. } => format!("line {number} of {path}"),
            Self::Record { path, .. } => format!("the line of {path} on record"),
        }
    }
}

/// The name and the line that allow a key at a time. `wanted`: the name that the line must have; absent: its first.
pub(super) fn find<'a>(
    source: Source<'a>,
    seal: &Seal,
    at: Timestamp,
    wanted: Option<&str>,
) -> Result<(String, &'a str), String> {
    let path = source.path();
    if source.text().len() > MOST {
        return Err(format!(
            "{path} is larger than 1 MiB and was not read; keep only the keys of people in it"
        ));
    }
    let base64 = BASE64.encode(seal.key_bytes());
    let mut against = Vec::new();
    let mut unreadable = Vec::new();
    for (number, text) in (1..).zip(source.text().lines()) {
        let place = || source.place(number);
        match Line::read(text) {
            Ok(None) => {}
            Ok(Some(line)) if line.key != seal.key_bytes() => {}
            Ok(Some(line)) => match line.allows(at, wanted) {
                Ok(name) => return Ok((name, text)),
                Err(why) => against.push(format!("{} {why}", place())),
            },
            Err(why) if text.contains(&base64) => {
                against.push(format!("{} has this key and cannot be read: {why}", place()));
            }
            Err(why) => unreadable.push(format!("{} cannot be read: {why}", place())),
        }
    }
    let key = seal.fingerprint();
    if !against.is_empty() {
        return Err(format!("the key {key} that signed is not allowed: {}", listed(&against)));
    }
    let mut sentence = format!(
        "the key {key} that signed is not in {path}; if it is somebody's who may approve, add a line there: NAME and the text of their .pub file"
    );
    if !unreadable.is_empty() {
        sentence = format!("{sentence} ({})", listed(&unreadable));
    }
    Err(sentence)
}

/// Every name that the lines with this key have for it, whatever they allow and when, and lines that cannot be read
/// included: whoever holds the key may be any of them.
pub(super) fn names_for(source: Source<'_>, seal: &Seal) -> Vec<String> {
    let base64 = BASE64.encode(seal.key_bytes());
    let of_line = |text: &str| match Line::read(text) {
        Ok(Some(line)) if line.key == seal.key_bytes() => line.principals,
        Err(_) if text.contains(&base64) => {
            text.trim_matches(is_blank).split(is_blank).next().unwrap_or_default().replace('"', "")
        }
        _ => String::new(),
    };
    let mut found: Vec<String> = source
        .text()
        .lines()
        .flat_map(|text| {
            let names = of_line(text);
            let literal =
                names.split(',').filter(|name| !name.starts_with('!') && !name.contains(['*', '?']));
            literal.filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

fn listed(all: &[String]) -> String {
    let named = all.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join("; ");
    match all.len().saturating_sub(MOST_NAMED) {
        0 => named,
        more => format!("{named}; and {more} more"),
    }
}

/// A line that was read.
struct Line {
    principals: String,
    options: Options,
    key: Vec<u8>,
}

#[derive(Default)]
struct Options {
    only_certificates: bool,
    namespaces: Option<String>,
    after: Option<Bound>,
    before: Option<Bound>,
}

/// One end of a validity.
#[derive(Clone, Copy)]
struct Bound {
    /// Milliseconds since 1970 in UTC, or by a clock on the wall somewhere.
    millis: i64,
    /// How far that may be from UTC, milliseconds.
    vague: i64,
}

impl Line {
    /// `None`: empty, or a comment.
    fn read(text: &str) -> Result<Option<Self>, String> {
        let rest = text.trim_matches(is_blank);
        if rest.is_empty() || rest.starts_with('#') {
            return Ok(None);
        }
        let (principals, rest) = match rest.strip_prefix('"') {
            Some(rest) => rest.split_once('"').ok_or("a quotation mark is not closed")?,
            None => rest.split_once(is_blank).unwrap_or((rest, "")),
        };
        let rest = rest.trim_start_matches(is_blank);
        let word = rest.split_once(is_blank).map_or(rest, |(word, _)| word);
        let (options, key) = if is_key_type(word) {
            (Options::default(), rest)
        } else {
            let end = end_of_options(rest).ok_or("a quotation mark in its options is not closed")?;
            let (options, key) = rest.split_at(end);
            if key.is_empty() {
                return Err("a line has a name, a key's type and the key".to_owned());
            }
            (Options::read(options)?, key.trim_start_matches(is_blank))
        };
        Ok(Some(Self { principals: principals.to_owned(), options, key: key_of(key)? }))
    }

    /// The name that this line allows at that time, or what stands against it.
    fn allows(&self, at: Timestamp, wanted: Option<&str>) -> Result<String, String> {
        let options = &self.options;
        if options.only_certificates {
            return Err(
                "allows certificates that it signed (cert-authority), which are not taken; write down the person's own key".to_owned(),
            );
        }
        if let Some(namespaces) = &options.namespaces
            && !listed_in(NAMESPACE, namespaces)
        {
            return Err(format!("allows it for namespaces=\"{namespaces}\" only; add {NAMESPACE} there"));
        }
        if let Some(after) = options.after.map(|after| after.millis.saturating_add(after.vague))
            && at.millis() < after
        {
            return Err(format!("allows it from {} on, and not yet", Timestamp::from_millis(after)));
        }
        if let Some(before) = options.before.map(|before| before.millis.saturating_sub(before.vague))
            && at.millis() > before
        {
            return Err(format!("allowed it until {}, and it has expired", Timestamp::from_millis(before)));
        }
        let mut names = names(&self.principals);
        match wanted {
            None => names.next().map(str::to_owned).ok_or_else(|| {
                format!(
                    "names no one person (`{}`): write the name of whoever holds the key, without * or ?",
                    self.principals
                )
            }),
            Some(wanted) => names
                .find(|name| *name == wanted)
                .map(str::to_owned)
                .ok_or_else(|| format!("has it as the key of `{}` and not of {wanted}", self.principals)),
        }
    }
}

/// The names in a pattern list that stand for one person and are not taken back.
fn names(principals: &str) -> impl Iterator<Item = &str> {
    principals
        .split(',')
        .filter(|name| !name.is_empty() && !name.starts_with('!') && !name.contains(['*', '?']))
        .filter(|name| listed_in(name, principals))
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r')
}

fn is_key_type(word: &str) -> bool {
    KEY_TYPES.contains(&word) || word.ends_with("-cert-v01@openssh.com")
}

fn key_of(text: &str) -> Result<Vec<u8>, String> {
    let mut words = text.split(is_blank).filter(|word| !word.is_empty());
    let (kind, base64) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !is_key_type(kind) {
        return Err(format!("`{kind}` is no type of key"));
    }
    let key = BASE64.decode(base64.as_bytes()).map_err(|_| "its key is not base64")?;
    if type_of(&key) != Some(kind) {
        return Err(format!("its key is not of the type {kind}"));
    }
    Ok(key)
}

/// Where options end: at the first blank outside quotation marks.
fn end_of_options(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut quoted) = (0, false);
    while at < bytes.len() && (quoted || !matches!(bytes[at], b' ' | b'\t')) {
        match bytes[at] {
            b'\\' if bytes.get(at + 1) == Some(&b'"') => at += 1,
            b'"' => quoted = !quoted,
            _ => {}
        }
        at += 1;
    }
    (!quoted).then_some(at)
}

impl Options {
    fn read(text: &str) -> Result<Self, String> {
        let mut options = Self::default();
        let mut rest = text;
        loop {
            let end = rest.find([',', '=']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            rest = match after.strip_prefix('=') {
                Some(value) => {
                    let (value, after) = unquoted(value, name)?;
                    options.set(name, &value)?;
                    after
                }
                None if name.eq_ignore_ascii_case("cert-authority") => {
                    options.only_certificates = true;
                    after
                }
                None => return Err(unknown(name)),
            };
            if rest.is_empty() {
                break;
            }
            rest = rest.strip_prefix(',').ok_or_else(|| format!("a comma is missing after `{name}`"))?;
        }
        match (options.after, options.before) {
            (Some(after), Some(before)) if before.millis <= after.millis => {
                Err("its valid-before is not after its valid-after".to_owned())
            }
            _ => Ok(options),
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let twice = || format!("`{name}` stands there twice");
        if name.eq_ignore_ascii_case("namespaces") {
            self.namespaces.replace(value.to_owned()).map_or(Ok(()), |_| Err(twice()))
        } else if name.eq_ignore_ascii_case("valid-after") {
            self.after.replace(time(value, name)?).map_or(Ok(()), |_| Err(twice()))
        } else if name.eq_ignore_ascii_case("valid-before") {
            self.before.replace(time(value, name)?).map_or(Ok(()), |_| Err(twice()))
        } else {
            Err(unknown(name))
        }
    }
}

fn unknown(option: &str) -> String {
    format!("`{option}` is no option that is known (cert-authority, namespaces, valid-after, valid-before)")
}

/// A value in quotation marks, and what follows.
fn unquoted<'a>(text: &'a str, option: &str) -> Result<(String, &'a str), String> {
    let quotes = || format!("the value of `{option}` must stand in quotation marks");
    let body = text.strip_prefix('"').ok_or_else(quotes)?;
    let mut value = String::new();
    let mut rest = body;
    loop {
        let end = rest.find(['"', '\\']).ok_or_else(quotes)?;
        value.push_str(&rest[..end]);
        rest = &rest[end..];
        if let Some(after) = rest.strip_prefix("\\\"") {
            value.push('"');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('"') {
            return Ok((value, after));
        } else {
            value.push('\\');
            rest = &rest[1..];
        }
    }
}

/// `YYYYMMDD[HHMM[SS]][Z]`.
fn time(text: &str, option: &str) -> Result<Bound, String> {
    let utc = ["Z", "z", "UTC", "utc"].iter().find_map(|mark| text.strip_suffix(mark));
    let digits = utc.unwrap_or(text);
    let read = || {
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number = |from: usize, to: usize| digits.get(from..to)?.parse::<u32>().ok();
        let (hour, minute, second) = match digits.len() {
            8 => (0, 0, 0),
            12 => (number(8, 10)?, number(10, 12)?, 0),
            14 => (number(8, 10)?, number(10, 12)?, number(12, 14)?),
            _ => return None,
        };
        let year = i32::try_from(number(0, 4)?).ok()?;
        let date = NaiveDate::from_ymd_opt(year, number(4, 6)?, number(6, 8)?)?;
        let time = NaiveTime::from_hms_opt(hour, minute, second)?;
        let millis = NaiveDateTime::new(date, time).and_utc().timestamp_millis();
        (millis > 0).then_some(millis)
    };
    let millis = read().ok_or_else(|| {
        format!("`{text}` of `{option}` is no time; one is written YYYYMMDDZ or YYYYMMDDHHMMSSZ")
    })?;
    Ok(Bound { millis, vague: if utc.is_some() { 0 } else { FURTHEST_ZONE } })
}

/// Is a name in a pattern list, and not taken back by `!`? (`ssh_config(5)`, PATTERNS)
fn listed_in(name: &str, list: &str) -> bool {
    let mut found = false;
    for pattern in list.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(name.as_bytes(), pattern.as_bytes()) => return false,
            Some(_) => {}
            None => found |= matches(name.as_bytes(), pattern.as_bytes()),
        }
    }
    found
}

/// `*`: any bytes; `?`: one.
fn matches(name: &[u8], pattern: &[u8]) -> bool {
    let (mut n, mut p) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                retry = Some((p, n));
            }
            Some(&byte) if byte == b'?' || byte == name[n] => {
                n += 1;
                p += 1;
            }
            _ => match retry {
                Some((after, from)) => {
                    p = after;
                    n = from + 1;
                    retry = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}
