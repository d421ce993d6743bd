//! Refuses commits before the disk is full.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use actor_sqlite_kv::{Batch, KvError, Write};

/// So many bytes of commits are let in, at most, before the disk is looked at again.
const LOOK_AGAIN_BYTES: u64 = 16 << 20;

/// A batch that deletes and puts no more than this may use a part of the reserve: deleting is how
/// a full store gets room.
const DELETING_PUTS_BYTES_MAX: usize = 64 << 10;

/// So may one that replaces rows with no more than this, and adds none: whoever wants to read or to
/// delete may have to write down first that he does.
const REPLACING_PUTS_BYTES_MAX: usize = 4 << 10;

/// Flushes and compactions that fail for want of room stop the store, so that so much of what
/// compactions are about to write is kept free for them. A larger backlog is done in parts.
const BACKLOG_BYTES_MAX: u64 = 1 << 30;

/// With less than this free RocksDB cannot open: it writes a new manifest, options and a log.
const EXHAUSTED_BYTES: u64 = 1 << 20;

/// The free bytes of a disk, or nothing if they cannot be told.
pub(crate) type FreeBytes = Box<dyn Fn() -> Option<u64> + Send + Sync>;

/// The free bytes of the disk that holds a directory.
pub(crate) fn of_disk(directory: &Path) -> FreeBytes {
    #[cfg(unix)]
    {
        let directory = directory.to_owned();
        Box::new(move || {
            let disk = rustix::fs::statvfs(&directory).ok()?;
            Some(disk.f_bavail.saturating_mul(disk.f_frsize))
        })
    }
    #[cfg(not(unix))]
    {
        let _ = directory;
        Box::new(|| None)
    }
}

/// Tells an opening that failed because there is no room at all from other failures.
pub(crate) fn why_not_opened(directory: &Path, error: KvError) -> KvError {
    match (error, of_disk(directory)()) {
        (KvError::Unavailable { reason }, Some(free)) if free < EXHAUSTED_BYTES => {
            KvError::Full { reason }
        }
        (error, _) => error,
    }
}

/// Keeps a part of the disk free, so that RocksDB itself never runs out of it: what it cannot
/// write in the middle of something stops the store until it is opened again.
///
/// The disk is not asked for each batch. A look lets in as many bytes as there is room for, but
/// no more than [`LOOK_AGAIN_BYTES`] and half of what is above the reserve, so that looks come
/// closer as the disk fills up, whoever fills it. The reserve is what may go wrong in between.
pub(crate) struct Space {
    free_bytes: FreeBytes,
    reserve_bytes: u64,
    /// Bytes that may still be written before the next look.
    let_in_bytes: AtomicU64,
}

impl Space {
    /// Without a reserve nothing is ever refused.
    pub(crate) fn new(free_bytes: FreeBytes, reserve_bytes: u64) -> Self {
        Self { free_bytes, reserve_bytes, let_in_bytes: AtomicU64::new(0) }
    }

    /// Refuses a batch for which there is no room. `backlog_bytes` says what compactions are still
    /// going to write.
    pub(crate) fn admit(
        &self,
        batch: &Batch<'_>,
        backlog_bytes: impl FnOnce() -> u64,
    ) -> Result<(), KvError> {
        if self.reserve_bytes == 0 {
            return Ok(());
        }
        let bytes = batch.bytes() as u64;
        let take = |left: u64| left.checked_sub(bytes);
        if self.let_in_bytes.fetch_update(Relaxed, Relaxed, take).is_ok() {
            return Ok(());
        }
        self.look(batch, bytes, backlog_bytes().min(BACKLOG_BYTES_MAX))
    }

    /// Refuses if there is no room for the flush of that many bytes.
    pub(crate) fn check_flush(&self, bytes: u64) -> Result<(), KvError> {
        match (self.free_bytes)() {
            Some(free) if free < bytes => Err(KvError::Full {
                reason: format!("{free} bytes are free, a flush needs {bytes}"),
            }),
            _ => Ok(()),
        }
    }

    fn look(&self, batch: &Batch<'_>, bytes: u64, backlog_bytes: u64) -> Result<(), KvError> {
        let Some(free) = (self.free_bytes)() else { return Ok(()) };
        let kept = self.reserve_bytes + backlog_bytes;
        if let Some(room) = free.checked_sub(kept + bytes) {
            self.let_in_bytes.store(LOOK_AGAIN_BYTES.min(room / 2), Relaxed);
            return Ok(());
        }
        self.let_in_bytes.store(0, Relaxed);
        if makes_room(batch) && free >= self.reserve_bytes / 2 + bytes {
            return Ok(());
        }
        let reason =
            format!("{free} bytes are free, {kept} are kept so, {bytes} are to be written");
        Err(KvError::Full { reason })
    }
}

fn makes_room(batch: &Batch<'_>) -> bool {
    let (mut put_bytes, mut deletes, mut replaces) = (0, false, true);
    for write in &batch.writes {
        match write {
            Write::Put { key, value } => {
                put_bytes += value.len();
                replaces &= is_there(batch, key);
            }
            Write::Add { .. } => {}
            Write::Delete { .. } | Write::DeleteRange { .. } => deletes = true,
        }
    }
    (deletes && put_bytes <= DELETING_PUTS_BYTES_MAX)
        || (replaces && put_bytes <= REPLACING_PUTS_BYTES_MAX)
}

