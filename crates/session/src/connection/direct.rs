//! Running statements that a synchronous session holds, on its caller's own thread.

use std::ffi::CStr;

use super::Connection;
use crate::compiled::{Compiled, Texts};
use crate::fault::Fault;
use crate::raw::{Registration, Step};
use crate::{Changes, Params, SessionError, SqlFunction, SqlModule};

/// What a text is made of.
pub(crate) enum Text {
    /// Nothing but blanks and comments.
    Nothing,
    One(Box<Compiled>),
    Several,
}

impl Connection {
    /// What is behind a failure.
    pub(crate) fn explained<T>(&self, result: Result<T, Fault>) -> Result<T, SessionError> {
        result.map_err(|fault| self.explain(fault))
    }

    pub(crate) fn compile_text(&mut self, sql: &str) -> Result<Text, Fault> {
        self.forget_errors();
        let mut rest = Texts::new(sql)?;
        let Some((statement, text)) = rest.next(&self.db, true)? else { return Ok(Text::Nothing) };
        let compiled = Compiled::of(statement, text);
        // A text after the statement that does not compile is one too many as well.
        if !matches!(rest.next(&self.db, false), Ok(None)) {
            return Ok(Text::Several);
        }
        self.counters.prepared.add(1);
        Ok(Text::One(Box::new(compiled)))
    }

    /// The first statement of a text as SQLite would show it, and where the rest begins.
    pub(crate) fn first_of(&mut self, sql: &str) -> Result<Option<(String, usize)>, Fault> {
        let mut texts = Texts::new(sql)?;
        let Some((statement, text)) = texts.next(&self.db, false)? else { return Ok(None) };
        let shown = statement.expanded().unwrap_or_else(|| text.to_owned());
        Ok(Some((shown, texts.position())))
    }

    /// To be called before each run. `reading`: other statements of the caller are under way.
    pub(crate) fn start_direct(
        &mut self,
        compiled: &mut Compiled,
        params: Option<Params>,
        reading: bool,
    ) -> Result<(), Fault> {
        if self.db.stale() && !reading {
            self.forget_now()?;
        }
        self.forget_errors();
        if let Some(params) = params {
            compiled.bind(params)?;
        }
        self.counters.ran(compiled.kind);
        Ok(())
    }

    /// Whether virtual tables must forget something before a statement writes.
    pub(crate) fn stale(&self) -> bool {
        self.db.stale()
    }

    /// The next row of a statement that was started.
    pub(crate) fn step_direct(&self, compiled: &mut Compiled) -> Result<Step, Fault> {
        let kind = compiled.kind;
        Ok(self.while_vacuuming(kind, || compiled.statement.step())?)
    }

    /// Ends a run that is at its end, or is given up.
    pub(crate) fn end_direct(&self, compiled: &mut Compiled) -> Result<(), Fault> {
        let result = compiled.statement.reset();
        self.counted(compiled);
        result?;
        self.check_reads(compiled)
    }

    pub(crate) fn register(
        &mut self,
        registration: &Registration<'_>,
        function: Box<dyn SqlFunction>,
    ) -> Result<(), Fault> {
        Ok(self.db.register(registration, function)?)
    }

    pub(crate) fn register_module(
        &mut self,
        name: &str,
        eponymous: bool,
        module: Box<dyn SqlModule>,
    ) -> Result<(), Fault> {
        Ok(self.db.register_module(name, eponymous, module)?)
    }

    pub(crate) fn serialized(&self, schema: &CStr) -> Option<Vec<u8>> {
        self.db.serialized(schema)
    }

    pub(crate) fn total_changes(&self) -> i64 {
        self.db.total_changes()
    }

    pub(crate) fn changes_since(&self, compiled: &Compiled, total: i64) -> Changes {
        self.changes(compiled, total)
    }

    /// Runs the statements of a text one after another; parameters are NULL.
    pub(crate) fn exec_direct(&mut self, sql: &str, reading: bool) -> Result<(), Fault> {
        let mut texts = Texts::new(sql)?;
        while let Some((statement, text)) = texts.next(&self.db, false)? {
            self.counters.prepared.add(1);
            let mut compiled = Compiled::of(statement, text);
            self.start_direct(&mut compiled, None, reading)?;
            let result = loop {
                match self.step_direct(&mut compiled) {
                    Ok(Step::Row) => {}
                    Ok(Step::Done) => break Ok(()),
                    Err(fault) => break Err(fault),
                }
            };
            let ended = self.end_direct(&mut compiled);
            result.and(ended)?;
        }
        Ok(())
    }
}
