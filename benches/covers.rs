//! `covers` beside `rsync -rlnc --delete` and `diff -rq` on the same trees, warm, in turns; and what a million files need
//! of memory. Run: `cargo bench --bench covers`. Sizes: `ONBELAY_BENCH_FILES` (100000), `ONBELAY_BENCH_LARGE` (MiB each
//! of eight, 256), `ONBELAY_BENCH_MANY` (1000000), `ONBELAY_BENCH_ROUNDS` (7). No test is timed; these are for people to read.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use onbelay::probe::progress::Progress;
use onbelay::runbook::{By, Covers};
use onbelay::session::Verdict;

/// Set for the process that answers one question and tells what memory it took.
const ASKED: &str = "ONBELAY_BENCH_ASKED";

fn main() {
    if std::env::var_os(ASKED).is_some() {
        return answer();
    }
    let home =
        tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory on the disk that is measured");
    let files = size("ONBELAY_BENCH_FILES", 100_000);
    let large = size("ONBELAY_BENCH_LARGE", 256);
    println!("{} threads, warm cache, median of {} rounds in turns\n", threads(), rounds());
    for name in ["small files", "large files", "mixed"] {
        let dir = home.path().join(name);
        let source = dir.join("source");
        match name {
            "small files" => small(&source, files, 1_000),
            "large files" => big(&source, 8, large),
            _ => {
                small(&source.join("small"), files / 4, 250);
                big(&source.join("large"), 4, large / 2);
            }
        }
        run(Command::new("cp").arg("-a").arg(dir.join("source")).arg(dir.join("backup")));
        compare(name, &dir.join("source"), &dir.join("backup"));
        fs::remove_dir_all(&dir).expect("removes");
    }
    many(home.path(), size("ONBELAY_BENCH_MANY", 1_000_000));
}

/// The three beside each other, and beside merely reading all there is.
fn compare(name: &str, source: &Path, backup: &Path) {
    let list: Vec<PathBuf> = [source, backup].iter().flat_map(|dir| files(dir)).collect();
    let bytes: u64 = list.iter().map(|path| fs::metadata(path).expect("is there").len()).sum();
    let slashed = |path: &Path| format!("{}/", path.display());
    let mut took: [Vec<Duration>; 4] = Default::default();
    for round in 0..=rounds() {
        let mut rsync = Command::new("rsync");
        rsync.args(["-rlnc", "--delete", &slashed(source), &slashed(backup)]);
        let mut diff = Command::new("diff");
        diff.arg("-rq").args([source, backup]);
        let times = [
            timed(|| {
                ask(source, backup);
            }),
            timed(|| run(&mut rsync)),
            timed(|| run(&mut diff)),
            timed(|| read_all(&list)),
        ];
        // The first round warms the cache.
        if round > 0 {
            took.iter_mut().zip(times).for_each(|(list, time)| list.push(time));
        }
    }
    let [covers, rsync, diff, reading] = took.map(median);
    let times = |other: Duration| other.as_secs_f64() / covers.as_secs_f64();
    println!("{name}: {} files in both trees, {} MB", list.len(), bytes / 1_000_000);
    println!("  covers          {covers:>9.2?}   {} MB/s", u128::from(bytes) / covers.as_micros().max(1));
    println!("  rsync -rlnc     {rsync:>9.2?}   {:.2} times as long (at least 1.5)", times(rsync));
    println!("  diff -rq        {diff:>9.2?}   {:.2} times as long (at least 1.5)", times(diff));
    println!("  only reading it {reading:>9.2?}   the limit: opening and reading each file, all threads");
    let hashing = hashing(bytes / 2);
    println!(
        "  hashing it too  {hashing:>9.2?}   why the digest is not of the content: BLAKE3 of the source, all threads\n"
    );
}

