//! Sessions over an engine over any store, in this process, called and waited for.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use actor_sqlite_engine::{Engine, EngineOptions};
use actor_sqlite_kv::Kv;
use actor_sqlite_pagestore::{ActorId, Clock};
use actor_sqlite_session::{
    Action, Answer, Behavior, Cell, Command, Executor, ExecutorOptions, Host, OpenOptions, Params,
    Rows, Session, SessionError, Source, TransactionId, Value, Want,
};
use actor_sqlite_vfs::PageCache;

/// How a [`Stack`] is put together.
pub struct StackOptions {
    /// Of the engine.
    pub engine: EngineOptions,
    /// The page cache of the process, in bytes.
    pub cache_bytes: u64,
    /// Threads that run sessions.
    pub threads: usize,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self { engine: EngineOptions::default(), cache_bytes: 8 << 20, threads: 2 }
    }
}

/// A whole embedded database, as the binding puts it together.
pub struct Stack {
    /// The engine, for maintenance and verification.
    pub engine: Arc<Engine>,
    host: Host,
}

impl Stack {
    /// Puts one together over a store.
    pub fn new(kv: Arc<dyn Kv>, clock: Arc<dyn Clock>, options: StackOptions) -> Self {
        let engine = Arc::new(Engine::new(kv, clock.clone(), options.engine));
        let executor = Executor::new(ExecutorOptions {
            threads: options.threads,
            threads_max: options.threads + 4,
            awake_max: ExecutorOptions::AWAKE_MAX,
            clock: clock.clone(),
        });
        let host = Host {
            executor,
            store: engine.clone(),
            cache: PageCache::new(options.cache_bytes),
            clock,
            scratch_dir: scratch_dir(),
        };
        Self { engine, host }
    }

    /// Opens an actor's database.
    pub fn open(&self, actor: &ActorId, options: OpenOptions) -> Result<Database, SessionError> {
        let (done, opened) = mpsc::channel();
        Session::open(
            &self.host,
            actor.clone(),
            options,
            Box::new(move |result| {
                let _ = done.send(result);
            }),
        );
        let session = opened.recv().expect("an open is always answered")?;
        Ok(Database { session, commands: AtomicU64::new(1) })
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.host.executor.shutdown();
    }
}

fn scratch_dir() -> PathBuf {
    std::env::temp_dir()
}

/// An open database that is waited for.
pub struct Database {
    session: Session,
    commands: AtomicU64,
}

impl Database {
    /// The session below.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Asks for an action and waits for its answer.
    pub fn ask(&self, action: Action) -> Result<Answer, SessionError> {
        self.ask_in(None, action)
    }

    /// Asks for an action in a transaction and waits for its answer.
    pub fn ask_in(
        &self,
        transaction: Option<TransactionId>,
        action: Action,
    ) -> Result<Answer, SessionError> {
        let (done, answered) = mpsc::channel();
        let id = self.commands.fetch_add(1, Ordering::Relaxed);
        self.session.submit(
            Command { id, action, transaction, timeout_ms: None },
            Box::new(move |result| {
                let _ = done.send(result);
            }),
        );
        answered.recv().expect("a command is always answered")
    }

    /// Begins a transaction.
    pub fn begin(&self) -> Result<TransactionId, SessionError> {
        match self.ask(Action::Begin(Behavior::Deferred))? {
            Answer::Began(transaction) => Ok(transaction),
            other => unreachable!("a transaction was asked for, {other:?} came"),
        }
    }

    /// Runs a script.
    pub fn script(&self, sql: &str) -> Result<(), SessionError> {
        self.ask(Action::Script(sql.into())).map(|_| ())
    }

    /// All rows of one statement.
    pub fn rows(&self, sql: &str) -> Result<Vec<Vec<Value>>, SessionError> {
        let action = Action::Execute {
            source: Source::Sql(sql.into()),
            params: Params::None,
            want: Want::All,
        };
        match self.ask(action)? {
            Answer::Rows(rows) => Ok(owned(&rows)),
            other => unreachable!("rows were asked for, {other:?} came"),
        }
    }

    /// See [`crate::dump_with`].
    pub fn dump(&self) -> Result<Vec<String>, SessionError> {
        crate::dump_with(&mut |sql| self.rows(sql))
    }

    /// Closes the database and waits until it is.
    pub fn close(self) -> Result<(), SessionError> {
        self.ask(Action::Close).map(|_| ())
    }
}

fn owned(rows: &Rows) -> Vec<Vec<Value>> {
    let value = |cell: &Cell| match *cell {
        Cell::Null => Value::Null,
        Cell::Integer(value) => Value::Integer(value),
        Cell::Real(value) => Value::Real(value),
        Cell::Text { at, len } => {
            let bytes = &rows.text[at as usize..(at + len) as usize];
            Value::Text(String::from_utf8_lossy(bytes).into_owned())
        }
        Cell::Blob { at, len } => {
            Value::Blob(rows.blobs[at as usize..(at + len) as usize].to_vec())
        }
    };
    rows.cells.chunks(rows.shape.columns.len()).map(|row| row.iter().map(value).collect()).collect()
}
