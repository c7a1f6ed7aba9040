//! F-A1: one signed approval, changed in more than ten thousand ways, none of which is taken.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use ssh_key::private::Ed25519Keypair;
use ssh_key::{HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};

use crate::id::{Digest, SessionId, ValueName};
use crate::runbook;
use crate::session::approve::signature::{check, check_again};
use crate::session::approve::{ItemCommand, NAMESPACE, Subject};
use crate::session::bench::{Bench, dana, sam};
use crate::session::event::{Proven, SignedBy};
use crate::session::{Command, Refusal, Session, Signers};

const SIGNED: &str = "
params: { region: { default: eu }, owner: { default: ops } }
checks:
  backup: { title: 'Backup of ${region} holds', run: 'true' }
  copy: { title: A copy is elsewhere, attest: Where is it? }
steps:
  - { id: wipe, title: Wipe, destructive: 'Everything in ${region}', witness: { proof: key, of: [kim] }, requires: [backup, copy], env: { WHO: '${owner}' }, run: 'rm -r \"$region\"' }
  - { id: purge, title: Purge, destructive: The rest, witness: { proof: key, of: [kim] }, requires: backup, run: 'rm -rf rest' }
";

fn keys(seed: u8) -> Ed25519Keypair {
    Ed25519Keypair::from_seed(&[seed; 32])
}

fn public(seed: u8) -> String {
    PublicKey::from(keys(seed).public).to_openssh().unwrap()
}

fn sign_as(seed: u8, namespace: &str, text: &str) -> String {
    let sealed =
        SshSig::sign(&PrivateKey::from(keys(seed)), namespace, HashAlg::Sha512, text.as_bytes()).unwrap();
    sealed.to_pem(LineEnding::LF).unwrap()
}

fn sign(text: &str) -> String {
    sign_as(7, NAMESPACE, text)
}

fn signers() -> Signers {
    let text = format!("# Who may approve.\nkim namespaces=\"onbelay-approval\" {} laptop\n", public(7));
    Signers { path: "/etc/onbelay/allowed_signers".to_owned(), text }
}

fn bench() -> Bench {
    let values = [("region", "eu-1"), ("owner", "ops")]
        .map(|(name, value)| (ValueName::new(name), runbook::Value::Text(value.to_owned())));
    let mut bench = Bench::with_values(SIGNED, BTreeMap::from(values));
    bench.found.signers = Some(Ok(signers()));
    bench.check("backup").unwrap();
    bench.attest("copy", true).unwrap();
    bench
}

impl Bench {
    fn text_of(&mut self, step: &str) -> String {
        self.asks(&dana(), step).unwrap();
        self.round(step).unwrap().subject.text()
    }

    fn signs(&mut self, step: &str, armoured: &str) -> Result<(), Refusal> {
        let signature = Some(armoured.to_owned());
        self.act_as(&sam(), &Command::Approve { step: step.into(), seen: None, name: None, signature })
    }

    /// The same walk, record for record, in another session.
    fn in_session(mut self, id: &str) -> Self {
        for entry in &mut self.entries {
            entry.session = SessionId::new(id);
        }
        self.session = Session::open(Arc::clone(&self.session.runbook), &self.entries[0]).unwrap();
        for entry in &self.entries[1..] {
            self.session.apply(entry).unwrap();
        }
        self
    }

    fn signed_by(&self, step: &str) -> SignedBy {
        match &self.round(step).unwrap().given[0].proof {
            Proven::Key(signed) => (**signed).clone(),
            other => panic!("{other:?}"),
        }
    }
}

/// How many changes of each kind were tried, and not one taken.
#[derive(Default)]
struct Tried(BTreeMap<String, usize>);

impl Tried {
    fn refused<T>(&mut self, kind: &str, what: &str, result: &Result<T, String>) {
        assert!(result.is_err(), "taken: {kind}: {what}");
        *self.0.entry(kind.to_owned()).or_default() += 1;
    }
}

