//! What a program's own authorizer is asked, in SQLite's numbers and words.

use rusqlite::ffi;
use rusqlite::hooks::{AuthAction, AuthContext, TransactionOperation};

pub use rusqlite::hooks::Authorization;

/// Something a statement does, asked about when it is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthorizerQuestion<'a> {
    /// SQLite's action code, such as `SQLITE_READ`.
    pub action: i32,
    /// The first argument of that action.
    pub first: Option<&'a str>,
    /// The second one.
    pub second: Option<&'a str>,
    /// The database: `main` or `temp`.
    pub database: Option<&'a str>,
    /// The innermost trigger or view that does it.
    pub accessor: Option<&'a str>,
}

/// An authorizer of the program's. It may forbid what the session allows, not the other way round.
/// It is called in the middle of a call of the session, which must not be called again from there.
pub trait AskedAuthorizer: Send {
    /// Whether that may be done.
    fn ask(&mut self, question: &AuthorizerQuestion<'_>) -> Authorization;
}

/// Puts the question as SQLite put it.
pub(super) fn of<'a>(context: &AuthContext<'a>) -> AuthorizerQuestion<'a> {
    let (action, first, second) = arguments(&context.action);
    AuthorizerQuestion {
        action,
        first,
        second,
        database: context.database_name,
        accessor: context.accessor,
    }
}

fn operation(operation: TransactionOperation) -> &'static str {
    match operation {
        TransactionOperation::Begin => "BEGIN",
        TransactionOperation::Release => "RELEASE",
        TransactionOperation::Rollback => "ROLLBACK",
        // It ends a transaction, and is the one that is left.
        _ => "COMMIT",
    }
}

/// The other way round than `AuthAction::from_raw`.
#[rustfmt::skip]
fn arguments<'a>(action: &AuthAction<'a>) -> (i32, Option<&'a str>, Option<&'a str>) {
    use AuthAction as It;
    match *action {
        It::CreateIndex { index_name, table_name } => (ffi::SQLITE_CREATE_INDEX, Some(index_name), Some(table_name)),
        It::CreateTable { table_name } => (ffi::SQLITE_CREATE_TABLE, Some(table_name), None),
        It::CreateTempIndex { index_name, table_name } => (ffi::SQLITE_CREATE_TEMP_INDEX, Some(index_name), Some(table_name)),
        It::CreateTempTable { table_name } => (ffi::SQLITE_CREATE_TEMP_TABLE, Some(table_name), None),
        It::CreateTempTrigger { trigger_name, table_name } => (ffi::SQLITE_CREATE_TEMP_TRIGGER, Some(trigger_name), Some(table_name)),
        It::CreateTempView { view_name } => (ffi::SQLITE_CREATE_TEMP_VIEW, Some(view_name), None),
        It::CreateTrigger { trigger_name, table_name } => (ffi::SQLITE_CREATE_TRIGGER, Some(trigger_name), Some(table_name)),
        It::CreateView { view_name } => (ffi::SQLITE_CREATE_VIEW, Some(view_name), None),
        It::Delete { table_name } => (ffi::SQLITE_DELETE, Some(table_name), None),
        It::DropIndex { index_name, table_name } => (ffi::SQLITE_DROP_INDEX, Some(index_name), Some(table_name)),
        It::DropTable { table_name } => (ffi::SQLITE_DROP_TABLE, Some(table_name), None),
        It::DropTempIndex { index_name, table_name } => (ffi::SQLITE_DROP_TEMP_INDEX, Some(index_name), Some(table_name)),
        It::DropTempTable { table_name } => (ffi::SQLITE_DROP_TEMP_TABLE, Some(table_name), None),
        It::DropTempTrigger { trigger_name, table_name } => (ffi::SQLITE_DROP_TEMP_TRIGGER, Some(trigger_name), Some(table_name)),
        It::DropTempView { view_name } => (ffi::SQLITE_DROP_TEMP_VIEW, Some(view_name), None),
        It::DropTrigger { trigger_name, table_name } => (ffi::SQLITE_DROP_TRIGGER, Some(trigger_name), Some(table_name)),
        It::DropView { view_name } => (ffi::SQLITE_DROP_VIEW, Some(view_name), None),
        It::Insert { table_name } => (ffi::SQLITE_INSERT, Some(table_name), None),
        It::Read { table_name, column_name } => (ffi::SQLITE_READ, Some(table_name), Some(column_name)),
        It::Update { table_name, column_name } => (ffi::SQLITE_UPDATE, Some(table_name), Some(column_name)),
        It::Attach { filename } => (ffi::SQLITE_ATTACH, Some(filename), None),
        It::Detach { database_name } => (ffi::SQLITE_DETACH, Some(database_name), None),
        It::AlterTable { database_name, table_name } => (ffi::SQLITE_ALTER_TABLE, Some(database_name), Some(table_name)),
        It::Reindex { index_name } => (ffi::SQLITE_REINDEX, Some(index_name), None),
        It::Analyze { table_name } => (ffi::SQLITE_ANALYZE, Some(table_name), None),
        It::CreateVtable { table_name, module_name } => (ffi::SQLITE_CREATE_VTABLE, Some(table_name), Some(module_name)),
        It::DropVtable { table_name, module_name } => (ffi::SQLITE_DROP_VTABLE, Some(table_name), Some(module_name)),
        It::Pragma { pragma_name, pragma_value } => (ffi::SQLITE_PRAGMA, Some(pragma_name), pragma_value),
        It::Select => (ffi::SQLITE_SELECT, None, None),
        It::Transaction { operation: it } => (ffi::SQLITE_TRANSACTION, Some(operation(it)), None),
        It::Function { function_name } => (ffi::SQLITE_FUNCTION, None, Some(function_name)),
        It::Savepoint { operation: it, savepoint_name } => (ffi::SQLITE_SAVEPOINT, Some(operation(it)), Some(savepoint_name)),
        It::Recursive => (ffi::SQLITE_RECURSIVE, None, None),
        It::Unknown { code, arg1, arg2 } => (code, arg1, arg2),
        // The enumeration is open. Nothing that SQLite 3.53 asks comes here.
        _ => (-1, None, None),
    }
}
