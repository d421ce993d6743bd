//! Committing a transaction.

use actor_sqlite_kv::{Batch, KvError, Ticket};
use actor_sqlite_ltx::{Checksum, EncodeError, Header, Pgno, Txid, page_checksum};
use actor_sqlite_pagestore::{CommitId, CommitPhases, CommitRequest, Committed, Head, StoreError};

use crate::Engine;
use crate::accounts::put_head;
use crate::db::Db;
use crate::file_writer::{FileKind, FileRows, FileWriter, buffer_bytes};
use crate::heads::Stored;
use crate::lease::{LeaseState, Pending, PendingCommit, View, Writer};
use crate::page_index::DeltaPages;
use crate::placed::Layers;
use crate::refresh::not_the_head;
use crate::rows::HeadRow;

/// A buffer up to this size is kept for the next commit.
const BUFFER_BYTES_KEPT: usize = 256 << 10;

/// What is to be written.
struct Change<'a> {
    /// Pages that differ from their base, with their checksums.
    pages: Vec<(Pgno, &'a [u8], Checksum)>,
    /// Checksum of the database after the commit.
    checksum: Checksum,
}

impl Engine {
    /// One guarded batch: the chunks of the delta, its page index, and `HEAD`, whose exact bytes
    /// of before are the guard. A page is copied twice on the way: by LZ4 into the buffer that
    /// the batch borrows, and by the driver.
    pub(crate) fn commit_pages(
        &self,
        state: &LeaseState,
        request: &CommitRequest<'_>,
    ) -> Result<Committed, StoreError> {
        self.hold_back(state, request.commit_id)?;
        let mut writer = state.writer();
        let head = self.ready(state, &mut writer)?;
        if writer.last == Some(request.commit_id) {
            return Ok(unchanged(&state.view()));
        }
        check(state, &writer, &head.row.head, request)?;
        self.check_bytes(&head.row.head, request.pages.len())?;
        let begun_ns = self.clock.monotonic_ns();
        let mut buffer = std::mem::take(&mut writer.buffer);
        buffer.clear();
        let staged = request.staged && writer.stage.as_ref().is_some_and(|stage| !stage.is_empty());
        let outcome = if staged {
            self.commit_staged(state, &mut writer, request, begun_ns, &mut buffer)
        } else {
            self.commit_whole(state, &mut writer, &head, request, begun_ns, &mut buffer)
        };
        if buffer.capacity() <= BUFFER_BYTES_KEPT {
            writer.buffer = buffer;
        }
        let committed = outcome?;
        drop(writer);
        let back_off_us = self.note_debt(state);
        Ok(Committed { back_off_us, ..committed })
    }

    /// The answer to a commit that has nothing to write. A stage that is open was for nothing.
    pub(crate) fn empty_commit(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
        request: &CommitRequest<'_>,
    ) -> Committed {
        writer.last = Some(request.commit_id);
        self.metrics.commits_empty.add(1);
        self.close_stage(state, writer);
        unchanged(&state.view())
    }

    /// The head a commit is to be made on, once an earlier one with a lost answer is settled.
    pub(crate) fn ready(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
    ) -> Result<Stored<HeadRow>, StoreError> {
        if let Some(over) = &state.view().over {
            return Err(over.clone());
        }
        if writer.pending.is_some() {
            self.settle(state, writer)?;
        }
        Ok(state.view().head.clone())
    }

