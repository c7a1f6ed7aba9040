//! Who may sign, by a list: what a line says of a key, and the sentence where it says no. That `ssh-keygen` gives the same verdict,
//! a test of the whole shows.

use super::*;
use crate::session::approve::signature::check_against;

/// The key that signed, and another.
fn keys() -> [String; 2] {
    [[9; 32], [8; 32]]
        .map(|seed| PublicKey::from(Ed25519Keypair::from_seed(&seed).public).to_openssh().unwrap())
}

/// `{K}` in a list: the key that signed; `{O}`: another.
fn listed(list: &str) -> Signers {
    let [own, other] = keys();
    Signers { path: "FILE".to_owned(), text: list.replace("{K}", &own).replace("{O}", &other) }
}

fn said(list: &str) -> Result<SignedBy, String> {
    check(TEXT, &real().0, &listed(list), at())
}

#[test]
fn who_may_sign_is_the_first_name_of_the_first_line_that_allows_the_key() {
    for (list, name) in [
        ("kim {K}", "kim"),
        (" \"kim\"\t{K}", "kim"),
        ("# note\n\nsam {O}\nkim {K}", "kim"),
        ("sam,kim {K}", "sam"),
        ("*,k?m,!sam,sam,kim {K}", "kim"),
        ("!,,kim {K}", "kim"),
        ("sam namespaces=\"git\" {K}\nkim {K}", "kim"),
        ("kim namespaces=\"onbelay-approval\" {K}", "kim"),
        ("kim NameSpaces=\"git,onbelay-*\" {K}", "kim"),
        ("kim namespaces=\"onbelay?approval\" {K}", "kim"),
        ("kim namespaces=\"*a*l\" {K}", "kim"),
        ("kim namespaces=\"on*b*y-app*\" {K}", "kim"),
        ("kim namespaces=\"a\\\"b c,*\" {K}", "kim"),
        ("kim namespaces=\"a\\c,*\" {K}", "kim"),
        ("kim valid-after=\"20261120151013Z\" {K}", "kim"),
        ("kim valid-before=\"20261120151013Z\" {K}", "kim"),
        ("kim valid-after=\"202611201510Z\",valid-before=\"202611201511Z\" {K}", "kim"),
        ("kim valid-after=\"20261120Z\",valid-before=\"20261121Z\",namespaces=\"*\" {K}", "kim"),
        ("kim valid-after=\"20261120011013\",valid-before=\"20261121051013\" {K}", "kim"),
    ] {
        let signed = said(list).unwrap_or_else(|why| panic!("{list}: {why}"));
        assert_eq!(signed.principal, name, "{list}");
        assert_eq!(check_again(TEXT, &signed, at()), Ok(()), "{list}");
        assert_eq!(check_against(TEXT, &signed, &listed(list), at()), Ok(()), "{list}");
    }
}

