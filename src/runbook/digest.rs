//! SHA-256 of what was read and of what will run, as people can redo it with `sha256sum`. PURE.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::id::Digest;

use super::values::ScriptCall;

/// Of bytes as they are: a runbook's file, a script.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> Digest {
    Digest::new(HEXLOWER.encode(&Sha256::digest(bytes)))
}

/// Of a filled script: over its JSON, whose keys are in a fixed order, so two calls share a digest only if every
/// word, variable and the directory are the same.
#[must_use]
pub fn of_call(call: &ScriptCall) -> Digest {
    // Maps with text keys and texts: nothing in it can fail to be JSON.
    of_bytes(&serde_json::to_vec(call).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn it_is_what_sha256sum_prints() {
        assert_eq!(of_bytes(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn every_part_of_a_call_counts() {
        let call = ScriptCall {
            argv: vec!["sh".to_owned(), "-c".to_owned(), "true".to_owned()],
            env: BTreeMap::from([("a".to_owned(), "1".to_owned())]),
            dir: None,
            secrets: Vec::new(),
            secret_env: BTreeMap::new(),
        };
        let mut other = call.clone();
        other.env.insert("a".to_owned(), "2".to_owned());
        assert_eq!(of_call(&call), of_call(&call.clone()));
        assert_ne!(of_call(&call), of_call(&other));
        other = ScriptCall { dir: Some("x".to_owned()), ..call.clone() };
        assert_ne!(of_call(&call), of_call(&other));
    }
}
