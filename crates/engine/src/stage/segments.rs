//! The segments of a stage as the store has them.

use std::ops::ControlFlow;

use actor_sqlite_kv::Snapshot;
use actor_sqlite_ltx::PageSize;
use actor_sqlite_pagestore::StoreError;

use crate::db::Db;
use crate::keys::RowId;
use crate::page_index::StagedDelta;
use crate::placed::Layers;
use crate::rows::{IndexRow, StagedIndexRow};

/// One segment: its index, and the row of that.
pub(crate) struct Segment<'a> {
    pub(crate) number: u32,
    pub(crate) index: IndexRow,
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
}

/// Visits segments of a stage in order, from `first` to the one before `end`; all must be there.
pub(crate) fn visit_segments(
    db: &Db,
    snapshot: &dyn Snapshot,
    page_size: PageSize,
    (stage, first, end): (u64, u32, u32),
    visit: &mut dyn FnMut(Segment<'_>) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let stix = |segment| RowId::StageIndex { stage, segment };
    let (mut next, mut stopped) = (first, false);
    db.scan(snapshot, (stix(first), stix(end.saturating_sub(1))), &mut |row, key, value| {
        if row != stix(next) {
            return Err(db.corrupt(stix(next), "it is missing"));
        }
        let index = db.open_index(row, key, value, page_size)?;
        let flow = visit(Segment { number: next, index, key, value });
        next += 1;
        stopped = flow.is_break();
        Ok(flow)
    })?;
    if next < end && !stopped {
        return Err(db.corrupt(stix(next), "it is missing"));
    }
    Ok(())
}

/// Gathers the pages of a staged commit, and says how many bytes it stores.
pub(crate) fn load_staged(
    db: &Db,
    snapshot: &dyn Snapshot,
    page_size: PageSize,
    row: RowId,
    index: &StagedIndexRow,
) -> Result<(StagedDelta, u64), StoreError> {
    let (mut layers, mut bytes) = (Layers::default(), 0);
    let all = (index.stage, 0, index.segments);
    visit_segments(db, snapshot, page_size, all, &mut |segment| {
        let chunks = segment.index.chunks.iter().map(|&chunk| u64::from(chunk)).sum::<u64>();
        bytes += (segment.key.len() + segment.value.len()) as u64 + chunks;
        layers.push(segment.number, &segment.index.pages);
        ControlFlow::Continue(())
    })?;
    layers.truncate(index.size);
    let pages = layers.into_pages();
    if pages.len() as u64 != index.pages {
        return Err(db.corrupt(row, "its segments hold another number of pages"));
    }
    Ok((StagedDelta { stage: index.stage, pages }, bytes))
}
