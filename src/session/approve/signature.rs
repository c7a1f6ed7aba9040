//! Signatures of approvals: the form of `ssh-keygen -Y sign` (SSHSIG), and who may sign by an `allowed_signers` file. PURE.

use crate::session::Signers;
use crate::session::event::SignedBy;
use crate::time::Timestamp;

/// Checks an armoured signature over `text`, made in the namespace of approvals, against the allowed signers as they
/// stood at `at`. The sentence says what is wrong.
pub fn check(_text: &str, _armoured: &str, _signers: &Signers, _at: Timestamp) -> Result<SignedBy, String> {
    Err("not yet".to_owned())
}

/// Checks a signature on record again, with nothing but its record: the line that allowed it, the text that was signed.
pub fn check_again(_text: &str, _signed: &SignedBy, _at: Timestamp) -> Result<(), String> {
    Err("not yet".to_owned())
}
