//! Instants, lengths of time and sizes as values. PURE: nothing here reads a clock; "now" is always an argument.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in UTC, kept to the millisecond; its text is RFC 3339 with `Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The calendar's view of it; a value out of chrono's range reads as 1970.
    #[must_use]
    pub fn calendar(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }

    /// `HH:MM:SS` in UTC, for lists.
    #[must_use]
    pub fn clock(self) -> String {
        self.calendar().format("%H:%M:%S").to_string()
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_millis())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.calendar().to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let time = DateTime::parse_from_rfc3339(&text).map_err(serde::de::Error::custom)?;
        Ok(Self(time.timestamp_millis()))
    }
}

/// A point in time by both clocks: UTC for people, time since boot (suspend included) for ages.
///
/// Ages are taken from the boot clock where both ends are of one boot, so a wall clock that is set
/// cannot make an answer younger than it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// UTC.
    pub at: Timestamp,
    /// Milliseconds since the machine booted, suspend included (`CLOCK_BOOTTIME`).
    pub up: u64,
    /// Which boot of this session's machine: 0 for the first, one more at each boot a host has seen.
    #[serde(default)]
    pub boot: u32,
}

impl Moment {
    /// How long before `now` this was; `None` where the clocks contradict each other (it lies ahead of `now`).
    #[must_use]
    pub fn age(self, now: Self) -> Option<Duration> {
        if self.boot == now.boot {
            return now.up.checked_sub(self.up).map(Duration::from_millis);
        }
        let millis = now.at.millis().checked_sub(self.at.millis())?;
        u64::try_from(millis).ok().map(Duration::from_millis)
    }
}

/// Why a text is not a length of time or a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found `{found}`")]
pub struct NotAQuantity {
    /// What the format asks for, with examples.
    pub expected: &'static str,
    /// The text that was there.
    pub found: String,
}

/// Reads `90s`, `5m`, `2h`, `3d`, `1h30m`: whole numbers, each unit once, larger units first.
pub fn parse_duration(text: &str) -> Result<Duration, NotAQuantity> {
    let wrong =
        || NotAQuantity { expected: "a duration such as 90s, 5m, 2h, 3d or 1h30m", found: text.to_owned() };
    let mut seconds: u64 = 0;
    let mut digits = String::new();
    let mut last_unit = u64::MAX;
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let unit: u64 = match c {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let count: u64 = digits.parse().map_err(|_| wrong())?;
        if unit >= last_unit {
            return Err(wrong());
        }
        last_unit = unit;
        seconds = count.checked_mul(unit).and_then(|s| seconds.checked_add(s)).ok_or_else(wrong)?;
        digits.clear();
    }
    // A century is beyond any runbook and keeps every sum of milliseconds within u64.
    if !digits.is_empty() || last_unit == u64::MAX || seconds > 100 * 366 * 86_400 {
        return Err(wrong());
    }
    Ok(Duration::from_secs(seconds))
}

/// Reads `500MB`, `10GiB`, `512B` as bytes: a whole number and its unit. K, M, G, T, P with `B` count by 1000, with `iB` by 1024.
pub fn parse_size(text: &str) -> Result<u64, NotAQuantity> {
    let wrong = || NotAQuantity { expected: "a size such as 500MB or 10GiB", found: text.to_owned() };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
    let unit = &text[digits..];
    let (prefix, base) = match unit.strip_suffix("iB") {
        Some(prefix) => (prefix, 1024),
        None => (unit.strip_suffix('B').ok_or_else(wrong)?, 1000_u64),
    };
    let power = match prefix {
        "" if base == 1000 => 0,
        "k" | "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        "P" => 5,
        _ => return Err(wrong()),
    };
    base.checked_pow(power).and_then(|unit| number.checked_mul(unit)).ok_or_else(wrong)
}

/// A number of bytes as people read it: `812 B`, `48 KB`, `6.1 MB`, counted by 1000.
#[must_use]
pub fn size_in_words(bytes: u64) -> String {
    let units = [
        ("PB", 1_000_000_000_000_000_u64),
        ("TB", 1_000_000_000_000),
        ("GB", 1_000_000_000),
        ("MB", 1_000_000),
        ("KB", 1_000),
    ];
    match units.into_iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) if bytes < 10 * unit => {
            format!("{}.{} {name}", bytes / unit, bytes % unit / (unit / 10))
        }
        Some((name, unit)) => format!("{} {name}", bytes / unit),
        None => format!("{bytes} B"),
    }
}

/// A count as people read it, in groups of three: `31,204`.
#[must_use]
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A length of time as people read it: `8 s`, `12 min`, `3 h 05 min`, `2 d 4 h`.
#[must_use]
pub fn in_words(length: Duration) -> String {
    let s = length.as_secs();
    match s {
        0..60 => format!("{s} s"),
        60..3_600 => format!("{} min", s / 60),
        3_600..86_400 => format!("{} h {:02} min", s / 3_600, s % 3_600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3_600),
    }
}

/// A length of time as a stopwatch shows it: `0:12`, `12:03`, `1:02:03`.
#[must_use]
pub fn stopwatch(length: Duration) -> String {
    let s = length.as_secs();
    if s < 3_600 {
        format!("{}:{:02}", s / 60, s % 60)
    } else {
        format!("{}:{:02}:{:02}", s / 3_600, s % 3_600 / 60, s % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_the_format() {
        for (text, seconds) in
            [("90s", 90), ("5m", 300), ("2h", 7_200), ("3d", 259_200), ("1h30m", 5_400), ("0s", 0)]
        {
            assert_eq!(parse_duration(text).map(|d| d.as_secs()), Ok(seconds), "{text}");
        }
        for text in ["", "5", "m", "5 m", "1m1h", "5m5m", "-5m", "1.5h", "99999999999999999999d", "40000d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_of_the_format() {
        for (text, bytes) in [
            ("500MB", 500_000_000),
            ("10GiB", 10 << 30),
            ("0B", 0),
            ("512B", 512),
            ("4kB", 4_000),
            ("4KiB", 4_096),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "5", "B", "iB", "5iB", "5 MB", "-5MB", "1.5GB", "5mb", "5M", "99999999PB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_and_counts_are_short() {
        for (bytes, text) in
            [(0, "0 B"), (999, "999 B"), (6_100_000, "6.1 MB"), (48_210, "48 KB"), (10 << 30, "10 GB")]
        {
            assert_eq!(size_in_words(bytes), text);
        }
        for (count, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(count), text);
        }
    }

    #[test]
    fn a_timestamp_survives_its_text() {
        let time = Timestamp::from_millis(1_795_187_413_201);
        let text = serde_json::to_string(&time).unwrap();
        assert_eq!(text, "\"2026-11-20T15:10:13.201Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&text).unwrap(), time);
    }

    #[test]
    fn an_age_ignores_a_wall_clock_that_was_set_back() {
        let then = Moment { at: Timestamp::from_millis(10_000), up: 1_000, boot: 0 };
        let now = Moment { at: Timestamp::from_millis(0), up: 61_000, boot: 0 };
        assert_eq!(then.age(now), Some(Duration::from_mins(1)));
        assert_eq!(then.age(Moment { boot: 1, ..now }), None);
    }
}
