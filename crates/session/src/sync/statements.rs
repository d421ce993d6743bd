//! The statements of a synchronous session.

use super::SyncSession;
use super::rows::{RowSink, hand_over};
use crate::compiled::Compiled;
use crate::connection::Text;
use crate::fault::Fault;
use crate::raw::{RawError, Step};
use crate::{Changes, Column, Params, SessionError};

use rusqlite::ffi::{SQLITE_ABORT_ROLLBACK, SQLITE_NOMEM};

/// A statement that the caller holds.
pub(super) struct Held {
    pub(super) compiled: Compiled,
    /// What is bound stays.
    bound: bool,
    run: Run,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    None,
    /// Rows are being read.
    Live,
    /// It had to end before its end.
    RolledBack,
}

/// What became of a text.
#[derive(Clone, Debug)]
pub enum SyncPrepared {
    /// There is no statement in it.
    Nothing,
    /// One, which is held until it is finalized or the session closes.
    One(SyncStatement),
    /// More than one.
    Several,
}

/// A statement.
#[derive(Clone, Debug)]
pub struct SyncStatement {
    /// To run it by.
    pub id: u64,
    /// Whether it returns columns.
    pub reader: bool,
    /// Whether it leaves the database as it is.
    pub readonly: bool,
}

impl SyncSession {
    /// Compiles a text of one statement.
    pub fn prepare(&mut self, sql: &str) -> Result<SyncPrepared, SessionError> {
        self.call(|it| {
            Ok(match it.connection()?.compile_text(sql)? {
                Text::Nothing => SyncPrepared::Nothing,
                Text::Several => SyncPrepared::Several,
                Text::One(compiled) => SyncPrepared::One(it.hold(*compiled)),
            })
        })
    }

    pub(super) fn hold(&mut self, compiled: Compiled) -> SyncStatement {
        self.next_id += 1;
        let id = self.next_id;
        let (reader, readonly) = (compiled.reader(), compiled.readonly);
        self.statements.insert(id, Held { compiled, bound: false, run: Run::None });
        SyncStatement { id, reader, readonly }
    }

    /// Lets a statement go. One that is gone is no error.
    pub fn finalize(&mut self, id: u64) {
        self.statements.remove(&id);
    }

    /// The names of a statement's parameters with their prefixes, `None` for one without a name.
    pub fn parameters(&self, id: u64) -> &[Option<String>] {
        self.statements.get(&id).map_or(&[], |held| held.compiled.parameters())
    }

    /// The columns of a statement, as they stand now.
    pub fn columns(&mut self, id: u64) -> Result<Vec<Column>, SessionError> {
        self.call(|it| {
            let held = find(&mut it.statements, id)?;
            Ok(held.compiled.shape().columns.clone())
        })
    }

    /// Binds values for good: the runs of the statement are given none any more.
    pub fn bind(&mut self, id: u64, params: Params) -> Result<(), SessionError> {
        self.call(|it| {
            let held = find(&mut it.statements, id)?;
            held.compiled.bind(params)?;
            held.bound = true;
            Ok(())
        })
    }

    /// Runs a statement to its end without its rows. `params`: of this run; `None` for one whose
    /// values are bound.
    pub fn run(&mut self, id: u64, params: Option<Params>) -> Result<Changes, SessionError> {
        self.call(|it| {
            let mut taken = it.start(id, params)?;
            let total = it.connection()?.total_changes();
            let result = it.run_out(&mut taken, None);
            let result =
                result.and_then(|()| Ok(it.connection()?.changes_since(&taken.compiled, total)));
            it.give_back(id, taken);
            result
        })
    }

    /// Runs a statement and hands its rows over, until the sink wants no more.
    pub fn rows(
        &mut self,
        id: u64,
        params: Option<Params>,
        sink: &mut dyn RowSink,
    ) -> Result<(), SessionError> {
        self.call(|it| {
            let mut taken = it.start(id, params)?;
            let result = it.run_out(&mut taken, Some(sink));
            it.give_back(id, taken);
            result
        })
    }

    /// Begins to read the rows of a statement one by one.
    pub fn open_rows(&mut self, id: u64, params: Option<Params>) -> Result<(), SessionError> {
        self.call(|it| {
            let mut taken = it.start(id, params)?;
            taken.run = Run::Live;
            it.statements.insert(id, taken);
            Ok(())
        })
    }

    /// Hands over the next row; `false` at the end, or after an error, where the reading has ended.
    pub fn next_row(&mut self, id: u64, sink: &mut dyn RowSink) -> Result<bool, SessionError> {
        self.call(|it| {
            let mut taken = it.take(id)?;
            let result = match taken.run {
                Run::None => Ok(false),
                Run::RolledBack => Err(RawError::of(SQLITE_ABORT_ROLLBACK).into()),
                Run::Live => it.step_to(&mut taken, sink),
            };
            let result = match result {
                Ok(true) => {
                    it.statements.insert(id, taken);
                    return Ok(true);
                }
                Ok(false) => it.connection()?.end_direct(&mut taken.compiled).map(|()| false),
                Err(fault) => {
                    let _ = it.connection()?.end_direct(&mut taken.compiled);
                    Err(fault)
                }
            };
            it.give_back(id, taken);
            result
        })
    }