/// Whether a batch lands only if a key has a value.
fn is_there(batch: &Batch<'_>, key: &[u8]) -> bool {
    batch.guards.iter().any(|guard| guard.key == key && guard.expected.is_some())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;
    use std::sync::atomic::Ordering::SeqCst;

    use super::*;

    const MIB: u64 = 1 << 20;

    struct Rig {
        space: Space,
        free: Arc<AtomicU64>,
        looks: Arc<AtomicU64>,
    }

    fn rig(reserve_bytes: u64, free: u64) -> Rig {
        let (free, looks) = (Arc::new(AtomicU64::new(free)), Arc::new(AtomicU64::new(0)));
        let (disk, counted) = (Arc::clone(&free), Arc::clone(&looks));
        let free_bytes: FreeBytes = Box::new(move || {
            counted.fetch_add(1, SeqCst);
            Some(disk.load(SeqCst)).filter(|free| *free != u64::MAX)
        });
        Rig { space: Space::new(free_bytes, reserve_bytes), free, looks }
    }

    fn put(bytes: usize) -> Batch<'static> {
        let mut batch = Batch::new();
        batch.put(Vec::new(), vec![0; bytes]);
        batch
    }

    impl Rig {
        fn admits(&self, batch: &Batch<'_>) -> bool {
            match self.space.admit(batch, || 0) {
                Ok(()) => true,
                Err(KvError::Full { .. }) => false,
                Err(error) => panic!("neither let in nor full: {error:?}"),
            }
        }
    }

    #[test]
    fn the_disk_is_looked_at_every_few_megabytes_and_more_often_near_the_reserve() {
        let rig = rig(10 * MIB, 1 << 40);
        for _ in 0..64 {
            assert!(rig.admits(&put(MIB as usize)));
        }
        assert_eq!(rig.looks.load(SeqCst), 4);

        rig.free.store(11 * MIB, SeqCst);
        let mut let_in = 0;
        while rig.admits(&put(1 << 10)) {
            let_in += 1 << 10;
            rig.free.fetch_sub(1 << 10, SeqCst);
        }
        // What an earlier look let in was still taken, and no byte after it of the reserve.
        assert!(let_in <= 16 * MIB, "{let_in} bytes were let in");
        assert_eq!(rig.free.load(SeqCst), 11 * MIB - let_in);
        let looks = rig.looks.load(SeqCst);
        assert!(!rig.admits(&put(1 << 10)));
        assert_eq!(rig.looks.load(SeqCst), looks + 1, "a full disk is looked at each time");
        rig.free.store(1 << 40, SeqCst);
        assert!(rig.admits(&put(1 << 10)));
    }

    #[test]
    fn the_reserve_and_the_backlog_are_kept_free() {
        let rig = rig(10 * MIB, 15 * MIB);
        assert!(matches!(
            rig.space.admit(&put(2 * MIB as usize), || 4 * MIB),
            Err(KvError::Full { .. })
        ));
        assert!(rig.space.admit(&put(2 * MIB as usize), || 3 * MIB).is_ok());
        rig.free.store(11 * MIB + BACKLOG_BYTES_MAX, SeqCst);
        assert!(rig.space.admit(&put(MIB as usize), || u64::MAX).is_ok());
    }

    #[test]
    fn deleting_may_use_half_of_the_reserve() {
        let rig = rig(10 * MIB, 6 * MIB);
        assert!(!rig.admits(&put(1)));
        let mut deleting = put(10_000);
        deleting.delete(b"k".to_vec());
        assert!(rig.admits(&deleting));
        let mut deleting_but_large = put(100_000);
        deleting_but_large.delete_range(b"k".to_vec(), b"l".to_vec());
        assert!(!rig.admits(&deleting_but_large));
        rig.free.store(5 * MIB, SeqCst);
        assert!(!rig.admits(&deleting));
    }

    #[test]
    fn replacing_a_little_may_use_half_of_the_reserve() {
        let rig = rig(10 * MIB, 6 * MIB);
        let replacing = |bytes: usize, expected: Option<&[u8]>| {
            let mut batch = put(bytes);
            batch.guard(Vec::new(), expected.map(<[u8]>::to_vec));
            batch
        };
        assert!(rig.admits(&replacing(300, Some(b"before"))));
        assert!(!rig.admits(&replacing(300, None)), "a row that is new");
        assert!(!rig.admits(replacing(300, Some(b"before")).put(b"new".to_vec(), b"1".as_slice())));
        assert!(!rig.admits(&replacing(5_000, Some(b"before"))));
        rig.free.store(5 * MIB, SeqCst);
        assert!(!rig.admits(&replacing(300, Some(b"before"))));
    }

    #[test]
    fn without_a_reserve_or_without_an_answer_nothing_is_refused() {
        let unguarded = rig(0, 0);
        assert!(unguarded.admits(&put(1 << 20)));
        assert_eq!(unguarded.looks.load(SeqCst), 0);
        assert!(rig(10 * MIB, u64::MAX).admits(&put(1 << 20)));
    }
}
