//! Replay of incident 4: a host's instance type at its end of life. The old machine's backup leaves out the certificates
//! and breaks the database, the restore loses its connection halfway, and a machine that is powered down is given away.

mod machines;
mod relay;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::{Home, PATIENCE, Pid, Screen, Session, alive, has_ended, have, kill, root, until};
use crate::world::{bundled, must, must_run, walk};

use machines::{Machines, Writer, asked};

const TOOLS: [&str; 8] = ["borg", "sqlite3", "nginx", "sshd", "ssh", "ssh-keygen", "openssl", "curl"];

/// What a walker types before the old machine goes.
const CONFIRM: [&str; 4] = ["run", "power-down", "--confirm", "old-web sv-1"];

/// What has to hold before that.
const HOLDS_IT: [&str; 14] = [
    "here-is-new",
    "id-is-old",
    "live-is-old",
    "backup-lists",
    "archive-after-freeze",
    "restored-covers",
    "sqlite-sound",
    "two-servers",
    "answers-alike",
    "provider-said",
    "address-can-move",
    "comes-up-by-itself",
    "visitors-reach-new",
    "served-a-day",
];

/// The runbook, with waiting times a test can sit out.
fn hurried(home: &Home) -> std::path::PathBuf {
    let text = std::fs::read_to_string(bundled("instance-replacement.yaml")).unwrap();
    let mut hurried = text.clone();
    for (long, short) in [
        ("at_least: 24h", "at_least: 1s"),
        ("expect_within: 4h", "expect_within: 1s"),
        ("up_to: 2h, every: 30s", "up_to: 1m, every: 1s"),
    ] {
        assert!(hurried.contains(long), "{long}");
        hurried = hurried.replace(long, short);
    }
    home.write("instance-replacement.yaml", &hurried)
}

/// The values of a walk on the machine of this name.
fn values(home: &Home, world: &Machines, here: &str) -> Vec<String> {
    let shown = |path: &Path| path.display().to_string();
    let mut values = vec![
        "old_host=old-web".to_owned(),
        format!("new_host={here}"),
        format!("live={}", shown(&world.old)),
        format!("repo={}", world.repo()),
        format!("restored={}", shown(&home.path("restored"))),
        "size=8MiB".to_owned(),
        format!("old_at=127.0.0.1:{}", world.old_port),
        format!("new_at=127.0.0.1:{}", world.new_port),
        format!("access_log={}", shown(&world.new.join("run/access.log"))),
    ];
    let paths = ["/etc/letsencrypt", "/srv"];
    values.extend(paths.map(|path| format!("paths={path}")));
    let pages = ["", "news.html", "photo.jpg"];
    values.extend(pages.map(|page| format!("urls=https://localhost:{}/{page}", world.address.port)));
    values.push("server_id=sv-1".to_owned());
    for (command, word) in [("provider_show", "show"), ("power_down", "power-off")] {
        let words =
            [shown(&home.path("provider")), word.to_owned(), "--server".to_owned(), "sv-1".to_owned()];
        values.extend(words.map(|word| format!("{command}={word}")));
    }
    values
}

/// The provider's command: what is powered off is given to somebody else in the same minute, whichever it is.
fn provider(home: &Home, old: &Path) {
    let script = format!(
        r#"#!/bin/sh -eu
case "$1 $3" in
  'show sv-1') echo '{{"id": "sv-1", "name": "old-web", "state": "running"}}' ;;
  'show sv-2') echo '{{"id": "sv-2", "name": "old-web-2", "tags": ["not-old-web"]}}' ;;
  'power-off sv-1') kill "$(cat '{old}/run/pid')"; rm -r '{old}' ;;
  power-off*) echo "$3" >'{old}/run/another' ;;
  *) echo "unknown server $3" >&2; exit 4 ;;
esac
"#,
        old = old.display()
    );
    let file = home.write("provider", &script);
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The step stays shut, says all of this, and the old machine still stands.
#[track_caller]
fn shut(session: &Session<'_>, world: &Machines, reasons: &[&str]) {
    let mut ran = session.act(&CONFIRM).expect(1);
    for reason in reasons {
        ran = ran.says(reason);
    }
    assert!(world.old.join("srv/data/orders.db").exists());
}

/// What the gate of the last step says of a check that does not hold.
#[track_caller]
fn closed_by(session: &Session<'_>, check: &str, why: &str) {
    let (met, said) = session.gate("power-down", check);
    assert!(!met && said.contains(why), "{check}: met {met}: {said}");
}

#[track_caller]
fn met(session: &Session<'_>, check: &str) {
    let (met, said) = session.gate("power-down", check);
    assert!(met, "{check}: {said}");
}

