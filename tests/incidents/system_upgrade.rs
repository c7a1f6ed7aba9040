//! Replay of incident 2: an operating system upgrade by the datacenter. A machine whose files and mariadbd lie on one disk
//! image, a fresh image that is put in its place, a panel's settings backup that is cut short, and nginx as the spare.

mod machine;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::support::{Home, Screen, Session, have, root, until};
use crate::world::{TakeBack, bundled, must, walk};

use machine::{SERVICES, SITES, World, hostname};

/// The machine stays here, and the refusal says why, for each of these checks or steps.
#[track_caller]
fn kept_here(session: &Session<'_>, reasons: &[(&str, &str)]) {
    let ran = session.act(&["run", "hand-over", "--confirm", &hostname()]).expect(1);
    reasons.iter().fold(ran, |ran, (id, why)| ran.says(id).says(why));
    for (id, _) in reasons {
        assert!(!session.gate("hand-over", id).0, "{id}");
    }
    assert_ne!(session.step("hand-over"), "running");
}

/// The runbook with waiting times that a test can sit out, and a promise that is soon broken.
fn hurried(home: &Home) -> PathBuf {
    let mut text = std::fs::read_to_string(bundled("system-upgrade.yaml")).unwrap();
    for (long, short) in [
        ("expect_within: 5h", "expect_within: 1s"),
        ("at_least: 7d", "at_least: 1s"),
        ("up_to: 15m, every: 10s", "up_to: 1s, every: 1s"),
        ("up_to: 1m, every: 5s", "up_to: 1s, every: 1s"),
    ] {
        assert!(text.contains(long), "{long}");
        text = text.replace(long, short);
    }
    home.write("system-upgrade.yaml", &text)
}

#[test]
fn system_upgrade() {
    let test = "system_upgrade";
    let tools = ["mariadbd", "mariadb-install-db", "mariadb-dump", "nginx", "curl", "rsync", "mkfs.ext4"];
    if !root(test) || !tools.iter().all(|tool| have(test, tool)) {
        return;
    }
    let mut home = Home::new();
    let dir = home.path("world");
    std::fs::create_dir(&dir).unwrap();
    let Some(mut world) = World::build(test, dir) else { return };
    // Names lead where a file says.
    let getent = world.path("bin/getent");
    let program = format!("#!/bin/sh\nexec sed 's/$/ STREAM x/' \"{}/dns/$2\"\n", world.dir.display());
    std::fs::write(&getent, program).unwrap();
    std::fs::set_permissions(&getent, std::fs::Permissions::from_mode(0o755)).unwrap();
    home.set("PATH", format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap()));
    let runbook = hurried(&home);

    on_the_wrong_machine(&home, &runbook, &mut world);
    let session = walk(&home, &runbook, &world.values(&hostname(), &hostname()));
    prepare(&session, &mut world);
    the_evening(&session, &mut world);
    let before = out_of_your_hands(&home, &session, &mut world);
    back_in_service(&session, &mut world);

    // Nothing is lost, and those outside were told at each stage.
    assert_eq!(world.holdings(), before);
    assert!(before.contains("it's $x; `y`") && before.contains("client 500"), "{before}");
    let kept = std::fs::read_to_string(world.machine("home/alice.example.org/it's $x; `y`")).unwrap();
    assert_eq!(kept, "precious\n");
    assert!(world.machine("var/mail/late").exists());
    assert_eq!(world.sql("SELECT COUNT(*) FROM psa.clients"), "500");
    assert_eq!(world.sql("SELECT COUNT(*) FROM shop.orders"), "3");
    let told = session.call("report", &["--public"]).expect(0);
    for stage in ["gets a new operating system", "begins", "is back with its files", "mailing lists included"]
    {
        assert!(told.stdout.contains(stage), "{stage}: {}", told.stdout);
    }
    let report = session.call("report", &["--format", "json"]).expect(0).json();
    assert!(report.to_string().contains("\"late_ms\":"), "{report:#}");
    session.verifies();
}

