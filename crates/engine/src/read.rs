//! Reading pages: page index in memory, then one row a page or less.

use actor_sqlite_kv::Snapshot;
use actor_sqlite_ltx::{Pgno, Txid, decode_frame, page_checksum};
use actor_sqlite_pagestore::{PageSink, StoreError};

use crate::Engine;
use crate::db::Db;
use crate::keys::RowId;
use crate::lease::{LeaseState, View};
use crate::page_index::{Lookup, Source};
use crate::refresh::not_the_head;
use crate::rows::IndexPage;
use crate::shard_cache::Pinned;

/// How often a read looks again before it gives up. Each time something was loaded, or a
/// compaction had been installed in between.
const TRIES: usize = 64;

/// A page to deliver.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) source: Source,
    pub(crate) asked: bool,
}

/// Where the pages of one read are.
enum Plan {
    Ready(Vec<Wanted>),
    /// The indexes of these shards are needed first.
    Load(Vec<u32>),
}

impl Engine {
    pub(crate) fn read_pages(
        &self,
        state: &LeaseState,
        txid: Txid,
        pages: &[Pgno],
        sink: &mut dyn PageSink,
    ) -> Result<(), StoreError> {
        let begun_ns = self.clock.monotonic_ns();
        let neighbours = self.options.neighbour_pages_max;
        self.read_with_neighbours(state, txid, pages, neighbours, sink)?;
        self.metrics.reads.add(1);
        self.metrics.read_ns.add(self.clock.monotonic_ns() - begun_ns);
        Ok(())
    }

    /// A read never sees a gap, whatever compaction and reclaim do meanwhile. The place of a page
    /// is looked up in the view, and its row fetched after the view's lock is released. By then a
    /// compaction may have been installed and the row deleted. Rows of a place are written once
    /// and never change, so a row that is there is right; one that is not makes the read look
    /// again, first in the view and then in `ROOT`. Only if neither watermark has moved since the
    /// lookup is the row missing for good, and that is corruption.
    pub(crate) fn read_with_neighbours(
        &self,
        state: &LeaseState,
        txid: Txid,
        pages: &[Pgno],
        neighbours: u32,
        sink: &mut dyn PageSink,
    ) -> Result<(), StoreError> {
        let mut todo = pages.to_vec();
        todo.sort_unstable();
        todo.dedup();
        let mut pinned = Pinned::default();
        for _ in 0..TRIES {
            let (plan, watermark) = {
                let view = state.view();
                check(state, &view, txid, &todo)?;
                pinned.at(view.root.watermark);
                (plan(&state.db, &view, &pinned, &todo, neighbours)?, view.root.watermark)
            };
            let snapshot = self.kv.snapshot().map_err(|error| state.db.failed(error))?;
            let lost = match plan {
                Plan::Ready(wanted) => {
                    let fetched = self
                        .fetch(&state.db, &*snapshot, &wanted, sink)
                        .map_err(|error| self.unless_fenced(state, &*snapshot, error))?;
                    let Some(lost) = fetched else { return Ok(()) };
                    todo = lost.pages;
                    Some(lost.row)
                }
                Plan::Load(shards) => {
                    if self.load_shards(state, &*snapshot, &shards, &mut pinned)? {
                        continue;
                    }
                    None
                }
            };
            drop(snapshot);
            self.metrics.read_retries.add(1);
            let mut writer = state.writer();
            let moved =
                state.view().root.watermark != watermark || self.refresh(state, &mut writer)?;
            if let (Some(row), false) = (lost, moved) {
                return Err(state.db.corrupt(row, "it is missing"));
            }
        }
        Err(StoreError::Unavailable { reason: "compaction kept moving the pages".into() })
    }

    /// Delivers pages, which come row by row, each row read once. `None` if all were delivered.
    pub(crate) fn fetch(
        &self,
        db: &Db,
        snapshot: &dyn Snapshot,
        wanted: &[Wanted],
        sink: &mut dyn PageSink,
    ) -> Result<Option<Lost>, StoreError> {
        let groups: Vec<&[Wanted]> = wanted.chunk_by(|a, b| a.source.row == b.source.row).collect();
        let rows: Vec<RowId> = groups.iter().map(|group| group[0].source.row).collect();
        let mut lost: Option<Lost> = None;
        db.get_rows(snapshot, &rows, &mut |at, key, value| {
            let (row, group) = (rows[at], groups[at]);
            match value {
                Some(value) => self.deliver(db, row, key, value, group, sink),
                None => {
                    let lost = lost.get_or_insert_with(|| Lost { row, pages: Vec::new() });
                    let asked = group.iter().filter(|wanted| wanted.asked);
                    lost.pages.extend(asked.map(|wanted| wanted.source.page.pgno));
                    Ok(())
                }
            }
        })?;
        if let Some(lost) = &mut lost {
            lost.pages.sort_unstable();
        }
        Ok(lost)
    }

