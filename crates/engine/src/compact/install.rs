//! Writing new shard versions, and making them count.

use std::sync::Arc;

use actor_sqlite_kv::{Batch, KvError, Snapshot};
use actor_sqlite_ltx::Txid;
use actor_sqlite_pagestore::StoreError;

use super::Compaction;
use super::build::Built;
use super::plan::{Plan, Version};
use super::retain::past_row;
use crate::Engine;
use crate::accounts::put_root;
use crate::db::Db;
use crate::file_writer::RowAt;
use crate::heads::Stored;
use crate::keys::{RowId, SHARD_PAGES};
use crate::rows::{BuildRow, GoneRow, RootRow, seal};
use crate::shard_cache::ShardIndex;

/// A batch of an installation did not land.
enum Stop {
    Superseded,
    Failed(StoreError),
}

/// An installation under way.
///
/// Chunks of shards are written as they are built, in as many batches as it takes. None of them
/// counts before the last batch, which holds the index rows of all new versions, deletes those of
/// the versions they replace, and moves the watermark. If more than one batch is needed the first
/// also sets `ROOT.building` and writes `BUILD`, by which the next claim or compaction finds and
/// deletes the chunks if the last batch never comes. Every batch is guarded by `EPOCH` and the
/// exact `ROOT` of the batch before, and accounts for its own bytes in the `ROOT` it writes.
struct Installation<'a> {
    engine: &'a Engine,
    db: &'a Db,
    plan: &'a Plan,
    root: Stored<RootRow>,
    /// Values of chunks that are not written yet.
    buffer: Vec<u8>,
    chunks: Vec<RowAt>,
    /// Index rows, which wait for the last batch.
    indexes: Vec<(Vec<u8>, Vec<u8>)>,
    replaced: Vec<Version>,
    shards: u64,
    /// The indexes of new versions, for the live lease; `None` once they are more than it would keep.
    rewritten: Option<Vec<(u32, Arc<ShardIndex>)>>,
    rewritten_bytes: usize,
    /// Key and value of `BUILD`, once it is written.
    build_bytes: Option<u64>,
    /// Keys and values that have landed.
    written_bytes: u64,
}

impl Engine {
    pub(super) fn build_and_install(
        &self,
        db: &Db,
        snapshot: &dyn Snapshot,
        plan: &Plan,
    ) -> Result<Compaction, StoreError> {
        let mut installation = Installation {
            engine: self,
            db,
            plan,
            root: plan.heads.root.clone(),
            buffer: Vec::new(),
            chunks: Vec::new(),
            indexes: Vec::new(),
            replaced: Vec::new(),
            shards: 0,
            rewritten: Some(Vec::new()),
            rewritten_bytes: 0,
            build_bytes: None,
            written_bytes: 0,
        };
        if let Err(stop) = installation.run(snapshot) {
            self.metrics.compaction_wasted_bytes.add(installation.written_bytes);
            return match stop {
                Stop::Superseded => {
                    self.metrics.compactions_superseded.add(1);
                    Ok(Compaction::Superseded)
                }
                Stop::Failed(error) => Err(error),
            };
        }
        let Installation { root, rewritten, shards, .. } = installation;
        self.show(db, plan, root.row, rewritten.as_deref());
        self.metrics.compactions.add(1);
        self.metrics.compaction_deltas.add(plan.deltas);
        self.metrics.compaction_shards.add(shards);
        Ok(Compaction::Installed {
            watermark: plan.watermark,
            deltas: plan.deltas,
            shards,
            deltas_left: plan.deltas_left,
        })
    }

    /// Lets the live lease look for pages in the new shards, so that reclaim may delete the old
    /// places. A lease of another process finds out when it misses a row.
    fn show(
        &self,
        db: &Db,
        plan: &Plan,
        root: RootRow,
        rewritten: Option<&[(u32, Arc<ShardIndex>)]>,
    ) {
        let Some(lease) = self.live_lease(&db.actor) else { return };
        if lease.generation != plan.heads.epoch.row.generation {
            return;
        }
        let _writer = lease.writer();
        let mut view = lease.view_mut();
        let (before, head) = (view.root.watermark, view.head.row.head.txid);
        if before < root.watermark && root.watermark <= head {
            let known = rewritten.filter(|_| before == plan.heads.root.row.watermark);
            view.compacted(root, known);
        }
    }
}

