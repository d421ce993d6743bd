//! Taking a database over.

use std::ops::ControlFlow;
use std::sync::Arc;

use actor_sqlite_kv::{Batch, KvError, Scan, Snapshot, Ticket};
use actor_sqlite_ltx::{Checksum, Txid};
use actor_sqlite_pagestore::{
    ActorId, Claim, ClaimOptions, CommitId, Generation, Head, Lease, StoreError,
};

use crate::Engine;
use crate::accounts::{count, put_claimed};
use crate::db::Db;
use crate::floor::Floor;
use crate::heads::{Heads, Stored};
use crate::hints::StoredHints;
use crate::keys::RowId;
use crate::lease::{LeaseState, OpenDeltas, View};
use crate::page_index::{DeltaPages, PageIndex};
use crate::rows::{DeltaIndex, EpochRow, HeadRow, RootRow};
use crate::stage::load_staged;

/// How often a claim begins again before it says that the store is too busy.
const TRIES: usize = 16;
/// From this try on a claim first fences whoever keeps committing, and looks at the rest then.
const FENCE_FIRST_FROM: usize = 3;

/// What the rows above the watermark say.
pub(crate) struct Deltas {
    index: PageIndex,
    open: OpenDeltas,
}

impl Engine {
    /// One snapshot, then one batch that rewrites `EPOCH` and `HEAD` together, guarded by the
    /// exact rows the snapshot showed. Nothing of another owner can land after that batch: its
    /// commits are guarded by the old `HEAD`, its compactions by the old `EPOCH`.
    pub(crate) fn claim_database(
        &self,
        actor: &ActorId,
        options: &ClaimOptions,
    ) -> Result<Claim, StoreError> {
        let db = Db::new(actor);
        if options.owner.len() > EpochRow::OWNER_BYTES_MAX {
            let reason = format!("an owner of more than {} bytes", EpochRow::OWNER_BYTES_MAX);
            return Err(StoreError::Invalid { reason });
        }
        if let Some(generation) = options.resume {
            return self.resume_database(&db, options, generation);
        }
        let begun_ns = self.clock.monotonic_ns();
        for attempt in 0..TRIES {
            // A database that is busy in this very process is not raced with a second time.
            let rival = (attempt > 0).then(|| self.live_lease(actor)).flatten();
            let held = rival.as_ref().map(|rival| rival.writer());
            let claimed = self.try_claim(&db, options, attempt >= FENCE_FIRST_FROM)?;
            drop(held);
            if let Some((state, ticket)) = claimed {
                self.doubts().forget(actor, state.generation);
                self.register(&state);
                let claim = self.answer(state, ticket, options)?;
                self.metrics.claims.add(1);
                self.metrics.claim_ns.add(self.clock.monotonic_ns() - begun_ns);
                return Ok(claim);
            }
            self.metrics.claim_retries.add(1);
        }
        Err(StoreError::Unavailable { reason: "others kept changing the database".into() })
    }

    /// `None` if somebody else changed the rows in between, or if the outcome is unknown: a
    /// generation that was taken in vain is never granted again, so that trying again is safe.
    fn try_claim(
        &self,
        db: &Db,
        options: &ClaimOptions,
        fence_first: bool,
    ) -> Result<Option<(Arc<LeaseState>, Ticket)>, StoreError> {
        let snapshot = self.kv.snapshot().map_err(|error| db.failed(error))?;
        let mut hints = None;
        let loaded = Heads::load_beside(db, &*snapshot, Some((RowId::Hints, &mut hints)))?;
        let Some(heads) = loaded else { return self.create(db, options, &*snapshot) };
        let deltas =
            if fence_first { None } else { Some(self.load_deltas(db, &*snapshot, &heads)?) };
        let Some((mut heads, ticket)) = self.take(db, options, heads)? else { return Ok(None) };
        let deltas = match deltas {
            Some(deltas) => deltas,
            None => {
                let snapshot = self.kv.snapshot().map_err(|error| db.failed(error))?;
                let generation = heads.head.row.generation;
                // A compaction may have moved the watermark since, and another claim the rest.
                match Heads::load_beside(db, &*snapshot, Some((RowId::Hints, &mut hints)))? {
                    Some(now) if now.head.row.generation == generation => heads = now,
                    _ => return Ok(None),
                }
                self.load_deltas(db, &*snapshot, &heads)?
            }
        };
        let Some(root) = self.clean_leftovers(db, &heads)? else { return Ok(None) };
        let hints = self.stored_hints(db, hints.as_deref());
        Ok(Some((self.lease_state(db, heads, root.row, hints, deltas, ticket), ticket)))
    }

