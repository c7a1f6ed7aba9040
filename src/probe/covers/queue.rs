//! Work for several threads, last in, first out: so a tree is walked depth first and little of it waits. SHELL.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What is to be done, and who waits for it.
#[derive(Debug)]
pub(super) struct Queue<J> {
    state: Mutex<State<J>>,
    wake: Condvar,
}

#[derive(Debug)]
struct State<J> {
    jobs: Vec<J>,
    /// Jobs that wait or are being done: at nought, all is done.
    open: usize,
    waiting: usize,
}

/// A job that is being done, until it is dropped.
#[derive(Debug)]
pub(super) struct Doing<'a, J>(&'a Queue<J>);

impl<J> Queue<J> {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State { jobs: Vec::new(), open: 0, waiting: 0 }), wake: Condvar::new() }
    }

    pub(super) fn push(&self, job: J) {
        let mut state = self.lock();
        state.jobs.push(job);
        state.open += 1;
        if state.waiting > 0 {
            self.wake.notify_one();
        }
    }

    /// The next job; none when all of them are done.
    pub(super) fn next(&self) -> Option<(J, Doing<'_, J>)> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop() {
                return Some((job, Doing(self)));
            }
            if state.open == 0 {
                return None;
            }
            state.waiting += 1;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J> Drop for Doing<'_, J> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.open -= 1;
        if state.open == 0 {
            self.0.wake.notify_all();
        }
    }
}
