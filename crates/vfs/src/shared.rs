//! What a mount shares between its open files and whoever looks at it from another thread.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actor_sqlite_pagestore::{Head, StoreError, Ticket};
use libsqlite3_sys as ffi;

use crate::code::{Class, code_of, poisons};
use crate::hints::Learner;
use crate::journal::Journal;
use crate::metrics::Counters;
use crate::read_ahead::ReadAhead;
use crate::scratch::{ScratchError, ScratchPool};
use crate::stage::OpenStage;

/// State of a mount that is not the open file's own. No lock here is held across a call of the
/// store, so that metrics never wait for the network.
pub(crate) struct Shared {
    pub counters: Counters,
    pub journal: Journal,
    pub scratch: Arc<ScratchPool>,
    pub stage: OpenStage,
    /// Pages that were brought and left the page cache before they were used.
    pub evicted_unused: Arc<AtomicU64>,
    /// Made at the first miss, and anew after it was dropped.
    read_ahead: Mutex<Option<Box<ReadAhead>>>,
    learner: Mutex<Learner>,
    /// What the newest commit was told to wait, until it is taken.
    pub back_off_us: AtomicU32,
    sealed: AtomicBool,
    poisoned: AtomicBool,
    faults: Mutex<Faults>,
    position: Mutex<Position>,
}

#[derive(Default)]
struct Faults {
    /// Why the handle is dead. The first reason stays.
    poison: Option<StoreError>,
    /// The cause of the last failed callback, until it is taken.
    last: Option<StoreError>,
}

/// The newest committed state and what covers it.
#[derive(Clone, Copy)]
pub(crate) struct Position {
    pub head: Head,
    pub ticket: Ticket,
}

/// A callback failed: the SQLite code to answer. The cause is in [`Shared::take_error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed(pub std::ffi::c_int);

impl Shared {
    pub fn new(scratch: Arc<ScratchPool>, position: Position, learner: Learner) -> Self {
        let counters = Counters::default();
        counters.db_size_pages.set(position.head.size.into());
        Self {
            counters,
            journal: Journal::new(scratch.clone()),
            scratch,
            stage: OpenStage::default(),
            evicted_unused: Arc::default(),
            read_ahead: Mutex::default(),
            learner: Mutex::new(learner),
            back_off_us: AtomicU32::new(0),
            sealed: AtomicBool::new(false),
            poisoned: AtomicBool::new(false),
            faults: Mutex::default(),
            position: Mutex::new(position),
        }
    }

    pub fn read_ahead(&self) -> MutexGuard<'_, Option<Box<ReadAhead>>> {
        self.read_ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn learner(&self) -> MutexGuard<'_, Learner> {
        self.learner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn new_read_ahead(&self) -> Box<ReadAhead> {
        Box::new(ReadAhead::new(self.evicted_unused.clone()))
    }

    pub fn seal(&self) {
        self.sealed.store(true, Ordering::Relaxed);
    }

    pub fn is_sealed(&self) -> bool {
        self.sealed.load(Ordering::Relaxed)
    }

    pub fn position(&self) -> Position {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest committed state has changed.
    pub fn advance(&self, position: Position) {
        self.counters.db_size_pages.set(position.head.size.into());
        *self.position.lock().unwrap_or_else(PoisonError::into_inner) = position;
    }

    /// Refuses, if the handle is dead.
    pub fn check(&self, class: Class) -> Result<(), Failed> {
        if !self.poisoned.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut faults = self.faults();
        let poison = faults.poison.clone();
        let code = poison.as_ref().map_or(class.code(), |error| code_of(error, class));
        faults.last = poison;
        Err(Failed(code))
    }

    /// Takes note of an error, and says what to tell SQLite.
    pub fn fail(&self, error: StoreError, class: Class) -> Failed {
        let failed = Failed(code_of(&error, class));
        if poisons(&error) {
            self.poison_with(error.clone());
        }
        self.faults().last = Some(error);
        failed
    }

    /// The handle is dead from now on.
    pub fn poison_with(&self, error: StoreError) {
        self.faults().poison.get_or_insert(error);
        self.poisoned.store(true, Ordering::Release);
    }

    /// A callback panicked: what it left behind cannot be trusted.
    pub fn panicked(&self, class: Class) -> Failed {
        let error =
            StoreError::Invalid { reason: format!("a panic in SQLite's {class:?} callback") };
        self.poison_with(error.clone());
        self.faults().last = Some(error);
        Failed(class.code())
    }

    /// A scratch file failed. That is the host's matter, not the store's.
    pub fn scratch_failed(&self, error: &ScratchError, class: Class) -> Failed {
        let (cause, code) = match error {
            ScratchError::Limit { actual, limit } => {
                let (actual, limit) = (*actual, *limit);
                let what = "bytes of scratch on disk";
                (StoreError::Limit { what, actual, limit }, ffi::SQLITE_FULL)
            }
            ScratchError::Io(error) => {
                let full = error.kind() == std::io::ErrorKind::StorageFull;
                let reason = format!("a scratch file failed: {error}");
                let code = if full { ffi::SQLITE_FULL } else { class.code() };
                (StoreError::Unavailable { reason }, code)
            }
        };
        self.faults().last = Some(cause);
        Failed(code)
    }

    pub fn poison(&self) -> Option<StoreError> {
        self.faults().poison.clone()
    }

    pub fn take_error(&self) -> Option<StoreError> {
        self.faults().last.take()
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