    /// Ends the reading before its end.
    pub fn close_rows(&mut self, id: u64) -> Result<(), SessionError> {
        self.call(|it| {
            let mut taken = it.take(id)?;
            let result = it.connection()?.end_direct(&mut taken.compiled);
            it.give_back(id, taken);
            result
        })
    }

    /// A statement's text with the values of a run, or with those that are bound for good.
    pub fn expanded(&mut self, id: u64, params: Option<Params>) -> Result<String, SessionError> {
        self.call(|it| {
            let mut taken = it.take(id)?;
            let given = params.is_some();
            let bound = params.map_or(Ok(()), |params| taken.compiled.bind(params));
            let text = taken.compiled.statement.expanded();
            if given {
                taken.compiled.statement.unbind();
            }
            it.statements.insert(id, taken);
            bound?;
            text.ok_or_else(|| Fault::Raw(RawError::of(SQLITE_NOMEM)))
        })
    }

    /// The first statement of a text as SQLite would show it, and where the rest begins.
    pub fn first_statement(&mut self, sql: &str) -> Result<Option<(String, usize)>, SessionError> {
        self.call(|it| it.connection()?.first_of(sql))
    }

    /// Runs all statements of a text.
    pub fn exec(&mut self, sql: &str) -> Result<(), SessionError> {
        self.back_off();
        self.call(|it| {
            let reading = it.reading();
            it.connection()?.exec_direct(sql, reading)
        })
    }

    pub(super) fn reading(&self) -> bool {
        self.statements.values().any(|held| held.run == Run::Live)
    }

    /// Takes a statement for a run: SQLite may call back meanwhile, and must find it gone.
    fn take(&mut self, id: u64) -> Result<Held, Fault> {
        self.statements.remove(&id).ok_or_else(|| Fault::usage("the statement is not there"))
    }

    fn start(&mut self, id: u64, params: Option<Params>) -> Result<Held, Fault> {
        let mut taken = self.take(id)?;
        let reading = self.reading();
        if !taken.compiled.readonly {
            self.back_off();
            if reading && self.connection()?.stale() {
                self.end_readers();
            }
        }
        let reading = self.reading();
        let connection = self.connection()?;
        match connection.start_direct(&mut taken.compiled, params, reading) {
            Ok(()) => Ok(taken),
            Err(fault) => {
                self.give_back(id, taken);
                Err(fault)
            }
        }
    }

    /// Ends all reading: virtual tables are about to forget what it rests on.
    fn end_readers(&mut self) {
        for held in self.statements.values_mut().filter(|held| held.run == Run::Live) {
            let _ = held.compiled.statement.reset();
            held.run = Run::RolledBack;
        }
    }

    /// Runs to the end, or until the sink wants no more of a statement that only reads.
    fn run_out(
        &mut self,
        taken: &mut Held,
        mut sink: Option<&mut dyn RowSink>,
    ) -> Result<(), Fault> {
        let connection = self.connection()?;
        let compiled = &mut taken.compiled;
        let mut told = false;
        let result = loop {
            match connection.step_direct(compiled) {
                Ok(Step::Row) => {}
                Ok(Step::Done) => break Ok(()),
                Err(fault) => break Err(fault),
            }
            let Some(to) = sink.as_deref_mut() else { continue };
            if !std::mem::replace(&mut told, true) {
                to.shape(&compiled.shape());
            }
            match hand_over(&compiled.statement, to) {
                Ok(true) => {}
                Ok(false) if compiled.readonly => break Ok(()),
                Ok(false) => sink = None,
                Err(fault) => break Err(fault),
            }
        };
        let ended = connection.end_direct(compiled);
        result.and(ended)
    }

    fn step_to(&mut self, taken: &mut Held, sink: &mut dyn RowSink) -> Result<bool, Fault> {
        let compiled = &mut taken.compiled;
        if self.connection()?.step_direct(compiled)? == Step::Done {
            return Ok(false);
        }
        sink.shape(&compiled.shape());
        hand_over(&compiled.statement, sink)?;
        Ok(true)
    }

    fn give_back(&mut self, id: u64, mut taken: Held) {
        taken.run = Run::None;
        if !taken.bound {
            taken.compiled.statement.unbind();
        }
        self.statements.insert(id, taken);
    }
}

pub(super) fn find(
    statements: &mut std::collections::HashMap<u64, Held>,
    id: u64,
) -> Result<&mut Held, Fault> {
    statements.get_mut(&id).ok_or_else(|| Fault::usage("the statement is not there"))
}