/// Restores over a connection that is cut in the middle. Everything that works on the restore, the session's host
/// included, was started over that connection. It goes on, and shows itself to who comes back.
fn restore_and_lose_the_connection(home: &Home, session: &Session<'_>, world: &Machines) {
    let over_ssh = |words: &str| {
        let told: Vec<String> = home
            .variables()
            .iter()
            .map(|(name, value)| format!("{}='{}'", name.display(), value.display()))
            .collect();
        let command = format!(
            "cd '{work}' && echo $$ $PPID >who.new && mv who.new who && exec env {} '{}' {words}",
            told.join(" "),
            env!("CARGO_BIN_EXE_onbelay"),
            work = home.path("").display(),
        );
        let config = world.ssh_config.to_str().unwrap();
        Screen::call(home, "ssh", &["-tt", "-F", config, "replacement", &command], (40, 120))
    };
    session.kill_host();
    let held = world.line.hold_after(1 << 20);
    let mut terminal = over_ssh(&format!("do {} run restore", session.id));
    held.reached.recv_timeout(PATIENCE).expect("the restore came to its middle");
    let who = home.read("who");
    let [client, connection] =
        [0, 1].map(|n| Pid::from_raw(who.split_whitespace().nth(n).unwrap().parse().unwrap()).unwrap());
    let runner = session.runner(attempt_of(session, "restore"));
    kill(connection);
    assert_ne!(terminal.wait_end(), 0, "the connection was lost");
    has_ended(client);

    // Nobody is there, and it goes on.
    assert!(alive(runner) && alive(session.host()));
    assert_eq!(session.step("restore"), "running");
    assert!(!home.path(PHOTO).exists() || photo_differs(home, world), "it was not cut in its middle");
    let mut again = over_ssh(&format!("attach {}", session.id));
    again.wait("the restore, still running", |screen| {
        screen.contains("Restore second") && screen.contains("running")
    });
    drop(held);
    session.wait_for_where("step_settled", |record| record["step"] == "restore");
    assert_eq!(session.step("restore"), "done");
    again.wait("the restore, done", |screen| screen.contains("done"));
    again.press("q");
    again.wait_end();
    assert!(!photo_differs(home, world));
}

/// What most of the restore is about.
const PHOTO: &str = "restored/second/srv/site/photo.jpg";

fn photo_differs(home: &Home, world: &Machines) -> bool {
    std::fs::read(home.path(PHOTO)).unwrap() != std::fs::read(world.old.join("srv/site/photo.jpg")).unwrap()
}

/// The number of a step's last attempt.
fn attempt_of(session: &Session<'_>, step: &str) -> u32 {
    let started = session.records("step_started");
    let last = started.iter().rfind(|record| record["step"] == step).unwrap();
    u32::try_from(last["attempt"].as_u64().unwrap()).unwrap()
}

/// Walked in the wrong terminal, with every value a little wrong, it restores nothing and powers nothing down.
fn refuses_what_is_mistaken(home: &Home, world: &Machines, runbook: &Path) {
    let mistaken: Vec<String> = values(home, world, "another-machine")
        .into_iter()
        .map(|pair| match pair.split_once('=').unwrap().0 {
            "live" => format!("live={}", home.path("restored").display()),
            "size" => "size=4000TiB".to_owned(),
            "new_at" => format!("new_at=127.0.0.1:{}", world.old_port),
            "access_log" => format!("access_log={}", world.old.join("run/access.log").display()),
            _ => pair,
        })
        .collect();
    let session = walk(home, runbook, &mistaken);
    session.act(&["done", "ask-provider", "--value", "T-1"]).expect(0);
    session.act(&["attest", "boot-manual-read", "--say", "all of it"]).expect(0);
    session.act(&["done", "restart-new"]).expect(1).says("here-is-new").says("another-machine");
    for (check, why) in [
        ("live-is-old", "no etc/hostname"),
        ("two-trees", "one directory under two names"),
        ("room", "less than 4000TiB"),
        ("two-servers", "is in this machine's log"),
    ] {
        session.act(&["check", check]).expect(1).says(why);
        assert_eq!(session.check(check), "fails");
    }
    closed_by(&session, "here-is-new", "another-machine");
    closed_by(&session, "two-servers", "is in this machine's log");
    session.act(&["abort", "--say", "this is not the replacement"]).expect(0);
}

