//! What a commit replaces: the checksums that pages have at the head.

use actor_sqlite_ltx::{Checksum, Pgno};
use actor_sqlite_pagestore::StoreError;

use crate::Engine;
use crate::keys::shard_of;
use crate::lease::{LeaseState, Writer};
use crate::page_index::Lookup;
use crate::shard_cache::Pinned;

/// How often the checksums are asked for again because compaction moved the pages.
const TRIES: usize = 64;
/// The most pages and shards that are looked up at a time, so that the indexes of a large database
/// need not all be in memory at once.
const GROUP_PAGES: usize = 16_384;
const GROUP_SHARDS: usize = 256;

impl Engine {
    /// Visits the checksum that each page has at the head. `pages` are ascending and lie within the
    /// database; the indexes of shards that are not in memory are read, in groups.
    ///
    /// A checksum is the same wherever a compaction puts the page, so that only a group has to be
    /// looked up again when one comes between.
    pub(crate) fn visit_base(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
        pages: impl Iterator<Item = Pgno>,
        visit: &mut dyn FnMut(Pgno, Checksum),
    ) -> Result<(), StoreError> {
        let mut pages = pages.peekable();
        let (mut group, mut checksums) = (Vec::new(), Vec::new());
        while pages.peek().is_some() {
            group.clear();
            let (mut shard, mut shards) = (None, 0);
            while let Some(pgno) = pages.next_if(|_| group.len() < GROUP_PAGES) {
                if shard != Some(shard_of(pgno)) {
                    shard = Some(shard_of(pgno));
                    shards += 1;
                }
                group.push(pgno);
                if shards == GROUP_SHARDS {
                    break;
                }
            }
            self.find_group(state, writer, &group, &mut checksums)?;
            group.iter().zip(&checksums).for_each(|(&pgno, &checksum)| visit(pgno, checksum));
        }
        Ok(())
    }

    fn find_group(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
        group: &[Pgno],
        checksums: &mut Vec<Checksum>,
    ) -> Result<(), StoreError> {
        let mut pinned = Pinned::default();
        for _ in 0..TRIES {
            checksums.clear();
            let mut load = Vec::new();
            let watermark = {
                let view = state.view();
                pinned.at(view.root.watermark);
                for &pgno in group {
                    match view.index.find(pgno, &pinned) {
                        Lookup::Found(source) => checksums.push(source.page.checksum),
                        Lookup::Unloaded(shard) if load.last() == Some(&shard) => {}
                        Lookup::Unloaded(shard) => load.push(shard),
                        Lookup::Missing => {
                            let row = format!("page {pgno}");
                            return Err(state.db.corrupt_named(row, "it has no source"));
                        }
                    }
                }
                view.root.watermark
            };
            if load.is_empty() {
                return Ok(());
            }
            let snapshot = self.kv.snapshot().map_err(|error| state.db.failed(error))?;
            let loaded = self.load_shards(state, &*snapshot, &load, &mut pinned)?;
            drop(snapshot);
            if !loaded && state.view().root.watermark == watermark {
                self.refresh(state, writer)?;
            }
        }
        Err(StoreError::Unavailable { reason: "compaction kept moving the pages".into() })
    }
}