/// Walked where it must not be, or of a machine that is another.
fn on_the_wrong_machine(home: &Home, runbook: &Path, world: &mut World) {
    let here = hostname();
    let session = walk(home, runbook, &world.values(&here, "spare.example.org"));
    session.act(&["done", "tell-clients"]).expect(0);
    session.act(&["run", "measure"]).expect(1).says("right-machine").says(&here);
    session.act(&["abort", "--say", "this is not the spare"]).expect(0);

    let session = walk(home, runbook, &world.values("db2", &here));
    session.act(&["done", "tell-clients"]).expect(0);
    session.act(&["run", "measure"]).expect(1).says(&format!("mounted is {here}"));
    session.act(&["abort", "--say", "that is not db2"]).expect(0);

    // A mount that leads back to this machine.
    let own = world.path("own");
    std::fs::create_dir(&own).unwrap();
    must("mount", &["--bind", "/", own.to_str().unwrap()]);
    let _own = TakeBack::with("umount", &["-l", own.to_str().unwrap()]);
    let mut values = world.values(&here, &here);
    values.retain(|pair| !pair.starts_with("mounted="));
    values.push(format!("mounted={}", own.display()));
    let session = walk(home, runbook, &values);
    session.act(&["done", "tell-clients"]).expect(0);
    session.act(&["run", "measure"]).expect(1).says("two-machines");
    session.act(&["abort", "--say", "that is this machine"]).expect(0);
}

fn prepare(session: &Session<'_>, world: &mut World) {
    session.act(&["done", "tell-clients"]).expect(0);
    session.act(&["run", "measure"]).expect(0);
    std::fs::write(world.machine("var/mail/gone"), "copied, and then lost there\n").unwrap();
    session.act(&["run", "first-copy"]).expect(0);
    std::fs::remove_file(world.machine("var/mail/gone")).unwrap();
    // A spare that shows its own page for every name does not stand in for anybody.
    let pages = world.path("my copy/files/home");
    world.spare = Some(world.serve("spare", world.ports.1, &pages, &[]));
    session.act(&["done", "set-up-spare"]).expect(4).says("spare-answers").says("for any name");
    world.spare = None;
    world.spare = Some(world.serve("spare", world.ports.1, &pages, &SITES));
    session.act(&["done", "set-up-spare"]).expect(0);
    world.name_leads_to("trial.example.org", "192.0.2.1");
    session.act(&["done", "try-dns"]).expect(4).says("192.0.2.1");
    world.name_leads_to("trial.example.org", "127.0.0.1");
    session.act(&["done", "try-dns"]).expect(0);
}

fn the_evening(session: &Session<'_>, world: &mut World) {
    session.act(&["done", "switch-to-spare"]).expect(0);
    session.act(&["done", "freeze"]).expect(0);
    session.act(&["run", "list-databases"]).expect(0);
    session.act(&["run", "final-copy"]).expect(0);
    // What the machine has no more is put aside, not removed.
    assert!(!world.path("my copy/files/var/mail/gone").exists());
    let aside = must("find", &[world.path("my copy/replaced").to_str().unwrap(), "-path", "*/var/mail/gone"]);
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "copied, and then lost there\n");
    session.act(&["run", "dump"]).expect(0);
    session.act(&["run", "read-dump"]).expect(0);

    // "We were told there was no need."
    session.act(&["skip", "read-settings", "--say", "the datacenter has the settings, no need"]).expect(0);
    kept_here(session, &[("read-settings", "was skipped and is not optional")]);
    // What the datacenter has: cut short inside its gzip; cut short before that; of last week; without a table.
    let settings = world.path("settings.sql.gz");
    world.settings("");
    let whole = std::fs::read(&settings).unwrap();
    std::fs::write(&settings, &whole[..whole.len() * 2 / 3]).unwrap();
    session.act(&["run", "read-settings"]).expect(1).says("settings-whole").says("unexpected end of file");
    kept_here(session, &[("settings-whole", "unexpected end of file")]);
    std::fs::write(&settings, &whole).unwrap();
    must(
        "bash",
        &[
            "-c",
            "gzip -cd -- \"$0\" >\"$0.d\"; head -c 2000 \"$0.d\" | gzip >\"$0\"",
            settings.to_str().unwrap(),
        ],
    );
    session.act(&["run", "read-settings"]).expect(1).says("does not end as a dump ends");
    std::fs::write(&settings, &whole).unwrap();
    must("touch", &["-d", "8 days ago", settings.to_str().unwrap()]);
    session.act(&["run", "read-settings"]).expect(1).says("settings-fresh");
    world.settings("--ignore-table=psa.mail");
    session.act(&["run", "read-settings"]).expect(4).says("the table is not in psa.mail");
    kept_here(session, &[("read-settings", "failed")]);
    world.settings("");
    session.act(&["run", "read-settings"]).expect(0);
    session.act(&["run", "seal"]).expect(0);
}