impl Installation<'_> {
    fn run(&mut self, snapshot: &dyn Snapshot) -> Result<(), Stop> {
        let limit = self.engine.kv.limits().batch_bytes_max / 2;
        let batch_bytes = self.engine.options.compaction.batch_bytes.min(limit);
        let shard_bytes = SHARD_PAGES as usize * self.plan.heads.head.row.head.page_size.bytes();
        // Grown by doubling it would become twice as large as it must be.
        let all_bytes = self.plan.shards().count() * shard_bytes;
        self.buffer.reserve_exact(all_bytes.min(batch_bytes + shard_bytes));
        for (shard, dirty) in self.plan.shards() {
            let begun_ns = self.engine.clock.monotonic_ns();
            let built = self
                .engine
                .build_shard(self.db, snapshot, self.plan, (shard, dirty), &mut self.buffer)
                .map_err(Stop::Failed)?;
            let spent_ns = self.engine.clock.monotonic_ns() - begun_ns;
            self.engine.metrics.compaction_build_ns.add(spent_ns);
            self.take(shard, built);
            if self.buffer.len() >= batch_bytes {
                self.write_chunks()?;
            }
        }
        self.flip()
    }

    fn take(&mut self, shard: u32, built: Built) {
        let Built { mut file, replaced } = built;
        self.engine.metrics.compaction_pages.add(file.index.pages.len() as u64);
        if let Some(index) = file.rows.pop() {
            self.indexes.push((index.key, self.buffer[index.value].to_vec()));
        }
        self.chunks.extend(file.rows);
        self.replaced.extend(replaced);
        let index = ShardIndex { as_of: self.plan.watermark, pages: file.index.pages };
        self.shards += 1;
        self.rewritten_bytes += index.bytes();
        if self.rewritten_bytes > self.engine.options.shard_index_bytes_max {
            self.rewritten = None;
        }
        if let Some(rewritten) = &mut self.rewritten {
            rewritten.push((shard, Arc::new(index)));
        }
    }

    /// Writes the chunks built so far, which do not count yet.
    fn write_chunks(&mut self) -> Result<(), Stop> {
        let buffer = std::mem::take(&mut self.buffer);
        let mut batch = Batch::new();
        let mut root = self.root.row;
        if self.build_bytes.is_none() {
            let shards = self.plan.shards().map(|(shard, _)| shard).collect();
            let row = BuildRow { as_of: self.plan.watermark, shards };
            let key = self.db.keys.key(RowId::Build);
            let value = seal(&key, &row.encode());
            self.build_bytes = Some((key.len() + value.len()) as u64);
            batch.put(key, value);
            root.building = self.plan.watermark;
        }
        self.put_chunks(&buffer, &mut batch);
        self.land(batch, root)?;
        self.buffer = buffer;
        self.buffer.clear();
        Ok(())
    }

    /// The batch that makes the new versions count.
    fn flip(&mut self) -> Result<(), Stop> {
        let plan = self.plan;
        let buffer = std::mem::take(&mut self.buffer);
        let mut batch = Batch::new();
        let mut root = RootRow {
            watermark: plan.watermark,
            building: Txid::ZERO,
            size: plan.size,
            checksum: plan.checksum,
            ..self.root.row
        };
        if let Some(bytes) = self.build_bytes {
            batch.delete(self.db.keys.key(RowId::Build));
            root.credited_bytes += bytes;
        }
        self.put_chunks(&buffer, &mut batch);
        for (key, value) in std::mem::take(&mut self.indexes) {
            batch.put(key, value);
        }
        let mut gone_rows = Vec::new();
        for version in self.replaced.iter().chain(&plan.dropped) {
            let &Version { shard, as_of, ref chunks, index_bytes } = version;
            batch.delete(self.db.keys.key(RowId::Sidx { shard, as_of }));
            root.credited_bytes += index_bytes;
            let key = self.db.keys.key(RowId::Gone { at: plan.watermark, shard });
            let gone = GoneRow { as_of, chunks: chunks.clone() };
            let value = seal(&key, &gone.encode());
            gone_rows.push((version, key.len() + value.len()));
            batch.put(key, value);
        }
        let past = past_row(self.db, plan, gone_rows.into_iter());
        let key = self.db.keys.key(RowId::Past { watermark: plan.heads.root.row.watermark });
        let value = seal(&key, &past.encode());
        batch.put(key, value);
        self.land(batch, root)
    }

    fn put_chunks<'b>(&mut self, buffer: &'b [u8], batch: &mut Batch<'b>) {
        for RowAt { key, value } in std::mem::take(&mut self.chunks) {
            batch.put(key, &buffer[value]);
        }
    }

    /// Orders a batch together with the `ROOT` that accounts for it.
    fn land(&mut self, mut batch: Batch<'_>, mut root: RootRow) -> Result<(), Stop> {
        let puts = |batch: &Batch<'_>| {
            batch
                .writes
                .iter()
                .filter_map(|write| match write {
                    actor_sqlite_kv::Write::Put { key, value } => {
                        Some((key.len() + value.len()) as u64)
                    }
                    _ => None,
                })
                .fold((0_u64, 0_u64), |(rows, bytes), row| (rows + 1, bytes + row))
        };
        let (rows, bytes) = puts(&batch);
        root.charged_bytes += bytes;
        let root = put_root(self.db, &mut batch, &self.plan.heads, &self.root, root);
        let metrics = &self.engine.metrics;
        let begun_ns = self.engine.clock.monotonic_ns();
        let landed = self.engine.order(&batch);
        metrics.compaction_install_ns.add(self.engine.clock.monotonic_ns() - begun_ns);
        match landed {
            Ok(_) => {
                metrics.compaction_rows.add(rows);
                metrics.compaction_bytes.add(bytes);
                self.written_bytes += bytes;
                self.root = root;
                Ok(())
            }
            Err(KvError::GuardFailed { .. }) => Err(Stop::Superseded),
            Err(error) => Err(Stop::Failed(self.db.failed(error))),
        }
    }
}