/// One digit of the id is wrong: in the command alone, in all of it, in all of it and nobody has such a machine.
fn refuses_another_id(home: &Home, world: &Machines, runbook: &Path) {
    let here = must("uname", &["-n"]);
    let with = |id: &str, given: &[&str]| -> Vec<String> {
        let typed = |pair: String| match pair.split_once('=').unwrap() {
            (name, "sv-1") if given.contains(&name) => format!("{name}={id}"),
            _ => pair,
        };
        values(home, world, &here).into_iter().map(typed).collect()
    };
    let all = ["server_id", "provider_show", "power_down"];
    for (id, given, why, state) in [
        ("sv-2", &all[2..], "sv-1 is not a word of power_down", "fails"),
        ("sv-2", &all, "names neither old-web nor 127.0.0.1", "fails"),
        ("sv-3", &all, "unknown server sv-3", "error"),
    ] {
        let session = walk(home, runbook, &with(id, given));
        assert!(session.act(&["check", "id-is-old"]).says(why).code != Some(0));
        assert_eq!(session.check("id-is-old"), state);
        closed_by(&session, "id-is-old", why);
        for id in ["sv-1", id] {
            session
                .act(&["run", "power-down", "--confirm", &format!("old-web {id}")])
                .expect(1)
                .says("id-is-old");
        }
        session.act(&["abort", "--say", "another machine"]).expect(0);
    }
    assert!(!world.old.join("run/another").exists(), "another machine was powered off");
}

/// What a machine holds under the paths that matter: each file's mode and sum, a line each.
fn fingerprint(machine: &Path) -> String {
    let script = "find etc/letsencrypt srv -type f -printf '%m ' -exec sha256sum -- {} \\; | LC_ALL=C sort";
    must_run(std::process::Command::new("bash").current_dir(machine).args(["-euo", "pipefail", "-c", script]))
}

/// The person's step after each build, and the answer that is about it.
fn restart(session: &Session<'_>, seen: &str) {
    session.act(&["run", "restart-built"]).expect(0);
    session.act(&["done", "restart-built"]).expect(0);
    session.act(&["attest", "comes-up-by-itself", "--say", seen]).expect(0);
}

