//! One store of the process: the key-value store, the engine over it, the threads that run its
//! databases, its page cache, and the thread that looks after it.
//!
//! All environments of a process share one instance a directory, by counted references. The last
//! one to go shuts it down; whoever opens the directory meanwhile waits for that.

use std::collections::HashMap;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use actor_sqlite_engine::Engine;
use actor_sqlite_kv_rocksdb::RocksKv;
use actor_sqlite_pagestore::{Clock, PageStore};
use actor_sqlite_session::{Executor, ExecutorOptions, Host, Session, SessionMetrics, SyncSight};
use actor_sqlite_vfs::PageCache;

use crate::admin::NativeDamage;
use crate::clock::SystemClock;
use crate::database::Database;
use crate::error::{ErrorPayload, Outcome, kv_error};
use crate::heap;
use crate::maintenance;
use crate::metrics::{DatabaseMetrics, StorageMetrics};
use crate::scrubber::Scrubber;
use crate::settings::StoreSettings;
use crate::stop::Stoppable;

/// Threads that may stand in for threads that wait for the store.
const THREADS_MAX: usize = 64;

/// How long a store that is shut down waits for those who read its metrics.
const READERS_POLL: Duration = Duration::from_millis(1);
const READERS_POLLS_MAX: usize = 1000;

/// How long the last environment waits for its stores. They take milliseconds; one that hangs must not
/// keep the process for ever.
const LAST_WAIT: Duration = Duration::from_secs(10);

/// What an environment is to keep after an opening.
pub enum Opened {
    /// A reference to a store.
    Store(StoreRef),
    /// A database.
    Database(Database),
}

/// A live store.
pub struct Store {
    kv: Arc<RocksKv>,
    engine: Arc<Engine>,
    host: Host,
    maintenance: Stoppable,
    heap: Stoppable,
    scrubber: Scrubber,
    opened: AtomicU64,
    sessions: Mutex<Sessions>,
}

/// What has counters of a database.
pub trait Metered: Send + Sync {
    /// As they stand now.
    fn counters(&self) -> SessionMetrics;
}

impl Metered for Session {
    fn counters(&self) -> SessionMetrics {
        self.metrics()
    }
}

impl Metered for SyncSight {
    fn counters(&self) -> SessionMetrics {
        self.metrics()
    }
}

/// The databases of a store, for its metrics.
#[derive(Default)]
struct Sessions {
    live: HashMap<u64, Weak<dyn Metered>>,
    closed: DatabaseMetrics,
}

/// One directory, whether its store is live or not.
#[derive(Default)]
struct Place {
    references: AtomicUsize,
    /// Never held for long: metrics are read on threads that run JavaScript.
    slot: Mutex<Slot>,
    changed: Condvar,
}

/// What is at a place.
#[derive(Default)]
enum Slot {
    #[default]
    Empty,
    /// A store is being opened or shut down here, by one thread.
    Changing,
    Live(Arc<Store>),
}

/// The right to change what is at a place; what it leaves is there when it goes.
struct Change<'place> {
    place: &'place Place,
    next: Slot,
}

impl<'place> Change<'place> {
    fn begin(place: &'place Place, slot: &mut Slot) -> (Self, Slot) {
        let before = mem::replace(slot, Slot::Changing);
        (Self { place, next: Slot::Empty }, before)
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        *locked(&self.place.slot) = mem::take(&mut self.next);
        self.place.changed.notify_all();
    }
}

static PLACES: Mutex<Option<HashMap<PathBuf, Arc<Place>>>> = Mutex::new(None);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn place(path: &Path) -> Arc<Place> {
    let mut places = locked(&PLACES);
    Arc::clone(places.get_or_insert_default().entry(path.to_path_buf()).or_default())
}

/// The stores that are live now.
pub fn live_stores() -> Vec<Arc<Store>> {
    let places: Vec<_> = locked(&PLACES).iter().flat_map(HashMap::values).cloned().collect();
    let live = |place: &Arc<Place>| match &*locked(&place.slot) {
        Slot::Live(store) => Some(Arc::clone(store)),
        Slot::Empty | Slot::Changing => None,
    };
    places.iter().filter_map(live).collect()
}

/// Waits until no store is live: at the end of the last environment. What an executor's thread lets go
/// of last is shut down by a thread of its own, and if the process ended meanwhile that thread would
/// meet RocksDB's static objects destroyed, and abort.
pub fn wait_for_all() {
    let deadline = Instant::now() + LAST_WAIT;
    let places: Vec<_> = locked(&PLACES).iter().flat_map(HashMap::values).cloned().collect();
    for place in places {
        let left = deadline.saturating_duration_since(Instant::now());
        let is_there = |slot: &mut Slot| !matches!(slot, Slot::Empty);
        drop(place.changed.wait_timeout_while(locked(&place.slot), left, is_there));
    }
}

impl Store {
    fn open(path: &Path, settings: &StoreSettings) -> Outcome<Self> {
        heap::set_up();
        let kv = RocksKv::open(path, &settings.kv)
            .map_err(|error| Box::new(kv_error(&error, &path.display().to_string())))?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let engine =
            Arc::new(Engine::new(Arc::clone(&kv) as _, Arc::clone(&clock), settings.engine));
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let executor = Executor::new(ExecutorOptions {
            threads,
            threads_max: threads.max(THREADS_MAX),
            awake_max: settings.awake_max,
            clock: Arc::clone(&clock),
        });
        let host = Host {
            executor,
            store: Arc::clone(&engine) as Arc<dyn PageStore>,
            cache: PageCache::new(settings.page_cache_bytes),
            clock,
            scratch_dir: std::env::temp_dir(),
        };
        let maintenance = maintenance::start(Arc::clone(&engine), Arc::clone(&kv));
        let heap = heap::start(Arc::clone(&engine), Arc::clone(&host.executor));
        let scrubber = Scrubber::start(Arc::clone(&engine), settings.scrub_bytes_per_second);
        Ok(Self {
            kv,
            engine,
            host,
            maintenance,
            heap,
            scrubber,
            opened: AtomicU64::new(0),
            sessions: Mutex::default(),
        })
    }

