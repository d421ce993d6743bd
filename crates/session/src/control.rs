//! What can stop a command while it runs: an interrupt or its deadline.
//!
//! SQLite asks through its progress handler. `sqlite3_interrupt` is not used: its flag stays up as
//! long as any statement, an open cursor say, is active, and would hit commands that nobody meant.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use actor_sqlite_pagestore::Clock;

use crate::SessionError;

const NO_DEADLINE: u64 = u64::MAX;
const RUNNING: u8 = 0;
const INTERRUPTED: u8 = 1;
const TIMED_OUT: u8 = 2;

/// The state of the command that runs, shared with the progress handler and with other threads.
pub(crate) struct Control {
    clock: Arc<dyn Clock>,
    stop: AtomicU8,
    deadline_ns: AtomicU64,
    timeout_ms: AtomicU64,
    /// Something runs that must come to its end.
    shielded: AtomicBool,
    /// Nothing may run any more, for good.
    aborted: AtomicBool,
}

impl Control {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            stop: AtomicU8::new(RUNNING),
            deadline_ns: AtomicU64::new(NO_DEADLINE),
            timeout_ms: AtomicU64::new(0),
            shielded: AtomicBool::new(false),
            aborted: AtomicBool::new(false),
        }
    }

    /// A new command runs. Called under the mailbox's lock, as is `interrupt`, so that an
    /// interrupt is of the command it names or of none.
    pub(crate) fn begin(&self) {
        self.stop.store(RUNNING, Ordering::Relaxed);
        self.deadline_ns.store(NO_DEADLINE, Ordering::Relaxed);
    }

    pub(crate) fn interrupt(&self) {
        self.stop.store(INTERRUPTED, Ordering::Relaxed);
    }

    /// Stops the running command and each that comes.
    pub(crate) fn abort(&self) {
        self.aborted.store(true, Ordering::Relaxed);
    }

    /// Sets the running command's deadline, unless it has an earlier one.
    pub(crate) fn limit(&self, deadline_ns: u64, timeout_ms: u64) {
        if deadline_ns < self.deadline_ns.load(Ordering::Relaxed) {
            self.timeout_ms.store(timeout_ms, Ordering::Relaxed);
            self.deadline_ns.store(deadline_ns, Ordering::Relaxed);
        }
    }

    /// Whether the running command must end.
    pub(crate) fn must_stop(&self) -> bool {
        if self.shielded.load(Ordering::Relaxed) {
            return false;
        }
        if self.stop.load(Ordering::Relaxed) != RUNNING || self.aborted.load(Ordering::Relaxed) {
            return true;
        }
        let deadline_ns = self.deadline_ns.load(Ordering::Relaxed);
        if deadline_ns == NO_DEADLINE || self.clock.monotonic_ns() < deadline_ns {
            return false;
        }
        self.stop.store(TIMED_OUT, Ordering::Relaxed);
        true
    }

    /// Why the running command must end; `None` if it need not.
    pub(crate) fn reason(&self) -> Option<SessionError> {
        match self.stop.load(Ordering::Relaxed) {
            INTERRUPTED => Some(SessionError::Interrupted),
            TIMED_OUT => {
                let timeout_ms = self.timeout_ms.load(Ordering::Relaxed);
                Some(SessionError::Timeout { timeout_ms })
            }
            _ => self.aborted.load(Ordering::Relaxed).then_some(SessionError::Interrupted),
        }
    }

    /// Ends the running command here if it must.
    pub(crate) fn check(&self) -> Result<(), SessionError> {
        match self.must_stop() {
            true => Err(self.reason().unwrap_or(SessionError::Interrupted)),
            false => Ok(()),
        }
    }

    /// Runs what begins, ends or undoes something, which nothing may stop.
    pub(crate) fn shielded<T>(&self, run: impl FnOnce() -> T) -> T {
        let outer = self.shielded.swap(true, Ordering::Relaxed);
        let result = run();
        self.shielded.store(outer, Ordering::Relaxed);
        result
    }
}
