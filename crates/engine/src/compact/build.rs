//! Building the new version of one shard.

use actor_sqlite_kv::Snapshot;
use actor_sqlite_ltx::{Checksum, Header, PageSize};
use actor_sqlite_pagestore::StoreError;

use super::bases::Base;
use super::plan::{Plan, Version};
use crate::Engine;
use crate::db::Db;
use crate::file_writer::{FileKind, FileRows, FileWriter};
use crate::keys::{RowId, shard_pages};
use crate::page_index::Source;
use crate::placed::PlacedPage;
use crate::read::{decode_page, frame_of};
use crate::rows::IndexPage;

/// A new shard version, its values in the buffer that was passed in.
pub(super) struct Built {
    pub(super) file: FileRows,
    /// The version it takes the place of.
    pub(super) replaced: Option<Version>,
}

impl Engine {
    /// Writes the rows of a shard behind what `out` holds already. Compressed frames are taken
    /// over as they are; each is decompressed once, to prove it and for the file's checksum.
    pub(super) fn build_shard(
        &self,
        db: &Db,
        snapshot: &dyn Snapshot,
        plan: &Plan,
        (shard, dirty): (u32, &[PlacedPage]),
        out: &mut Vec<u8>,
    ) -> Result<Built, StoreError> {
        let page_size = plan.heads.head.row.head.page_size;
        let base = self.base_of(db, snapshot, plan, shard)?;
        let sources = merge(db, plan, (shard, dirty), base.as_ref(), page_size)?;
        let frames = self.fetch_frames(db, snapshot, &sources, page_size)?;
        let header = Header {
            no_checksum: true,
            timestamp_ms: plan.time_ms,
            ..Header::new(page_size, plan.size, plan.watermark, plan.watermark)
        };
        let invalid = |error: actor_sqlite_ltx::EncodeError| StoreError::Invalid {
            reason: format!("shard {shard}: {error}"),
        };
        let limits = self.kv.limits();
        let mut file =
            FileWriter::new(db, FileKind::Shard(shard), header, limits, out).map_err(invalid)?;
        for (source, (frame, page)) in sources.iter().zip(&frames) {
            let IndexPage { pgno, checksum, .. } = source.page;
            file.frame(pgno, frame, page, checksum).map_err(invalid)?;
        }
        let file = file.finish(Checksum::ABSENT).map_err(invalid)?;
        let replaced = base.map(|base| base.version);
        self.metrics.compaction_shards_built.add(1);
        Ok(Built { file, replaced })
    }
}

/// The newest place of each page of a shard at the new watermark: from the deltas, else from the
/// version before. A page of that version beyond a size the database had since is not taken: it
/// is beyond the new size too, or the deltas have it, since a growth writes every page it adds.
fn merge(
    db: &Db,
    plan: &Plan,
    (shard, dirty): (u32, &[PlacedPage]),
    base: Option<&Base>,
    page_size: PageSize,
) -> Result<Vec<Source>, StoreError> {
    let mut sources = Vec::with_capacity(crate::keys::SHARD_PAGES as usize);
    for pgno in shard_pages(shard, plan.size, page_size) {
        let delta = dirty
            .binary_search_by_key(&pgno, |placed| placed.page.pgno)
            .ok()
            .map(|at| plan.source(dirty[at]));
        let shard_page = || {
            let Base { index, version: Version { as_of, .. } } = base?;
            let at = index.pages.binary_search_by_key(&pgno, |page| page.pgno).ok()?;
            let page = index.pages[at];
            Some(Source { row: RowId::Shard { shard, as_of: *as_of, chunk: page.chunk }, page })
        };
        let source = delta.or_else(shard_page);
        let none = || db.corrupt_named(format!("page {pgno}"), "it has no source");
        sources.push(source.ok_or_else(none)?);
    }
    Ok(sources)
}

/// A page's compressed frame and the page.
type FrameAndPage = (Vec<u8>, Vec<u8>);

impl Engine {
    /// Reads and proves the frames, each row once.
    fn fetch_frames(
        &self,
        db: &Db,
        snapshot: &dyn Snapshot,
        sources: &[Source],
        page_size: PageSize,
    ) -> Result<Vec<FrameAndPage>, StoreError> {
        let mut frames: Vec<FrameAndPage> = vec![Default::default(); sources.len()];
        let mut order: Vec<usize> = (0..sources.len()).collect();
        order.sort_by_key(|&at| sources[at].row);
        for group in order.chunk_by(|&a, &b| sources[a].row == sources[b].row) {
            let row = sources[group[0]].row;
            let key = db.keys.key(row);
            let mut outcome = Ok(());
            let mut take = |value: &[u8]| -> Result<(), StoreError> {
                self.metrics.compaction_read_rows.add(1);
                self.metrics.compaction_read_bytes.add((key.len() + value.len()) as u64);
                let payload = db.open(row, &key, value)?;
                for &at in group {
                    let page = sources[at].page;
                    let mut buffer = vec![0; page_size.bytes()];
                    decode_page(payload, page, &mut buffer)
                        .map_err(|reason| db.corrupt(row, reason))?;
                    let frame =
                        frame_of(payload, page).map_err(|reason| db.corrupt(row, reason))?;
                    frames[at] = (frame.to_vec(), buffer);
                }
                Ok(())
            };
            let there = snapshot
                .get(&key, &mut |value| outcome = take(value))
                .map_err(|error| db.failed(error))?;
            outcome?;
            if !there {
                return Err(db.corrupt(row, "it is missing"));
            }
        }
        Ok(frames)
    }
}
