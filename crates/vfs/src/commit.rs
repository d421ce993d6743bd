//! The commit of the main file: one request to the store, by either of SQLite's two routes.

use std::sync::atomic::Ordering;

use actor_sqlite_pagestore::{CommitRequest, Committed, StoreError};

use crate::code::Class;
use crate::main_file::MainFile;
use crate::shared::{Failed, Position};

/// How SQLite asked for a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `SQLITE_FCNTL_COMMIT_ATOMIC_WRITE`.
    Batch,
    /// The sync of the main file, after the journal was synced.
    Sync,
}

/// When the parts of a commit began, in nanoseconds of the clock.
struct Times {
    start: u64,
    sent: u64,
    answered: u64,
}

impl MainFile {
    /// The sync of the main file: the end of a rollback if the journal was just played back, else
    /// the commit of all that was written. Nothing, after a batch-atomic commit.
    pub(crate) fn sync(&mut self) -> Result<(), Failed> {
        self.shared.check(Class::Commit)?;
        if self.is_clean() {
            return Ok(());
        }
        if self.shared.journal.was_played_back() {
            self.roll_back();
            return Ok(());
        }
        self.commit(Route::Sync)
    }

    /// Commits everything written since the last commit.
    ///
    /// After an error the write set is as it was: SQLite rolls back, which drops it.
    pub(crate) fn commit(&mut self, route: Route) -> Result<(), Failed> {
        self.atomic = false;
        self.shared.check(Class::Commit)?;
        if self.is_clean() {
            self.shared.counters.commits_empty.add(1);
            return Ok(());
        }
        let start = self.clock.monotonic_ns();
        match self.send(start) {
            Ok((committed, times)) => {
                let bytes = self.settle(&committed);
                self.shared.counters.bytes_written.add(bytes);
                self.count(route, &committed, &times);
                Ok(())
            }
            Err(error) => {
                self.shared.counters.commits_failed.add(1);
                Err(self.shared.fail(error, Class::Commit))
            }
        }
    }

    /// Asks the store. Not for a database of another page size: a backup into this one can make it
    /// in pages of the right length, and nobody could write to it afterwards.
    fn send(&mut self, start: u64) -> Result<(Committed, Times), StoreError> {
        if let Some(bytes) = self.write_set.foreign_page_size() {
            let own = self.page_size().get();
            let reason = format!("page 1 names a page size of {bytes}: the database has {own}");
            return Err(StoreError::Invalid { reason });
        }
        self.check_stage()?;
        self.write_set.trim();
        self.seal()?;
        self.count_dirty();
        let commit_id = self.commit_id();
        self.sequence += 1;
        let pages: Vec<_> = self.write_set.pages().collect();
        let request = CommitRequest {
            commit_id,
            expected_head: self.head.txid,
            pages: &pages,
            size: self.write_set.size(),
            staged: self.shared.stage.is_open(),
            frees: self.header.is_some_and(|before| self.write_set.frees(&before)),
        };
        let sent = self.clock.monotonic_ns();
        let committed = self.store.commit(&self.lease, &request)?;
        Ok((committed, Times { start, sent, answered: self.clock.monotonic_ns() }))
    }

    /// Takes the new state over: the write set becomes cache, and so does what is still there of the
    /// staged pages. Of the others the cache may have the page of before, which has to go. Answers
    /// the bytes of both.
    fn settle(&mut self, committed: &Committed) -> u64 {
        self.head = committed.head;
        self.ticket = self.ticket.max(committed.ticket);
        self.shared.back_off_us.store(committed.back_off_us, Ordering::Relaxed);
        self.shared.stage.take();
        let (pages, staged) = self.write_set.take(self.head.size);
        self.learn_committed(&pages, &staged);
        let mut bytes = staged.len() * self.page_size().bytes() as u64;
        for pgno in staged.iter() {
            match self.staged_cache.remove(pgno) {
                Some(frame) => self.cache.insert(pgno, frame),
                None => drop(self.cache.remove(pgno)),
            }
        }
        for (pgno, frame) in pages {
            bytes += frame.bytes().len() as u64;
            self.remember_header(pgno, frame.bytes());
            self.cache.insert(pgno, frame);
        }
        self.count_dirty();
        self.shared.advance(Position { head: self.head, ticket: self.ticket });
        bytes
    }

    /// Books the commit's time so that nothing of it is lost or counted twice: what the store did
    /// not account for is transport.
    fn count(&self, route: Route, committed: &Committed, times: &Times) {
        let end = self.clock.monotonic_ns();
        let store_ns = times.answered.saturating_sub(times.sent);
        let serialize_ns = committed.phases.serialize_ns.min(store_ns);
        let index_ns = committed.phases.state_update_ns.min(store_ns - serialize_ns);
        let counters = &self.shared.counters;
        counters.request_build_ns.add(times.sent.saturating_sub(times.start));
        counters.serialize_ns.add(serialize_ns);
        counters.transport_ns.add(store_ns - serialize_ns - index_ns);
        counters.state_update_ns.add(index_ns + end.saturating_sub(times.answered));
        match route {
            Route::Batch => counters.commits_batch.add(1),
            Route::Sync => counters.commits_sync.add(1),
        }
    }
}
