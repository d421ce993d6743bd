//! The pages that a claim brings along.

use std::collections::HashSet;

use actor_sqlite_kv::Snapshot;
use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{Hints, PageSink, StoreError};

use crate::Engine;
use crate::lease::LeaseState;
use crate::page_index::{Lookup, Source};
use crate::read::decode_page;
use crate::shard_cache::Pinned;

/// Pages as a claim answers with them.
type Pages = Vec<(Pgno, Box<[u8]>)>;

impl Engine {
    /// Page 1, then what the hints name by descending score, then what lies in the row of page 1
    /// anyway, within the budget. One snapshot: the indexes of shards that are needed, then all rows.
    ///
    /// Only page 1 has to come. Whatever stands in the way of another page is left to the read
    /// that asks for it.
    pub(crate) fn preload(
        &self,
        state: &LeaseState,
        hints: &Hints,
        bytes_max: u64,
    ) -> Result<Pages, StoreError> {
        let head = state.view().head.row.head;
        if head.size == 0 {
            return Ok(Pages::new());
        }
        let budget = bytes_max / head.page_size.bytes() as u64;
        let budget = usize::try_from(budget).unwrap_or(usize::MAX);
        let mut seen = HashSet::from([Pgno::ONE, head.page_size.lock_page()]);
        let hinted = hints.pages(head.size).filter(|&pgno| seen.insert(pgno));
        let wanted: Vec<Pgno> = std::iter::once(Pgno::ONE).chain(hinted.take(budget)).collect();
        let mut pages = self.preload_together(state, &wanted, budget).unwrap_or_default();
        if pages.iter().all(|(pgno, _)| *pgno != Pgno::ONE) {
            let mut first = FirstPage { page: vec![0; head.page_size.bytes()].into_boxed_slice() };
            self.read_with_neighbours(state, head.txid, &[Pgno::ONE], 0, &mut first)?;
            pages.insert(0, (Pgno::ONE, first.page));
        }
        Ok(pages)
    }

    fn preload_together(
        &self,
        state: &LeaseState,
        wanted: &[Pgno],
        budget: usize,
    ) -> Result<Pages, StoreError> {
        let snapshot = self.kv.snapshot().map_err(|error| state.db.failed(error))?;
        let mut pinned = Pinned::default();
        self.load_indexes_of(state, &*snapshot, wanted, &mut pinned)?;
        let mut sources = self.sources_of(state, wanted, budget, &mut pinned);
        sources.sort_unstable_by_key(|source| (source.row, source.page.offset));
        let page_bytes = state.view().head.row.head.page_size.bytes();
        let groups: Vec<&[Source]> = sources.chunk_by(|a, b| a.row == b.row).collect();
        let rows: Vec<_> = groups.iter().map(|group| group[0].row).collect();
        let mut pages = Pages::with_capacity(sources.len());
        state.db.get_rows(&*snapshot, &rows, &mut |at, key, value| {
            // What is missing or damaged is passed over.
            let payload = value.and_then(|value| state.db.open(rows[at], key, value).ok());
            let Some(payload) = payload else { return Ok(()) };
            self.metrics.read_rows.add(1);
            self.metrics.read_bytes.add(payload.len() as u64);
            for source in groups[at] {
                let mut page = vec![0; page_bytes].into_boxed_slice();
                if decode_page(payload, source.page, &mut page).is_ok() {
                    pages.push((source.page.pgno, page));
                }
            }
            Ok(())
        })?;
        let hinted: HashSet<Pgno> = wanted.iter().skip(1).copied().collect();
        let preloaded = pages.iter().filter(|(pgno, _)| hinted.contains(pgno)).count();
        self.metrics.pages_preloaded.add(preloaded as u64);
        pages.sort_unstable_by_key(|(pgno, _)| *pgno);
        Ok(pages)
    }

    /// Brings the indexes of the shards into memory that the pages lie in.
    fn load_indexes_of(
        &self,
        state: &LeaseState,
        snapshot: &dyn Snapshot,
        wanted: &[Pgno],
        pinned: &mut Pinned,
    ) -> Result<(), StoreError> {
        let view = state.view();
        pinned.at(view.root.watermark);
        let mut shards: Vec<u32> = wanted
            .iter()
            .filter_map(|&pgno| match view.index.find(pgno, pinned) {
                Lookup::Unloaded(shard) => Some(shard),
                _ => None,
            })
            .collect();
        drop(view);
        shards.sort_unstable();
        shards.dedup();
        if !shards.is_empty() {
            self.load_shards(state, snapshot, &shards, pinned)?;
        }
        Ok(())
    }

