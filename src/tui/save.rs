//! The file that an output is saved into: a draft until it is whole, written on a thread of its own, so that a slow disk
//! keeps nobody's screen. SHELL.

use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::output::saving::{Step, Word};
use crate::draft::{Draft, place};

/// How long whoever leaves waits for what is not finished to be removed: a disk that hangs keeps nobody.
const AT_THE_END: Duration = Duration::from_millis(500);

/// Does the steps of saving, one after the other. What is not finished when this is dropped is removed, and what was not
/// begun is not done any more.
#[derive(Debug)]
pub(super) struct Saver {
    steps: Option<Sender<Step>>,
    /// Nobody waits for it any more.
    left: Arc<AtomicBool>,
    /// Hangs up when the thread ends.
    over: Receiver<()>,
}

impl Saver {
    /// `tell` hears what came of each step.
    pub(super) fn new(tell: impl Fn(Word) + Send + 'static) -> io::Result<Self> {
        let (steps, to_do) = channel();
        let (still, over) = channel();
        let left = Arc::new(AtomicBool::new(false));
        let is_left = Arc::clone(&left);
        std::thread::Builder::new().name("save".to_owned()).spawn(move || {
            let mut work = Work { open: None };
            work.until_the_end(&to_do, &is_left, &tell);
            work.drop_it();
            drop(still);
        })?;
        Ok(Self { steps: Some(steps), left, over })
    }

    pub(super) fn take(&self, step: Step) {
        if let Some(steps) = &self.steps {
            let _ = steps.send(step);
        }
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.left.store(true, Ordering::SeqCst);
        self.steps = None;
        let _ = self.over.recv_timeout(AT_THE_END);
    }
}

/// The file that is being written.
struct Work {
    open: Option<(PathBuf, Draft)>,
}

impl Work {
    fn until_the_end(&mut self, to_do: &Receiver<Step>, is_left: &AtomicBool, tell: &impl Fn(Word)) {
        while let Ok(step) = to_do.recv() {
            if is_left.load(Ordering::SeqCst) {
                return;
            }
            let word = match step {
                Step::Create(typed) => Some(self.create(&typed)),
                Step::Append(bytes) => self.open.is_some().then(|| self.append(&bytes)),
                Step::Finish => self.open.is_some().then(|| self.finish()),
                Step::Drop => {
                    self.drop_it();
                    None
                }
            };
            if let Some(word) = word {
                tell(word);
            }
        }
    }