#[test]
fn who_may_not_sign_is_told_why_and_by_which_line() {
    let key = "the key SHA256:";
    for (list, why) in [
        ("", "is not in FILE"),
        ("# kim {K}", "is not in FILE"),
        ("kim {O}", "is not in FILE"),
        ("x\nkim {O}", "(line 1 of FILE cannot be read: a line has a name, a key's type and the key)"),
        (
            "x namespaces=\"a b\"\nkim {O}",
            "(line 1 of FILE cannot be read: a line has a name, a key's type and the key)",
        ),
        ("kim {O} x\nsam", "(line 2 of FILE cannot be read"),
        ("a\nb\nc\nd\ne", "; and 2 more)"),
        ("a\nb\nc", "line 3 of FILE cannot be read: a line has a name, a key's type and the key)"),
        ("kim namespaces=\"git\" {K}", "line 1 of FILE allows it for namespaces=\"git\" only"),
        ("kim namespaces=\"*,!onbelay-approval\" {K}", "only; add onbelay-approval"),
        ("kim namespaces=\"onbelay\" {K}", "only; add"),
        ("kim namespaces=\"onbelay-approvals\" {K}", "only; add"),
        ("kim namespaces=\"*b\" {K}", "only; add"),
        ("kim namespaces=\"?\" {K}", "only; add"),
        ("k?m {K}", "names no one person (`k?m`)"),
        ("kim,!k* {K}", "names no one person"),
        ("!kim,kim {K}", "names no one person"),
        ("kim cert-authority {K}", "allows certificates that it signed"),
        ("kim CERT-AUTHORITY,namespaces=\"*\" {K}", "allows certificates"),
        ("kim agent {K}", "has this key and cannot be read: `agent` is no option that is known"),
        ("kim agent=\"x\" {K}", "`agent` is no option that is known"),
        ("kim namespaces=\"*\"valid-after=\"20261120Z\" {K}", "a comma is missing after `namespaces`"),
        ("kim namespaces=x {K}", "must stand in quotation marks"),
        ("kim namespaces=\"git\",namespaces=\"*\" {K}", "`namespaces` stands there twice"),
        ("kim valid-after=\"20261120Z\",valid-after=\"20261120Z\" {K}", "`valid-after` stands there twice"),
        (
            "kim valid-before=\"20261120Z\",valid-before=\"20261120Z\" {K}",
            "`valid-before` stands there twice",
        ),
        ("kim valid-after=\"20261120151014Z\" {K}", "and not yet"),
        ("kim valid-after=\"20261120011014\" {K}", "and not yet"),
        ("kim valid-before=\"20261120151012Z\" {K}", "and it has expired"),
        ("kim valid-before=\"20261121051012\" {K}", "and it has expired"),
        (
            "kim valid-before=\"20261120Z\",valid-after=\"20261121Z\" {K}",
            "valid-before is not after its valid-after",
        ),
        (
            "kim valid-before=\"20261120Z\",valid-after=\"20261120Z\" {K}",
            "valid-before is not after its valid-after",
        ),
        ("kim valid-after=\"2026\" {K}", "is no time"),
        ("kim valid-after=\"2026112x\" {K}", "is no time"),
        ("kim valid-after=\"+2026112\" {K}", "is no time"),
        ("kim valid-after=\"19700101Z\" {K}", "is no time"),
        ("kim valid-after=\"20261320Z\" {K}", "is no time"),
        ("kim valid-after=\"20261120 {K}", "a quotation mark in its options is not closed"),
        ("\"kim {K}", "a quotation mark is not closed"),
    ] {
        let sentence = said(list).unwrap_err();
        assert!(sentence.starts_with(key) && sentence.contains(why), "{list}: {sentence}");
    }
}

#[test]
fn whoever_else_a_key_is_given_to_is_named() {
    let list =
        "kim,k*,!lee,,ann {K}\nsam namespaces=\"git\" {K}\nlee {O}\neve agent {K}\nkim {K}\nx agent {O}\n";
    assert_eq!(said(list).unwrap().also, ["ann", "eve", "sam"]);
}

#[test]
fn a_list_of_another_key_or_name_does_not_stand_for_the_one_on_record() {
    let signed = said("kim {K}").unwrap();
    let against = |list: &str| check_against(TEXT, &signed, &listed(list), at());
    assert_eq!(against("sam,kim {K}"), Ok(()));
    assert!(against("sam {K}").unwrap_err().contains("has it as the key of `sam` and not of kim"));
    assert!(against("kim {O}").unwrap_err().contains("is not in FILE"));
    let mut other = signed.clone();
    other.fingerprint.push('x');
    assert!(check_against(TEXT, &other, &listed("kim {K}"), at()).unwrap_err().contains("fingerprint"));
}

#[test]
fn the_largest_that_is_read_is_read() {
    let (armoured, signers) = real();
    let padded = format!("{armoured}{}", "\n".repeat(64 * 1024 - armoured.len()));
    assert!(check(TEXT, &padded, &signers, at()).is_ok());
    let text = format!("{}{}", signers.text, "\n".repeat(1024 * 1024 - signers.text.len()));
    assert!(check(TEXT, &armoured, &Signers { text, ..signers }, at()).is_ok());
}

#[test]
fn nothing_may_follow_a_signature() {
    let (armoured, signers) = real();
    let body: String = armoured.lines().filter(|line| !line.starts_with('-')).collect();
    let mut bytes = data_encoding::BASE64.decode(body.as_bytes()).unwrap();
    bytes.push(0);
    let more = data_encoding::BASE64.encode(&bytes);
    let more = format!("-----BEGIN SSH SIGNATURE-----\n{more}\n-----END SSH SIGNATURE-----\n");
    assert!(check(TEXT, &more, &signers, at()).unwrap_err().contains("damaged or cut short"));
}
