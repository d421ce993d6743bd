//! What a program may ask of a connection that is its own: SQLite's counts, limits, settings and
//! authorizer.

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;

use super::statements::find;
use super::{SyncPrepared, SyncSession};
use crate::raw::StatementCounter;
use crate::{AskedAuthorizer, SessionError};

/// A setting of a connection that is on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncSetting {
    /// Nothing that SQL does may damage the database: on, unless turned off.
    Defensive,
    /// A word in double quotes that names nothing is a text: off, unless turned on.
    DoubleQuotedStrings,
}

/// One of SQLite's run-time limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncLimit {
    /// Bytes of a text, a blob or a row.
    Length,
    /// Bytes of an SQL text.
    SqlLength,
    /// Columns of a table, an index or a result.
    Column,
    /// Depth of an expression.
    ExprDepth,
    /// Terms of a compound SELECT.
    CompoundSelect,
    /// Instructions of a compiled statement.
    VdbeOp,
    /// Arguments of a function.
    FunctionArg,
    /// Attached databases; VACUUM needs 1.
    Attached,
    /// Bytes of a LIKE or GLOB pattern.
    LikePatternLength,
    /// The highest parameter number.
    VariableNumber,
    /// Depth of triggers that fire triggers.
    TriggerDepth,
}

impl SyncLimit {
    fn limit(self) -> Limit {
        match self {
            Self::Length => Limit::SQLITE_LIMIT_LENGTH,
            Self::SqlLength => Limit::SQLITE_LIMIT_SQL_LENGTH,
            Self::Column => Limit::SQLITE_LIMIT_COLUMN,
            Self::ExprDepth => Limit::SQLITE_LIMIT_EXPR_DEPTH,
            Self::CompoundSelect => Limit::SQLITE_LIMIT_COMPOUND_SELECT,
            Self::VdbeOp => Limit::SQLITE_LIMIT_VDBE_OP,
            Self::FunctionArg => Limit::SQLITE_LIMIT_FUNCTION_ARG,
            Self::Attached => Limit::SQLITE_LIMIT_ATTACHED,
            Self::LikePatternLength => Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH,
            Self::VariableNumber => Limit::SQLITE_LIMIT_VARIABLE_NUMBER,
            Self::TriggerDepth => Limit::SQLITE_LIMIT_TRIGGER_DEPTH,
        }
    }
}

impl SyncSession {
    /// Compiles the first statement of a text, whatever follows it.
    pub fn prepare_first(&mut self, sql: &str) -> Result<SyncPrepared, SessionError> {
        self.call(|it| {
            Ok(match it.connection()?.compile_first(sql)? {
                None => SyncPrepared::Nothing,
                Some(compiled) => SyncPrepared::One(it.hold(compiled)),
            })
        })
    }

    /// A counter of a statement, which is set to 0 with `reset`.
    pub fn statement_counter(
        &mut self,
        id: u64,
        counter: StatementCounter,
        reset: bool,
    ) -> Result<i32, SessionError> {
        self.call(|it| Ok(find(&mut it.statements, id)?.compiled.statement.counter(counter, reset)))
    }

    /// Rows changed by the newest INSERT, UPDATE or DELETE, and the newest rowid.
    pub fn counts(&mut self) -> Result<(u64, i64), SessionError> {
        self.call(|it| Ok(it.connection()?.counts()))
    }

    /// A limit as it stands.
    pub fn limit(&mut self, limit: SyncLimit) -> Result<i32, SessionError> {
        self.call(|it| Ok(it.connection()?.limit_of(limit.limit())))
    }

    /// Sets a limit, at most to what SQLite was compiled for.
    pub fn set_limit(&mut self, limit: SyncLimit, value: i32) -> Result<(), SessionError> {
        self.call(|it| it.connection()?.set_limit(limit.limit(), value))
    }

    /// Turns a setting on or off.
    pub fn configure(&mut self, setting: SyncSetting, on: bool) -> Result<(), SessionError> {
        let configs: &[DbConfig] = match setting {
            SyncSetting::Defensive => &[DbConfig::SQLITE_DBCONFIG_DEFENSIVE],
            SyncSetting::DoubleQuotedStrings => {
                &[DbConfig::SQLITE_DBCONFIG_DQS_DML, DbConfig::SQLITE_DBCONFIG_DQS_DDL]
            }
        };
        self.call(|it| {
            let connection = it.connection()?;
            configs.iter().try_for_each(|config| connection.configure(*config, on))
        })
    }

    /// Has an authorizer of the program's asked as well, instead of one before it. Statements that
    /// were compiled are compiled anew by their next run.
    pub fn set_authorizer(
        &mut self,
        asked: Option<Box<dyn AskedAuthorizer>>,
    ) -> Result<(), SessionError> {
        self.call(|it| it.connection()?.ask(asked))
    }
}
