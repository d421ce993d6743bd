//! Statements that a caller holds, and where a statement comes from and goes back to.

use std::sync::Arc;

use super::Connection;
use crate::compiled::Compiled;
use crate::fault::Fault;
use crate::{Answer, Source, StatementId, StatementInfo};

/// A statement that a caller holds.
pub(super) struct Prepared {
    pub(super) sql: Arc<str>,
    pub(super) state: State,
}

pub(super) enum State {
    AtRest(Compiled),
    Running,
    /// Compiled on a connection before this one. Compiling it anew is left to its next run: some
    /// PRAGMAs take effect when they are compiled.
    Forgotten,
}

/// Where a statement goes when its run is over.
pub(super) enum Home {
    Cache(Arc<str>),
    Prepared(StatementId),
}

impl Connection {
    /// Takes a statement for one run. While it is out, the same text or the same prepared
    /// statement gets another one.
    pub(super) fn check_out(&mut self, source: Source) -> Result<(Home, Compiled), Fault> {
        let (home, sql) = match source {
            Source::Sql(sql) => (Home::Cache(Arc::clone(&sql)), sql),
            Source::Prepared(id) => {
                let prepared = self.find(id)?;
                let sql = Arc::clone(&prepared.sql);
                match std::mem::replace(&mut prepared.state, State::Running) {
                    State::AtRest(compiled) => return Ok((Home::Prepared(id), compiled)),
                    State::Running => (Home::Cache(Arc::clone(&sql)), sql),
                    State::Forgotten => (Home::Prepared(id), sql),
                }
            }
        };
        let compiled = self.compiled(&sql);
        if let (Err(_), &Home::Prepared(id)) = (&compiled, &home) {
            self.find(id)?.state = State::Forgotten;
        }
        Ok((home, compiled?))
    }

    /// Gives a statement back.
    pub(super) fn check_in(&mut self, home: Home, mut compiled: Compiled) {
        // The error of a failed run comes again; it was reported then.
        let _ = compiled.statement.reset();
        compiled.statement.unbind();
        match home {
            Home::Cache(sql) => self.cache.put(sql, compiled),
            Home::Prepared(id) => {
                if let Some(prepared) = self.prepared.get_mut(&id.0) {
                    prepared.state = State::AtRest(compiled);
                }
            }
        }
    }

    fn compiled(&mut self, sql: &str) -> Result<Compiled, Fault> {
        match self.cache.take(sql) {
            Some(compiled) => {
                self.counters.cache_hits.add(1);
                Ok(compiled)
            }
            None => {
                self.counters.cache_misses.add(1);
                Compiled::new(&self.db, sql, &self.counters)
            }
        }
    }

    fn find(&mut self, id: StatementId) -> Result<&mut Prepared, Fault> {
        let gone = || Fault::usage("the prepared statement was finalized");
        self.prepared.get_mut(&id.0).ok_or_else(gone)
    }

    pub(super) fn prepare(&mut self, sql: Arc<str>) -> Result<Answer, Fault> {
        let mut compiled = self.compiled(&sql)?;
        let id = StatementId(self.next_id());
        let info = StatementInfo {
            id,
            columns: compiled.shape().columns.clone(),
            reader: compiled.reader(),
            readonly: compiled.readonly,
            parameters: compiled.parameters().to_vec(),
        };
        self.prepared.insert(id.0, Prepared { sql, state: State::AtRest(compiled) });
        Ok(Answer::Prepared(info))
    }

    pub(super) fn finalize(&mut self, id: StatementId) -> Result<Answer, Fault> {
        self.find(id)?;
        let removed = self.prepared.remove(&id.0);
        if let Some(Prepared { sql, state: State::AtRest(compiled) }) = removed {
            self.cache.put(sql, compiled);
        }
        Ok(Answer::Done)
    }
}
