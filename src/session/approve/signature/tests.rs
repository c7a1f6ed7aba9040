//! Signatures that no program here can make (hardware keys), bounds, and anything at all as input.

mod lists;

use data_encoding::BASE64;
use proptest::prelude::*;
use ssh_key::private::Ed25519Keypair;
use ssh_key::public::{KeyData, SkEd25519};
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, PublicKey, Signature, SigningKey, SshSig};

use super::{NAMESPACE, check, check_again};
use crate::session::Signers;
use crate::session::event::SignedBy;
use crate::time::Timestamp;

const TEXT: &str = "onbelay approval 1\n";

fn at() -> Timestamp {
    Timestamp::from_millis(1_795_187_413_000)
}

fn pair() -> Ed25519Keypair {
    Ed25519Keypair::from_seed(&[9; 32])
}

fn of(key: &PublicKey) -> Signers {
    Signers { path: "FILE".to_owned(), text: format!("kim {}\n", key.to_openssh().unwrap()) }
}

fn raw<K: SigningKey>(key: &K, message: &[u8]) -> Vec<u8> {
    key.try_sign(message).unwrap().as_bytes().to_vec()
}

/// What an ed25519-sk key does (PROTOCOL.u2f): signs the application, flags, counter and message.
fn hardware(flags: u8, counter: u32, says: (u8, u32)) -> (String, Signers) {
    let key = KeyData::SkEd25519(SkEd25519::new(pair().public, "ssh:"));
    let message = SshSig::signed_data(NAMESPACE, HashAlg::Sha512, TEXT.as_bytes()).unwrap();
    let digest = |bytes: &[u8]| {
        use sha2::Digest as _;
        sha2::Sha256::digest(bytes)
    };
    let mut signed = digest(b"ssh:").to_vec();
    signed.push(flags);
    signed.extend(counter.to_be_bytes());
    signed.extend(digest(&message));
    let mut data = raw(&PrivateKey::from(pair()), &signed);
    data.push(says.0);
    data.extend(says.1.to_be_bytes());
    let signature = Signature::new(Algorithm::SkEd25519, data).unwrap();
    let sealed = SshSig::new(key.clone(), NAMESPACE, HashAlg::Sha512, signature).unwrap();
    (sealed.to_pem(LineEnding::LF).unwrap(), of(&PublicKey::from(key)))
}

#[test]
fn a_hardware_key_must_have_been_touched() {
    for (flags, counter) in [(1, 0), (1, 9), (5, u32::MAX)] {
        let (armoured, signers) = hardware(flags, counter, (flags, counter));
        let signed = check(TEXT, &armoured, &signers, at()).unwrap();
        assert_eq!(check_again(TEXT, &signed, at()), Ok(()));
        assert!(check("another", &armoured, &signers, at()).is_err());
    }
    for flags in [0, 4] {
        let (armoured, signers) = hardware(flags, 1, (flags, 1));
        let why = check(TEXT, &armoured, &signers, at()).unwrap_err();
        assert!(why.contains("without being touched"), "{why}");
    }
    for says in [(1, 1), (0, 2), (5, 1)] {
        let (armoured, signers) = hardware(0, 2, says);
        assert!(
            check(TEXT, &armoured, &signers, at()).is_err(),
            "what it says of the touch is signed: {says:?}"
        );
    }
}

#[test]
fn a_hardware_key_is_not_the_same_key_without_hardware() {
    let (armoured, signers) = hardware(1, 1, (1, 1));
    let plain = of(&PublicKey::from(pair().public));
    assert!(check(TEXT, &armoured, &plain, at()).unwrap_err().contains("is not in FILE"));
    let (own, plain) = real();
    assert!(check(TEXT, &own, &plain, at()).is_ok());
    assert!(check(TEXT, &own, &signers, at()).is_err());
}

fn real() -> (String, Signers) {
    let sealed =
        SshSig::sign(&PrivateKey::from(pair()), NAMESPACE, HashAlg::Sha256, TEXT.as_bytes()).unwrap();
    (sealed.to_pem(LineEnding::LF).unwrap(), of(&PublicKey::from(pair().public)))
}

