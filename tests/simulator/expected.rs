//! What the simulator must meet, or it simulates nothing; what it found before; and which law is to notice which sabotage.

use super::host::Sabotage;
use super::report::Law;

/// Seeds that found something, each with what it found.
pub(crate) fn kept() -> Vec<(u64, &'static str)> {
    let lines = include_str!("kept.txt").lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(seed, what)| Some((seed.parse().ok()?, what)))
        .collect()
}

/// The laws that may be the first to notice.
pub(crate) fn noticed_by(sabotage: Sabotage) -> &'static [Law] {
    match sabotage {
        Sabotage::None => &[],
        Sabotage::SyncDoesNothing => &[Law::DurableFirst],
        Sabotage::FailureSaysYes => &[Law::DurableFirst, Law::AFailureIsFinal],
        Sabotage::LastRecordLost => &[Law::NothingAcknowledgedIsLost],
        Sabotage::AnotherTextIsWritten => &[Law::ReplayIsLive],
        Sabotage::FailureIsTriedAgain => &[Law::AFailureIsFinal],
        Sabotage::StartedTwice | Sabotage::StartedAtItsWish => &[Law::OneStartForOneIntent],
        Sabotage::FoundAsNeverStarted => &[Law::NeverStartedNeverRan],
        Sabotage::NoConfirmation => &[Law::NothingDestructiveByItself, Law::TheGate, Law::TheRules],
        Sabotage::NoChecks | Sabotage::NoWitness | Sabotage::NoRequiredSteps => {
            &[Law::TheGate, Law::TheRules]
        }
        Sabotage::AnotherSpeaks => &[Law::TheKernelsWord, Law::TheRules],
        Sabotage::LeavingIsNotHeard => &[Law::ApprovalsEnd],
        Sabotage::AskingIsForgotten => &[Law::AWishIsDecided],
        Sabotage::TailIsScrambled => &[Law::ACrashIsNoDamage],
        Sabotage::AForgedRecord => &[Law::TheAudit],
    }
}

/// What every 2,500 seeds must meet, and how often at least: a third of what they do meet, or less.
pub(crate) const MUST_BE_MET: &[(&str, u64)] = &[
    ("Speak", 18_105),
    ("Claim", 378),
    ("Join", 426),
    ("Leave", 420),
    ("Drain", 105),
    ("Tick", 549),
    ("Moments", 855),
    ("Minutes", 441),
    ("ClockSet", 213),
    ("Suspend", 120),
    ("Mood", 693),
    ("Slow", 105),
    ("Kill", 222),
    ("killed among outputs", 57),
    ("PowerOff", 300),
    ("Terminate", 81),
    ("Stray", 225),
    ("the journal is broken", 375),
    ("answer Holds", 1_788),
    ("answer Fails", 222),
    ("answer Error", 249),
    ("disk: short writes", 2_718),
    ("disk: the disk is full", 57),
    ("disk: a write fails", 69),
    ("disk: a sync fails, all reached the disk", 78),
    ("disk: a sync fails, nothing reached the disk", 54),
    ("disk: a sync fails, a part reached the disk", 63),
    ("disk: the file was replaced", 54),
    ("disk: cutting the file fails", 51),
    ("disk: killed before the write", 54),
    ("disk: killed in a write", 48),
    ("disk: killed before the sync", 51),
    ("disk: killed after the sync", 51),
    ("disk: a torn tail is cut", 90),
    ("disk: unsynced tail at a power-off", 48),
    ("disk: what only the kernel had is forgotten", 24),
    ("found: no start, same boot", 60),
    ("found: alive, same boot", 168),
    ("found: ended, same boot", 24),
    ("found: no start, another boot", 57),
    ("found: gone, another boot", 33),
    ("gate: open", 759),
    ("gate: question", 54),
    ("gate: order", 57),
    ("gate: check", 387),
    ("gate: hold", 33),
    ("gate: witness", 516),
    ("gate: confirm", 84),
    ("gate: confirm+witness", 105),
    ("gate: check+confirm", 72),
    ("taken: run", 3_039),
    ("taken: undo", 72),
    ("taken: approve", 387),
    ("taken: approval", 3),
    ("taken: refuse", 24),
    ("taken: handover", 63),
    ("taken: hold", 402),
    ("taken: release", 321),
    ("taken: resolve", 111),
    ("taken: skip", 102),
    ("taken: stop", 3),
    ("taken: withdraw", 18),
    ("taken: done", 480),
    ("taken: fail", 54),
    ("taken: attest", 468),
    ("taken: finish", 126),
    ("taken: abort", 24),
    ("refused: approve: nobody approves themselves", 48),
    ("refused: approve: approved already", 123),
    ("refused: approve: what was asked is over", 3),
    ("refused: approve: saw another text", 33),
    ("refused: approve: its gate is shut", 4),
    ("refused: approval: its gate is shut", 24),
    ("refused: run: a hold point is not run twice", 5),
    ("refused: run: busy", 1_830),
    ("refused: run: only the operator", 213),
    ("refused: run: not from this screen", 300),
    ("refused: run: barred", 102),
    ("refused: run: aborted", 171),
    ("refused: run: finished", 45),
    ("refused: attest: the operator is no second person", 45),
    ("refused: release: others' holds", 2),
    ("refused: finish: steps are open", 159),
    ("refused: resolve: nothing to resolve", 120),
    ("refused: undo: nothing to undo", 486),
    ("refused: handover: nobody of that name", 39),
];