#[test]
fn f_a1_a1_ten_thousand_changed_approvals_and_none_is_taken() {
    let mut bench = bench();
    let text = bench.text_of("wipe");
    let subject = bench.round("wipe").unwrap().subject.clone();
    let armoured = sign(&text);
    bench.signs("wipe", &armoured).unwrap();
    let signed = bench.signed_by("wipe");
    assert_eq!(check(&text, &armoured, &signers(), bench.now.at), Ok(signed.clone()));
    assert_eq!(check_again(&text, &signed, bench.now.at), Ok(()));

    let mut tried = Tried::default();
    fields(&subject, &armoured, &mut tried);
    let by_hand = by_hand(&subject);
    fields(&by_hand, &sign(&by_hand.text()), &mut tried);
    bytes_of_text(&text, &signed, &mut tried);
    let equal = bytes_of_signature(&text, &signed, &mut tried);
    other_seals(&text, &signed, &mut tried);
    records(&text, &signed, &mut tried);

    let all: usize = tried.0.values().sum();
    println!("{all} changed approvals, none taken; {equal} rewritten without any change: {:#?}", tried.0);
    assert!(all >= 10_000, "{all}");
    assert!(equal > 100, "{equal}");
    let both = [&subject, &by_hand].map(|subject| serde_json::to_value(subject).unwrap());
    for field in both.iter().flat_map(|subject| subject.as_object().unwrap().keys()) {
        assert!(tried.0.contains_key(&format!("field {field}")), "{field} was never changed: {:?}", tried.0);
    }
}

/// The same start with all that it has not: a person's work, a list, secrets, an environment.
fn by_hand(subject: &Subject) -> Subject {
    let digest = subject.runbook.clone();
    let item = |item: &str| ItemCommand { item: item.to_owned(), command: Some(digest.clone()) };
    Subject {
        argv: Vec::new(),
        words: "Press the red button.\nThen wait.".to_owned(),
        environment: [("HOME".to_owned(), digest.clone()), ("PATH".to_owned(), digest.clone())].into(),
        secrets: vec![ValueName::new("token")],
        items: vec![item("b"), item("c")],
        list: ["a", "b", "c"].map(str::to_owned).to_vec(),
        ..subject.clone()
    }
}

/// Every leaf of what is approved, in several ways each.
fn fields(subject: &Subject, armoured: &str, tried: &mut Tried) {
    let whole = serde_json::to_value(subject).unwrap();
    for (field, value) in whole.as_object().unwrap() {
        for other in variants(value) {
            let mut changed = whole.clone();
            changed[field] = other;
            let Ok(changed) = serde_json::from_value::<Subject>(changed) else { continue };
            if changed == *subject {
                continue;
            }
            let at = subject.at;
            tried.refused(
                &format!("field {field}"),
                &format!("{changed:?}"),
                &check(&changed.text(), armoured, &signers(), at),
            );
        }
    }
}

/// The same value with one thing in it changed.
fn variants(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => vec![Value::from("x"), Value::from(1)],
        Value::Bool(yes) => vec![Value::from(!yes)],
        Value::Number(number) => {
            let number = number.as_i64().unwrap();
            [1, -1, 7, 1000, -number].map(|by| Value::from(number + by)).to_vec()
        }
        Value::String(text) => words(text).into_iter().map(Value::from).collect(),
        Value::Array(items) => {
            let mut all = Vec::new();
            for (at, item) in items.iter().enumerate() {
                let mut without = items.clone();
                without.remove(at);
                all.push(Value::from(without));
                let mut twice = items.clone();
                twice.insert(at, item.clone());
                all.push(Value::from(twice));
                for other in variants(item) {
                    let mut changed = items.clone();
                    changed[at] = other;
                    all.push(Value::from(changed));
                }
            }
            let mut more = items.clone();
            more.push(Value::from("more"));
            all.push(Value::from(more));
            all
        }
        Value::Object(map) => {
            let mut all = Vec::new();
            for (name, item) in map {
                let mut without = map.clone();
                without.remove(name);
                all.push(Value::from(without.clone()));
                without.insert(format!("{name}x"), item.clone());
                all.push(Value::from(without));
                for other in variants(item) {
                    let mut changed = map.clone();
                    changed.insert(name.clone(), other);
                    all.push(Value::from(changed));
                }
            }
            let mut more = map.clone();
            more.insert("more".to_owned(), Value::from("0"));
            all.push(Value::from(more));
            all
        }
    }
}