#[test]
fn what_is_too_large_or_no_signature_is_refused_in_words() {
    let (armoured, signers) = real();
    let padded = format!("{armoured}{}", "\n".repeat(64 * 1024));
    assert!(check(TEXT, &padded, &signers, at()).unwrap_err().contains("64 KiB"));
    let long = Signers { text: format!("{}{}", signers.text, "\n".repeat(1024 * 1024)), ..signers.clone() };
    assert!(check(TEXT, &armoured, &long, at()).unwrap_err().contains("1 MiB"));
    for (other, expected) in [
        ("", "that is no signature"),
        ("yes", "-----BEGIN SSH SIGNATURE-----"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "private key"),
        ("-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----", "damaged"),
        ("-----BEGIN SSH SIGNATURE-----\n*\n-----END SSH SIGNATURE-----", "base64"),
    ] {
        let why = check(TEXT, other, &signers, at()).unwrap_err();
        assert!(why.contains(expected), "{other}: {why}");
    }
}

proptest! {
    #[test]
    fn no_input_is_too_much(bytes in prop::collection::vec(any::<u8>(), 0..300), lines in "\\PC{0,200}") {
        let (armoured, signers) = real();
        let any = data_encoding::BASE64.encode(&[b"SSHSIG\0\0\0\x01".as_slice(), &bytes].concat());
        let sealed = format!("-----BEGIN SSH SIGNATURE-----\n{any}\n-----END SSH SIGNATURE-----\n");
        prop_assert!(check(TEXT, &sealed, &signers, at()).is_err());
        prop_assert!(check(TEXT, &String::from_utf8_lossy(&bytes), &signers, at()).is_err());
        let list = Signers { text: lines.clone(), ..signers.clone() };
        prop_assert!(check(TEXT, &armoured, &list, at()).is_err());
        let signed = check(TEXT, &armoured, &signers, at()).unwrap();
        let text = signers.text.replace("kim ", &format!("kim {lines} "));
        if let Ok(found) = check(TEXT, &armoured, &Signers { text, ..signers }, at()) {
            prop_assert_eq!(found.principal, "kim");
        }
        let other_line = SignedBy { line: lines, ..signed };
        prop_assert!(check_again(TEXT, &other_line, at()).is_err());
    }

    #[test]
    fn a_damaged_signature_is_refused(flips in prop::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..4)) {
        let (armoured, signers) = real();
        let body: String = armoured.lines().filter(|line| !line.starts_with('-')).collect();
        let bytes = data_encoding::BASE64.decode(body.as_bytes()).unwrap();
        let mut changed = bytes.clone();
        for (at, flip) in flips {
            let at = at.index(changed.len());
            changed[at] ^= flip;
        }
        prop_assume!(changed != bytes);
        let any = data_encoding::BASE64.encode(&changed);
        let sealed = format!("-----BEGIN SSH SIGNATURE-----\n{any}\n-----END SSH SIGNATURE-----\n");
        prop_assert!(check(TEXT, &sealed, &signers, at()).is_err());
    }
}

/// An armoured signature with this in its reserved part (PROTOCOL.sshsig), which is empty in all that is known.
fn with_reserved(armoured: &str, reserved: &[u8]) -> String {
    let base64: String = armoured.lines().filter(|line| !line.starts_with("-----")).collect();
    let bytes = BASE64.decode(base64.as_bytes()).unwrap();
    let mut at = b"SSHSIG".len() + 4;
    for _ in ["the key", "the namespace"] {
        at += 4 + u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    }
    assert_eq!(bytes[at..at + 4], [0; 4]);
    let length = u32::try_from(reserved.len()).unwrap().to_be_bytes();
    let bytes = [&bytes[..at], &length, reserved, &bytes[at + 4..]].concat();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", BASE64.encode(&bytes))
}

#[test]
fn t5_a_part_that_is_not_known_is_not_passed_over() {
    let (armoured, signers) = real();
    assert!(check(TEXT, &with_reserved(&armoured, b""), &signers, at()).is_ok());
    let why = check(TEXT, &with_reserved(&armoured, b"x"), &signers, at()).unwrap_err();
    assert!(why.contains("reserved"), "{why}");
}
