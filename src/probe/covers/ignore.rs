//! What need not be in a backup. PURE.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};

/// Patterns without `/` for names at any depth, and patterns with one for paths below the source.
#[derive(Debug)]
pub(super) struct Ignore {
    names: GlobSet,
    paths: GlobSet,
}

impl Ignore {
    /// Reads the patterns. The error names the one that cannot be read.
    pub(super) fn new(patterns: &[String]) -> Result<Self, String> {
        let mut names = GlobSetBuilder::new();
        let mut paths = GlobSetBuilder::new();
        for pattern in patterns {
            let trimmed = pattern.strip_prefix("./").unwrap_or(pattern).trim_end_matches('/');
            let deep = trimmed.contains('/') || pattern.starts_with("./");
            let glob = GlobBuilder::new(trimmed.trim_start_matches('/'))
                .literal_separator(true)
                .backslash_escape(true)
                .build()
                .map_err(|e| {
                    format!("`ignore` has the pattern {pattern}, which cannot be read: {}", e.kind())
                })?;
            if deep {
                paths.add(glob)
            } else {
                names.add(glob)
            };
        }
        let built =
            |set: GlobSetBuilder| set.build().map_err(|e| format!("`ignore` cannot be read: {}", e.kind()));
        Ok(Self { names: built(names)?, paths: built(paths)? })
    }

    /// Whether nothing at all is ignored.
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.paths.is_empty()
    }

    /// Whether this is: `path` is below the source, `name` its last part.
    pub(super) fn matches(&self, path: &[u8], name: &[u8]) -> bool {
        let is_in = |set: &GlobSet, text: &[u8]| {
            !set.is_empty() && set.is_match_candidate(&Candidate::new(Path::new(OsStr::from_bytes(text))))
        };
        is_in(&self.names, name) || is_in(&self.paths, path)
    }
}