fn words(text: &str) -> Vec<String> {
    let mut all: Vec<String> =
        ["", "x", "-", "\"", "\n", " ", "run", "undo", "script", "person", "by_hand", "account", "here"]
            .map(str::to_owned)
            .to_vec();
    all.extend(["x", " ", "\n", "\\", "\"", "\u{200b}", "\nx:"].map(|end| format!("{text}{end}")));
    all.extend(["x", " ", "\n", "\""].map(|start| format!("{start}{text}")));
    all.extend([text.to_uppercase(), text.chars().rev().collect(), text.repeat(2)]);
    for at in 0..text.len().min(24) {
        if text.is_char_boundary(at) && text.is_char_boundary(at + 1) {
            let other = if text.as_bytes()[at] == b'1' { "2" } else { "1" };
            all.push(format!("{}{other}{}", &text[..at], &text[at + 1..]));
            all.push(format!("{}{}", &text[..at], &text[at + 1..]));
        }
    }
    all.retain(|other| other != text);
    all
}

fn bytes_of_text(text: &str, signed: &SignedBy, tried: &mut Tried) {
    let at = crate::time::Timestamp::from_millis(1_795_187_413_000);
    let is_char = |at| text.is_char_boundary(at) && text.is_char_boundary(at + 1);
    for place in (0..text.len()).filter(|at| is_char(*at)) {
        let (before, after) = (&text[..place], &text[place + 1..]);
        for other in
            ["0", "a", " ", "\n"].iter().filter(|other| other.as_bytes()[0] != text.as_bytes()[place])
        {
            let changed = format!("{before}{other}{after}");
            tried.refused("a byte of the text", &changed, &check_again(&changed, signed, at));
        }
        let without = format!("{before}{after}");
        tried.refused("a byte less in the text", &without, &check_again(&without, signed, at));
        let more = format!("{before}~{}", &text[place..]);
        tried.refused("a byte more in the text", &more, &check_again(&more, signed, at));
        tried.refused("a text cut short", before, &check_again(before, signed, at));
    }
}

/// Gives how many stood for the very same bytes, and came out as the same record.
fn bytes_of_signature(text: &str, signed: &SignedBy, tried: &mut Tried) -> usize {
    let at = crate::time::Timestamp::from_millis(1_795_187_413_000);
    let armoured = &signed.signature;
    let mut equal = 0;
    let mut one = |kind: &str, changed: String| {
        let on_record = SignedBy { signature: changed.clone(), ..signed.clone() };
        tried.refused(&format!("{kind}, on record"), &changed, &check_again(text, &on_record, at));
        let squeezed = |text: &str| text.split_ascii_whitespace().collect::<String>();
        match check(text, &changed, &signers(), at) {
            Ok(found) => {
                assert_eq!(squeezed(&changed), squeezed(armoured), "taken: {kind}: {changed}");
                assert_eq!(found, *signed);
                equal += 1;
            }
            Err(why) => tried.refused(kind, &changed, &Err::<(), _>(why)),
        }
    };
    for place in 0..armoured.len() {
        let (before, after) = (&armoured[..place], &armoured[place + 1..]);
        for other in ["A", "b", "/", "=", "\n", "-"] {
            if other != &armoured[place..=place] {
                one("a byte of the signature", format!("{before}{other}{after}"));
            }
        }
        one("a byte less in the signature", format!("{before}{after}"));
        one("a byte more in the signature", format!("{before}A{}", &armoured[place..]));
        one("a blank more in the signature", format!("{before} {}", &armoured[place..]));
    }
    equal
}

