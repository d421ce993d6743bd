//! Virtual tables that a caller brings, whose rows SQLite asks for on the caller's thread while a
//! statement runs.

use super::{SyncSession, ValueRef};
use crate::{SessionError, Value};

/// A module of virtual tables. What fails in it fails the statement that needs it.
pub trait SqlModule {
    /// Connects to a table: the names of module, database and table, and then what stands between
    /// the parentheses after `USING`, argument by argument. SQLite may ask more than once for a
    /// table, as it forgets what it knew of the schema. `None` if it failed.
    fn connect(&self, arguments: &[&str]) -> Option<SqlTableDefinition>;
}

/// What a module makes of a table's arguments.
pub struct SqlTableDefinition {
    /// Columns before the others that are hidden, and can be given values as arguments are: at most
    /// 32.
    pub parameters: Vec<String>,
    /// Columns.
    pub columns: Vec<String>,
    /// It must not be read by what the schema says: views, triggers.
    pub direct_only: bool,
    /// Where its rows come from.
    pub table: Box<dyn SqlTable>,
}

/// A virtual table.
pub trait SqlTable {
    /// Begins to read it, with a value for each parameter that was given one; none of them is NULL.
    /// `None` if it failed.
    fn scan(&self, arguments: &[Option<ValueRef<'_>>]) -> Option<Box<dyn SqlScan>>;
}

/// Rows of a virtual table. It is dropped where nobody wants more of them.
pub trait SqlScan {
    /// Goes to the next row, the first one at first. `false` if there is none; `None` if it failed.
    fn next(&mut self) -> Option<bool>;

    /// The value of a column of the row, not counting the parameters. `None` if it failed.
    fn value(&self, column: usize) -> Option<Value>;
}

impl SyncSession {
    /// Registers a module of virtual tables, or replaces the one of that name. If it is `eponymous`
    /// there is one table, of its name, and no other; else a table is there once it is created.
    pub fn register_module(
        &mut self,
        name: &str,
        eponymous: bool,
        module: Box<dyn SqlModule>,
    ) -> Result<(), SessionError> {
        self.call(|it| it.connection()?.register_module(name, eponymous, module))
    }
}
