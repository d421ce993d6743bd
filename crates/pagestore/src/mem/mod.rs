//! A page store in memory: the reference for tests, with faults that can be switched on.

mod admin;
mod database;
mod state;
mod store;

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use actor_sqlite_ltx::Pgno;

use crate::{ActorId, Head, Hints, PageStore, StoreError};
use state::{CommitFault, State};

/// A [`PageStore`] that keeps everything in memory, checks every request against the contract and
/// fails on demand.
///
/// Commits are durable at once unless [`Self::hold_durable`] says otherwise.
#[derive(Default)]
pub struct MemPageStore {
    state: Mutex<State>,
    became_durable: Condvar,
}

/// How often each call was made, failed ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemCounts {
    /// Calls of `claim`.
    pub claims: u64,
    /// Calls of `read`.
    pub reads: u64,
    /// Pages that `read` was asked for.
    pub pages_read: u64,
    /// Calls of `commit`.
    pub commits: u64,
    /// Pages that landed: those equal to their base are not among them.
    pub pages_committed: u64,
    /// Calls of `release`.
    pub releases: u64,
    /// Calls of `stage`.
    pub stages: u64,
    /// Pages that `stage` was sent.
    pub pages_staged: u64,
    /// Calls of `read_staged`.
    pub staged_reads: u64,
    /// Calls of `discard` that found something.
    pub discards: u64,
    /// Calls of `save_hints`.
    pub hints_saved: u64,
}

impl MemPageStore {
    /// A store without databases.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next commit fails with `error` and changes nothing.
    pub fn fail_next_commit(&self, error: StoreError) {
        self.lock().commit_fault = Some(CommitFault { error, lands: false });
    }

    /// The next commit lands, and its caller is told `error`.
    pub fn fail_next_commit_after_landing(&self, error: StoreError) {
        self.lock().commit_fault = Some(CommitFault { error, lands: true });
    }

    /// The next read fails with `error`.
    pub fn fail_next_read(&self, error: StoreError) {
        self.lock().read_fault = Some(error);
    }

    /// The next `stage` fails with `error`, and what was staged before is lost.
    pub fn fail_next_stage(&self, error: StoreError) {
        self.lock().stage_fault = Some(error);
    }

    /// Takes back the faults that have not struck.
    pub fn clear_faults(&self) {
        let mut state = self.lock();
        state.commit_fault = None;
        state.read_fault = None;
        state.stage_fault = None;
    }

    /// Commits from now on tell their writers to wait that long.
    pub fn hold_writers_back(&self, back_off_us: u32) {
        self.lock().back_off_us = back_off_us;
    }

    /// The hints saved last.
    pub fn hints(&self, actor: &ActorId) -> Option<Hints> {
        self.lock().databases.get(actor).map(|database| database.hints.clone())
    }

    /// How many pages are staged for a database.
    pub fn staged(&self, actor: &ActorId) -> usize {
        let state = self.lock();
        let stage = state.databases.get(actor).and_then(|database| database.stage.as_ref());
        stage.map_or(0, |stage| stage.pages.len())
    }

    /// Each read offers that many pages after the last one asked for.
    pub fn offer_neighbours(&self, pages: u32) {
        self.lock().neighbours = pages;
    }

    /// The largest commit from now on, in bytes of pages. Claims of before do not learn of it.
    pub fn limit_commits(&self, bytes_max: u64) {
        self.lock().commit_bytes_max = Some(bytes_max);
    }

    /// From now on commits stay ordered, not durable, until this is called with `false`.
    pub fn hold_durable(&self, hold: bool) {
        let mut state = self.lock();
        state.holding = hold;
        if !hold {
            state.durable = state.ordered;
        }
        let ready = std::mem::take(&mut state.waiting);
        drop(state);
        self.became_durable.notify_all();
        for (ticket, callback) in ready {
            self.on_durable(ticket, callback);
        }
    }

    /// The calls so far.
    pub fn counts(&self) -> MemCounts {
        self.lock().counts
    }

    /// The newest committed state of a database; `None` if there is none of that name.
    pub fn head(&self, actor: &ActorId) -> Option<Head> {
        self.lock().databases.get(actor).map(|database| database.head)
    }

    /// A committed page.
    pub fn page(&self, actor: &ActorId, pgno: Pgno) -> Option<Box<[u8]>> {
        self.lock().databases.get(actor)?.pages.get(&pgno).cloned()
    }

    /// Loses a committed page behind the store's back: reads of it are [`StoreError::Corrupt`]
    /// until a commit writes it anew.
    pub fn lose_page(&self, actor: &ActorId, pgno: Pgno) {
        if let Some(database) = self.lock().databases.get_mut(actor) {
            database.pages.remove(&pgno);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
