//! The options of RocksDB itself. Why each value: `docs/KV.md`.

use actor_sqlite_kv::{Durability, KvError, add_to_counters};
use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, LogLevel,
    MergeOperands, Options, WriteBufferManager,
};

use crate::RocksOptions;

/// A table with so many deletes among so many rows that follow each other is compacted at once.
const DELETES_TRIGGER: usize = 192;
const DELETES_WINDOW: usize = 256;

/// With `chain_logs` each log says how the one before it ended, and opening checks it. Without
/// that a power cut that takes the unsynced end of one log and leaves the next one loses commits
/// and keeps later ones.
pub(crate) fn options(settings: &RocksOptions, chain_logs: bool) -> Result<Options, KvError> {
    // The binding has no function for it.
    let mut options = Options::default()
        .get_options_from_string(format!("track_and_verify_wals={chain_logs}"))
        .map_err(|error| KvError::Invalid { reason: error.to_string() })?;
    options.create_if_missing(true);
    log(&mut options, settings);
    memory(&mut options, settings);
    options.set_merge_operator_associative("counters", merge_counters);
    // A reader adds up what was put off since the last sum. Unbounded, a busy counter costs each
    // reader a walk over all its additions in the write buffer.
    options.set_max_successive_merges(64);
    options.set_compression_type(DBCompressionType::None);
    options.set_max_open_files(i32::try_from(settings.open_files_max).unwrap_or(i32::MAX));
    options.set_max_background_jobs(i32::try_from(settings.background_jobs).unwrap_or(i32::MAX));
    // A table that is mostly deletes is compacted at once, level by level, so that the deleted rows
    // give their room back even if nobody writes any more.
    options.add_compact_on_deletion_collector_factory(DELETES_WINDOW, DELETES_TRIGGER, 0.0);
    // Deleting a large file under a lock would stall a commit.
    options.set_avoid_unnecessary_blocking_io(true);
    options.set_bytes_per_sync(1 << 20);
    options.set_skip_stats_update_on_db_open(true);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options.set_log_level(LogLevel::Warn);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(4 << 20);
    Ok(options)
}

fn log(options: &mut Options, settings: &RocksOptions) {
    // With Os durability RocksDB hands each group of batches to the system before it answers.
    options.set_manual_wal_flush(settings.durability == Durability::Disk);
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    // Never reused: RocksDB closes an old log after it has put its file up for reuse, and closing
    // cuts the file to the old length. A reused one then loses its end, acknowledged commits in it.
    options.set_recycle_log_file_num(0);
}

fn memory(options: &mut Options, settings: &RocksOptions) {
    let cache = Cache::new_lru_cache(settings.memory_budget_bytes);
    let buffers = WriteBufferManager::new_write_buffer_manager_with_cache(
        settings.memory_budget_bytes / 2,
        false,
        cache.clone(),
    );
    options.set_write_buffer_manager(&buffers);
    options.set_write_buffer_size(settings.write_buffer_bytes);
    options.set_max_write_buffer_number(RocksOptions::WRITE_BUFFERS_MAX.into());

    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&cache);
    table.set_block_size(16 << 10);
    table.set_format_version(6);
    if settings.bloom_bits_per_key > 0.0 {
        table.set_bloom_filter(settings.bloom_bits_per_key, false);
    }
    // Index and filters live inside the budget, cut in parts, so that a large store needs neither
    // all of them in memory nor a large read for one.
    table.set_cache_index_and_filter_blocks(true);
    table.set_cache_index_and_filter_blocks_with_high_priority(true);
    table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    table.set_partition_filters(true);
    table.set_pin_top_level_index_and_filter(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    options.set_block_based_table_factory(&table);
}

/// `Write::Add`: additions that RocksDB puts off until somebody reads, or a compaction meets them.
fn merge_counters(_key: &[u8], value: Option<&[u8]>, operands: &MergeOperands) -> Option<Vec<u8>> {
    let add = |value: Vec<u8>, operand: &[u8]| {
        let (lanes, _) = operand.as_chunks::<8>();
        let lanes: Vec<i64> = lanes.iter().map(|lane| i64::from_le_bytes(*lane)).collect();
        add_to_counters(Some(&value), &lanes)
    };
    Some(operands.iter().fold(value.unwrap_or_default().to_vec(), add))
}
