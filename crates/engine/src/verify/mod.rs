//! Reading everything that is stored of a database, and saying what is wrong with it.
//!
//! First a walk over all rows, which proves each for itself (envelope, layout, LTX file, pages);
//! then a comparison of the rows with each other. Damage never stops either.

mod cross;
mod file;
mod stages;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use actor_sqlite_kv::Scan;
use actor_sqlite_ltx::{PageSize, Txid};
use actor_sqlite_pagestore::{ActorId, Damage, StoreError, VerifyReport};

use crate::Engine;
use crate::db::Db;
use crate::heads::Heads;
use crate::keys::RowId;
use crate::rows::{
    BuildRow, DeltaIndex, Format, GoneRow, HintsRow, IndexRow, PastRow, RowFault, StagedRow, open,
};
use file::{File, FileId, OpenFile};

/// The most chunks that are named one by one where some are missing in a row.
const MISSING_NAMED_MAX: usize = 1_000;

/// All that a walk gathered; what could not be decoded is missing from it, and in the report.
struct Walk<'a> {
    db: &'a Db,
    page_size: PageSize,
    report: VerifyReport,
    deltas: BTreeMap<Txid, File>,
    shards: BTreeMap<(u32, Txid), File>,
    segments: BTreeMap<(u64, u32), File>,
    pidx: BTreeMap<Txid, DeltaIndex>,
    sidx: BTreeMap<(u32, Txid), IndexRow>,
    stix: BTreeMap<(u64, u32), IndexRow>,
    staged: BTreeMap<u64, StagedRow>,
    gone: BTreeMap<(Txid, u32), GoneRow>,
    past: BTreeMap<Txid, PastRow>,
    build: Option<BuildRow>,
    /// Each file, and how many chunks it seems to have.
    ends: Vec<(FileId, u32)>,
    /// The file whose chunks are being walked over.
    open: Option<OpenFile>,
}

impl Engine {
    pub(crate) fn verify_database(&self, actor: &ActorId) -> Result<VerifyReport, StoreError> {
        let db = Db::new(actor);
        let snapshot = self.kv.snapshot().map_err(|error| db.failed(error))?;
        let mut damage = Vec::new();
        let heads = match Heads::load(&db, &*snapshot) {
            Ok(heads) => heads,
            Err(StoreError::Corrupt { row, reason, .. }) => {
                damage.push(Damage { row, reason });
                None
            }
            Err(error) => return Err(error),
        };
        let page_size = heads.as_ref().map(|heads| heads.head.row.head.page_size);
        let mut walk = Walk {
            db: &db,
            page_size: page_size.unwrap_or(PageSize::DEFAULT),
            report: VerifyReport { damage, ..VerifyReport::default() },
            deltas: BTreeMap::new(),
            shards: BTreeMap::new(),
            segments: BTreeMap::new(),
            pidx: BTreeMap::new(),
            sidx: BTreeMap::new(),
            stix: BTreeMap::new(),
            staged: BTreeMap::new(),
            gone: BTreeMap::new(),
            past: BTreeMap::new(),
            build: None,
            ends: Vec::new(),
            open: None,
        };
        let (start, end) = db.keys.range();
        let scan = Scan { start: &start, end: &end, limit: usize::MAX, reverse: false };
        snapshot
            .scan(scan, &mut |key, value| {
                walk.row(key, value);
                ControlFlow::Continue(())
            })
            .map_err(|error| db.failed(error))?;
        drop(snapshot);
        walk.close_file();
        if walk.report.rows == 0 {
            return Err(StoreError::NotFound { actor: actor.clone() });
        }
        match heads {
            Some(heads) => walk.compare(&heads),
            None if walk.report.damage.is_empty() => {
                walk.damage(RowId::Epoch, "it is missing, and so are HEAD and ROOT");
            }
            None => {}
        }
        Ok(walk.report)
    }
}

