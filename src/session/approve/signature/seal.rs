//! One signature in the form of `ssh-keygen -Y sign` (OpenSSH, PROTOCOL.sshsig): read strictly, so that one signature has
//! one form, and verified. PURE.

use data_encoding::BASE64;
use ssh_key::{Algorithm, HashAlg, PublicKey, Signature, SshSig};

/// Most bytes of an armoured signature. The largest real one (RSA, 4096 bits) has 2,000.
const MOST: usize = 64 * 1024;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// Base64 columns of `ssh-keygen`.
const COLUMNS: usize = 70;

/// Shorter ones are weak; longer ones are more than the verifier computes with.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// User presence: the key was touched (PROTOCOL.u2f).
const TOUCHED: u8 = 1;

/// A signature, taken apart.
pub(super) struct Seal {
    /// What it was made for.
    pub(super) namespace: String,
    key: PublicKey,
    key_bytes: Vec<u8>,
    sealed: SshSig,
    /// What a hardware key says of the touch; absent: the key is none.
    flags: Option<u8>,
    bytes: Vec<u8>,
}

impl Seal {
    /// Takes an armoured signature apart. White space around lines is forgiven, for the text is copied by hand.
    pub(super) fn read(armoured: &str) -> Result<Self, String> {
        if armoured.len() > MOST {
            return Err("that is no signature: it is larger than 64 KiB; give the file that ssh-keygen wrote, FILE.sig".to_owned());
        }
        let bytes = unarmoured(armoured)?;
        let damaged = || {
            "the signature is damaged or cut short; copy it whole, from the BEGIN line to the END line"
                .to_owned()
        };
        let parts = Parts::read(&bytes).ok_or_else(damaged)?;
        if parts.version != 1 {
            return Err(format!("the signature is of version {}; only version 1 is known", parts.version));
        }
        if parts.key_type.ends_with("-cert-v01@openssh.com") {
            return Err(
                "the signature was made with a certificate; sign with the key itself (its .pub file beside the private key)".to_owned(),
            );
        }
        if !parts.reserved.is_empty() {
            return Err("the signature has a part that is not known (reserved)".to_owned());
        }
        let hash = match parts.hash {
            "sha256" => HashAlg::Sha256,
            "sha512" => HashAlg::Sha512,
            other => {
                return Err(format!(
                    "the signature uses the hash `{other}`; only sha256 and sha512 are taken"
                ));
            }
        };
        let algorithm = algorithm(parts.key_type, parts.algorithm)?;
        let key = PublicKey::from_bytes(parts.key).map_err(|_| damaged())?;
        if parts.key_type == "ssh-rsa" && rsa_bits(&key).is_none_or(|bits| !RSA_BITS.contains(&bits)) {
            return Err("of RSA keys, those of 2048 to 4096 bits are taken; sign with another key".to_owned());
        }
        let mut data = parts.data.to_vec();
        if let Some((flags, counter)) = parts.trailer {
            data.push(flags);
            data.extend(counter.to_be_bytes());
        }
        let signature = Signature::new(algorithm, data).map_err(|_| damaged())?;
        let sealed =
            SshSig::new(key.key_data().clone(), parts.namespace, hash, signature).map_err(|_| damaged())?;
        Ok(Self {
            namespace: parts.namespace.to_owned(),
            key_bytes: parts.key.to_vec(),
            flags: parts.trailer.map(|(flags, _)| flags),
            key,
            sealed,
            bytes,
        })
    }

    /// Does it sign this very text?
    pub(super) fn signs(&self, text: &str) -> bool {
        self.key.verify(&self.namespace, text.as_bytes(), &self.sealed).is_ok()
    }

    /// Was the hardware key touched? A key that is no hardware key has none to ask for.
    pub(super) fn touched(&self) -> bool {
        self.flags.is_none_or(|flags| flags & TOUCHED != 0)
    }

    /// The key's fingerprint, as `ssh-keygen -l` prints it.
    pub(super) fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }

    /// The key as it stands in a .pub file, before its base64 text is made.
    pub(super) fn key_bytes(&self) -> &[u8] {
        &self.key_bytes
    }

    /// The one armoured form, byte for byte what `ssh-keygen` writes.
    pub(super) fn armour(&self) -> String {
        let base64 = BASE64.encode(&self.bytes);
        let mut text = format!("{BEGIN}\n");
        let mut rest = base64.as_str();
        while !rest.is_empty() {
            let (line, next) = rest.split_at(rest.len().min(COLUMNS));
            text.push_str(line);
            text.push('\n');
            rest = next;
        }
        text.push_str(END);
        text.push('\n');
        text
    }
}

