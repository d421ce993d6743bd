//! Functions that a caller brings, which SQLite calls on the caller's thread while a statement runs.

use std::ffi::CString;

use rusqlite::ffi;

use super::{SyncSession, ValueRef};
use crate::fault::Fault;
use crate::raw::{RawError, Registration};
use crate::{SessionError, Value};

/// What a function is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionOp {
    /// To answer for its arguments.
    Call,
    /// To take a row into an aggregate.
    Step,
    /// To take a row out of it again, as a window moves on.
    Inverse,
    /// To tell what the aggregate stands at.
    Value,
    /// To tell it, and forget the aggregate.
    Final,
}

/// A function in SQL.
pub trait SqlFunction {
    /// Called by SQLite. `aggregate` numbers the aggregate, uniquely in the process; 0 for none, also
    /// for the end of one that took no row. `None` if it failed: the statement does, too.
    fn call(&self, op: FunctionOp, aggregate: u64, arguments: &[ValueRef<'_>]) -> Option<Value>;
}

/// How a function is registered.
#[derive(Clone, Debug, Default)]
pub struct FunctionOptions {
    /// Its name in SQL.
    pub name: String,
    /// How many arguments it takes; `None` for any number.
    pub arguments: Option<u32>,
    /// The same arguments give the same answer: indexes may use it.
    pub deterministic: bool,
    /// It must not be called by what the schema says: views, triggers, constraints.
    pub direct_only: bool,
    /// Whether it is an aggregate.
    pub aggregate: bool,
    /// Whether it is one that takes rows out again.
    pub window: bool,
}

impl SyncSession {
    /// Registers a function, or replaces the one of that name and number of arguments.
    pub fn register(
        &mut self,
        options: &FunctionOptions,
        function: Box<dyn SqlFunction>,
    ) -> Result<(), SessionError> {
        let flag = |on, flag| if on { flag } else { 0 };
        let flags = flag(options.deterministic, ffi::SQLITE_DETERMINISTIC)
            | flag(options.direct_only, ffi::SQLITE_DIRECTONLY)
            // The schema is not trusted: without this it could not call the function at all.
            | flag(!options.direct_only, ffi::SQLITE_INNOCUOUS);
        let registration = Registration {
            name: &options.name,
            arguments: options.arguments.and_then(|count| i32::try_from(count).ok()).unwrap_or(-1),
            flags,
            aggregate: options.aggregate.then_some(options.window),
        };
        self.call(|it| it.connection()?.register(&registration, function))
    }

    /// The database as the bytes of a SQLite file.
    pub fn serialize(&mut self, schema: &str) -> Result<Vec<u8>, SessionError> {
        self.call(|it| {
            let schema =
                CString::new(schema).map_err(|_| Fault::usage("there is no such schema"))?;
            let bytes = it.connection()?.serialized(&schema);
            bytes.ok_or_else(|| Fault::Raw(RawError::of(ffi::SQLITE_NOMEM)))
        })
    }
}
