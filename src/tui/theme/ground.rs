//! What lies behind the letters: a dark or a light ground. PURE.
//!
//! A terminal can be asked, but its answer comes among the keys that people type, so it is not. Some say it by themselves.

/// A ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Light letters are read on it.
    Dark,
    /// Dark letters are read on it.
    Light,
    /// Either; or nobody knows.
    Any,
}

impl Ground {
    /// What `COLORFGBG` says of this terminal: the last of its numbers is the colour of the ground.
    #[must_use]
    pub fn from_env(var: impl Fn(&str) -> Option<String>) -> Self {
        let number = var("COLORFGBG").and_then(|said| said.rsplit(';').next()?.parse::<u8>().ok());
        match number {
            Some(0..=6 | 8) => Self::Dark,
            Some(7 | 9..=15) => Self::Light,
            _ => Self::Any,
        }
    }

    /// A theme made for this one would be hard to read on `other`.
    #[must_use]
    pub fn clashes(self, other: Self) -> bool {
        matches!((self, other), (Self::Dark, Self::Light) | (Self::Light, Self::Dark))
    }

    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Any => "any",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_terminals_say_what_their_ground_is() {
        for (said, ground) in [
            ("15;0", Ground::Dark),
            ("0;15", Ground::Light),
            ("0;default;15", Ground::Light),
            ("12;8", Ground::Dark),
            ("default;default", Ground::Any),
            ("", Ground::Any),
        ] {
            assert_eq!(Ground::from_env(|_| Some(said.to_owned())), ground, "{said}");
        }
        assert_eq!(Ground::from_env(|_| None), Ground::Any);
        assert!(Ground::Dark.clashes(Ground::Light) && !Ground::Dark.clashes(Ground::Any));
    }
}