    /// Where the pages are, and, as far as the budget goes, those behind page 1 in its row.
    ///
    /// A compaction may have been installed since the indexes were pinned. Pages that it folded are
    /// in no delta any more, and a pinned index would name the version of before.
    fn sources_of(
        &self,
        state: &LeaseState,
        wanted: &[Pgno],
        budget: usize,
        pinned: &mut Pinned,
    ) -> Vec<Source> {
        let view = state.view();
        pinned.at(view.root.watermark);
        let find = |pgno: Pgno| match view.index.find(pgno, pinned) {
            Lookup::Found(source) => Some(source),
            _ => None,
        };
        let mut sources: Vec<Source> = wanted.iter().filter_map(|&pgno| find(pgno)).collect();
        let Some(first) = sources.first().copied().filter(|one| one.page.pgno == Pgno::ONE) else {
            return sources;
        };
        let end = self.options.claim_neighbour_pages_max.min(view.head.row.head.size - 1) + 2;
        let room = budget.saturating_sub(sources.len() - 1);
        let chosen: HashSet<Pgno> = sources.iter().map(|source| source.page.pgno).collect();
        let behind = (2..end)
            .filter_map(|number| Pgno::new(number).and_then(find))
            .take_while(|source| source.row == first.row)
            .filter(|source| !chosen.contains(&source.page.pgno));
        sources.extend(behind.take(room));
        sources
    }
}

struct FirstPage {
    page: Box<[u8]>,
}

impl PageSink for FirstPage {
    fn buffer(&mut self, pgno: Pgno) -> Option<&mut [u8]> {
        (pgno == Pgno::ONE).then_some(&mut *self.page)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use actor_sqlite_kv::MemKv;
    use actor_sqlite_pagestore::{
        ActorId, ClaimOptions, Clock, CommitId, CommitRequest, PageStore,
    };

    use super::*;
    use crate::{Compaction, EngineOptions};

    /// Time stands still.
    struct Still;

    impl Clock for Still {
        fn now_ms(&self) -> i64 {
            0
        }

        fn monotonic_ns(&self) -> u64 {
            0
        }
    }

    #[test]
    fn an_index_from_before_a_compaction_names_no_page() {
        // None is kept in memory, so that only the one that is pinned could be asked.
        let options = EngineOptions { shard_index_bytes_max: 0, ..EngineOptions::default() };
        let engine = Engine::new(Arc::new(MemKv::new()), Arc::new(Still), options);
        let actor = ActorId::new("test", "preload").unwrap();
        let claim = engine.claim(&actor, &ClaimOptions::new("test")).unwrap();
        let (generation, mut head) = (claim.lease.generation(), claim.head);
        let mut commit = |sequence, fill| {
            let page = vec![fill; head.page_size.bytes()];
            let pages = [(Pgno::ONE, &page[..])];
            let commit_id = CommitId { generation, sequence };
            let (expected_head, size) = (head.txid, 1);
            let (staged, frees) = (false, false);
            let pages = &pages;
            let request = CommitRequest { commit_id, expected_head, pages, size, staged, frees };
            head = engine.commit(&claim.lease, &request).unwrap().head;
        };
        let compact = || {
            let compaction = engine.compact(&actor).unwrap();
            assert!(matches!(compaction, Compaction::Installed { .. }));
        };
        commit(1, 1);
        commit(2, 2);
        compact();
        let state = engine.live_lease(&actor).unwrap();
        let (snapshot, mut pinned) = (engine.kv.snapshot().unwrap(), Pinned::default());
        let wanted = [Pgno::ONE];
        engine.load_indexes_of(&state, &*snapshot, &wanted, &mut pinned).unwrap();
        assert_eq!(engine.sources_of(&state, &wanted, 0, &mut pinned).len(), 1);
        commit(3, 3);
        compact();
        let sources = engine.sources_of(&state, &wanted, 0, &mut pinned);
        assert_eq!(sources, [], "page 1 is another by now");
    }
}
