//! What the tests share: a host over a store in memory, and a session that is called like a
//! function.
#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use actor_sqlite_pagestore::{ActorId, MemPageStore, PageStore};
use actor_sqlite_session::*;
use actor_sqlite_vfs::PageCache;

/// The machine's time.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        1_700_000_000_000
    }

    fn monotonic_ns(&self) -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_nanos() as u64 + 1
    }
}

/// Time that stands still until it is moved.
#[derive(Default)]
pub struct ManualClock(pub AtomicU64);

impl ManualClock {
    pub fn advance_ms(&self, ms: u64) {
        self.0.fetch_add(ms * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        1_700_000_000_000
    }

    fn monotonic_ns(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub type Result<T> = std::result::Result<T, SessionError>;

pub fn host_with(
    store: Arc<dyn PageStore>,
    threads: usize,
    threads_max: usize,
    clock: Arc<dyn Clock>,
) -> Host {
    let options = ExecutorOptions {
        threads,
        threads_max,
        awake_max: ExecutorOptions::AWAKE_MAX,
        clock: clock.clone(),
    };
    Host {
        executor: Executor::new(options),
        store,
        cache: PageCache::new(16 << 20),
        clock,
        scratch_dir: std::env::temp_dir(),
    }
}

pub fn host() -> Host {
    host_with(Arc::new(MemPageStore::new()), 2, 8, Arc::new(SystemClock))
}

pub fn actor(name: &str) -> ActorId {
    ActorId::new("test", name).unwrap()
}

pub fn try_open(host: &Host, name: &str, options: OpenOptions) -> Result<Db> {
    let (send, receive) = channel();
    Session::open(host, actor(name), options, Box::new(move |result| send.send(result).unwrap()));
    receive.recv().unwrap().map(|session| Db { session, next: AtomicU64::new(1) })
}

pub fn open(host: &Host, name: &str) -> Db {
    try_open(host, name, OpenOptions::default()).unwrap()
}

/// A database on a host of its own.
pub fn fresh() -> Db {
    open(&host(), "a")
}

/// Why a statement without columns does not run when rows are wanted.
pub const NO_ROWS: &str = "the statement returns no rows, and rows are wanted";

/// A row as values.
pub type Row = Vec<Value>;

/// A session whose commands are waited for.
pub struct Db {
    pub session: Session,
    next: AtomicU64,
}

impl Db {
    pub fn next_id(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub fn command(&self, action: Action, transaction: Option<TransactionId>) -> Command {
        Command { id: self.next_id(), action, transaction, timeout_ms: None }
    }

    /// Submits and does not wait.
    pub fn start_command(&self, command: Command) -> Receiver<Result<Answer>> {
        let (send, receive) = channel();
        let reply = Box::new(move |result| {
            let _ = send.send(result);
        });
        self.session.submit(command, reply);
        receive
    }

    pub fn start(&self, action: Action) -> Receiver<Result<Answer>> {
        self.start_command(self.command(action, None))
    }

    pub fn call(&self, action: Action) -> Result<Answer> {
        self.start(action).recv().expect("the reply was dropped unanswered")
    }

    pub fn call_in(&self, transaction: TransactionId, action: Action) -> Result<Answer> {
        self.start_command(self.command(action, Some(transaction))).recv().unwrap()
    }

    pub fn run_with(&self, sql: &str, params: Params) -> Result<Changes> {
        match self.call(execute(sql, params, Want::Run))? {
            Answer::Changes(changes) => Ok(changes),
            answer => panic!("{answer:?}"),
        }
    }

    pub fn run(&self, sql: &str) -> Result<Changes> {
        self.run_with(sql, Params::None)
    }

    /// All rows; none for a statement that returns no columns.
    pub fn all_with(&self, sql: &str, params: Params) -> Result<Vec<Row>> {
        match self.call(execute(sql, params.clone(), Want::All)) {
            Ok(answer) => Ok(values(&rows_of(answer))),
            Err(SessionError::Usage { reason }) if reason == NO_ROWS => {
                self.run_with(sql, params).map(|_| Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    pub fn all(&self, sql: &str) -> Result<Vec<Row>> {
        self.all_with(sql, Params::None)
    }

    /// The one value of a query.
    pub fn one(&self, sql: &str) -> Value {
        self.all(sql).unwrap().remove(0).remove(0)
    }

    pub fn script(&self, sql: &str) -> Result<()> {
        self.call(Action::Script(sql.into())).map(drop)
    }

    pub fn begin(&self) -> TransactionId {
        began(self.call(Action::Begin(Behavior::Deferred)).unwrap())
    }

    pub fn close(&self) -> Result<()> {
        self.call(Action::Close).map(drop)
    }
}

pub fn execute(sql: &str, params: Params, want: Want) -> Action {
    Action::Execute { source: Source::Sql(sql.into()), params, want }
}

pub fn run(sql: &str) -> Action {
    execute(sql, Params::None, Want::Run)
}

pub fn began(answer: Answer) -> TransactionId {
    match answer {
        Answer::Began(id) => id,
        answer => panic!("{answer:?}"),
    }
}

pub fn rows_of(answer: Answer) -> Rows {
    match answer {
        Answer::Rows(rows) => rows,
        answer => panic!("{answer:?}"),
    }
}

/// Rows without their chunk format.
pub fn values(rows: &Rows) -> Vec<Row> {
    let columns = rows.shape.columns.len();
    assert!(columns > 0);
    assert_eq!(rows.cells.len(), rows.row_count * columns);
    let range = |at: u32, len: u32| at as usize..(at + len) as usize;
    rows.cells
        .chunks(columns)
        .map(|row| {
            row.iter()
                .map(|cell| match *cell {
                    Cell::Null => Value::Null,
                    Cell::Integer(value) => Value::Integer(value),
                    Cell::Real(value) => Value::Real(value),
                    Cell::Text { at, len } => {
                        let text = rows.text[range(at, len)].to_vec();
                        Value::Text(String::from_utf8(text).unwrap())
                    }
                    Cell::Blob { at, len } => Value::Blob(rows.blobs[range(at, len)].to_vec()),
                })
                .collect()
        })
        .collect()
}

pub fn int(value: i64) -> Value {
    Value::Integer(value)
}

pub fn text(value: &str) -> Value {
    Value::Text(value.into())
}

/// Asks a session to sleep; tells whether it does.
pub fn doze(host: &Host, db: &Db) -> bool {
    let tried = |it: SleepMetrics| {
        it.sleeps
            + it.held_by_transaction
            + it.held_by_cursor
            + it.held_by_temp
            + it.held_by_answer
            + it.held_by_failure
    };
    let before = host.executor.sleep_metrics();
    while !db.session.metrics().asleep {
        let now = host.executor.sleep_metrics();
        if tried(now) > tried(before) {
            break;
        }
        // The turn of the newest command may not be over yet.
        db.session.doze();
        let busy = now.held_by_command;
        let settled = |it: SleepMetrics| it.held_by_command > busy || tried(it) > tried(before);
        while !settled(host.executor.sleep_metrics()) {
            std::thread::yield_now();
        }
    }
    db.session.metrics().asleep
}

/// SQLite's extended code of a failure.
#[track_caller]
pub fn code<T: std::fmt::Debug>(result: Result<T>) -> i32 {
    match result {
        Err(SessionError::Sqlite { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

/// A random generator from `SEED`, or from the default given; the seed is printed.
pub fn random(default: u64) -> fastrand::Rng {
    let seed = std::env::var("SEED").ok().and_then(|it| it.parse().ok()).unwrap_or(default);
    println!("SEED={seed}");
    fastrand::Rng::with_seed(seed)
}
