//! The engine's counters for JavaScript.

use actor_sqlite_engine::EngineMetrics as NativeEngine;
use napi_derive::napi;

use crate::metrics::mirrored;

mirrored! {
    /// The storage engine of a store.
    EngineMetrics from NativeEngine {
        /// Claims that were answered with a lease.
        claims,
        /// Nanoseconds in those.
        claim_ns,
        /// Claims begun again because another claim, a commit or a compaction came between.
        claim_retries,
        /// Leases that were gone on with.
        resumes,
        /// Hints kept for the next claim; those equal to what is kept are not among them.
        hints_saved,
        /// Claims that found hints.
        hints_loaded,
        /// Claims and looks that passed over hints whose row is damaged.
        hints_damaged,
        /// Pages brought by claims because of hints.
        pages_preloaded,
        /// Databases made by claims.
        databases_created,
        /// Databases that were deleted.
        databases_deleted,
        /// Keys and values of those, in bytes.
        deleted_bytes,
        /// Calls of `read` that succeeded.
        reads,
        /// Nanoseconds in those.
        read_ns,
        /// Pages delivered from deltas.
        pages_from_deltas,
        /// Pages delivered from shards.
        pages_from_shards,
        /// Pages delivered that were not asked for.
        pages_from_neighbours,
        /// Rows read for pages.
        read_rows,
        /// Bytes of those.
        read_bytes,
        /// Indexes of shards brought into memory.
        shard_indexes_loaded,
        /// Reads that looked again because compaction had moved a page.
        read_retries,
        /// Commits that wrote a new state.
        commits,
        /// Commits that had nothing to write.
        commits_empty,
        /// Pages written by commits.
        commit_pages,
        /// Pages left out of commits because they equal their base.
        commit_pages_dropped,
        /// Rows put by commits.
        commit_rows,
        /// Keys and values put by commits, in bytes.
        commit_bytes,
        /// Nanoseconds in which commits computed checksums and encoded.
        commit_encode_ns,
        /// Nanoseconds in which commits waited for the store to order them.
        commit_order_ns,
        /// Nanoseconds in which commits brought the page index up to date.
        commit_update_ns,
        /// Commits and stages refused because the database would be larger than its quota.
        quota_refusals_actor,
        /// Commits and stages refused because the namespace would be larger than its quota.
        quota_refusals_namespace,
        /// Times that a commit folded and reclaimed because a quota was reached.
        commits_made_room,
        /// Leases that met a newer generation.
        fenced,
        /// Commits with a lost answer that were found to have landed.
        commits_resolved_landed,
        /// Commits with a lost answer that were found not to have landed.
        commits_resolved_not_landed,
        /// Commits with a lost answer that could not be resolved.
        commits_unknown,
        /// Stages begun: transactions that sent pages before their commit.
        stages_begun,
        /// Stages that were committed.
        stages_committed,
        /// Stages that were given up, by the owner or by losing one.
        stages_discarded,
        /// Stages without a commit whose rows were deleted.
        stages_swept,
        /// Segments of stages written.
        stage_segments,
        /// Pages in those.
        stage_pages,
        /// Keys and values of those, in bytes.
        stage_bytes,
        /// Calls of `read_staged` that succeeded.
        staged_reads,
        /// Pages delivered by those.
        staged_pages_read,
        /// Commits that came near the hard limit, and first folded deltas themselves or waited.
        commits_held_back,
        /// Commits refused at the hard limit.
        commits_refused,
        /// Commits answered with a back-off.
        commits_delayed,
        /// Microseconds of those.
        back_off_us,
        /// Compactions installed.
        compactions,
        /// Compactions given up because another claim, compaction or reclaim came between.
        compactions_superseded,
        /// Keys and values put by compactions that were given up, in bytes.
        compaction_wasted_bytes,
        /// Compactions planned, whatever became of them.
        compaction_plans,
        /// Nanoseconds in which compactions were planned.
        compaction_plan_ns,
        /// Nanoseconds in which shards were built.
        compaction_build_ns,
        /// Nanoseconds in which shards were installed.
        compaction_install_ns,
        /// Deltas folded.
        compaction_deltas,
        /// Shard versions built, whatever became of them.
        compaction_shards_built,
        /// Shard versions written.
        compaction_shards,
        /// Pages in those.
        compaction_pages,
        /// Rows put by compactions.
        compaction_rows,
        /// Keys and values put by compactions, in bytes.
        compaction_bytes,
        /// Rows read by compactions.
        compaction_read_rows,
        /// Keys and values of those, in bytes.
        compaction_read_bytes,
        /// Turns of databases in maintenance.
        turns,
        /// Nanoseconds in those.
        turn_ns,
        /// The longest of them.
        turn_ns_max,
        /// Interrupted compactions cleaned up.
        leftovers_cleaned,
        /// Batches of reclaim.
        reclaim_batches,
        /// Nanoseconds in those.
        reclaim_ns,
        /// Rows deleted by reclaim.
        reclaim_rows,
        /// Keys and values deleted by reclaim, in bytes.
        reclaim_bytes,
        /// Databases that wait for compaction now.
        compaction_queue,
        /// How long the first of them has waited, in nanoseconds.
        compaction_wait_ns,
        /// Deltas above the watermark of claimed databases now.
        open_deltas,
        /// Keys and values of those, in bytes.
        open_delta_bytes,
    }
}