impl Walk<'_> {
    fn damage(&mut self, row: RowId, reason: impl ToString) {
        self.damage_named(row.to_string(), reason);
    }

    fn damage_named(&mut self, row: String, reason: impl ToString) {
        self.report.damage.push(Damage { row, reason: reason.to_string() });
    }

    fn row(&mut self, key: &[u8], value: &[u8]) {
        self.report.rows += 1;
        self.report.bytes += (key.len() + value.len()) as u64;
        let Some(row) = self.db.keys.parse(key) else {
            return self.damage_named(self.db.keys.describe(key), "no row has such a key");
        };
        let versioned = matches!(row, RowId::Head | RowId::Root | RowId::Pidx { .. });
        let (format, payload) = match open(key, value) {
            Ok((format, _)) if format != Format::V1 && !versioned => {
                return self.spoil(row, RowFault::Format(format as u8));
            }
            Ok(opened) => opened,
            Err(fault) => return self.spoil(row, fault),
        };
        if let Err(fault) = self.payload(row, format, payload) {
            self.damage(row, fault);
        }
    }

    /// Enters damage; a file with a damaged chunk is not decoded.
    fn spoil(&mut self, row: RowId, fault: RowFault) {
        if OpenFile::of(row).is_some() {
            self.chunk(row, None);
        }
        // `Heads::load` has named these three already, or a contradiction between them.
        let named = self.report.damage.iter().any(|damage| damage.row == row.to_string());
        if !named {
            self.damage(row, fault);
        }
    }

    fn payload(&mut self, row: RowId, format: Format, payload: &[u8]) -> Result<(), RowFault> {
        match row {
            RowId::Delta { .. } | RowId::Shard { .. } | RowId::Stage { .. } => {
                self.chunk(row, Some(payload));
            }
            RowId::Pidx { txid } => {
                self.pidx.insert(txid, DeltaIndex::decode(format, payload, self.page_size)?);
            }
            RowId::Sidx { shard, as_of } => {
                self.sidx.insert((shard, as_of), IndexRow::decode(payload, self.page_size)?);
            }
            RowId::Gone { at, shard } => {
                self.gone.insert((at, shard), GoneRow::decode(payload)?);
            }
            RowId::Past { watermark } => {
                self.past.insert(watermark, PastRow::decode(payload)?);
            }
            RowId::Build => self.build = Some(BuildRow::decode(payload)?),
            // `Heads::load` has decoded these three.
            RowId::Epoch | RowId::Head | RowId::Root => {}
            RowId::Hints => drop(HintsRow::decode(payload)?),
            RowId::StageIndex { stage, segment } => {
                self.stix.insert((stage, segment), IndexRow::decode(payload, self.page_size)?);
            }
            RowId::Staged { stage } => {
                self.staged.insert(stage, StagedRow::decode(payload)?);
            }
        }
        Ok(())
    }

    /// Takes a chunk of a file; `None` if it is damaged. Chunks come in order, file by file.
    fn chunk(&mut self, row: RowId, payload: Option<&[u8]>) {
        let Some((id, chunk)) = OpenFile::of(row) else { return };
        if self.open.as_ref().is_none_or(|open| open.id != id) {
            self.close_file();
        }
        let open = self.open.get_or_insert_with(|| OpenFile::new(id));
        let mut missing = open.take(chunk, payload);
        // A key with a flipped bit is a chunk that lies up to four billion behind its file.
        for chunk in missing.by_ref().take(MISSING_NAMED_MAX) {
            self.damage(id.row(chunk), "it is missing");
        }
        if let Some(first) = missing.next() {
            self.damage(id.row(first), format!("it and {} more are missing", missing.len()));
        }
    }

    fn close_file(&mut self) {
        let Some(open) = self.open.take() else { return };
        let id = open.id;
        self.ends.push((id, open.next));
        match open.decode() {
            Ok(Some(file)) => {
                self.report.pages += file.pages.len() as u64;
                match id {
                    FileId::Delta(txid) => self.deltas.insert(txid, file),
                    FileId::Shard(shard, as_of) => self.shards.insert((shard, as_of), file),
                    FileId::Segment(stage, segment) => self.segments.insert((stage, segment), file),
                };
            }
            Ok(None) => {}
            Err(error) => self.damage(id.row(0), error),
        }
    }
}
