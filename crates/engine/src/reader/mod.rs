//! Reading one state to the end, whatever happens to the database meanwhile.

mod versions;

use std::ops::ControlFlow;

use actor_sqlite_kv::Snapshot;
use actor_sqlite_ltx::{Pgno, Txid};
use actor_sqlite_pagestore::{ActorId, Head, PageSink, StoreError, Ticket};

use crate::Engine;
use crate::compact::Spans;
use crate::db::Db;
use crate::heads::Heads;
use crate::keys::{RowId, shard_of};
use crate::page_index::{DeltaPages, Lookup, PageIndex};
use crate::read::Wanted;
use crate::rows::DeltaIndex;
use crate::shard_cache::Pinned;
use crate::stage::load_staged;
use versions::Versions;

/// One state of a database, for export, backup and tests. It claims nothing and fences nobody: it
/// holds a snapshot of the store, so the owner may commit, compaction fold and reclaim delete
/// meanwhile. The store keeps what the snapshot shows for as long as the reader is there.
///
/// In memory are the page index of the deltas the state rests on, and the indexes of shards within
/// [`crate::EngineOptions::shard_index_bytes_max`].
pub struct Reader<'e> {
    engine: &'e Engine,
    db: Db,
    snapshot: Box<dyn Snapshot + 'e>,
    head: Head,
    ticket: Ticket,
    index: PageIndex,
    versions: Versions,
}

impl Engine {
    /// Opens the newest state of a database, or the one of `at`.
    ///
    /// The states from before the newest that are readable are those of
    /// [`crate::CompactionOptions::retention_txids`].
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Invalid`] for a state that is not kept any more or is
    /// not yet there; [`StoreError::Corrupt`]; [`StoreError::Unavailable`].
    pub fn reader(&self, actor: &ActorId, at: Option<Txid>) -> Result<Reader<'_>, StoreError> {
        let db = Db::new(actor);
        let snapshot = self.kv.snapshot().map_err(|error| db.failed(error))?;
        // A commit that the snapshot shows may be under way still, and its ticket not be known: it
        // is once the writer is free.
        if let Some(lease) = self.live_lease(actor) {
            drop(lease.writer());
        }
        let ticket = Ticket(self.newest_ticket().0);
        let heads = Heads::load(&db, &*snapshot)?
            .ok_or_else(|| StoreError::NotFound { actor: actor.clone() })?;
        let newest = heads.head.row.head;
        let txid = at.unwrap_or(newest.txid);
        let spans = Spans::load(&db, &*snapshot, &heads)?;
        let oldest = spans.oldest(&heads);
        if txid < oldest || txid > newest.txid {
            let reason = format!("state {txid} of {actor}: {oldest} to {} are kept", newest.txid);
            return Err(StoreError::Invalid { reason });
        }
        let root = heads.root.row;
        let span = spans.0.iter().rev().find(|(watermark, _)| *watermark <= txid);
        let (base, size, checksum) = match span {
            Some((watermark, past)) if txid < root.watermark => {
                (*watermark, past.size, past.checksum)
            }
            _ => (root.watermark, root.size, root.checksum),
        };
        let start = Head { txid: base, page_size: newest.page_size, size, checksum };
        let mut index = PageIndex::new(self.options.shard_index_bytes_max);
        let head = enter_deltas(&db, &*snapshot, start, txid, &mut index)?;
        if txid == newest.txid && head != newest {
            return Err(db.corrupt(RowId::Head, "it contradicts the page index of its txid"));
        }
        let versions = Versions::load(&db, &*snapshot, &heads, (base, size))?;
        Ok(Reader { engine: self, db, snapshot, head, ticket, index, versions })
    }
}

/// Enters the deltas from a state up to another one, and answers with that.
fn enter_deltas(
    db: &Db,
    snapshot: &dyn Snapshot,
    start: Head,
    last: Txid,
    index: &mut PageIndex,
) -> Result<Head, StoreError> {
    let mut head = start;
    if last == start.txid {
        return Ok(head);
    }
    let pidx = |txid| RowId::Pidx { txid };
    let range = (pidx(start.txid.next()), pidx(last));
    db.scan(snapshot, range, &mut |row, key, value| {
        let txid = head.txid.next();
        if row != pidx(txid) {
            return Err(db.corrupt(pidx(txid), "it is missing"));
        }
        let delta = db.open_delta_index(row, key, value, head.page_size)?;
        let (size, checksum) = delta.state();
        let pages = match delta {
            DeltaIndex::Plain(delta) => DeltaPages::Plain(delta.pages),
            DeltaIndex::Staged(delta) => {
                DeltaPages::Staged(load_staged(db, snapshot, head.page_size, row, &delta)?.0)
            }
        };
        index.apply(txid, pages, size, head.size);
        head = Head { txid, size, checksum, ..head };
        Ok(ControlFlow::Continue(()))
    })?;
    if head.txid < last {
        return Err(db.corrupt(pidx(head.txid.next()), "it is missing"));
    }
    Ok(head)
}

impl Reader<'_> {
    /// The state that is read.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Covers that state, as far as a lease of this engine committed it.
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Reads pages, and offers none but those asked for.
    ///
    /// # Errors
    /// As [`actor_sqlite_pagestore::PageStore::read`].
    pub fn read(&mut self, pages: &[Pgno], sink: &mut dyn PageSink) -> Result<(), StoreError> {
        let mut asked = pages.to_vec();
        asked.sort_unstable();
        asked.dedup();
        let lock_page = self.head.page_size.lock_page();
        let beyond = |pgno: &&Pgno| pgno.get() > self.head.size || **pgno == lock_page;
        if let Some(pgno) = asked.iter().find(beyond) {
            let (actor, size) = (&self.db.actor, self.head.size);
            return Err(StoreError::Invalid {
                reason: format!("{actor} has no page {pgno} in {size} pages"),
            });
        }
        for shard in asked.chunk_by(|a, b| shard_of(*a) == shard_of(*b)) {
            self.read_shard(shard, sink)?;
        }
        Ok(())
    }

    fn read_shard(&mut self, pages: &[Pgno], sink: &mut dyn PageSink) -> Result<(), StoreError> {
        let (db, snapshot) = (&self.db, &*self.snapshot);
        let mut pinned = Pinned::default();
        let mut wanted = Vec::with_capacity(pages.len());
        for &pgno in pages {
            let mut found = self.index.find(pgno, &pinned);
            if let Lookup::Unloaded(shard) = found {
                let known = self.versions.index(db, snapshot, shard)?;
                self.index.load(shard, known.clone());
                pinned.shards.insert(shard, known);
                found = self.index.find(pgno, &pinned);
            }
            let Lookup::Found(source) = found else {
                return Err(db.corrupt_named(format!("page {pgno}"), "it has no source"));
            };
            wanted.push(Wanted { source, asked: true });
        }
        wanted.sort_unstable_by_key(|wanted| (wanted.source.row, wanted.source.page.offset));
        match self.engine.fetch(db, snapshot, &wanted, sink)? {
            None => Ok(()),
            Some(lost) => Err(db.corrupt(lost.row, "it is missing")),
        }
    }
}
