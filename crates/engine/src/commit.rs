//! Committing a transaction.

use actor_sqlite_kv::{Batch, KvError, Ticket};
use actor_sqlite_ltx::{Checksum, EncodeError, Header, Pgno, page_checksum};
use actor_sqlite_pagestore::{CommitPhases, CommitRequest, Committed, Head, StoreError};

use crate::Engine;
use crate::accounts::put_head;
use crate::file_writer::{FileKind, FileRows, FileWriter, buffer_bytes};
use crate::heads::Stored;
use crate::lease::{LeaseState, Pending, View, Writer};
use crate::page_index::Lookup;
use crate::refresh::not_the_head;
use crate::rows::HeadRow;

/// A buffer up to this size is kept for the next commit.
const BUFFER_BYTES_KEPT: usize = 256 << 10;
/// How often a commit asks for the old checksums again because compaction moved the pages.
const TRIES: usize = 64;

/// What is to be written.
struct Change<'a> {
    /// Pages that differ from their base, with their checksums.
    pages: Vec<(Pgno, &'a [u8], Checksum)>,
    /// Checksum of the database after the commit.
    checksum: Checksum,
}

/// The old checksums of the pages that a commit replaces or drops.
enum Base<'a> {
    Known(Change<'a>),
    /// The indexes of these shards are needed first.
    Load(Vec<u32>),
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
        self.hold_back(state)?;
        let mut writer = state.writer();
        let head = self.ready(state, &mut writer)?;
        if writer.last == Some(request.commit_id) {
            return Ok(unchanged(&state.view()));
        }
        check(state, &writer, &head.row.head, request)?;
        self.check_bytes(&head.row.head, request)?;
        let begun_ns = self.clock.monotonic_ns();
        let change = self.change(state, &mut writer, &head.row.head, request)?;
        let dropped = request.pages.len() - change.pages.len();
        self.metrics.commit_pages_dropped.add(dropped as u64);
        if change.pages.is_empty() && request.size == head.row.head.size {
            writer.last = Some(request.commit_id);
            self.metrics.commits_empty.add(1);
            return Ok(unchanged(&state.view()));
        }
        let mut buffer = std::mem::take(&mut writer.buffer);
        buffer.clear();
        let outcome =
            self.write(state, &mut writer, &head, request, &change, begun_ns, &mut buffer);
        if buffer.capacity() <= BUFFER_BYTES_KEPT {
            writer.buffer = buffer;
        }
        let committed = outcome?;
        drop(writer);
        let back_off_us = self.note_debt(state);
        Ok(Committed { back_off_us, ..committed })
    }

    /// The head a commit is to be made on, once an earlier one with a lost answer is settled.
    fn ready(
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

    /// Computes the checksums of the new pages, once, and finds those of the old ones.
    fn change<'a>(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
        head: &Head,
        request: &CommitRequest<'a>,
    ) -> Result<Change<'a>, StoreError> {
        let checksums: Vec<Checksum> =
            request.pages.iter().map(|&(pgno, page)| page_checksum(pgno, page)).collect();
        for _ in 0..TRIES {
            let (base, watermark) = {
                let view = state.view();
                (compare(state, &view, head, request, &checksums)?, view.root.watermark)
            };
            let shards = match base {
                Base::Known(change) => return Ok(change),
                Base::Load(shards) => shards,
            };
            let snapshot = self.kv.snapshot().map_err(|error| state.db.failed(error))?;
            let loaded = self.load_shards(state, &*snapshot, &shards)?;
            drop(snapshot);
            if !loaded && state.view().root.watermark == watermark {
                self.refresh(state, writer)?;
            }
        }
        Err(StoreError::Unavailable { reason: "compaction kept moving the pages".into() })
    }

    #[expect(clippy::too_many_arguments, reason = "one step of `commit_pages`, split for length")]
    fn write(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
        base: &Stored<HeadRow>,
        request: &CommitRequest<'_>,
        change: &Change<'_>,
        begun_ns: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<Committed, StoreError> {
        let time_ms = self.clock.now_ms().max(base.row.time_ms);
        let mut file = self
            .encode(state, &base.row, request, change, time_ms, buffer)
            .map_err(|error| StoreError::Invalid { reason: error.to_string() })?;
        let head = HeadRow {
            head: Head {
                txid: base.row.head.txid.next(),
                size: request.size,
                checksum: change.checksum,
                ..base.row.head
            },
            commit_id: request.commit_id,
            charged_bytes: base.row.charged_bytes + file.bytes,
            time_ms,
            stage_open: false,
            ..base.row
        };
        let pages = std::mem::take(&mut file.index.pages);
        let (rows, bytes) = (file.rows.len() as u64 + 1, file.bytes);
        let mut batch = Batch::new();
        file.put_into(buffer, &mut batch);
        let head = put_head(&state.db, &mut batch, base, head);
        let pending = Pending { head, pages, bytes };
        if self.options.unguarded_commits {
            batch.guards.clear();
        }
        self.check_batch(&batch)?;
        let encoded_ns = self.clock.monotonic_ns();
        let ordered = self.order(&batch);
        let ordered_ns = self.clock.monotonic_ns();
        self.metrics.commit_encode_ns.add(encoded_ns - begun_ns);
        self.metrics.commit_order_ns.add(ordered_ns - encoded_ns);
        let pages = pending.pages.len() as u64;
        self.enter(state, writer, pending, ordered)?;
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

    fn check_bytes(&self, head: &Head, request: &CommitRequest<'_>) -> Result<(), StoreError> {
        let actual = request.pages.len() as u64 * u64::from(head.page_size.get());
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
        pending: Pending,
        ordered: Result<Ticket, KvError>,
    ) -> Result<(), StoreError> {
        let commit_id = pending.head.row.commit_id;
        match ordered {
            Ok(ticket) => {
                let now_ns = self.clock.monotonic_ns();
                state.view_mut().committed(pending, ticket, now_ns);
                writer.last = Some(commit_id);
                Ok(())
            }
            // A driver that tried twice may have met its own first try.
            Err(KvError::GuardFailed { actual, .. })
                if actual.as_deref() != Some(&*pending.head.value) =>
            {
                Err(self.refused(state, actual))
            }
            Err(KvError::UnknownOutcome { .. } | KvError::GuardFailed { .. }) => {
                writer.pending = Some(pending);
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
fn unchanged(view: &View) -> Committed {
    Committed {
        head: view.head.row.head,
        ticket: actor_sqlite_pagestore::Ticket(view.ticket.0),
        phases: CommitPhases::default(),
        back_off_us: 0,
    }
}

/// Compares the new pages with their base, by checksum, and folds the database checksum.
fn compare<'a>(
    state: &LeaseState,
    view: &View,
    head: &Head,
    request: &CommitRequest<'a>,
    checksums: &[Checksum],
) -> Result<Base<'a>, StoreError> {
    let mut load = Vec::new();
    let mut old = |pgno: Pgno| match view.index.find(pgno) {
        Lookup::Found(source) => Ok(Some(source.page.checksum)),
        Lookup::Unloaded(shard) => {
            if load.last() != Some(&shard) {
                load.push(shard);
            }
            Ok(None)
        }
        Lookup::Missing => Err(state.db.corrupt_named(format!("page {pgno}"), "it has no source")),
    };
    let mut change =
        Change { pages: Vec::with_capacity(request.pages.len()), checksum: head.checksum };
    for (&(pgno, page), &checksum) in request.pages.iter().zip(checksums) {
        if pgno.get() <= head.size {
            match old(pgno)? {
                Some(base) if base == checksum => continue,
                Some(base) => change.checksum = change.checksum.toggle(base),
                None => {}
            }
        }
        change.checksum = change.checksum.toggle(checksum);
        change.pages.push((pgno, page, checksum));
    }
    let dropped = (request.size + 1..=head.size).filter_map(Pgno::new);
    for pgno in dropped.filter(|&pgno| pgno != head.page_size.lock_page()) {
        if let Some(base) = old(pgno)? {
            change.checksum = change.checksum.toggle(base);
        }
    }
    Ok(if load.is_empty() { Base::Known(change) } else { Base::Load(load) })
}

/// Whether the request keeps the contract.
fn check(
    state: &LeaseState,
    writer: &Writer,
    head: &Head,
    request: &CommitRequest<'_>,
) -> Result<(), StoreError> {
    let invalid = |reason: String| Err(StoreError::Invalid { reason });
    let (id, last) = (request.commit_id, writer.last.map_or(0, |last| last.sequence));
    if id.generation != state.generation || id.sequence <= last {
        let reason = format!("commit id {}.{} after {last}", id.generation.0, id.sequence);
        return invalid(reason);
    }
    if request.expected_head != head.txid {
        return Err(not_the_head(request.expected_head, head.txid));
    }
    if request.size == 0 {
        return invalid("a commit that leaves no page".into());
    }
    let lock_page = head.page_size.lock_page();
    let mut previous = 0;
    for &(pgno, page) in request.pages {
        let number = pgno.get();
        if number <= previous || number > request.size || pgno == lock_page {
            return invalid(format!("page {pgno} after {previous} in {} pages", request.size));
        }
        if page.len() != head.page_size.bytes() {
            return invalid(format!("page {pgno} has {} bytes", page.len()));
        }
        previous = number;
    }
    let gained = request.pages.iter().filter(|(pgno, _)| pgno.get() > head.size).count() as u64;
    let lock = (head.size < lock_page.get() && lock_page.get() <= request.size) as u64;
    if gained + lock != u64::from(request.size.saturating_sub(head.size)) {
        return invalid(format!("a growth to {} pages that leaves some out", request.size));
    }
    Ok(())
}
