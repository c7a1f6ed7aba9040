//! Machines as their mount tables show them: clouds, containers, servers of other machines. PURE.

use super::*;
use crate::probe::mounts;
use crate::session::Verdict;

/// The place of a mount by this point in a table.
fn place(table: &str, point: &str, disks: Vec<Disk>) -> Place {
    let mut mounts = mounts::read(table.as_bytes());
    mounts.retain(|mount| mount.point == Path::new(point));
    let mount = mounts.pop().unwrap();
    let keeper = if class(&mount.kind) == Class::Local { Keeper::Disks(disks) } else { Keeper::Itself };
    Place { on: Some(mount), keeper, warning: None, unseen: None }
}

fn disk(name: &str) -> Disk {
    Disk { name: name.to_owned(), ..Disk::default() }
}

fn part(name: &str) -> Disk {
    Disk { made_of_others: true, ..disk(name) }
}

fn of(place: Place) -> (Verdict, String) {
    let found = judge("/data/x", &[place]);
    (found.verdict, found.detail)
}

const AZURE: &str = "\
24 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,discard
25 24 0:22 / /run rw,nosuid shared:2 - tmpfs tmpfs rw,mode=755
60 24 8:17 / /mnt rw,relatime shared:30 - ext4 /dev/sdb1 rw
61 24 8:33 / /data rw,relatime shared:31 - xfs /dev/sdc1 rw
62 24 259:1 / /tmpdisk rw,relatime shared:32 - ntfs3 /dev/nvme1n1p1 rw
";

#[test]
fn azure() {
    let resource = Disk { links: vec!["/dev/disk/azure/resource-part1".to_owned()], ..part("sdb1") };
    assert_eq!(
        of(place(AZURE, "/mnt", vec![resource, disk("sdb")])),
        (
            Verdict::Fails,
            "/data/x is on sdb1 (ext4 at /mnt), the cloud's temporary disk (/dev/disk/azure/resource-part1): \
             it is lost when the machine is moved"
                .to_owned()
        )
    );
    let noted = Place {
        warning: Some("/mnt/DATALOSS_WARNING_README.txt".into()),
        ..place(AZURE, "/mnt", vec![disk("sdb")])
    };
    assert_eq!(
        of(noted),
        (
            Verdict::Fails,
            "/data/x is on a disk that is emptied (ext4 at /mnt): /mnt/DATALOSS_WARNING_README.txt says so"
                .to_owned()
        )
    );
    assert_eq!(
        of(place(AZURE, "/data", vec![part("sdc1"), disk("sdc")])),
        (Verdict::Holds, "/data/x is on sdc (xfs at /data)".to_owned())
    );
    assert_eq!(
        of(place(AZURE, "/run", vec![])),
        (Verdict::Fails, "/data/x is in memory (tmpfs at /run): a restart empties it".to_owned())
    );
    let label =
        Disk { links: vec![r"/dev/disk/by-label/Temporary\x20Storage".to_owned()], ..part("nvme1n1p1") };
    assert_eq!(of(place(AZURE, "/tmpdisk", vec![label])).0, Verdict::Fails);
    let local = Disk { model: Some("Microsoft NVMe Direct Disk v2".to_owned()), ..disk("nvme1n1") };
    assert_eq!(of(place(AZURE, "/tmpdisk", vec![local])).0, Verdict::Fails);
}

const AWS: &str = "\
22 1 259:1 / / rw,noatime - xfs /dev/nvme0n1p1 rw
40 22 259:3 / /scratch rw,relatime - ext4 /dev/nvme1n1 rw
41 22 0:52 / /efs rw,relatime - nfs4 fs-0abc.efs.eu-west-1.amazonaws.com:/ rw,vers=4.1
42 22 9:0 / /fast rw,relatime - ext4 /dev/md0 rw
43 22 0:60 / /s3 rw - fuse.mount-s3 mountpoint-s3 rw
";