fn unarmoured(armoured: &str) -> Result<Vec<u8>, String> {
    let trimmed = armoured.trim_ascii();
    if trimmed.contains("PRIVATE KEY") {
        return Err("that is a private key and not a signature; keep it to yourself, and give the file that ssh-keygen -Y sign wrote".to_owned());
    }
    let body = trimmed.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END)).ok_or_else(|| {
        format!("that is no signature: one begins with {BEGIN} and ends with {END}; give the file that ssh-keygen -Y sign wrote")
    })?;
    let base64: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    // More than one text can stand for the same bytes; only the one that is written for them is taken.
    match BASE64.decode(&base64) {
        Ok(bytes) if BASE64.encode(&bytes).as_bytes() == base64 => Ok(bytes),
        _ => Err("the signature is damaged: what stands between its BEGIN and END lines is not base64; copy it whole".to_owned()),
    }
}

fn rsa_bits(key: &PublicKey) -> Option<usize> {
    let modulus = key.key_data().rsa()?.n.as_positive_bytes()?;
    let leading = usize::try_from(modulus.first()?.leading_zeros()).ok()?;
    Some((modulus.len() * 8).saturating_sub(leading))
}

/// The algorithm of a signature by a key of this type.
fn algorithm(key_type: &str, algorithm: &str) -> Result<Algorithm, String> {
    let found = Algorithm::new(algorithm).ok();
    match (key_type, found) {
        ("ssh-rsa", Some(found @ Algorithm::Rsa { hash: Some(_) })) => Ok(found),
        ("ssh-rsa", _) => Err(format!(
            "the signature uses `{algorithm}`; of an RSA key only rsa-sha2-256 and rsa-sha2-512 are taken"
        )),
        (
            _,
            Some(
                found @ (Algorithm::Ed25519
                | Algorithm::Ecdsa { .. }
                | Algorithm::SkEd25519
                | Algorithm::SkEcdsaSha2NistP256),
            ),
        ) if key_type == algorithm => Ok(found),
        _ => Err(format!(
            "a key of type `{key_type}` with a signature `{algorithm}` is not taken; sign with an ed25519, ECDSA, RSA or hardware (ed25519-sk, ecdsa-sk) key"
        )),
    }
}

/// The parts on the wire, in their order.
struct Parts<'a> {
    version: u32,
    key: &'a [u8],
    key_type: &'a str,
    namespace: &'a str,
    reserved: &'a [u8],
    hash: &'a str,
    algorithm: &'a str,
    data: &'a [u8],
    trailer: Option<(u8, u32)>,
}

impl<'a> Parts<'a> {
    /// `None`: cut short, or something follows.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut wire = Wire(bytes.strip_prefix(b"SSHSIG")?);
        let version = wire.number()?;
        let key = wire.bytes()?;
        let key_type = Wire(key).word()?;
        let namespace = wire.word()?;
        let reserved = wire.bytes()?;
        let hash = wire.word()?;
        let mut signature = Wire(wire.bytes()?);
        wire.end()?;
        let algorithm = signature.word()?;
        let data = signature.bytes()?;
        let trailer =
            if algorithm.starts_with("sk-") { Some((signature.byte()?, signature.number()?)) } else { None };
        signature.end()?;
        Some(Self { version, key, key_type, namespace, reserved, hash, algorithm, data, trailer })
    }
}

/// The type that a key names itself by, in the bytes of a .pub file.
pub(super) fn type_of(key: &[u8]) -> Option<&str> {
    Wire(key).word()
}

/// Bytes in the form of RFC 4251, section 5.
struct Wire<'a>(&'a [u8]);

impl<'a> Wire<'a> {
    fn take(&mut self, many: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(many)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn number(&mut self) -> Option<u32> {
        let bytes = self.take(4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let many = usize::try_from(self.number()?).ok()?;
        self.take(many)
    }

    fn word(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}
