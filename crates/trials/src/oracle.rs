//! Stock SQLite in memory, and the dump by which two databases are compared.

use std::hash::{DefaultHasher, Hash, Hasher};

use actor_sqlite_session::Value;
use rusqlite::types::ValueRef;

/// The rows of a result.
pub type Table = Vec<Vec<Value>>;

/// Stock SQLite that runs the same SQL.
pub struct Oracle {
    connection: rusqlite::Connection,
}

impl Default for Oracle {
    fn default() -> Self {
        let connection = rusqlite::Connection::open_in_memory().expect("memory suffices");
        Self { connection }
    }
}

impl Oracle {
    /// Runs a script and says whether it succeeded.
    pub fn script(&self, sql: &str) -> Result<(), String> {
        self.connection.execute_batch(sql).map_err(|error| error.to_string())
    }

    /// All rows of one statement.
    pub fn rows(&self, sql: &str) -> Table {
        let mut statement = self.connection.prepare(sql).expect("the trials' own SQL is valid");
        let columns = statement.column_count();
        let rows = statement
            .query_map([], |row| (0..columns).map(|i| row.get_ref(i).map(owned)).collect())
            .expect("the trials' own SQL runs");
        rows.map(|row| row.expect("memory does not fail")).collect()
    }

    /// See [`dump_with`].
    pub fn dump(&self) -> Vec<String> {
        dump_with(&mut |sql| Ok::<_, std::convert::Infallible>(self.rows(sql)))
            .expect("an infallible query")
    }
}

fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(value) => Value::Text(String::from_utf8_lossy(value).into_owned()),
        ValueRef::Blob(value) => Value::Blob(value.to_vec()),
    }
}

/// Schema and content of a database in a canonical order, and SQLite's own integrity check last.
/// `query` runs one statement and returns all its rows.
pub fn dump_with<E>(query: &mut dyn FnMut(&str) -> Result<Table, E>) -> Result<Vec<String>, E> {
    let mut lines = Vec::new();
    let schema = query("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")?;
    for entry in &schema {
        lines.push(format!("{entry:?}"));
        let [Value::Text(kind), Value::Text(name), ..] = entry.as_slice() else { continue };
        if kind == "table" {
            let quoted = name.replace('"', "\"\"");
            for row in query(&format!("SELECT * FROM \"{quoted}\" ORDER BY 1"))? {
                let values: Vec<String> = row.iter().map(shown).collect();
                lines.push(format!("{name}: {}", values.join(", ")));
            }
        }
    }
    lines.push(format!("{:?}", query("PRAGMA integrity_check")?));
    Ok(lines)
}

/// A value in words; of a large one as much as tells it from others.
fn shown(value: &Value) -> String {
    match value {
        Value::Blob(bytes) if bytes.len() > 64 => {
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            format!("{} bytes with hash {:x}", bytes.len(), hasher.finish())
        }
        value => format!("{value:?}"),
    }
}