#[test]
fn aws() {
    let model = |name: &str, model: &str| Disk { model: Some(model.to_owned()), ..disk(name) };
    let ebs = model("nvme0n1", "Amazon Elastic Block Store");
    let store = model("nvme1n1", "Amazon EC2 NVMe Instance Storage");
    assert_eq!(of(place(AWS, "/", vec![part("nvme0n1p1"), ebs.clone()])).0, Verdict::Holds);
    let (verdict, detail) = of(place(AWS, "/scratch", vec![store.clone()]));
    assert_eq!(verdict, Verdict::Fails);
    assert!(detail.contains("(Amazon EC2 NVMe Instance Storage)"), "{detail}");
    assert_eq!(
        of(place(AWS, "/fast", vec![part("md0"), ebs, store])).0,
        Verdict::Fails,
        "one of two is enough"
    );
    assert_eq!(
        of(place(AWS, "/efs", vec![])),
        (
            Verdict::Holds,
            "/data/x is kept by another machine, fs-0abc.efs.eu-west-1.amazonaws.com:/ (nfs4 at /efs)"
                .to_owned()
        )
    );
    assert_eq!(of(place(AWS, "/s3", vec![])).0, Verdict::Holds);
}

#[test]
fn gcp() {
    const GCP: &str =
        "30 1 8:1 / / rw - ext4 /dev/root rw\n31 30 259:0 / /mnt/disks/l rw - ext4 /dev/nvme0n1 rw\n";
    let local = Disk { links: vec!["/dev/disk/by-id/google-local-nvme-ssd-0".to_owned()], ..disk("nvme0n1") };
    assert_eq!(of(place(GCP, "/mnt/disks/l", vec![local])).0, Verdict::Fails);
    let lasting = Disk { links: vec!["/dev/disk/by-id/google-persistent-disk-0".to_owned()], ..disk("sda") };
    assert_eq!(of(place(GCP, "/", vec![part("sda1"), lasting])).0, Verdict::Holds);
}

const CONTAINER: &str = "\
500 400 0:120 / / rw,relatime - overlay overlay rw,lowerdir=/l/A:/l/B,upperdir=/u,workdir=/w
501 500 0:121 / /proc rw - proc proc rw
502 500 0:122 / /dev rw - tmpfs tmpfs rw,size=65536k
510 500 254:1 /var/lib/docker/volumes/db/_data /var/lib/db rw - ext4 /dev/vda1 rw
511 500 0:77 / /host rw - virtiofs share rw
512 500 0:78 / /odd rw - orangefs tcp://x rw
513 500 0:79 / /pool rw - zfs tank/db rw
514 500 0:80 / /loop rw - nfs4 127.0.0.1:/srv rw
515 500 0:81 / /fuse rw - fuse.something x rw
516 500 0:82 / /ssh rw - fuse.sshfs me@localhost:/srv rw
";

#[test]
fn containers_and_what_is_not_known() {
    let verdict = |point: &str, disks: Vec<Disk>| of(place(CONTAINER, point, disks)).0;
    assert_eq!(
        of(place(CONTAINER, "/", vec![])),
        (
            Verdict::Fails,
            "/data/x is on a container's or live system's own layer (overlay at /): it goes when that goes"
                .to_owned()
        )
    );
    assert_eq!(verdict("/var/lib/db", vec![part("vda1"), disk("vda")]), Verdict::Holds);
    assert_eq!(verdict("/proc", vec![]), Verdict::Fails);
    assert_eq!(verdict("/dev", vec![]), Verdict::Fails);
    assert_eq!(verdict("/host", vec![]), Verdict::Holds);
    assert_eq!(verdict("/pool", vec![]), Verdict::Error, "no disk of it is known");
    for point in ["/odd", "/loop", "/fuse", "/ssh"] {
        assert_eq!(verdict(point, vec![]), Verdict::Error, "{point}");
    }
    assert_eq!(
        of(place(CONTAINER, "/odd", vec![])).1,
        "cannot tell whether /data/x outlives a restart or move: \
         it is on a kind of file system that nobody here knows (orangefs at /odd)"
    );
}