    fn create(&mut self, typed: &str) -> Word {
        self.drop_it();
        let path = match place(typed) {
            Ok(path) => path,
            Err(why) => return Word::Failed(why),
        };
        match Draft::new(&path) {
            Ok(draft) => {
                let shown = path.display().to_string();
                self.open = Some((path, draft));
                Word::Created(shown)
            }
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Word::Exists,
            Err(e) => Word::Failed(format!("cannot make {}: {e}", path.display())),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Word {
        let Some((path, draft)) = &mut self.open else { return Word::Exists };
        match draft.write_all(bytes) {
            Ok(()) => Word::Appended(bytes.len() as u64),
            Err(e) => {
                let why = failed(path, &e);
                self.drop_it();
                Word::Failed(why)
            }
        }
    }

    fn finish(&mut self) -> Word {
        let Some((path, draft)) = self.open.take() else { return Word::Exists };
        match draft.finish() {
            Ok(()) => Word::Finished(path.display().to_string()),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Word::Exists,
            Err(e) => Word::Failed(failed(&path, &e)),
        }
    }

    /// Takes away what there is of the file.
    fn drop_it(&mut self) {
        self.open = None;
    }
}

fn failed(path: &Path, e: &io::Error) -> String {
    match e.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => format!(
            "the disk is full: {} cannot be written ({e}); what there was of it is removed",
            path.display()
        ),
        _ => format!("cannot write {}: {e}; what there was of it is removed", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn all(steps: Vec<Step>) -> Vec<Word> {
        let (sender, words) = channel();
        let saver = Saver::new(move |word| drop(sender.send(word))).unwrap();
        let (mut said, mut open) = (Vec::new(), false);
        for step in steps {
            // As the screen does, which goes on when it has heard what came of the step before.
            let speaks = matches!(step, Step::Create(_)) || open && step != Step::Drop;
            saver.take(step);
            if speaks {
                said.push(words.recv().unwrap());
            }
            open = speaks && matches!(said.last(), Some(Word::Created(_) | Word::Appended(_)));
        }
        drop(saver);
        said.extend(words.try_iter());
        said
    }

    #[test]
    fn a_disk_that_hangs_keeps_nobody_who_leaves() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("slow");
        let (hangs, goes_on) = channel::<()>();
        let (begun, has_begun) = channel();
        let goes_on = std::sync::Mutex::new(goes_on);
        let saver = Saver::new(move |_| {
            let _ = begun.send(());
            let _ = goes_on.lock().unwrap().recv();
        })
        .unwrap();
        saver.take(Step::Create(path.display().to_string()));
        saver.take(Step::Append(b"x".to_vec()));
        has_begun.recv().unwrap();
        let left = std::thread::spawn(move || drop(saver));
        // It ends while the disk still hangs.
        left.join().unwrap();
        let is_empty = || std::fs::read_dir(dir.path()).unwrap().next().is_none();
        assert!(!is_empty(), "the draft is still there");
        drop(hangs);
        // What it was told and had not begun is not done: it hangs up when it has cleared away.
        assert!(has_begun.recv().is_err());
        assert!(is_empty());
    }

    #[test]
    fn a_file_is_made_for_its_owner_alone_and_none_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let typed = path.display().to_string();
        let words = all(vec![
            Step::Create(typed.clone()),
            Step::Append(b"one\n".to_vec()),
            Step::Append(b"\x1b[2Jtwo".to_vec()),
            Step::Finish,
            Step::Create(typed.clone()),
        ]);
        let said = [
            Word::Created(typed.clone()),
            Word::Appended(4),
            Word::Appended(7),
            Word::Finished(typed),
            Word::Exists,
        ];
        assert_eq!(words, said);
        assert_eq!(std::fs::read(&path).unwrap(), b"one\n\x1b[2Jtwo");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_is_not_finished_leaves_nothing_and_a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (part, stopped) = (dir.path().join("part"), dir.path().join("stopped"));
        all(vec![Step::Create(part.display().to_string()), Step::Append(b"x".to_vec())]);
        all(vec![
            Step::Create(stopped.display().to_string()),
            Step::Append(b"x".to_vec()),
            Step::Drop,
            Step::Finish,
        ]);
        assert!(!part.exists() && !stopped.exists());
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &link).unwrap();
        assert_eq!(all(vec![Step::Create(link.display().to_string())]), [Word::Exists]);
        let words = all(vec![Step::Create(dir.path().join("no/such/dir").display().to_string())]);
        assert!(matches!(&words[..], [Word::Failed(why)] if why.contains("cannot make")), "{words:?}");
    }

    #[test]
    fn stopping_leaves_a_strangers_file_alone_and_a_name_that_was_taken_meanwhile_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bigsave");
        let mut saving = Work { open: None };
        assert!(matches!(saving.create(&path.display().to_string()), Word::Created(_)));
        assert!(!path.exists(), "half a file has not this name");
        std::fs::write(&path, "precious").unwrap();
        saving.drop_it();
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
        std::fs::remove_file(&path).unwrap();
        saving.create(&path.display().to_string());
        std::fs::write(&path, "precious").unwrap();
        assert_eq!(saving.finish(), Word::Exists);
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
        assert_eq!(dir.path().read_dir().unwrap().count(), 1, "the draft is gone");
        assert!(matches!(saving.create("~"), Word::Failed(why) if why.contains("no name for a file")));
    }

    #[test]
    fn a_full_disk_is_said_plainly() {
        let why = failed(Path::new("/srv/taken"), &ErrorKind::StorageFull.into());
        assert!(why.starts_with("the disk is full: /srv/taken"), "{why}");
    }
}