    /// Rewrites `EPOCH` and `HEAD` for the next generation.
    fn take(
        &self,
        db: &Db,
        options: &ClaimOptions,
        heads: Heads,
    ) -> Result<Option<(Heads, Ticket)>, StoreError> {
        let (epoch, head) = (&heads.epoch.row, heads.head.row);
        let generation = Generation(epoch.generation.0 + 1);
        let claimed_at_ms = self.clock.now_ms().max(epoch.claimed_at_ms).max(head.time_ms);
        let owner = options.owner.clone();
        let epoch = Stored::<EpochRow>::new(db, EpochRow { generation, claimed_at_ms, owner });
        let head = HeadRow {
            generation,
            rewrites: head.rewrites + 1,
            charged_bytes: head.charged_bytes + epoch.value.len() as u64
                - heads.epoch.value.len() as u64,
            stage_open: false,
            ..head
        };
        let mut batch = Batch::new();
        batch.guard(db.keys.key(RowId::Epoch), Some(heads.epoch.value.clone()));
        let head = put_claimed(db, &mut batch, &heads, head);
        batch
            .guard(db.keys.key(RowId::Root), Some(heads.root.value.clone()))
            .put(db.keys.key(RowId::Epoch), &epoch.value);
        let ticket = self.land(db, &batch)?;
        drop(batch);
        Ok(ticket.map(|ticket| (Heads { epoch, head, root: heads.root }, ticket)))
    }

    /// Makes a database that is not there. Between the snapshot and the batch one of its name may
    /// have come and gone, which has raised the floor: that is a guard too.
    fn create(
        &self,
        db: &Db,
        options: &ClaimOptions,
        snapshot: &dyn Snapshot,
    ) -> Result<Option<(Arc<LeaseState>, Ticket)>, StoreError> {
        refuse_rows_without_epoch(db, snapshot)?;
        if !options.create {
            return Err(StoreError::NotFound { actor: db.actor.clone() });
        }
        let floor = Floor::load(db, snapshot)?;
        let heads = self.new_heads(db, options, Generation(floor.generation.0 + 1));
        let [epoch, head, root] =
            [RowId::Epoch, RowId::Head, RowId::Root].map(|row| db.keys.key(row));
        let mut batch = Batch::new();
        floor.guard(&mut batch);
        batch
            .guard(epoch.clone(), None)
            .guard(head.clone(), None)
            .guard(root.clone(), None)
            .put(epoch, &heads.epoch.value)
            .put(head, &heads.head.value)
            .put(root, &heads.root.value);
        if heads.head.row.namespaced {
            count(db, &mut batch, heads.stored_bytes());
        }
        let Some(ticket) = self.land(db, &batch)? else { return Ok(None) };
        drop(batch);
        self.metrics.databases_created.add(1);
        let root = heads.root.row;
        let index = PageIndex::new(self.options.shard_index_bytes_max);
        let deltas = Deltas { index, open: OpenDeltas::default() };
        let hints = self.stored_hints(db, None);
        Ok(Some((self.lease_state(db, heads, root, hints, deltas, ticket), ticket)))
    }

    fn new_heads(&self, db: &Db, options: &ClaimOptions, generation: Generation) -> Heads {
        let now_ms = self.clock.now_ms();
        let epoch = EpochRow { generation, claimed_at_ms: now_ms, owner: options.owner.clone() };
        let epoch = Stored::<EpochRow>::new(db, epoch);
        let root = Stored::<RootRow>::new(db, RootRow::NEW);
        let mut head = HeadRow {
            generation,
            head: Head {
                txid: Txid::ZERO,
                page_size: options.page_size,
                size: 0,
                checksum: Checksum::EMPTY_DATABASE,
            },
            commit_id: CommitId::default(),
            charged_bytes: 0,
            time_ms: now_ms,
            rewrites: 0,
            stages: 0,
            stage_open: false,
            namespaced: !db.actor.namespace().is_empty(),
        };
        let keys = [RowId::Epoch, RowId::Head, RowId::Root].map(|row| db.keys.key(row).len());
        let values =
            epoch.value.len() + root.value.len() + Stored::<HeadRow>::new(db, head).value.len();
        head.charged_bytes = (keys.iter().sum::<usize>() + values) as u64;
        Heads { epoch, head: Stored::<HeadRow>::new(db, head), root }
    }

    /// Orders a batch of a claim. `None` if it has to begin again.
    fn land(&self, db: &Db, batch: &Batch<'_>) -> Result<Option<Ticket>, StoreError> {
        match self.order(batch) {
            Ok(ticket) => Ok(Some(ticket)),
            Err(KvError::GuardFailed { .. } | KvError::UnknownOutcome { .. }) => Ok(None),
            Err(error) => Err(db.failed(error)),
        }
    }