#[test]
fn disks_in_memory() {
    for name in ["ram0", "zram1", "nullb0"] {
        assert_eq!(of(place(AZURE, "/data", vec![disk(name)])).0, Verdict::Fails, "{name}");
    }
    assert_eq!(of(place(AZURE, "/data", vec![disk("ramdisk")])).0, Verdict::Holds);
    let bare = Place { on: None, keeper: Keeper::Disks(vec![disk("zram0")]), warning: None, unseen: None };
    assert_eq!(of(bare).0, Verdict::Fails);
}

#[test]
fn a_loop_device_lasts_as_long_as_its_file() {
    let looped = || {
        let disk = Disk { file: Some("/run/image".into()), ..disk("loop0") };
        place(AZURE, "/data", vec![disk])
    };
    let found = judge("/data/x", &[looped(), place(AZURE, "/run", vec![])]);
    assert_eq!(found.detail, "/data/x is in a file that is in memory (tmpfs at /run): a restart empties it");
    assert_eq!(found.verdict, Verdict::Fails);
    let found = judge("/data/x", &[looped(), place(AZURE, "/", vec![part("sda1"), disk("sda")])]);
    assert_eq!(found.verdict, Verdict::Holds);
    assert_eq!(found.detail, "/data/x is on loop0 (xfs at /data), in a file that is on sda (ext4 at /)");
    assert_eq!(looped().files().count(), 1);
    let deleted = Disk { file: Some("/srv/image".into()), file_deleted: true, ..disk("loop0") };
    let deleted = place(AZURE, "/data", vec![deleted]);
    assert_eq!(deleted.files().count(), 0);
    assert_eq!(of(deleted).0, Verdict::Fails);
}

#[test]
fn a_no_outweighs_what_nobody_knows() {
    let odd = place(CONTAINER, "/odd", vec![]);
    assert_eq!(judge("/x", &[odd, place(AZURE, "/run", vec![])]).verdict, Verdict::Fails);
    assert_eq!(judge("/x", &[]).verdict, Verdict::Error);
}

#[test]
fn warnings_in_any_case() {
    assert!(is_warning(b"DATALOSS_WARNING_README.txt"));
    assert!(is_warning(b"Dataloss_warning"));
    assert!(!is_warning(b"NO_DATALOSS_WARNING"));
    assert!(!is_warning(b"DATALOSS"));
}

#[test]
fn what_cannot_be_seen_is_no_pass() {
    let lost = || Disk { file: Some("/img".into()), lost: Some("it is another".into()), ..disk("loop0") };
    let place_of_lost = place(AZURE, "/data", vec![lost()]);
    assert_eq!(place_of_lost.files().count(), 0);
    assert_eq!(
        of(place_of_lost),
        (
            Verdict::Error,
            "cannot tell whether /data/x outlives a restart or move: \
             it is on a loop device (xfs at /data): it is another"
                .to_owned()
        )
    );
    let unseen = Place { unseen: Some("why".into()), ..place(AZURE, "/data", vec![disk("sdc")]) };
    assert_eq!(of(unseen).0, Verdict::Error);
}

#[test]
fn what_does_not_last_in_a_part_does_not_last() {
    let whole = || judge("/srv", &[place(AZURE, "/data", vec![disk("sdc")])]);
    let memory = || judge("/srv/tmp", &[place(AZURE, "/run", vec![])]);
    let odd = || judge("/srv/odd", &[place(CONTAINER, "/odd", vec![])]);
    assert_eq!(with_parts("/srv", whole(), vec![]).verdict, Verdict::Holds);
    assert_eq!(with_parts("/srv", whole(), vec![whole()]).verdict, Verdict::Holds);
    assert_eq!(with_parts("/srv", whole(), vec![odd()]).verdict, Verdict::Error);
    let found = with_parts("/srv", whole(), vec![odd(), memory()]);
    assert_eq!(found.verdict, Verdict::Fails);
    assert_eq!(
        found.detail,
        "a part of /srv does not last: /srv/tmp is in memory (tmpfs at /run): a restart empties it"
    );
}
