//! The shard versions that held at a watermark.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use actor_sqlite_kv::Snapshot;
use actor_sqlite_ltx::{Decoder, Limits, PageSize, Txid, page_checksum};
use actor_sqlite_pagestore::StoreError;

use crate::db::Db;
use crate::heads::Heads;
use crate::keys::RowId;
use crate::refresh::has_version;
use crate::rows::{GoneRow, IndexPage};
use crate::shard_cache::{Known, ShardIndex};

/// Which version each shard had.
pub(super) struct Versions {
    /// The watermark, and the size of the database at it.
    base: Txid,
    size: u32,
    page_size: PageSize,
    /// Versions that held at the watermark and were replaced since, by shard.
    gone: HashMap<u32, GoneRow>,
}

impl Versions {
    pub(super) fn load(
        db: &Db,
        snapshot: &dyn Snapshot,
        heads: &Heads,
        (base, size): (Txid, u32),
    ) -> Result<Self, StoreError> {
        let mut gone = HashMap::new();
        let row = |at, shard| RowId::Gone { at, shard };
        let last = heads.root.row.watermark;
        if base < last {
            let range = (row(base.next(), 0), row(last, u32::MAX));
            db.scan(snapshot, range, &mut |row, key, value| {
                let payload = db.open(row, key, value)?;
                let old = GoneRow::decode(payload).map_err(|fault| db.corrupt(row, fault))?;
                if let RowId::Gone { shard, .. } = row
                    && old.as_of <= base
                {
                    gone.entry(shard).or_insert(old);
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
        Ok(Self { base, size, page_size: heads.head.row.head.page_size, gone })
    }

    /// The index of a shard at the watermark; `None` if it had no page then.
    pub(super) fn index(
        &self,
        db: &Db,
        snapshot: &dyn Snapshot,
        shard: u32,
    ) -> Result<Known, StoreError> {
        if !has_version(shard, self.size, self.page_size) {
            return Ok(None);
        }
        if let Some(old) = self.gone.get(&shard) {
            return Ok(Some(Arc::new(self.replaced(db, snapshot, shard, old)?)));
        }
        let found = db.shard_index(snapshot, shard, self.base, self.page_size)?;
        let missing = || db.corrupt_named(format!("SIDX {shard}"), "it is missing");
        Ok(Some(Arc::new(ShardIndex::new(found.ok_or_else(missing)?))))
    }

    /// The index of a version that was replaced, from its file: the row that held it is gone. The
    /// checksum of the file proves the pages, and so the checksums made of them.
    fn replaced(
        &self,
        db: &Db,
        snapshot: &dyn Snapshot,
        shard: u32,
        old: &GoneRow,
    ) -> Result<ShardIndex, StoreError> {
        let as_of = old.as_of;
        let row = |chunk: u32| RowId::Shard { shard, as_of, chunk };
        let rows: Vec<RowId> = (0..old.chunks.len() as u32).map(row).collect();
        let mut parts: Vec<Vec<u8>> = vec![Vec::new(); rows.len()];
        db.get_rows(snapshot, &rows, &mut |at, key, value| {
            let value = value.ok_or_else(|| db.corrupt(rows[at], "it is missing"))?;
            parts[at] = db.open(rows[at], key, value)?.to_vec();
            Ok(())
        })?;
        let corrupt = |error: actor_sqlite_ltx::DecodeError| db.corrupt(row(0), error);
        let file = parts.concat();
        let mut decoder = Decoder::new(&file, Limits::default()).map_err(corrupt)?;
        let header = *decoder.header();
        if (header.max_txid, header.page_size) != (as_of, self.page_size) {
            return Err(db.corrupt(row(0), "its LTX header is of another file"));
        }
        let mut page = vec![0; self.page_size.bytes()];
        let (mut pages, mut chunk, mut begin) = (Vec::new(), 0_usize, 0_u64);
        while let Some(frame) = decoder.next_page(&mut page).map_err(corrupt)? {
            while parts.get(chunk).is_some_and(|part| frame.offset >= begin + part.len() as u64) {
                begin += parts[chunk].len() as u64;
                chunk += 1;
            }
            pages.push(IndexPage {
                pgno: frame.pgno,
                chunk: chunk as u32,
                offset: (frame.offset - begin) as u32,
                len: frame.len,
                checksum: page_checksum(frame.pgno, &page),
            });
        }
        decoder.finish().map_err(corrupt)?;
        Ok(ShardIndex { as_of, pages })
    }
}