    pub(crate) fn lease_state(
        &self,
        db: &Db,
        heads: Heads,
        root: RootRow,
        hints: StoredHints,
        deltas: Deltas,
        ticket: Ticket,
    ) -> Arc<LeaseState> {
        let view = View {
            head: heads.head,
            root,
            hints,
            quota_bytes: None,
            index: deltas.index,
            ticket,
            open_deltas: deltas.open,
            committed_at_ns: self.clock.monotonic_ns(),
            over: None,
        };
        Arc::new(LeaseState::new(Arc::clone(self.doubts()), db.clone(), view))
    }

    /// Reads the pages that the opening of a lease that is known begins with.
    pub(crate) fn answer(
        &self,
        state: Arc<LeaseState>,
        ticket: Ticket,
        options: &ClaimOptions,
    ) -> Result<Claim, StoreError> {
        let quotas = [self.options.actor_quota_bytes, options.quota_bytes];
        let quota_bytes = quotas.into_iter().flatten().min();
        state.view_mut().quota_bytes = quota_bytes;
        self.forget_usage(state.db.actor.namespace());
        let (head, debt, unswept) = {
            let view = state.view();
            let unswept = view.root.stages_swept < view.head.row.stages;
            (view.head.row.head, view.open_deltas.count(), unswept)
        };
        let next_sequence = state.writer().last.map_or(1, |last| last.sequence + 1);
        let hints = state.view().hints();
        let pages = self.preload(&state, &hints, options.preload_bytes_max)?;
        if debt >= self.options.compaction.delta_count || unswept {
            self.enqueue(&state.db.actor);
        }
        Ok(Claim {
            lease: Lease::new(state.db.actor.clone(), state.generation, state),
            head,
            ticket: actor_sqlite_pagestore::Ticket(ticket.0),
            pages,
            hints,
            commit_bytes_max: self.options.commit_bytes_max,
            next_sequence,
            quota_bytes,
        })
    }
}

/// A database without `EPOCH`, `HEAD` and `ROOT` has no row at all.
pub(crate) fn refuse_rows_without_epoch(
    db: &Db,
    snapshot: &dyn Snapshot,
) -> Result<(), StoreError> {
    let (start, end) = db.keys.range();
    let scan = Scan { start: &start, end: &end, limit: 1, reverse: false };
    db.walk(snapshot, scan, &mut |row, _, _| {
        Err(db.corrupt(row, "it is there although the database has no EPOCH"))
    })
}

impl Engine {
    /// Builds the page index from the page indexes of all deltas above the watermark: one for each
    /// state up to the head, and none above it.
    pub(crate) fn load_deltas(
        &self,
        db: &Db,
        snapshot: &dyn Snapshot,
        heads: &Heads,
    ) -> Result<Deltas, StoreError> {
        let (mut next, last) = heads.open_deltas();
        let page_size = heads.head.row.head.page_size;
        let index = PageIndex::new(self.options.shard_index_bytes_max);
        let mut deltas = Deltas { index, open: OpenDeltas::default() };
        let mut state = (heads.root.row.size, heads.root.row.checksum);
        let pidx = |txid| RowId::Pidx { txid };
        db.scan(snapshot, (pidx(next), pidx(Txid::new(u64::MAX))), &mut |row, key, value| {
            let RowId::Pidx { txid } = row else {
                return Err(db.corrupt(row, "it lies among the page indexes"));
            };
            if txid > last {
                return Err(db.corrupt(row, format!("it is above the head {last}")));
            }
            if txid != next {
                return Err(db.corrupt(pidx(next), "it is missing"));
            }
            let index = db.open_delta_index(row, key, value, page_size)?;
            let after = index.state();
            let (pages, bytes) = match index {
                DeltaIndex::Plain(index) => {
                    let bytes = index.chunks.iter().map(|&chunk| u64::from(chunk)).sum();
                    (DeltaPages::Plain(index.pages), bytes)
                }
                DeltaIndex::Staged(index) => {
                    let (delta, bytes) = load_staged(db, snapshot, page_size, row, &index)?;
                    (DeltaPages::Staged(delta), bytes)
                }
            };
            deltas.index.apply(txid, pages, after.0, state.0);
            deltas.open.push(txid, (key.len() + value.len()) as u64 + bytes);
            state = after;
            next = txid.next();
            Ok(ControlFlow::Continue(()))
        })?;
        if next <= last {
            return Err(db.corrupt(pidx(next), "it is missing"));
        }
        let head = heads.head.row.head;
        if state != (head.size, head.checksum) {
            return Err(db.corrupt(RowId::Head, "it contradicts the page index of its txid"));
        }
        let delta = |txid, chunk| RowId::Delta { txid, chunk };
        let above = (delta(next, 0), delta(Txid::new(u64::MAX), u32::MAX));
        db.scan(snapshot, above, &mut |row, _, _| {
            Err(db.corrupt(row, format!("it is above the head {last}")))
        })?;
        Ok(deltas)
    }
}