#[test]
fn instance_replacement() {
    let test = "instance_replacement";
    if !root(test) || !TOOLS.iter().all(|tool| have(test, tool)) {
        return;
    }
    let mut home = Home::new();
    let world = Machines::build(&home);
    for (name, value) in world.borg_variables() {
        home.set(name, value);
    }
    home.set("CURL_CA_BUNDLE", home.path("ca.pem"));
    std::fs::create_dir(home.path("restored")).unwrap();
    provider(&home, &world.old);
    let old_server = Machines::serve(&world.old, world.old_port);
    let runbook = hurried(&home);
    let here = must("uname", &["-n"]);

    refuses_what_is_mistaken(&home, &world, &runbook);
    refuses_another_id(&home, &world, &runbook);
    let session = walk(&home, &runbook, &values(&home, &world, &here));
    // As they did: first of all it is powered down.
    shut(&session, &world, &["1 Ask the provider", "waits for ${archive}"]);
    shut(&session, &world, &HOLDS_IT);

    // A ticket that is not answered in time is loud.
    session.act(&["run", "ask-provider"]).expect(0);
    let mut screen = Screen::open(&home, &["attach", &session.id], (40, 120));
    screen.wait_for(" late ");
    screen.press("q");
    screen.wait_end();
    session.act(&["done", "ask-provider", "--value", "T-4711"]).expect(0);
    // The manual is read before, not after.
    session.act(&["run", "restart-new"]).expect(1).says("boot-manual-read");
    session
        .act(&["attest", "boot-manual-read", "--say", "Boot scripts: it needs one, x86_64 mainline"])
        .expect(0);
    session.act(&["done", "restart-new"]).expect(0);

    // The job's list leaves out the certificates.
    world.back_up("first", &["--timestamp", "2020-04-29T03:00:00"], &["srv"]);
    session.act(&["run", "pick"]).expect(0);
    session.act(&["run", "restore"]).expect(1).says("/etc/letsencrypt: it is not in the archive (2 expected");
    closed_by(&session, "backup-lists", "/etc/letsencrypt");
    // The list is mended. The application is in the middle of something when the job comes by.
    let writer = Writer::in_the_middle(&world.old.join("srv/data/orders.db"));
    world.back_up("second", &["--timestamp", "2020-04-30T03:00:00"], &["etc", "srv"]);
    session.act(&["run", "pick"]).expect(0);
    restore_and_lose_the_connection(&home, &session, &world);
    met(&session, "backup-lists");
    session.act(&["run", "databases"]).expect(0);
    session.act(&["check", "sqlite-sound"]).expect(1).says("srv/data/orders.db");

    world.put_in_place(&home.path("restored/second"));
    let new_server = Machines::serve(&world.new, world.new_port);
    session.act(&["done", "build"]).expect(0);
    session.act(&["done", "restart-built"]).expect(0);
    session.act(&["done", "freeze"]).expect(1).says("comes-up-by-itself");
    restart(&session, "at noon, nginx and the application, untouched");

    // What came after the archive: the change that was under way, an order, a page.
    writer.finish();
    std::fs::write(world.old.join("srv/site/news.html"), "<p>Thursday's news</p>\n").unwrap();
    session.act(&["done", "freeze"]).expect(0);
    session.act(&["run", "note-the-time"]).expect(0);
    session.act(&["done", "last-backup"]).expect(4);
    closed_by(&session, "archive-after-freeze", "2020-04-30");
    closed_by(&session, "restored-covers", "/srv");
    closed_by(&session, "sqlite-sound", "orders.db");
    closed_by(&session, "answers-alike", "news.html");
    let moved = session.act(&["done", "move-address"]).expect(1);
    for reason in ["archive-after-freeze", "restored-covers", "sqlite-sound", "answers-alike"] {
        assert!(moved.said().contains(reason), "{reason}: {}", moved.said());
    }

    // Backed up at rest, and built from that.
    world.back_up("third", &[], &["etc", "srv"]);
    session.act(&["run", "pick"]).expect(0);
    session.act(&["run", "restore"]).expect(0);
    // What was found in another archive does not count for this one.
    session.act(&["check", "sqlite-sound"]).expect(1).says("another archive");
    session.act(&["run", "databases"]).expect(0);
    world.put_in_place(&home.path("restored/third"));
    session.act(&["done", "build"]).expect(0);
    session.act(&["done", "last-backup"]).expect(0);
    // What was built since has not been through a restart.
    session.act(&["done", "move-address"]).expect(1).says("comes-up-by-itself");
    closed_by(&session, "comes-up-by-itself", "was run since");
    restart(&session, "at one, nginx and the application, untouched");
    for check in ["archive-after-freeze", "backup-lists", "restored-covers", "sqlite-sound", "answers-alike"]
    {
        met(&session, check);
    }
    session.act(&["done", "move-address"]).expect(1).says("address-can-move");
    session
        .act(&["attest", "address-can-move", "--say", "a flexible address; moved a spare one to and fro"])
        .expect(0);
    world.address.lead_to(world.new_port);
    session.act(&["done", "move-address"]).expect(0);
    session.act(&["done", "watch-over"]).expect(0);

    // All that is left is what nobody has asked.
    session
        .act(&["attest", "provider-said", "--no", "--say", "no stock left, and off means given away"])
        .expect(0);
    shut(&session, &world, &["provider-said", "given away"]);
    session
        .act(&["attest", "provider-said", "--say", "Kim, by telephone: the hardware stays ours for a week"])
        .expect(0);
    // The last things that can be wrong, found in the breath before: somebody still writes to the old machine, and the
    // new one has lost a page.
    std::fs::write(world.old.join("srv/data/upload.csv"), "only here\n").unwrap();
    std::fs::rename(world.new.join("srv/site/photo.jpg"), world.new.join("photo.jpg")).unwrap();
    shut(&session, &world, &["upload.csv", "photo.jpg", "404"]);
    std::fs::rename(world.old.join("srv/data/upload.csv"), world.new.join("srv/data/upload.csv")).unwrap();
    std::fs::rename(world.new.join("photo.jpg"), world.new.join("srv/site/photo.jpg")).unwrap();

    until("a day of service", || (session.act(&["check", "served-a-day"]).code == Some(0)).then_some(()));
    for check in HOLDS_IT.iter().filter(|check| !["restored-covers", "answers-alike"].contains(check)) {
        met(&session, check);
    }
    let before = fingerprint(&world.old);
    session.act(&CONFIRM).expect(0);
    for check in HOLDS_IT {
        assert_eq!(session.check(check), "holds");
    }
    assert!(!world.old.exists(), "the hardware was given away");
    // Nothing was lost: not a file, not a mode, not a byte. One was brought over by hand.
    let after = fingerprint(&world.new);
    assert!(before.contains("srv/site/photo.jpg") && before.contains("privkey.pem"), "{before}");
    let brought: Vec<&str> = after.lines().filter(|line| !line.ends_with(" srv/data/upload.csv")).collect();
    assert_eq!(before.lines().collect::<Vec<_>>(), brought);
    assert_eq!(world.page(&home, "news.html"), "<p>Thursday's news</p>");
    let orders = world.new.join("srv/data/orders.db");
    assert_eq!(asked(&orders, "PRAGMA integrity_check"), "ok");
    assert_eq!(asked(&orders, "SELECT count(*), max(code) FROM orders"), "2001|last");
    assert!(world.new.join("etc/letsencrypt/live/site/privkey.pem").exists());
    assert!(world.new.join("srv/data/upload.csv").exists());
    session.act(&["done", "clear-up"]).expect(0);
    session.act(&["finish"]).expect(0);
    session.verifies();
    drop((old_server, new_server));
}
