//! Comparing a file with its index, and with what else is known of it.

use actor_sqlite_ltx::{Checksum, Txid};

use super::file::{File, FileId, OpenFile};
use super::files::{Found, Waiting};
use super::{Check, Step};
use crate::heads::Heads;
use crate::keys::RowId;
use crate::rows::{BuildRow, DeltaIndex, IndexRow, StagedRow};
use crate::stage::segment_txid;

/// What is wrong with a file.
const OTHER_HEADER: &str = "its LTX header is of another file";

impl Check<'_> {
    /// Decodes a file and compares it.
    pub(super) fn close(
        &mut self,
        open: OpenFile,
        found: &Found,
        waiting: &Waiting,
        heads: &Heads,
    ) -> Step<()> {
        let (id, end) = (open.id, open.next);
        let gone = match id {
            FileId::Shard(shard, as_of) => waiting.gone.get(&(shard, as_of)),
            _ => None,
        };
        let chunks = match &found.index {
            Some(Ok(DeltaIndex::Plain(index))) => Some(index.chunks.len()),
            _ => gone.map(|(_, gone)| gone.chunks.len()),
        };
        // A file that lost its last chunks cannot be told from a damaged one without its index.
        let lost = end..chunks.map_or(end, |chunks| chunks as u32);
        self.enter(lost.map(|chunk| (id.row(chunk), "it is missing".to_owned())));
        if let Some(file) = self.decode(open) {
            match id {
                FileId::Delta(txid) => self.compare_delta(txid, &file, found, heads),
                FileId::Shard(shard, as_of) => {
                    self.compare_shard((shard, as_of), &file, found, waiting, heads);
                }
                FileId::Segment(stage, segment) => {
                    self.compare_segment((stage, segment), &file, found)?;
                }
            }
        }
        Ok(())
    }

    /// A delta is one that is kept, and applies to what the one before it left.
    fn compare_delta(&mut self, txid: Txid, file: &File, found: &Found, heads: &Heads) {
        let row = RowId::Delta { txid, chunk: 0 };
        let (first, last) = (heads.root.row.reclaimed_through.next(), heads.head.row.head.txid);
        if txid < first || txid > last {
            return self.damage(row, "it is outside the states that are kept");
        }
        match &found.index {
            Some(Ok(DeltaIndex::Plain(index))) => {
                self.enter(compare_file(RowId::Pidx { txid }, index, file));
                let before = found.before.filter(|_| txid > first);
                self.enter(check_delta(row, txid, file, before, heads));
            }
            Some(Ok(DeltaIndex::Staged(_))) => self.damage(row, "its commit was staged"),
            Some(Err(_)) | None => {}
        }
    }

    /// A file of a shard counts, waits for reclaim, or is being built.
    fn compare_shard(
        &mut self,
        (shard, as_of): (u32, Txid),
        file: &File,
        found: &Found,
        waiting: &Waiting,
        heads: &Heads,
    ) {
        let row = RowId::Sidx { shard, as_of };
        let first = RowId::Shard { shard, as_of, chunk: 0 };
        let mut counts = false;
        if let Some(Ok(DeltaIndex::Plain(index))) = &found.index {
            counts = true;
            self.enter(compare_file(row, index, file));
            let header = file.header;
            let right = header.no_checksum
                && (header.min_txid, header.max_txid) == (as_of, as_of)
                && header.page_size == self.page_size;
            if !right {
                self.damage(first, OTHER_HEADER);
            }
        }
        let gone = waiting.gone.get(&(shard, as_of));
        if let Some((row, _)) = gone.filter(|(_, gone)| gone.chunks != file.chunks) {
            self.damage(*row, "it lists other chunks than there are");
        }
        let names = |build: &BuildRow| build.shards.contains(&shard);
        let building =
            as_of == heads.root.row.building && waiting.build.as_ref().is_some_and(names);
        let waits = gone.is_some() || building;
        // The row that says so may be there, and damaged.
        let damaged = matches!(found.index, Some(Err(_))) || waiting.damaged;
        if counts && waits {
            self.damage(first, "it counts and waits for reclaim");
        } else if !counts && !waits && !damaged {
            self.damage(row, "it is missing, or a GONE row that lists the chunks of its shard");
        }
    }

    /// A segment has an index, and is of the commit that its stage belongs to.
    fn compare_segment(
        &mut self,
        (stage, segment): (u64, u32),
        file: &File,
        found: &Found,
    ) -> Step<()> {
        let row = RowId::StageIndex { stage, segment };
        match &found.index {
            Some(Ok(DeltaIndex::Plain(index))) => self.enter(compare_file(row, index, file)),
            None => self.damage(row, "it is missing"),
            Some(_) => {}
        }
        let header = file.header;
        let staged = self.get(RowId::Staged { stage }, StagedRow::decode)?;
        let right = header.no_checksum
            && header.page_size == self.page_size
            && header.min_txid == header.max_txid
            && staged.is_none_or(|staged| header.max_txid == segment_txid(staged.txid));
        if !right {
            self.damage(RowId::Stage { stage, segment, chunk: 0 }, OTHER_HEADER);
        }
        Ok(())
    }
}

/// Whether an index row tells the truth about a file.
fn compare_file(row: RowId, index: &IndexRow, file: &File) -> Option<(RowId, String)> {
    let reason = if index.chunks != file.chunks {
        "it lists other chunks than there are"
    } else if index.size != file.header.commit
        || index.post_apply != file.post_apply
        || index.time_ms != file.header.timestamp_ms
    {
        "it contradicts the LTX file"
    } else if index.pages.len() != file.pages.len() {
        "it lists other pages than the LTX file has"
    } else {
        let mut begin = 0_u64;
        let begins: Vec<u64> = index
            .chunks
            .iter()
            .map(|&chunk| {
                let end = begin + u64::from(chunk);
                std::mem::replace(&mut begin, end)
            })
            .collect();
        let same = index.pages.iter().zip(&file.pages).all(|(page, (frame, checksum))| {
            page.pgno == frame.pgno
                && begins[page.chunk as usize] + u64::from(page.offset) == frame.offset
                && (page.len, page.checksum) == (frame.len, *checksum)
        });
        if same {
            return None;
        }
        "it places or proves a page otherwise than the LTX file"
    };
    Some((row, reason.to_owned()))
}

/// Whether a delta is the one of its state, and applies to the state before.
fn check_delta(
    row: RowId,
    txid: Txid,
    file: &File,
    before: Option<(u32, Checksum)>,
    heads: &Heads,
) -> Option<(RowId, String)> {
    let header = file.header;
    let page_size = heads.head.row.head.page_size;
    if (header.min_txid, header.max_txid, header.page_size) != (txid, txid, page_size) {
        return Some((row, OTHER_HEADER.into()));
    }
    let (size, checksum) = before?;
    if txid.get() > 1 && header.pre_apply != checksum {
        return Some((row, "it applies to another state than the one before it".into()));
    }
    let lock_page = page_size.lock_page();
    let gained = file.pages.iter().filter(|(frame, _)| frame.pgno.get() > size).count() as u64;
    let lock = u64::from(size < lock_page.get() && lock_page.get() <= header.commit);
    if gained + lock != u64::from(header.commit.saturating_sub(size)) {
        return Some((row, "it makes the database larger and leaves pages out".into()));
    }
    None
}
