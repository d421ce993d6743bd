//! Compiled statements and the cache of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hashlink::LruCache;

use crate::fault::Fault;
use crate::keyword::Kind;
use crate::metrics::Counters;
use crate::raw::{Db, Statement};
use crate::{Column, Params, Shape};

/// A statement with what is known of it.
pub(crate) struct Compiled {
    pub(crate) statement: Statement,
    pub(crate) kind: Kind,
    pub(crate) readonly: bool,
    parameters: Vec<Option<String>>,
    shape: Option<Arc<Shape>>,
    /// How often SQLite had compiled it anew when `shape` was made.
    reprepares: i32,
}

impl Compiled {
    /// Compiles a text of exactly one statement.
    pub(crate) fn new(db: &Arc<Db>, sql: &str, counters: &Counters) -> Result<Self, Fault> {
        let mut rest = Texts::new(sql)?;
        let Some((statement, text)) = rest.next(db, true)? else {
            return Err(Fault::usage("there is no SQL statement"));
        };
        counters.prepared.add(1);
        let one_only = || Fault::usage("there is more than one SQL statement");
        // A text after the statement that does not compile is one too many as well.
        if rest.next(db, false).map_err(|_| one_only())?.is_some() {
            return Err(one_only());
        }
        Ok(Self::of(statement, text))
    }

    /// Takes a statement with its text.
    pub(crate) fn of(statement: Statement, text: &str) -> Self {
        let readonly = statement.readonly();
        let kind = match Kind::of(text) {
            _ if statement.explain() => Kind::Other,
            kind => kind,
        };
        let parameters = statement.parameters();
        Self { statement, kind, readonly, parameters, shape: None, reprepares: 0 }
    }

    pub(crate) fn parameters(&self) -> &[Option<String>] {
        &self.parameters
    }

    /// Whether it returns columns.
    pub(crate) fn reader(&self) -> bool {
        self.statement.column_count() > 0
    }

    pub(crate) fn bind(&mut self, params: Params) -> Result<(), Fault> {
        let order = crate::params::order(&self.parameters, &params)?;
        Ok(self.statement.bind(params, &order)?)
    }

    /// The columns. To be asked after the first step, which may compile the statement anew.
    pub(crate) fn shape(&mut self) -> Arc<Shape> {
        let reprepares = self.statement.reprepares();
        if let Some(shape) = self.shape.as_ref().filter(|_| reprepares == self.reprepares) {
            return Arc::clone(shape);
        }
        let columns: Vec<Column> =
            (0..self.statement.column_count()).map(|index| self.statement.column(index)).collect();
        self.reprepares = reprepares;
        match &self.shape {
            Some(shape) if shape.columns == columns => Arc::clone(shape),
            _ => Arc::clone(self.shape.insert(Shape::new(columns))),
        }
    }
}

impl Shape {
    fn new(columns: Vec<Column>) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Arc::new(Self { id: NEXT.fetch_add(1, Ordering::Relaxed), columns })
    }
}

/// The statements of a text, one after another.
pub(crate) struct Texts<'a> {
    sql: &'a str,
    at: usize,
}

impl<'a> Texts<'a> {
    pub(crate) fn new(sql: &'a str) -> Result<Self, Fault> {
        // SQLite would take it for the end and drop what follows.
        match sql.contains('\0') {
            true => Err(Fault::usage("the SQL text holds a NUL character")),
            false => Ok(Self { sql, at: 0 }),
        }
    }

    /// Where the next statement begins.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Compiles the next statement, which comes with its text.
    pub(crate) fn next(
        &mut self,
        db: &Arc<Db>,
        persistent: bool,
    ) -> Result<Option<(Statement, &'a str)>, Fault> {
        loop {
            let rest = &self.sql[self.at..];
            if rest.trim_ascii_start().is_empty() {
                return Ok(None);
            }
            let prepared = Statement::prepare(db, rest, persistent).map_err(|mut error| {
                error.offset = error.offset.map(|offset| offset + self.at);
                error
            })?;
            self.at += prepared.tail;
            if let Some(statement) = prepared.statement {
                return Ok(Some((statement, &rest[..prepared.tail])));
            }
            if prepared.tail == 0 {
                return Ok(None);
            }
        }
    }
}

/// Statements at rest by their text, the least recently used one goes first. One that runs is taken
/// out, so that the same text can run a second time beside it.
pub(crate) struct StatementCache {
    entries: LruCache<Arc<str>, Compiled>,
}

impl StatementCache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: LruCache::new(capacity) }
    }

    pub(crate) fn take(&mut self, sql: &str) -> Option<Compiled> {
        self.entries.remove(sql)
    }

    /// Keeps a statement that is at rest, instead of any other of that text.
    pub(crate) fn put(&mut self, sql: Arc<str>, compiled: Compiled) {
        if self.entries.capacity() > 0 {
            self.entries.insert(sql, compiled);
        }
    }
}