/// What the machine held when it was handed over.
fn out_of_your_hands(home: &Home, session: &Session<'_>, world: &mut World) -> String {
    let here = hostname();
    // What only people can say: each of these keeps it here.
    let unsaid = "nobody has answered yet";
    kept_here(session, &[("nothing-left-out", unsaid), ("old-disk-kept", unsaid), ("spoken-to", unsaid)]);
    for (check, words) in [
        ("nothing-left-out", "Ann and Joe; /tmp and the package caches"),
        ("old-disk-kept", "ticket 4711, written by Kim of the datacenter"),
        ("spoken-to", "Kim, 555 0100, answers all night; a fresh disk, the old one on the shelf"),
    ] {
        session.act(&["attest", check, "--say", words]).expect(0);
    }
    // What the copy does not hold, files or tables, keeps it here.
    std::fs::write(world.machine("var/mail/late"), "From: carol\n\nnot yet\n").unwrap();
    world.sql("INSERT INTO shop.orders VALUES (3)");
    let short = "2 of 3 rows in shop.orders";
    kept_here(session, &[("files-covered", "late"), ("databases-covered", short)]);
    session.act(&["run", "final-copy"]).expect(1).says("not-sealed").says("it is sealed");
    session.act(&["undo", "seal"]).expect(0);
    session.act(&["run", "final-copy"]).expect(0);
    session.act(&["run", "dump"]).expect(0);
    session.act(&["run", "read-dump"]).expect(0);
    session.act(&["run", "seal"]).expect(0);
    read_and_then_changed(session, world);
    // So does a spare that has gone, and a name that leads elsewhere.
    world.spare = None;
    world.name_leads_to("trial.example.org", "192.0.2.1");
    kept_here(session, &[("spare-answers", "does not serve"), ("dns-can-be-switched", "192.0.2.1")]);
    let pages = world.path("my copy/files/home");
    world.spare = Some(world.serve("spare", world.ports.1, &pages, &SITES));
    world.name_leads_to("trial.example.org", "127.0.0.1");
    session.act(&["run", "hand-over", "--confirm", "yes"]).expect(1).says("confirm").says(&here);
    // "It worked this morning" is no answer for what comes back.
    session.act(&["attest", "services-seen@mailing lists", "--say", "Ann posted this morning"]).expect(0);
    let before = world.holdings();
    session.act(&["run", "hand-over", "--confirm", &here]).expect(0);
    assert_eq!(session.step("hand-over"), "running");

    // They put in a fresh disk and leave the old one out; the promised time goes by, and the screen says so.
    world.change_disk("fresh");
    let mut screen = Screen::open(home, &["attach", &session.id], (40, 120));
    screen.wait_for(" late ");
    drop(screen);
    session.act(&["done", "hand-over"]).expect(4).says("files-back").says("missing").says("databases-back");
    let told = session.call("report", &["--public"]).expect(0);
    assert!(!told.stdout.contains("is back with its files"), "{}", told.stdout);
    session.act(&["done", "unfreeze"]).expect(1).says("hand-over");
    the_copy_stays(session, world);

    // The old disk comes back, and the panel falls over its own database.
    world.change_disk("old");
    world.sql("DROP DATABASE psa");
    session.act(&["check", "files-back"]).expect(0);
    session.act(&["check", "databases-back"]).expect(1).says("psa");
    assert_eq!(session.step("hand-over"), "failed");
    let refused = session.act(&["done", "switch-back"]).expect(1).says("Hand the machine over failed");
    refused.says("Hand the machine over was run since; it said: “Ann posted this morning”");
    world.load_settings();
    session.act(&["check", "that-machine", "files-back", "databases-back"]).expect(0);
    until("the machine is back", || (session.step("hand-over") == "done").then_some(()));
    before
}