    /// Decompresses pages out of one row, straight into the sink's buffers.
    fn deliver(
        &self,
        db: &Db,
        row: RowId,
        key: &[u8],
        value: &[u8],
        group: &[Wanted],
        sink: &mut dyn PageSink,
    ) -> Result<(), StoreError> {
        let payload = db.open(row, key, value)?;
        self.metrics.read_rows.add(1);
        self.metrics.read_bytes.add(value.len() as u64);
        let mut neighbours = 0;
        for wanted in group {
            let page = wanted.source.page;
            match sink.buffer(page.pgno) {
                Some(buffer) => {
                    decode_page(payload, page, buffer).map_err(|reason| db.corrupt(row, reason))?;
                    neighbours += u64::from(!wanted.asked);
                }
                None if wanted.asked => {
                    let reason = format!("page {} was asked for and not taken", page.pgno);
                    return Err(StoreError::Invalid { reason });
                }
                None => {}
            }
        }
        let asked = group.iter().filter(|wanted| wanted.asked).count() as u64;
        match row {
            RowId::Delta { .. } | RowId::Stage { .. } => self.metrics.pages_from_deltas.add(asked),
            _ => self.metrics.pages_from_shards.add(asked),
        }
        self.metrics.pages_from_neighbours.add(neighbours);
        Ok(())
    }
}

/// Pages whose row was not there.
pub(crate) struct Lost {
    /// The first such row.
    pub(crate) row: RowId,
    pages: Vec<Pgno>,
}

/// The frame of a page in the payload of its row.
pub(crate) fn frame_of(payload: &[u8], page: IndexPage) -> Result<&[u8], String> {
    let (begin, len) = (page.offset as usize, page.len as usize);
    payload
        .get(begin..begin + len)
        .ok_or_else(|| format!("the frame of page {} lies outside", page.pgno))
}

/// Decompresses a page and proves it by the checksum of its index.
pub(crate) fn decode_page(
    payload: &[u8],
    page: IndexPage,
    buffer: &mut [u8],
) -> Result<(), String> {
    let frame = frame_of(payload, page)?;
    decode_frame(frame, page.pgno, buffer).map_err(|error| error.to_string())?;
    if page_checksum(page.pgno, buffer) != page.checksum {
        return Err(format!("the checksum of page {} does not match its index", page.pgno));
    }
    Ok(())
}

/// Whether the view may be shown, and has the pages.
fn check(state: &LeaseState, view: &View, txid: Txid, pages: &[Pgno]) -> Result<(), StoreError> {
    if let Some(over) = &view.over {
        return Err(over.clone());
    }
    let head = view.head.row.head;
    if txid != head.txid {
        return Err(not_the_head(txid, head.txid));
    }
    let lock_page = head.page_size.lock_page();
    match pages.iter().find(|&&pgno| pgno.get() > head.size || pgno == lock_page) {
        None => Ok(()),
        Some(pgno) => Err(StoreError::Invalid {
            reason: format!("{} has no page {pgno} in {} pages", state.db.actor, head.size),
        }),
    }
}

/// Looks pages up, and the pages behind them that lie in the same rows.
fn plan(
    db: &Db,
    view: &View,
    pinned: &Pinned,
    todo: &[Pgno],
    neighbours: u32,
) -> Result<Plan, StoreError> {
    let mut wanted = Vec::with_capacity(todo.len() + neighbours as usize);
    let mut load = Vec::new();
    for &pgno in todo {
        match view.index.find(pgno, pinned) {
            Lookup::Found(source) => wanted.push(Wanted { source, asked: true }),
            Lookup::Unloaded(shard) => load.push(shard),
            Lookup::Missing => {
                return Err(db.corrupt_named(format!("page {pgno}"), "it has no source"));
            }
        }
    }
    if !load.is_empty() {
        load.dedup();
        return Ok(Plan::Load(load));
    }
    if let Some(last) = wanted.last().map(|wanted| wanted.source) {
        let first = last.page.pgno.get() + 1;
        let end = first.saturating_add(neighbours).min(view.head.row.head.size.saturating_add(1));
        for number in first..end {
            let Some(Lookup::Found(source)) =
                Pgno::new(number).map(|pgno| view.index.find(pgno, pinned))
            else {
                break;
            };
            if source.row != last.row {
                break;
            }
            wanted.push(Wanted { source, asked: false });
        }
    }
    wanted.sort_unstable_by_key(|wanted| (wanted.source.row, wanted.source.page.offset));
    Ok(Plan::Ready(wanted))
}