    /// Computes the checksums of the new pages, once, and compares them with those of the old ones.
    fn change<'a>(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
        head: &Head,
        request: &CommitRequest<'a>,
    ) -> Result<Change<'a>, StoreError> {
        let replaced = request.pages.partition_point(|(pgno, _)| pgno.get() <= head.size);
        let mut base = Vec::with_capacity(replaced);
        let pages = request.pages[..replaced].iter().map(|&(pgno, _)| pgno);
        self.visit_base(state, writer, pages, &mut |_, checksum| base.push(checksum))?;
        let pages = Vec::with_capacity(request.pages.len());
        let mut change = Change { pages, checksum: head.checksum };
        for (at, &(pgno, page)) in request.pages.iter().enumerate() {
            let checksum = page_checksum(pgno, page);
            match base.get(at) {
                Some(&base) if base == checksum => continue,
                Some(&base) => change.checksum = change.checksum.toggle(base),
                None => {}
            }
            change.checksum = change.checksum.toggle(checksum);
            change.pages.push((pgno, page, checksum));
        }
        change.checksum =
            self.without_dropped(state, writer, head, request.size, change.checksum)?;
        Ok(change)
    }

    /// A database checksum without the pages that a shrink drops.
    pub(crate) fn without_dropped(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
        head: &Head,
        size: u32,
        mut checksum: Checksum,
    ) -> Result<Checksum, StoreError> {
        let lock_page = head.page_size.lock_page();
        let dropped = (size..head.size).filter_map(|last| Pgno::new(last + 1));
        let dropped = dropped.filter(|&pgno| pgno != lock_page);
        self.visit_base(state, writer, dropped, &mut |_, old| checksum = checksum.toggle(old))?;
        Ok(checksum)
    }

    /// Commits the pages of a request as one delta.
    fn commit_whole(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
        base: &Stored<HeadRow>,
        request: &CommitRequest<'_>,
        begun_ns: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<Committed, StoreError> {
        let change = self.change(state, writer, &base.row.head, request)?;
        let dropped = request.pages.len() - change.pages.len();
        self.metrics.commit_pages_dropped.add(dropped as u64);
        if change.pages.is_empty() && request.size == base.row.head.size {
            return Ok(self.empty_commit(state, writer, request));
        }
        let time_ms = self.clock.now_ms().max(base.row.time_ms);
        let mut file = self
            .encode(state, &base.row, request, &change, time_ms, buffer)
            .map_err(|error| StoreError::Invalid { reason: error.to_string() })?;
        let bytes = file.bytes;
        let pages = DeltaPages::Plain(std::mem::take(&mut file.index.pages));
        let mut batch = Batch::new();
        file.put_into(buffer, &mut batch);
        let head = HeadRow {
            head: Head { size: request.size, checksum: change.checksum, ..base.row.head },
            charged_bytes: base.row.charged_bytes + bytes,
            time_ms,
            ..base.row
        };
        let head = next_head(&state.db, &mut batch, base, request, head);
        let commit = PendingCommit { head, pages, bytes };
        self.order_commit(state, writer, batch, commit, (begun_ns, request.frees))
    }

    /// Orders the batch that makes a commit count: its rows, and `HEAD`.
    pub(crate) fn order_commit(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
        mut batch: Batch<'_>,
        commit: PendingCommit,
        (begun_ns, frees): (u64, bool),
    ) -> Result<Committed, StoreError> {
        if self.options.unguarded_commits {
            batch.guards.clear();
        }
        self.check_batch(&batch)?;
        let (rows, bytes) = (batch.writes.len() as u64, commit.bytes);
        let pages = commit.pages.count() as u64;
        let encoded_ns = self.clock.monotonic_ns();
        let ordered = self.order_growth(state, &batch, &commit.head.row, frees)?;
        let ordered_ns = self.clock.monotonic_ns();
        self.metrics.commit_encode_ns.add(encoded_ns - begun_ns);
        self.metrics.commit_order_ns.add(ordered_ns - encoded_ns);
        self.enter(state, writer, commit, ordered)?;
        let updated_ns = self.clock.monotonic_ns();
        self.metrics.commit_update_ns.add(updated_ns - ordered_ns);
        self.metrics.commits.add(1);
        self.metrics.commit_pages.add(pages);
        self.metrics.commit_rows.add(rows);
        self.metrics.commit_bytes.add(bytes);
        let view = state.view();
        let phases = CommitPhases {
            serialize_ns: encoded_ns - begun_ns,
            transport_ns: ordered_ns - encoded_ns,
            state_update_ns: updated_ns - ordered_ns,
        };
        Ok(Committed { phases, ..unchanged(&view) })
    }

    fn encode(
        &self,
        state: &LeaseState,
        base: &HeadRow,
        request: &CommitRequest<'_>,
        change: &Change<'_>,
        time_ms: i64,
        buffer: &mut Vec<u8>,
    ) -> Result<FileRows, EncodeError> {
        let txid = base.head.txid.next();
        let first = base.head.size == 0;
        let header = Header {
            timestamp_ms: time_ms,
            pre_apply: if first { Checksum::ABSENT } else { base.head.checksum },
            node_id: state.generation.0,
            ..Header::new(base.head.page_size, request.size, txid, txid)
        };
        let limits = self.kv.limits();
        buffer.reserve(buffer_bytes(&header, change.pages.len(), limits));
        let mut file = FileWriter::new(&state.db, FileKind::Delta, header, limits, buffer)?;
        for &(pgno, page, checksum) in &change.pages {
            file.page(pgno, page, checksum)?;
        }
        file.finish(change.checksum)
    }

    pub(crate) fn check_bytes(&self, head: &Head, pages: usize) -> Result<(), StoreError> {
        let actual = pages as u64 * u64::from(head.page_size.get());
        let limit = self.options.commit_bytes_max;
        if actual > limit {
            return Err(StoreError::Limit { what: "bytes of a commit", actual, limit });
        }
        Ok(())
    }

    fn check_batch(&self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let (actual, limit) = (batch.bytes() as u64, self.kv.limits().batch_bytes_max as u64);
        if actual > limit {
            return Err(StoreError::Limit { what: "bytes of a commit", actual, limit });
        }
        Ok(())
    }

    /// Takes the store's answer to a commit.
    fn enter(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
        commit: PendingCommit,
        ordered: Result<Ticket, KvError>,
    ) -> Result<(), StoreError> {
        match ordered {
            Ok(ticket) => {
                self.landed(state, writer, commit, ticket);
                Ok(())
            }
            // A driver that tried twice may have met its own first try.
            Err(KvError::GuardFailed { actual, .. })
                if actual.as_deref() != Some(&*commit.head.value) =>
            {
                Err(self.refused(state, actual))
            }
            Err(KvError::UnknownOutcome { .. } | KvError::GuardFailed { .. }) => {
                writer.pending = Some(Pending::Commit(commit));
                if self.settle(state, writer)? {
                    return Ok(());
                }
                let reason = "the commit did not land, and its first answer was lost".into();
                Err(StoreError::Unavailable { reason })
            }
            Err(error) => Err(state.db.failed(error)),
        }
    }
}