/// What was read and found good, and is another thing now, keeps the machine here, even where each count of rows is right.
fn read_and_then_changed(session: &Session<'_>, world: &World) {
    world.sql("UPDATE psa.clients SET name = 'somebody else' WHERE id = 7");
    kept_here(session, &[("databases-covered", "written to since the dump: psa.clients")]);
    world.sql("UPDATE psa.clients SET name = 'client 7' WHERE id = 7");
    for (file, check) in
        [("settings.sql.gz", "settings-readable"), ("my copy/databases.sql.gz", "dump-is-read")]
    {
        let read = std::fs::read(world.path(file)).unwrap();
        world.settings_to(file, "'--where=id<9'");
        kept_here(session, &[(check, "another file than the one that was read")]);
        std::fs::write(world.path(file), read).unwrap();
    }
}

/// With the fresh disk in, "copy it again" would leave an empty copy of an empty disk. It stays as it is.
fn the_copy_stays(session: &Session<'_>, world: &World) {
    let before = world.print_of("my copy");
    for step in ["measure", "first-copy", "list-databases", "final-copy", "dump", "read-dump", "seal"] {
        session.act(&["run", step]).expect(1).says("not-sealed").says("it is sealed");
    }
    session.act(&["undo", "seal"]).expect(1).says("hand-over");
    assert_eq!(world.print_of("my copy"), before);
    assert!(before.contains("alice.example.org/it's $x"), "{before}");
}

fn back_in_service(session: &Session<'_>, world: &mut World) {
    session.act(&["attest", "services-seen@mailing lists", "--say", "the files are there again"]).expect(0);
    session.act(&["done", "unfreeze"]).expect(0);
    world.web = Some(world.serve("web", world.ports.0, &world.machine("home"), &SITES[..1]));
    for service in &SERVICES[..3] {
        let item = format!("services-seen@{service}");
        session.act(&["attest", &item, "--say", "Ann, as alice: all there"]).expect(0);
    }
    // One site did not come along; and the mailing lists are asked for by name.
    session.act(&["done", "see-services"]).expect(4).says("sites-answer").says(SITES[1]);
    world.web = None;
    world.web = Some(world.serve("web", world.ports.0, &world.machine("home"), &SITES));
    session.act(&["done", "see-services"]).expect(0);
    let refused = session.act(&["done", "switch-back"]).expect(1);
    refused.says("services-seen").says("mailing lists").says("Start the services was run since");
    session
        .act(&["attest", "services-seen@mailing lists", "--no", "--say", "a posting never came"])
        .expect(0);
    session.act(&["done", "switch-back"]).expect(1).says("mailing lists").says("a posting never came");
    let told = session.call("report", &["--public"]).expect(0);
    assert!(!told.stdout.contains("mailing lists included"), "{}", told.stdout);
    session.act(&["attest", "services-seen@mailing lists", "--say", "posted, and read it as bob"]).expect(0);
    until("all services are seen", || (session.step("see-services") == "done").then_some(()));
    session.act(&["done", "switch-back"]).expect(0);

    let confirm = format!("old disk of {}", hostname());
    let release = ["run", "release-old-disk", "--confirm", &confirm];
    session.act(&release).expect(1).says("backup-since").says("nobody-misses");
    session
        .act(&["attest", "backup-since", "--say", "tonight's; alice's page, a mail, the orders"])
        .expect(0);
    session.act(&["attest", "nobody-misses", "--say", "asked the ten largest, nothing open"]).expect(0);
    until("served-a-week", || (session.act(&["check", "served-a-week"]).code == Some(0)).then_some(()));
    session.act(&release).expect(0);
    session.act(&["done", "release-old-disk"]).expect(0);
    session.act(&["done", "tidy"]).expect(0);
    session.act(&["finish"]).expect(0);
}
