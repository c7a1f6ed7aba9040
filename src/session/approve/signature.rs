//! Signatures of approvals: the form of `ssh-keygen -Y sign` (SSHSIG), and who may sign by an `allowed_signers` file. PURE.
//! It must not know files, agents or private keys: it only verifies.
//!
//! Where it is stricter than `ssh-keygen -Y verify`: one form of each signature and no other (version, reserved part and
//! base64 included), no certificates, a hardware key must have been touched, a time without `Z` narrows the validity in
//! every time zone, and a line must name a person, not only a pattern.

mod seal;
mod signers;
#[cfg(test)]
mod tests;

use seal::Seal;
use signers::{Source, find, names_for};

use super::NAMESPACE;
use crate::session::Signers;
use crate::session::event::SignedBy;
use crate::time::Timestamp;

/// Checks an armoured signature over `text`, made in the namespace of approvals, against the allowed signers as they
/// stood at `at`. The sentence says what is wrong.
pub fn check(text: &str, armoured: &str, signers: &Signers, at: Timestamp) -> Result<SignedBy, String> {
    allowed(text, armoured, Source::File { path: &signers.path, text: &signers.text }, at, None)
}

/// Checks a signature on record again, with nothing but its record: the line that allowed it, the text that was signed.
/// `at`: the time of the record.
pub fn check_again(text: &str, signed: &SignedBy, at: Timestamp) -> Result<(), String> {
    let source = Source::Record { path: &signed.signers, line: &signed.line };
    let found = allowed(text, &signed.signature, source, at, None)?;
    let differs = [
        (found.principal == signed.principal, "who signed"),
        (found.fingerprint == signed.fingerprint, "the key's fingerprint"),
        (found.signature == signed.signature, "the signature"),
        (found.line == signed.line, "the line that allows the key"),
    ];
    match differs.iter().find(|(same, _)| !same) {
        None => Ok(()),
        Some((_, what)) => Err(format!("{what} is not as it was written on record")),
    }
}

/// Checks a signature on record against another file of allowed signers, kept apart from the session: that file must allow
/// the key, under the same name, at the time of the record.
pub fn check_against(text: &str, signed: &SignedBy, signers: &Signers, at: Timestamp) -> Result<(), String> {
    let source = Source::File { path: &signers.path, text: &signers.text };
    let found = allowed(text, &signed.signature, source, at, Some(&signed.principal))?;
    if found.fingerprint == signed.fingerprint {
        Ok(())
    } else {
        Err("the key's fingerprint is not as it was written on record".to_owned())
    }
}

/// `wanted`: the name that the line must have for the key; absent: its first.
fn allowed(
    text: &str,
    armoured: &str,
    source: Source<'_>,
    at: Timestamp,
    wanted: Option<&str>,
) -> Result<SignedBy, String> {
    let seal = Seal::read(armoured)?;
    if seal.namespace != NAMESPACE {
        return Err(format!(
            "the signature was made for `{}` and not for an approval; sign with: ssh-keygen -Y sign -n {NAMESPACE} -f KEY FILE",
            seal.namespace
        ));
    }
    if !seal.signs(text) {
        return Err(
            "the signature does not sign this text: what is asked has changed since, or another file was signed; save the text anew and sign that".to_owned(),
        );
    }
    if !seal.touched() {
        return Err(format!(
            "the hardware key {} signed without being touched; sign with a key that asks for a touch",
            seal.fingerprint()
        ));
    }
    let (principal, line) = find(source, &seal, at, wanted)?;
    let mut also = names_for(source, &seal);
    also.retain(|name| *name != principal);
    Ok(SignedBy {
        principal,
        fingerprint: seal.fingerprint(),
        signature: seal.armour(),
        signers: source.path().to_owned(),
        line: line.to_owned(),
        also,
        unknown: None,
    })
}
