//! Reading pages back that were staged.

use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{CommitId, PageSink, StoreError};

use crate::Engine;
use crate::commit::invalid;
use crate::keys::RowId;
use crate::lease::LeaseState;
use crate::page_index::Source;
use crate::read::Wanted;

impl Engine {
    pub(crate) fn read_stage(
        &self,
        state: &LeaseState,
        commit_id: CommitId,
        pages: &[Pgno],
        sink: &mut dyn PageSink,
    ) -> Result<(), StoreError> {
        let wanted = self.staged_places(state, commit_id, pages)?;
        let snapshot = self.kv.snapshot().map_err(|error| state.db.failed(error))?;
        let lost = self
            .fetch(&state.db, &*snapshot, &wanted, sink)
            .map_err(|error| self.unless_fenced(state, &*snapshot, error))?;
        drop(snapshot);
        if let Some(lost) = lost {
            // Rows of an open stage stay; another owner has swept it, or they are damaged.
            self.refresh(state, &mut state.writer())?;
            return Err(state.db.corrupt(lost.row, "it is missing"));
        }
        self.metrics.staged_reads.add(1);
        self.metrics.staged_pages_read.add(wanted.len() as u64);
        Ok(())
    }

    /// The newest version of each page, row by row.
    fn staged_places(
        &self,
        state: &LeaseState,
        commit_id: CommitId,
        pages: &[Pgno],
    ) -> Result<Vec<Wanted>, StoreError> {
        let writer = state.writer();
        if let Some(over) = &state.view().over {
            return Err(over.clone());
        }
        let stage = writer.stage.as_ref().filter(|stage| stage.commit_id == commit_id);
        let mut wanted = Vec::with_capacity(pages.len());
        for &pgno in pages {
            let found = stage.and_then(|stage| Some((stage.number, stage.layers.find(pgno)?)));
            let (stage, placed) =
                found.ok_or_else(|| invalid(format!("page {pgno} is not staged")))?;
            let page = placed.page;
            let row = RowId::Stage { stage, segment: placed.file, chunk: page.chunk };
            wanted.push(Wanted { source: Source { row, page }, asked: true });
        }
        wanted.sort_unstable_by_key(|wanted| (wanted.source.row, wanted.source.page.offset));
        wanted.dedup_by_key(|wanted| wanted.source.page.pgno);
        Ok(wanted)
    }
}
