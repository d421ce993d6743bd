//! One instance for each directory in this process.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, LazyLock, Mutex, PoisonError, Weak};

use actor_sqlite_kv::KvError;

use crate::{RocksKv, RocksOptions};

static REGISTRY: LazyLock<Mutex<HashMap<PathBuf, Arc<Slot>>>> = LazyLock::new(Mutex::default);

/// The place of one directory's instance.
#[derive(Default)]
pub(crate) struct Slot {
    /// Empty only when the directory is closed: an instance that is being dropped still holds
    /// its place.
    instance: Mutex<Option<Weak<RocksKv>>>,
    freed: Condvar,
}

/// Held by an open instance; empties the slot when dropped, after everything else is closed.
pub(crate) struct Occupied(Arc<Slot>);

impl Drop for Occupied {
    fn drop(&mut self) {
        *self.0.instance.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.0.freed.notify_all();
    }
}

/// The live instance of a canonical path, or the one that `build` makes of what `open` opened.
pub(crate) fn share<Opened>(
    path: &Path,
    options: &RocksOptions,
    open: impl FnOnce() -> Result<Opened, KvError>,
    build: impl FnOnce(Opened, Occupied) -> RocksKv,
) -> Result<Arc<RocksKv>, KvError> {
    let slot = {
        let mut slots = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(path.to_owned()).or_default())
    };
    let mut instance = slot.instance.lock().unwrap_or_else(PoisonError::into_inner);
    while let Some(weak) = &*instance {
        if let Some(live) = weak.upgrade() {
            // If this is the last reference, dropping it empties the slot.
            drop(instance);
            return agree(live, options);
        }
        instance = slot.freed.wait(instance).unwrap_or_else(PoisonError::into_inner);
    }
    let opened = open()?;
    let built = Arc::new(build(opened, Occupied(Arc::clone(&slot))));
    *instance = Some(Arc::downgrade(&built));
    Ok(built)
}

fn agree(live: Arc<RocksKv>, options: &RocksOptions) -> Result<Arc<RocksKv>, KvError> {
    let differences = live.options().differences(options);
    if differences.is_empty() {
        return Ok(live);
    }
    let reason =
        format!("it is open in this process with another {}", differences.join(" and another "));
    Err(KvError::Invalid { reason })
}