/// How long all threads would take to hash so many bytes, a small file's worth at a time.
fn hashing(bytes: u64) -> Duration {
    let block = Noise(3).bytes(8 << 10);
    let blocks = 20_000_u64;
    let one = timed(|| {
        for _ in 0..blocks {
            std::hint::black_box(blake3::hash(std::hint::black_box(&block)));
        }
    });
    let threads = u64::try_from(threads()).unwrap_or(1);
    let micros = one.as_micros() * u128::from(bytes) / u128::from(blocks * (8 << 10) * threads);
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

/// What the largest trees need of memory.
fn many(home: &Path, count: usize) {
    let dir = home.join("many");
    for tree in ["source", "backup"] {
        fs::create_dir_all(dir.join(tree)).expect("a directory");
        for n in 0..count {
            File::create(dir.join(tree).join(format!("a-name-as-long-as-most-{n:07}"))).expect("a file");
        }
    }
    run(Command::new("tar").current_dir(&dir).args(["-cf", "backup.tar", "-C", "backup", "."]));
    run(Command::new("zip").current_dir(dir.join("backup")).args(["-q0r", "../backup.zip", "."]));
    println!("{count} files in one directory: the most memory it took (at most 64 MiB)");
    for backup in ["backup", "backup.tar", "backup.zip"] {
        let mut memory = 0;
        let took = timed(|| memory = ask(&dir.join("source"), &dir.join(backup)));
        println!("  {backup:<12} {:>5}.{} MiB   {took:.2?}", memory / 1024, memory % 1024 * 10 / 1024);
    }
    fs::remove_dir_all(&dir).expect("removes");
}

/// Asks in a process of its own, as the tool does. Gives the most memory it had, in KiB.
fn ask(source: &Path, backup: &Path) -> u64 {
    let me = std::env::current_exe().expect("this program");
    let output = Command::new(me)
        .env(ASKED, "1")
        .args([source, backup])
        .stderr(Stdio::inherit())
        .output()
        .expect("runs");
    assert!(output.status.success(), "it holds: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number")
}

fn answer() {
    let mut paths = std::env::args().skip(1);
    let of = Covers {
        source: paths.next().expect("a source"),
        backup: paths.next().expect("a backup"),
        ignore: Vec::new(),
        by: By::Content,
        also: Vec::new(),
    };
    let finding = onbelay::probe::covers::find(&of, &Progress::default());
    assert_eq!(finding.verdict, Verdict::Holds, "{finding:?}");
    let status = fs::read_to_string("/proc/self/status").expect("the kernel says it");
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    println!("{}", most.trim().trim_end_matches(" kB"));
}

/// Opens and reads each file, as many at once as there are threads: nothing that compares bytes can be faster.
fn read_all(list: &[PathBuf]) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(|| {
                let mut buffer = vec![0; 128 << 10];
                while let Some(path) = list.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut file = File::open(path).expect("opens");
                    while file.read(&mut buffer).expect("reads") > 0 {}
                }
            });
        }
    });
}

/// Files of 1 to 16 KiB.
fn small(dir: &Path, count: usize, directories: usize) {
    let mut noise = Noise(1);
    for n in 0..count {
        let below = dir.join(format!("directory-{:04}", n % directories));
        if n < directories {
            fs::create_dir_all(&below).expect("a directory");
        }
        let len = 1_024 + (noise.next() % (15 << 10)) as usize;
        fs::write(below.join(format!("file-{n:06}.txt")), noise.bytes(len)).expect("writes");
    }
}

fn big(dir: &Path, count: usize, mib: usize) {
    fs::create_dir_all(dir).expect("a directory");
    let mut noise = Noise(2);
    for n in 0..count {
        let mut file = File::create(dir.join(format!("file-{n}.img"))).expect("a file");
        for _ in 0..mib {
            file.write_all(&noise.bytes(1 << 20)).expect("writes");
        }
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("lists") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a type").is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

/// Bytes that no two files share.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 20
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.len() < 10_000, "{command:?} finds differences");
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

fn rounds() -> usize {
    size("ONBELAY_BENCH_ROUNDS", 7)
}

fn size(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}
