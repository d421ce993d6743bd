//! Settings that SQL can change and that go with the connection: what a session must keep when it
//! sleeps. Each PRAGMA that is not among them is ours, persistent, ignored, or no setting at all.

use std::sync::Arc;

use rusqlite::ffi::SQLITE_MISMATCH;

use crate::raw::{ColumnValue, Db, RawError, Statement, Step};

/// Their names, in the order in which they are set anew: the encoding before anything reads the
/// schema.
pub(crate) const KEPT: [&str; 22] = [
    "encoding",
    "auto_vacuum",
    "analysis_limit",
    "automatic_index",
    "busy_timeout",
    "case_sensitive_like",
    "checkpoint_fullfsync",
    "defer_foreign_keys",
    "foreign_keys",
    "fullfsync",
    "ignore_check_constraints",
    "journal_size_limit",
    "legacy_alter_table",
    "max_page_count",
    "query_only",
    "read_uncommitted",
    "recursive_triggers",
    "reverse_unordered_selects",
    "secure_delete",
    "synchronous",
    "temp_store",
    "wal_autocheckpoint",
];

const ENCODINGS: [&str; 3] = ["UTF-8", "UTF-16le", "UTF-16be"];

/// Values of settings, by their place in [`KEPT`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Values(Vec<(u8, i64)>);

/// The bit that stands for a setting; 0 for any other name.
pub(crate) fn bit(name: &str) -> u32 {
    let at = KEPT.iter().position(|kept| kept.eq_ignore_ascii_case(name));
    at.map_or(0, |at| 1 << at)
}

/// What SQLite takes a value for `auto_vacuum` for.
pub(crate) fn auto_vacuum(value: &str) -> u8 {
    let words = ["none", "full", "incremental"];
    match words.iter().position(|word| word.eq_ignore_ascii_case(value)) {
        Some(at) => at as u8,
        None => value.trim().parse().ok().filter(|mode| *mode <= 2).unwrap_or(0),
    }
}

impl Values {
    /// Asks for the settings whose bits are set, or that may have been.
    pub(crate) fn read(db: &Arc<Db>, bits: u32, auto_vacuum: u8) -> Result<Self, RawError> {
        let mut values = Vec::new();
        for (at, name) in (0..).zip(KEPT).filter(|(at, _)| bits & (1 << at) != 0) {
            let value = match name {
                "auto_vacuum" => auto_vacuum.into(),
                // The one that can be set and not asked for.
                "case_sensitive_like" => 1 - integer(db, "SELECT 'a' LIKE 'A'")?,
                _ => integer(db, &format!("PRAGMA {name}"))?,
            };
            values.push((at, value));
        }
        Ok(Self(values))
    }

    /// The bits of the settings that have a value here.
    pub(crate) fn bits(&self) -> u32 {
        self.0.iter().fold(0, |bits, (at, _)| bits | 1 << at)
    }

    /// The mode that was asked for and comes with the next VACUUM.
    pub(crate) fn auto_vacuum(&self) -> u8 {
        let found = self.0.iter().find(|(at, _)| KEPT[usize::from(*at)] == "auto_vacuum");
        found.map_or(0, |(_, value)| *value as u8)
    }

    /// Gives a new connection these values.
    pub(crate) fn apply(&self, sqlite: &rusqlite::Connection) -> rusqlite::Result<()> {
        for &(at, value) in &self.0 {
            match KEPT[usize::from(at)] {
                "encoding" => {
                    let name = ENCODINGS[(value as usize).min(ENCODINGS.len() - 1)];
                    sqlite.execute_batch(&format!("PRAGMA encoding='{name}'"))?;
                }
                // Compiled and not run: what running it writes was written when the user did.
                "auto_vacuum" => drop(sqlite.prepare(&format!("PRAGMA auto_vacuum={value}"))?),
                // A number is on or off.
                "secure_delete" if value == 2 => {
                    sqlite.execute_batch("PRAGMA secure_delete=FAST")?
                }
                name => sqlite.execute_batch(&format!("PRAGMA {name}={value}"))?,
            }
        }
        Ok(())
    }
}

/// The first value of a query; encodings by their place in [`ENCODINGS`].
pub(crate) fn integer(db: &Arc<Db>, sql: &str) -> Result<i64, RawError> {
    let missing = || RawError::of(SQLITE_MISMATCH);
    let mut statement = Statement::prepare(db, sql, false)?.statement.ok_or_else(missing)?;
    if statement.step()? == Step::Done {
        return Err(missing());
    }
    match statement.value(0) {
        Some(ColumnValue::Integer(value)) => Ok(value),
        Some(ColumnValue::Text(text)) => {
            let found = ENCODINGS.iter().position(|name| name.as_bytes() == text);
            found.map(|at| at as i64).ok_or_else(missing)
        }
        _ => Err(missing()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_of_auto_vacuum() {
        let modes = ["none", "FULL", "Incremental", "0", "1", "2", "3", "-1", "on"];
        assert_eq!(modes.map(auto_vacuum), [0, 1, 2, 0, 1, 2, 0, 0, 0]);
    }

    #[test]
    fn each_setting_has_a_bit_of_its_own() {
        let bits: Vec<u32> = KEPT.iter().map(|name| bit(&name.to_uppercase())).collect();
        assert!(bits.iter().all(|bit| bit.count_ones() == 1));
        assert_eq!(bits.iter().fold(0, |all, bit| all | bit).count_ones(), 22);
        assert_eq!(bit("user_version"), 0);
    }
}
