//! Appends, crashes and repairs in random order, against a list.

use std::fs;

use proptest::prelude::*;

use super::super::reader::{Tail, read};
use super::super::writer::Writer;
use super::super::{JOURNAL, record};
use super::{entries, journal_in, take_up};

#[derive(Clone, Debug)]
enum Deed {
    Append(usize),
    /// Crash with this many bytes of an unacknowledged record on disk.
    Crash(usize),
    Reopen,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        4 => (1..4_usize).prop_map(Deed::Append),
        2 => (0..400_usize).prop_map(Deed::Crash),
        1 => Just(Deed::Reopen),
    ];
    prop::collection::vec(deed, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn j22_appends_crashes_and_repairs_in_any_order_agree_with_a_list(deeds in deeds()) {
        let home = tempfile::tempdir().unwrap();
        let pool = entries(120);
        let mut writer = Some(Writer::make(home.path()).unwrap());
        let mut model: usize = 0;
        let mut broken_files = 0;
        for deed in deeds {
            match deed {
                Deed::Append(count) => {
                    if writer.is_none() {
                        continue;
                    }
                    writer.as_mut().unwrap().append(&pool[model..model + count]).unwrap();
                    model += count;
                }
                Deed::Crash(len) => {
                    let Some(crashed) = writer.take() else { continue };
                    let line = record::line(&pool[model], crashed.head());
                    let torn = &line[..len.min(line.len())];
                    let mut bytes = fs::read(home.path().join(JOURNAL)).unwrap();
                    bytes.extend_from_slice(torn);
                    drop(crashed);
                    journal_in(home.path(), &bytes);
                    // Written whole, but not acknowledged: it counts from here.
                    model += usize::from(torn.len() == line.len());
                    broken_files += usize::from(!torn.is_empty() && torn.len() < line.len());
                }
                Deed::Reopen => {
                    drop(writer.take());
                    writer = Some(take_up(home.path()).unwrap().0);
                }
            }
            let log = read(home.path()).unwrap();
            prop_assert_eq!(&log.entries, &pool[..model]);
        }
        drop(writer);
        take_up(home.path()).unwrap();
        prop_assert_eq!(read(home.path()).unwrap().tail, Tail::Whole);
        let kept = fs::read_dir(home.path()).unwrap().count() - 1;
        prop_assert_eq!(kept, broken_files);
    }
}