/// The same text under other namespaces, by other keys, under other hashes of another text.
fn other_seals(text: &str, signed: &SignedBy, tried: &mut Tried) {
    let at = crate::time::Timestamp::from_millis(1_795_187_413_000);
    for namespace in
        ["git", "file", "email", "onbelay", "onbelay-approval2", "Onbelay-approval", "onbelay-approval "]
    {
        let armoured = sign_as(7, namespace, text);
        tried.refused("another namespace", namespace, &check(text, &armoured, &signers(), at));
    }
    for seed in (0..=u8::MAX).filter(|seed| *seed != 7) {
        let armoured = sign_as(seed, NAMESPACE, text);
        tried.refused("another key", &seed.to_string(), &check(text, &armoured, &signers(), at));
        let on_record = SignedBy { signature: armoured, ..signed.clone() };
        tried.refused("another key, on record", &seed.to_string(), &check_again(text, &on_record, at));
    }
}

/// What the record says of who signed.
fn records(text: &str, signed: &SignedBy, tried: &mut Tried) {
    let at = crate::time::Timestamp::from_millis(1_795_187_413_000);
    for principal in words(&signed.principal) {
        let changed = SignedBy { principal, ..signed.clone() };
        tried.refused("the name on record", &changed.principal, &check_again(text, &changed, at));
    }
    for fingerprint in words(&signed.fingerprint) {
        let changed = SignedBy { fingerprint, ..signed.clone() };
        tried.refused("the fingerprint on record", &changed.fingerprint, &check_again(text, &changed, at));
    }
    // What follows the key is a comment; the log's chain keeps it.
    let until = signed.line.len() - " laptop".len();
    for place in 0..until {
        let (before, after) = (&signed.line[..place], &signed.line[place + 1..]);
        for other in ["x", "B", "!"].iter().filter(|other| **other != &signed.line[place..=place]) {
            let line = format!("{before}{other}{after}");
            let changed = SignedBy { line: line.clone(), ..signed.clone() };
            tried.refused("a byte of the line on record", &line, &check_again(text, &changed, at));
        }
        let cut = SignedBy { line: before.to_owned(), ..signed.clone() };
        tried.refused("the line cut short", before, &check_again(text, &cut, at));
    }
    let more = SignedBy { line: format!("{}\n", signed.line), ..signed.clone() };
    tried.refused("a line more on record", "newline", &check_again(text, &more, at));
}

#[test]
fn a2_a_signature_is_of_use_once_and_nowhere_else() {
    let mut first = bench();
    let text = first.text_of("wipe");
    let armoured = sign(&text);

    let mut elsewhere = bench().in_session("20261120-151012-test-zzzz");
    elsewhere.text_of("wipe");
    let why = elsewhere.signs("wipe", &armoured).unwrap_err().sentence;
    assert!(why.contains("does not sign this text"), "another session: {why}");

    first.signs("wipe", &armoured).unwrap();
    assert!(first.signs("wipe", &armoured).is_err(), "twice by one person");
    first.run_typed("wipe", "wipe").unwrap();
    assert_eq!(first.log, ["wipe"], "{:?}", first.refused());
    first.exits(1);
    first.text_of("wipe");
    let why = first.signs("wipe", &armoured).unwrap_err().sentence;
    assert!(why.contains("does not sign this text"), "another attempt: {why}");
    first.run_typed("wipe", "wipe").unwrap();
    assert_eq!(first.log, ["wipe"], "it was used up");

    let mut late = bench();
    let text = late.text_of("wipe");
    late.later(Duration::from_mins(15));
    let why = late.signs("wipe", &sign(&text)).unwrap_err().sentence;
    assert!(why.contains("expired"), "{why}");

    let mut refused = bench();
    let text = refused.text_of("wipe");
    refused.refuses(&sam(), "wipe").unwrap();
    assert!(refused.signs("wipe", &sign(&text)).is_err(), "after a refusal");

    let mut other = bench();
    let text = other.text_of("wipe");
    other.signs("wipe", &sign(&text)).unwrap();
    other.run_typed("wipe", "wipe").unwrap();
    other.exits(0);
    other.check("backup").unwrap();
    other.text_of("purge");
    let why = other.signs("purge", &sign(&text)).unwrap_err().sentence;
    assert!(why.contains("does not sign this text"), "another step: {why}");
}

