//! Several statements in one command.

use super::Connection;
use super::run::finish;
use crate::compiled::{Compiled, Texts};
use crate::fault::Fault;
use crate::keyword::Kind;
use crate::{Answer, BatchEntry, BatchResult, Behavior, Changes, Params, Source, Want};

impl Connection {
    pub(super) fn batch(
        &mut self,
        entries: Vec<BatchEntry>,
        behavior: Behavior,
    ) -> Result<Answer, Fault> {
        let results = self.atomically(behavior, |connection| {
            let at = |index| move |fault| Fault::At(index, Box::new(fault));
            let run = |(index, entry)| connection.batch_entry(entry).map_err(at(index));
            entries.into_iter().enumerate().map(run).collect()
        })?;
        Ok(Answer::Batch(results))
    }

    fn batch_entry(&mut self, entry: BatchEntry) -> Result<BatchResult, Fault> {
        let BatchEntry { sql, mut rows } = entry;
        if rows.is_empty() {
            rows.push(Params::None);
        }
        let (home, mut compiled) = self.check_out(Source::Sql(sql))?;
        let result = self.runs(&mut compiled, rows);
        self.check_in(home, compiled);
        result
    }

    fn runs(&mut self, compiled: &mut Compiled, rows: Vec<Params>) -> Result<BatchResult, Fault> {
        if compiled.kind == Kind::Transaction {
            return Err(Fault::usage("a batch is one transaction: it cannot begin or end one"));
        }
        let mut result = BatchResult { changes: Changes::default(), rows: None };
        let total = self.db.total_changes();
        for params in rows {
            let before = self.db.total_changes();
            let want = if compiled.reader() { Want::All } else { Want::Run };
            match self.run(compiled, params, want)? {
                Answer::Rows(rows) => {
                    result.rows = Some(rows);
                    result.changes.changes += self.changes(compiled, before).changes;
                }
                Answer::Changes(changes) => result.changes.changes += changes.changes,
                _ => {}
            }
            let _ = compiled.statement.reset();
        }
        result.changes.last_insert_rowid = self.changes(compiled, total).last_insert_rowid;
        Ok(result)
    }

    /// Runs the statements of a text one after another, each by itself.
    pub(super) fn script(&mut self, sql: &str) -> Result<Answer, Fault> {
        let mut texts = Texts::new(sql)?;
        for index in 0.. {
            let at = |fault| Fault::At(index, Box::new(fault));
            self.control.check()?;
            let Some((statement, text)) = texts.next(&self.db, false).map_err(at)? else { break };
            self.counters.prepared.add(1);
            self.script_statement(Compiled::of(statement, text)).map_err(at)?;
        }
        Ok(Answer::Done)
    }

    fn script_statement(&mut self, mut compiled: Compiled) -> Result<(), Fault> {
        if !compiled.parameters().is_empty() {
            return Err(Fault::parameters("a statement of a script has parameters"));
        }
        self.forget_before(&compiled)?;
        self.forget_errors();
        self.counters.ran(compiled.kind);
        let result = self.while_vacuuming(compiled.kind, || finish(&mut compiled));
        self.counted(&compiled);
        result.and_then(|()| self.check_reads(&compiled))
    }
}
