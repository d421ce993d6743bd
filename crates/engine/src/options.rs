//! The settings of an engine.

/// How an engine works. The defaults suit an embedded store on one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// The largest commit, in bytes of pages before compression. The store's own batch limit holds
    /// beside it, for the bytes after compression.
    pub commit_bytes_max: u64,
    /// The most pages next to those asked for that a read offers from a row it reads anyway.
    pub neighbour_pages_max: u32,
    /// The most pages a claim brings along beside page 1, from the row that holds it.
    pub claim_neighbour_pages_max: u32,
    /// About the most bytes of memory that a lease keeps of indexes of shards.
    pub shard_index_bytes_max: usize,
    /// The most bytes of keys and values that a database may store, unless its claim says less: see
    /// [`actor_sqlite_pagestore::CommitRequest::frees`].
    pub actor_quota_bytes: Option<u64>,
    /// The most that all databases of one namespace may store together, unless
    /// [`crate::Engine::set_namespace_quota`] says otherwise. The empty namespace has none.
    pub namespace_quota_bytes: Option<u64>,
    /// The most pages of commits not yet folded whose checksums a verification holds at a time; where
    /// there are more, it reads their indexes several times.
    pub verify_pages_max: u32,
    /// A database that stores more is scrubbed in slices of about so many bytes: see
    /// [`Engine::scrub`](crate::Engine::scrub).
    pub scrub_slice_bytes: u64,
    /// When and how deltas are folded into shards.
    pub compaction: CompactionOptions,
    /// Leaves the guard out of commits, so that two owners overwrite each other. It is there to
    /// prove that the tests would notice, and for nothing else.
    #[doc(hidden)]
    pub unguarded_commits: bool,
}

/// When and how deltas are folded into shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactionOptions {
    /// Deltas above the watermark that make a database a candidate.
    pub delta_count: u64,
    /// Bytes of deltas above the watermark that make a database a candidate.
    pub delta_bytes: u64,
    /// Deltas that make a database a candidate once it is idle or released.
    pub idle_delta_count: u64,
    /// Time without a commit after which a database is idle.
    pub idle_ms: u64,
    /// Deltas above the watermark from which on commits are answered with a back-off.
    pub soft_delta_count: u64,
    /// Bytes of deltas above the watermark from which on commits are answered with a back-off.
    pub soft_delta_bytes: u64,
    /// The back-off at the hard limit, in microseconds; it rises to that from the soft limit on.
    pub back_off_max_us: u32,
    /// While other databases commit as well, commits of one are spaced by so much on average, in
    /// microseconds, by the same back-off; 0 for not at all.
    pub crowded_gap_us: u32,
    /// The most deltas above the watermark. At seven eighths of it a commit first folds some itself,
    /// unless maintenance is at it.
    pub hard_delta_count: u64,
    /// The most bytes of deltas above the watermark, and one commit; otherwise as for
    /// [`Self::hard_delta_count`]. No single delta counts for more than a quarter of it.
    pub hard_delta_bytes: u64,
    /// The most bytes that a commit at the hard limit folds itself: see [`Self::plan_bytes_max`].
    pub inline_bytes_max: u64,
    /// How long a commit at one of these two waits for maintenance that works on its database, in
    /// milliseconds, before it is refused.
    pub hard_wait_ms: u64,
    /// The most bytes of deltas that one compaction folds, and of pages in the shards it rewrites,
    /// beyond its first delta: what one turn of a database costs the others.
    pub plan_bytes_max: u64,
    /// About the largest batch that compaction and reclaim write, in bytes; the store's own limit
    /// holds beside it.
    pub batch_bytes: usize,
    /// That many states before the newest stay readable, within [`Self::retention_bytes`].
    pub retention_txids: u64,
    /// States stay readable that were the newest within this time, within
    /// [`Self::retention_bytes`]. Looked at when the database has a turn.
    pub retention_age_ms: u64,
    /// The most that is kept for states before the watermark, in keys and values of a database.
    pub retention_bytes: u64,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            commit_bytes_max: 256 << 20,
            neighbour_pages_max: 8,
            claim_neighbour_pages_max: 16,
            shard_index_bytes_max: 8 << 20,
            actor_quota_bytes: None,
            namespace_quota_bytes: None,
            verify_pages_max: 1 << 20,
            scrub_slice_bytes: 64 << 20,
            compaction: CompactionOptions::default(),
            unguarded_commits: false,
        }
    }
}

impl Default for CompactionOptions {
    fn default() -> Self {
        Self {
            delta_count: 64,
            delta_bytes: 16 << 20,
            idle_delta_count: 8,
            idle_ms: 5_000,
            soft_delta_count: 1_024,
            soft_delta_bytes: 64 << 20,
            back_off_max_us: 20_000,
            crowded_gap_us: 800,
            hard_delta_count: 4_096,
            hard_delta_bytes: 256 << 20,
            inline_bytes_max: 4 << 20,
            hard_wait_ms: 2_000,
            plan_bytes_max: 64 << 20,
            batch_bytes: 4 << 20,
            retention_txids: 8,
            retention_age_ms: 0,
            retention_bytes: 4 << 20,
        }
    }
}