    /// The engine, for what is not a session's.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Damaged rows that the scrubber has found.
    pub fn damage(&self) -> Vec<NativeDamage> {
        self.scrubber.damage()
    }

    /// What sessions of this store share.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Enters a database that was opened, and numbers it.
    pub fn enter(&self, session: Weak<dyn Metered>) -> u64 {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        locked(&self.sessions).live.insert(number, session);
        number
    }

    /// Strikes out a database: what it did stays in the sums.
    pub fn leave(&self, number: u64, last: &DatabaseMetrics) {
        let mut sessions = locked(&self.sessions);
        if sessions.live.remove(&number).is_some() {
            sessions.closed.add(last, true);
        }
    }

    /// Counters of the store and of all its databases.
    pub fn metrics(&self) -> StorageMetrics {
        let (live, mut databases): (Vec<_>, _) = {
            let sessions = locked(&self.sessions);
            (sessions.live.values().filter_map(Weak::upgrade).collect(), sessions.closed.clone())
        };
        for session in &live {
            databases.add(&session.counters().into(), false);
        }
        let page_cache = self.host.cache.metrics();
        databases.vfs.page_cache_entries = page_cache.entries as f64;
        databases.vfs.page_cache_weighted_size = page_cache.weighted_bytes as f64;
        StorageMetrics {
            open_databases: live.len() as f64,
            opened: self.opened.load(Ordering::Relaxed) as f64,
            databases,
            engine: self.engine.metrics().into(),
            kv: self.kv.metrics().into(),
            executor: self.host.executor.metrics().into(),
            sleep: self.host.executor.sleep_metrics().into(),
            page_cache: page_cache.into(),
            scrub: self.scrubber.metrics(),
        }
    }

    fn shut_down(&self) {
        self.scrubber.stop();
        self.maintenance.stop();
        self.heap.stop();
        self.host.executor.shutdown();
    }
}

/// A counted reference to a live store.
pub struct StoreRef {
    /// `None` once it is given up.
    store: Option<Arc<Store>>,
    place: Arc<Place>,
}

impl StoreRef {
    /// Opens the store of a directory, or joins it if it is live; the options of the first opening
    /// hold. Blocks, for tens of milliseconds and for as long as a recovery takes.
    pub fn open(path: &Path, settings: &StoreSettings) -> Outcome<Self> {
        let unavailable = |error: std::io::Error| {
            Box::new(ErrorPayload::directory(&path.display().to_string(), &error))
        };
        std::fs::create_dir_all(path).map_err(unavailable)?;
        let path = std::fs::canonicalize(path).map_err(unavailable)?;
        let place = place(&path);
        let mut slot = locked(&place.slot);
        while matches!(*slot, Slot::Changing) {
            slot = place.changed.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
        if let Slot::Live(store) = &*slot {
            let store = Arc::clone(store);
            place.references.fetch_add(1, Ordering::SeqCst);
            drop(slot);
            return Ok(Self { store: Some(store), place });
        }
        let (mut change, _) = Change::begin(&place, &mut slot);
        drop(slot);
        let store = Arc::new(Store::open(&path, settings)?);
        place.references.fetch_add(1, Ordering::SeqCst);
        change.next = Slot::Live(Arc::clone(&store));
        drop(change);
        Ok(Self { store: Some(store), place })
    }

    /// The store.
    pub fn store(&self) -> &Arc<Store> {
        self.store.as_ref().expect("only close and drop take it, and nobody has it after them")
    }

    /// Lets go; if this was the last reference, shuts the store down before it returns. Never on
    /// a thread of the store.
    pub fn close(mut self) {
        if self.release() {
            shut_down(&self.place);
        }
    }

    /// Gives up this reference; whether it was the last one.
    fn release(&mut self) -> bool {
        self.store.take().is_some() && self.place.references.fetch_sub(1, Ordering::SeqCst) == 1
    }
}

impl Clone for StoreRef {
    fn clone(&self) -> Self {
        self.place.references.fetch_add(1, Ordering::SeqCst);
        Self { store: Some(Arc::clone(self.store())), place: Arc::clone(&self.place) }
    }
}

impl Drop for StoreRef {
    fn drop(&mut self) {
        if self.release() {
            // This may be a thread of the store, which must not wait for itself.
            let place = Arc::clone(&self.place);
            thread::spawn(move || shut_down(&place));
        }
    }
}

/// Shuts the store of a directory down unless somebody has taken a reference meanwhile.
fn shut_down(place: &Place) {
    let mut slot = locked(&place.slot);
    if place.references.load(Ordering::SeqCst) > 0 || !matches!(*slot, Slot::Live(_)) {
        return;
    }
    let (change, before) = Change::begin(place, &mut slot);
    drop(slot);
    if let Slot::Live(mut store) = before {
        store.shut_down();
        // Its directory is free when the last reference is gone: metrics may be read just now.
        for _ in 0..READERS_POLLS_MAX {
            match Arc::try_unwrap(store) {
                Ok(last) => return drop((last, change)),
                Err(shared) => store = shared,
            }
            thread::sleep(READERS_POLL);
        }
    }
    drop(change);
}