#[test]
fn a1_what_was_looked_at_must_be_what_is_asked() {
    let mut bench = bench();
    let text = bench.text_of("wipe");
    let digest = bench.round("wipe").unwrap().subject.text_digest().as_str().to_owned();
    for place in 0..digest.len() {
        let other = if &digest[place..=place] == "0" { "1" } else { "0" };
        let seen = Digest::new(format!("{}{other}{}", &digest[..place], &digest[place + 1..]));
        let command = Command::Approve {
            step: "wipe".into(),
            seen: Some(seen),
            name: None,
            signature: Some(sign(&text)),
        };
        assert!(bench.act_as(&sam(), &command).is_err());
    }
    bench.signs("wipe", &sign(&text)).unwrap();
}

#[test]
fn f_a2_a3_the_operators_own_key_and_another_persons_name_are_refused() {
    let mut bench = bench();
    let text = bench.text_of("wipe");
    bench.found.own_keys = vec![bench_fingerprint()];
    let why = bench.signs("wipe", &sign(&text)).unwrap_err().sentence;
    assert!(why.contains("nobody approves themselves"), "{why}");
    bench.found.own_keys.clear();
    bench.found.signers = Some(Ok(Signers { text: signers().text.replace("kim ", "alex "), ..signers() }));
    let why = bench.signs("wipe", &sign(&text)).unwrap_err().sentence;
    assert!(why.contains("by kim only"), "{why}");
    bench.found.signers = Some(Ok(Signers { text: signers().text.replace("kim ", "dana "), ..signers() }));
    let why = bench.signs("wipe", &sign(&text)).unwrap_err().sentence;
    assert!(why.contains("nobody approves themselves"), "{why}");
    println!(
        "F-A2: 3 ways to sign one's own start (the own key, under another's name, under one's own), 0 taken"
    );
}

fn bench_fingerprint() -> String {
    PublicKey::from(keys(7).public).fingerprint(HashAlg::Sha256).to_string()
}

#[test]
fn f_a2_a3_a_key_that_its_file_also_gives_to_the_operator_is_the_operators() {
    let file = |lines: &str| Signers { text: lines.replace("KEY", &public(7)), ..signers() };
    let ways = [
        "kim KEY\nDana@home KEY",
        "kim,dana KEY",
        "dana valid-before=\"20200101Z\" KEY\nkim KEY",
        "dana namespaces=\"git\" KEY\nkim KEY",
        "dana no-such-option KEY\nkim KEY",
    ];
    println!(
        "F-A2: {} ways in which a file of keys gives the operator's to somebody else, 0 taken",
        ways.len()
    );
    for lines in ways {
        let mut bench = bench();
        let armoured = sign(&bench.text_of("wipe"));
        bench.found.signers = Some(Ok(file(lines)));
        let why = bench.signs("wipe", &armoured).unwrap_err().sentence;
        assert!(why.contains("is the operator's own"), "{lines}: {why}");
    }
    let mut bench = bench();
    let armoured = sign(&bench.text_of("wipe"));
    bench.found.signers = Some(Ok(file("kim KEY\nkimberly,!lee,ops-* KEY")));
    bench.found.keys_unknown = Some("the home of dana cannot be read".to_owned());
    bench.signs("wipe", &armoured).unwrap();
    assert_eq!(bench.signed_by("wipe").also, ["kimberly"]);
    let given = &bench.round("wipe").unwrap().given[0];
    let caveat = crate::session::approve::caveat(given, &dana());
    assert_eq!(caveat, Some("whether the operator holds this key is not known"));
    bench.assert_replays();
}

#[test]
fn who_was_the_operator_before_signs_under_no_name() {
    let mut bench = bench();
    bench.found.named = Some(Ok(sam()));
    bench.act(&Command::Handover { to: "sam".into() }).unwrap();
    bench.asks(&sam(), "wipe").unwrap();
    let armoured = sign(&bench.round("wipe").unwrap().subject.text());
    let text = format!("kim,dana@corp {}", public(7));
    bench.found.signers = Some(Ok(Signers { text, ..signers() }));
    assert!(bench.signs("wipe", &armoured).unwrap_err().sentence.contains("operator's own"));
    bench.found.signers = Some(Ok(signers()));
    bench.signs("wipe", &armoured).unwrap();
}
