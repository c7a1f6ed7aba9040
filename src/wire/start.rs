//! What a starter tells a new host on its stdin, and the one line the host answers on its stdout. PURE.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::id::{SessionId, ValueName, as_asked};
use crate::session::event::Opened;

/// What the host is to do: one JSON document on its stdin, ended by end of file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "start", rename_all = "snake_case")]
pub enum StartHost {
    /// Make a session and walk it.
    New(Box<NewSession>),
    /// Take up a session that has no host.
    Resume {
        /// Its directory, absolute.
        dir: PathBuf,
        /// What the commands of this host get.
        given: Given,
    },
}

/// A session to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewSession {
    /// Directory that holds all sessions (`ONBELAY_HOME`), absolute; made where it is absent.
    pub home: PathBuf,
    /// The runbook's text as it was read and vetted; its copy is what is walked.
    pub source: String,
    /// What the session is opened with; `sha256` is that of `source`.
    pub opened: Opened,
    /// What the commands get.
    pub given: Given,
    /// A second open session of the same runbook with the same values is meant.
    pub another: bool,
}

/// What only the host's memory holds.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Given {
    /// Values of secrets.
    pub secrets: BTreeMap<ValueName, String>,
    /// The environment that commands get: the starter's, allow-list and `pass_env` applied.
    pub environment: BTreeMap<String, OsString>,
    /// The variables that secrets are taken from: the host is started without them.
    #[serde(skip)]
    pub secret_variables: Vec<String>,
}

impl fmt::Debug for Given {
    /// Names only: a secret must not reach a log by way of `{:?}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given")
            .field("secrets", &self.secrets.keys())
            .field("environment", &self.environment.keys())
            .field("secret_variables", &self.secret_variables)
            .finish()
    }
}

/// The host's answer: one line of JSON on its stdout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "started", rename_all = "snake_case")]
pub enum HostAnswer {
    /// It (or one that was there before it) takes clients.
    Ready {
        /// The session, as its directory is called.
        #[serde(deserialize_with = "as_asked")]
        id: SessionId,
        /// Its directory.
        dir: PathBuf,
    },
    /// The same runbook with the same values is walked already.
    Same {
        /// By this session.
        id: SessionId,
    },
    /// The call or a file is wrong; nothing was done.
    Wrong {
        /// One sentence.
        why: String,
    },
    /// The machine failed.
    Failed {
        /// One sentence.
        why: String,
    },
}