/// The answer that shows the view as it is.
pub(crate) fn unchanged(view: &View) -> Committed {
    Committed {
        head: view.head.row.head,
        ticket: actor_sqlite_pagestore::Ticket(view.ticket.0),
        phases: CommitPhases::default(),
        back_off_us: 0,
    }
}

/// Ends the batch of a commit on top of `base`; `row` has its size, checksum, time and charge.
pub(crate) fn next_head(
    db: &Db,
    batch: &mut Batch<'_>,
    base: &Stored<HeadRow>,
    request: &CommitRequest<'_>,
    row: HeadRow,
) -> Stored<HeadRow> {
    let head = Head { txid: base.row.head.txid.next(), ..row.head };
    let row = HeadRow { head, commit_id: request.commit_id, stage_open: false, ..row };
    put_head(db, batch, base, row)
}

/// Whether the request keeps the contract.
fn check(
    state: &LeaseState,
    writer: &Writer,
    head: &Head,
    request: &CommitRequest<'_>,
) -> Result<(), StoreError> {
    check_turn(state, writer, head, request.commit_id, request.expected_head)?;
    if request.size == 0 {
        return Err(invalid("a commit that leaves no page".into()));
    }
    check_pages(head, request.pages, request.size)?;
    if !request.staged {
        return check_growth(head, request, &Layers::default());
    }
    let stage = writer.stage.as_ref().filter(|stage| stage.commit_id == request.commit_id);
    let stage = stage.ok_or_else(|| invalid("nothing was staged for the commit".into()))?;
    check_growth(head, request, stage.layers())
}

/// Whether it is the turn of that commit.
pub(crate) fn check_turn(
    state: &LeaseState,
    writer: &Writer,
    head: &Head,
    id: CommitId,
    expected_head: Txid,
) -> Result<(), StoreError> {
    let last = writer.last.map_or(0, |last| last.sequence);
    if id.generation != state.generation || id.sequence <= last {
        let reason = format!("commit id {}.{} after {last}", id.generation.0, id.sequence);
        return Err(invalid(reason));
    }
    if expected_head != head.txid {
        return Err(not_the_head(expected_head, head.txid));
    }
    Ok(())
}

/// Whether the pages are in order, of the right length, and none lies above a size.
pub(crate) fn check_pages(
    head: &Head,
    pages: &[(Pgno, &[u8])],
    size: u32,
) -> Result<(), StoreError> {
    let lock_page = head.page_size.lock_page();
    let mut previous = 0;
    for &(pgno, page) in pages {
        let number = pgno.get();
        if number <= previous || number > size || pgno == lock_page {
            return Err(invalid(format!("page {pgno} after {previous} in {size} pages")));
        }
        if page.len() != head.page_size.bytes() {
            return Err(invalid(format!("page {pgno} has {} bytes", page.len())));
        }
        previous = number;
    }
    Ok(())
}

/// Whether every page that the database gains is in the request or was staged.
fn check_growth(
    head: &Head,
    request: &CommitRequest<'_>,
    staged: &Layers,
) -> Result<(), StoreError> {
    let lock_page = head.page_size.lock_page().get();
    let lock = head.size < lock_page && lock_page <= request.size;
    let gained = request.size.saturating_sub(head.size) as usize - usize::from(lock);
    let sent = request.pages.iter().map(|&(pgno, _)| pgno);
    let sent = sent.chain(staged.iter().map(|placed| placed.page.pgno));
    let above = sent.filter(|pgno| pgno.get() > head.size && pgno.get() <= request.size);
    let whole = if staged.len() == 0 {
        above.count() == gained
    } else if gained > request.pages.len() + staged.len() {
        false
    } else {
        let mut there = vec![false; request.size.saturating_sub(head.size) as usize];
        above.for_each(|pgno| there[(pgno.get() - head.size - 1) as usize] = true);
        there.iter().filter(|&&there| there).count() == gained
    };
    if whole {
        return Ok(());
    }
    Err(invalid(format!("a growth to {} pages that leaves some out", request.size)))
}

/// The error of a request that breaks the contract.
pub(crate) fn invalid(reason: String) -> StoreError {
    StoreError::Invalid { reason }
}
