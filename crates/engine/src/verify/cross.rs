//! Comparing the rows of a database with each other.

use std::collections::BTreeMap;
use std::ops::Bound;

use actor_sqlite_ltx::{Checksum, Pgno, Txid};

use super::Walk;
use super::file::{File, FileId};
use crate::heads::Heads;
use crate::keys::{RowId, shard_count, shard_pages};
use crate::refresh::has_version;
use crate::rows::{DeltaIndex, IndexRow, RootRow};

impl Walk<'_> {
    pub(super) fn compare(&mut self, heads: &Heads) {
        self.find_lost_ends();
        self.compare_deltas(heads);
        self.compare_stages(heads);
        self.compare_shards(&heads.root.row);
        self.compare_gone(&heads.root.row);
        self.compare_past(&heads.root.row);
        self.compare_content(heads);
        let (accounted, held) = (heads.stored_bytes(), self.report.bytes);
        if accounted != held {
            let reason = format!("they account for {accounted} bytes, the rows hold {held}");
            self.damage_named("HEAD and ROOT".into(), reason);
        }
    }

    /// A file that lost its last chunks cannot be told from a damaged one without its index.
    fn find_lost_ends(&mut self) {
        let mut found = Vec::new();
        for &(id, end) in &self.ends {
            let chunks = match id {
                FileId::Delta(txid) => match self.pidx.get(&txid) {
                    Some(DeltaIndex::Plain(index)) => Some(index.chunks.len()),
                    _ => None,
                },
                FileId::Segment(stage, segment) => {
                    self.stix.get(&(stage, segment)).map(|index| index.chunks.len())
                }
                FileId::Shard(shard, as_of) => {
                    let index = self.sidx.get(&(shard, as_of)).map(|index| index.chunks.len());
                    index.or_else(|| {
                        let mut gone = self.gone.iter();
                        let listed = gone.find(|((_, of), row)| (*of, row.as_of) == (shard, as_of));
                        listed.map(|(_, row)| row.chunks.len())
                    })
                }
            };
            let lost = end..chunks.map_or(end, |chunks| chunks as u32);
            found.extend(lost.map(|chunk| (id.row(chunk), "it is missing".to_owned())));
        }
        self.enter(found);
    }

    /// Each state above what was reclaimed has a delta and a page index, each applies to what the
    /// one before it left, and there are no others.
    fn compare_deltas(&mut self, heads: &Heads) {
        let (root, head) = (heads.root.row, heads.head.row.head);
        let mut found = Vec::new();
        let (first, last) = (root.reclaimed_through.next(), head.txid);
        for txid in self.pidx.keys().copied().filter(|&txid| txid < first || txid > last) {
            found.push((RowId::Pidx { txid }, "it is outside the states that are kept".to_owned()));
        }
        for txid in self.deltas.keys().copied().filter(|&txid| txid < first || txid > last) {
            let row = RowId::Delta { txid, chunk: 0 };
            found.push((row, "it is outside the states that are kept".to_owned()));
        }
        let mut before = None;
        for txid in (first.get()..=last.get()).map(Txid::new) {
            let (index, file) = (self.pidx.get(&txid), self.deltas.get(&txid));
            let (pidx, delta) = (RowId::Pidx { txid }, RowId::Delta { txid, chunk: 0 });
            match (index, file) {
                (Some(DeltaIndex::Staged(_)), None) => {}
                (Some(DeltaIndex::Staged(_)), Some(_)) => {
                    found.push((delta, "its commit was staged".into()));
                }
                (Some(DeltaIndex::Plain(index)), Some(file)) => {
                    found.extend(compare_file(pidx, index, file));
                    found.extend(check_delta(delta, txid, file, before, heads));
                }
                (None, _) if self.unnamed(pidx) => found.push((pidx, "it is missing".into())),
                (_, None) if self.unnamed_file(txid) => {
                    found.push((delta, "it is missing".into()));
                }
                _ => {}
            }
            before = index.map(DeltaIndex::state);
            if txid == root.watermark && before.is_some_and(|at| at != (root.size, root.checksum)) {
                found.push((RowId::Root, "it contradicts the page index at its watermark".into()));
            }
            if txid == last && before.is_some_and(|at| at != (head.size, head.checksum)) {
                found.push((RowId::Head, "it contradicts the page index of its txid".into()));
            }
        }
        self.enter(found);
    }

    /// Each shard of the database at the watermark has one version, and there are no others.
    fn compare_shards(&mut self, root: &RootRow) {
        let mut found = Vec::new();
        let mut before = None;
        for (&(shard, as_of), index) in &self.sidx {
            let row = RowId::Sidx { shard, as_of };
            if as_of > root.watermark || !has_version(shard, root.size, self.page_size) {
                found.push((row, "ROOT does not cover it".to_owned()));
            }
            if before == Some(shard) {
                found.push((row, "it is the second of its shard".to_owned()));
            }
            before = Some(shard);
            match self.shards.get(&(shard, as_of)) {
                Some(file) => {
                    found.extend(compare_file(row, index, file));
                    let header = file.header;
                    let right = header.no_checksum
                        && (header.min_txid, header.max_txid) == (as_of, as_of)
                        && header.page_size == self.page_size;
                    if !right {
                        let row = RowId::Shard { shard, as_of, chunk: 0 };
                        found.push((row, "its LTX header is of another file".to_owned()));
                    }
                }
                None => {
                    let row = RowId::Shard { shard, as_of, chunk: 0 };
                    if self.unnamed_shard(shard, as_of) {
                        found.push((row, "it is missing".to_owned()));
                    }
                }
            }
        }
        let shards = 0..shard_count(root.size);
        for shard in shards.filter(|&shard| has_version(shard, root.size, self.page_size)) {
            let versions = self.sidx.range((shard, Txid::ZERO)..=(shard, Txid::new(u64::MAX)));
            let prefix = format!("SIDX {shard} as of ");
            if versions.count() == 0 && !self.named(&prefix) {
                let row = RowId::Sidx { shard, as_of: root.watermark };
                found.push((row, "it is missing, or an older version of its shard".to_owned()));
            }
        }
        self.enter(found);
    }

    /// Each file of a shard counts, waits for reclaim, or is being built.
    fn compare_gone(&mut self, root: &RootRow) {
        let mut found = Vec::new();
        let mut known: BTreeMap<(u32, Txid), RowId> = BTreeMap::new();
        for (&(at, shard), gone) in &self.gone {
            let row = RowId::Gone { at, shard };
            if at > root.watermark || gone.as_of >= at {
                found.push((row, "it is of a compaction that ROOT does not know".to_owned()));
            }
            match self.shards.get(&(shard, gone.as_of)) {
                Some(file) if file.chunks == gone.chunks => {}
                Some(_) => found.push((row, "it lists other chunks than there are".to_owned())),
                None if self.unnamed_shard(shard, gone.as_of) => {
                    let row = RowId::Shard { shard, as_of: gone.as_of, chunk: 0 };
                    found.push((row, "it is missing".to_owned()));
                }
                None => {}
            }
            known.insert((shard, gone.as_of), row);
        }
        let building = |shard: u32, as_of: Txid| {
            as_of == root.building
                && self.build.as_ref().is_some_and(|build| build.shards.contains(&shard))
        };
        for &(shard, as_of) in self.shards.keys() {
            let counts = self.sidx.contains_key(&(shard, as_of));
            let waits = known.contains_key(&(shard, as_of)) || building(shard, as_of);
            // The row that says so may be there, and damaged.
            let damaged =
                self.named(&RowId::Sidx { shard, as_of }.to_string()) || self.named("GONE ");
            if counts && waits {
                let row = RowId::Shard { shard, as_of, chunk: 0 };
                found.push((row, "it counts and waits for reclaim".to_owned()));
            } else if !counts && !waits && !damaged {
                let reason = "it is missing, or a GONE row that lists the chunks of its shard";
                found.push((RowId::Sidx { shard, as_of }, reason.to_owned()));
            }
        }
        let building = root.building != Txid::ZERO;
        let as_of = self.build.as_ref().map_or(Txid::ZERO, |build| build.as_of);
        if as_of != root.building && (self.build.is_some() || self.unnamed(RowId::Build)) {
            let reason = if building { "it is missing or of another time" } else { "it is old" };
            found.push((RowId::Build, reason.to_owned()));
        }
        self.enter(found);
    }

    /// Each earlier watermark leads to the next one, and the last to that of `ROOT`.
    fn compare_past(&mut self, root: &RootRow) {
        let ends = self.past.keys().copied().skip(1).chain(std::iter::once(root.watermark));
        let mut found = Vec::new();
        for ((&watermark, past), end) in self.past.iter().zip(ends) {
            let row = RowId::Past { watermark };
            let next = RowId::Past { watermark: past.next };
            if past.next < end && self.unnamed(next) {
                found.push((next, "it is missing".to_owned()));
            } else if past.next > end {
                found.push((row, format!("it leads to {} where {end} comes next", past.next)));
            }
            if watermark < root.reclaimed_through {
                found.push((row, "what its states need is deleted".to_owned()));
            }
            let index = self.pidx.get(&watermark).map(DeltaIndex::state);
            if index.is_some_and(|index| index != (past.size, past.checksum)) {
                found.push((row, "it contradicts the page index of its txid".to_owned()));
            }
        }
        self.enter(found);
    }

    /// Every page of the database has a source, at the watermark and at the head, and the page
    /// checksums add up to those of `ROOT` and `HEAD`.
    fn compare_content(&mut self, heads: &Heads) {
        let (root, head) = (heads.root.row, heads.head.row.head);
        let mut content: BTreeMap<Pgno, Checksum> = BTreeMap::new();
        for (&(shard, as_of), index) in &self.sidx {
            if as_of <= root.watermark && shard < shard_count(root.size) {
                let pages = index.pages.iter().filter(|page| page.pgno.get() <= root.size);
                content.extend(pages.map(|page| (page.pgno, page.checksum)));
            }
        }
        self.fold(&content, root.size, root.checksum, RowId::Root);
        let mut size = root.size;
        let open = (Bound::Excluded(root.watermark), Bound::Included(head.txid));
        for (_, index) in self.pidx.range(open) {
            let (after, _) = index.state();
            if after < size {
                content.retain(|pgno, _| pgno.get() <= after);
            }
            size = after;
            match index {
                DeltaIndex::Plain(index) => {
                    content.extend(index.pages.iter().map(|page| (page.pgno, page.checksum)));
                }
                DeltaIndex::Staged(index) => content.extend(self.staged_pages(index)),
            }
        }
        content.retain(|pgno, _| pgno.get() <= head.size);
        self.fold(&content, head.size, head.checksum, RowId::Head);
    }

    fn fold(
        &mut self,
        content: &BTreeMap<Pgno, Checksum>,
        size: u32,
        expected: Checksum,
        row: RowId,
    ) {
        let page_size = self.page_size;
        let mut missing = (0..shard_count(size))
            .flat_map(|shard| shard_pages(shard, size, page_size))
            .filter(|pgno| !content.contains_key(pgno));
        if let Some(first) = missing.next() {
            let others = missing.count();
            let reason = format!("it and {others} more have no source, of the {size} of {row}");
            return self.damage_named(format!("page {first}"), reason);
        }
        let computed =
            content.values().fold(Checksum::EMPTY_DATABASE, |sum, &page| sum.toggle(page));
        if computed != expected {
            let reason = format!("it has checksum {expected}, its pages add up to {computed}");
            self.damage(row, reason);
        }
    }

    pub(super) fn enter(&mut self, found: Vec<(RowId, String)>) {
        for (row, reason) in found {
            self.damage(row, reason);
        }
    }

    /// Whether a row of that beginning is in the report already.
    pub(super) fn named(&self, beginning: &str) -> bool {
        self.report.damage.iter().any(|damage| damage.row.starts_with(beginning))
    }

    pub(super) fn unnamed(&self, row: RowId) -> bool {
        let row = row.to_string();
        !self.report.damage.iter().any(|damage| damage.row == row)
    }

    fn unnamed_file(&self, txid: Txid) -> bool {
        !self.named(&format!("DELTA {txid} chunk "))
    }

    fn unnamed_shard(&self, shard: u32, as_of: Txid) -> bool {
        !self.named(&format!("SHARD {shard} as of {as_of} chunk "))
    }
}

/// Whether an index row tells the truth about a file.
pub(super) fn compare_file(row: RowId, index: &IndexRow, file: &File) -> Option<(RowId, String)> {
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
        return Some((row, "its LTX header is of another file".into()));
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
