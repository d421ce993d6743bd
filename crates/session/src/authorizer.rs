//! What SQL may not do: touch the host, or the settings that are ours.
//!
//! The table of pragmas is in `docs/SESSIONS.md`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use rusqlite::hooks::{AuthAction, AuthContext};

use crate::settings;

mod question;

pub use question::{AskedAuthorizer, Authorization, AuthorizerQuestion};

/// What passes between a connection and its authorizer.
#[derive(Default)]
pub(crate) struct Notes {
    /// A VACUUM statement runs: the one time that an empty name may be attached.
    pub(crate) vacuuming: AtomicBool,
    /// Virtual tables are made to forget: the one time that `writable_schema` may be reset.
    pub(crate) forgetting: AtomicBool,
    /// The settings of [`settings::KEPT`] that a statement may have changed, a bit each.
    pub(crate) settings: AtomicU32,
    /// The newest value for `auto_vacuum`, which nobody can ask SQLite for before the next VACUUM.
    pub(crate) auto_vacuum: AtomicU8,
    /// The temporary schema was worked on.
    pub(crate) temp: AtomicBool,
    /// A setting of the temporary database was changed.
    pub(crate) temp_setting: AtomicBool,
}

impl Notes {
    /// Of a new connection that was given these settings.
    pub(crate) fn of(settings: Option<&settings::Values>) -> Self {
        Self {
            settings: AtomicU32::new(settings.map_or(0, settings::Values::bits)),
            auto_vacuum: AtomicU8::new(settings.map_or(0, settings::Values::auto_vacuum)),
            ..Self::default()
        }
    }

    fn note(&self, action: &AuthAction<'_>, database: Option<&str>) {
        let temp = database.is_some_and(|name| name.eq_ignore_ascii_case("temp"));
        match *action {
            AuthAction::Pragma { pragma_name, pragma_value: Some(value) } => {
                self.temp_setting.fetch_or(temp, Ordering::Relaxed);
                self.settings.fetch_or(settings::bit(pragma_name), Ordering::Relaxed);
                if pragma_name.eq_ignore_ascii_case("auto_vacuum") {
                    self.auto_vacuum.store(settings::auto_vacuum(value), Ordering::Relaxed);
                }
            }
            _ => {
                self.temp.fetch_or(temp, Ordering::Relaxed);
            }
        }
    }
}

/// How a PRAGMA is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// SQLite's, or answered by the VFS with the effective value.
    Allow,
    /// Can be asked; setting it does nothing, and is no error, as programs set it by habit.
    AskOnly,
    /// Setting it is an error: who sets it means to get around something.
    Refuse,
}

/// Decides on each thing a statement does, when it is compiled; `asked` may only forbid more.
pub(crate) fn new(
    readonly: bool,
    notes: Arc<Notes>,
    mut asked: Option<Box<dyn AskedAuthorizer>>,
) -> impl FnMut(AuthContext<'_>) -> Authorization + Send + 'static {
    move |context| {
        let mut decision = decide(&context, readonly, &notes);
        let ours = notes.forgetting.load(Ordering::Relaxed);
        if let (Some(asked), false, false) = (&mut asked, ours, decision == Authorization::Deny) {
            let theirs = asked.ask(&question::of(&context));
            if theirs != Authorization::Allow {
                decision = theirs;
            }
        }
        if decision == Authorization::Allow {
            notes.note(&context.action, context.database_name);
        }
        decision
    }
}

fn decide(context: &AuthContext<'_>, readonly: bool, notes: &Notes) -> Authorization {
    match context.action {
        // VACUUM attaches an empty name while it runs, and VACUUM INTO a file's.
        AuthAction::Attach { filename: "" } if notes.vacuuming.load(Ordering::Relaxed) => {
            Authorization::Allow
        }
        AuthAction::Attach { .. } | AuthAction::Detach { .. } | AuthAction::Unknown { .. } => {
            Authorization::Deny
        }
        AuthAction::Pragma { pragma_name: "writable_schema", .. }
            if notes.forgetting.load(Ordering::Relaxed) =>
        {
            Authorization::Allow
        }
        AuthAction::Function { function_name } => function(function_name),
        AuthAction::Pragma { pragma_name, pragma_value } => {
            pragma(pragma_name, pragma_value, context.database_name, readonly)
        }
        _ => Authorization::Allow,
    }
}

fn function(name: &str) -> Authorization {
    match name {
        "load_extension" | "fts3_tokenizer" => Authorization::Deny,
        _ => Authorization::Allow,
    }
}

fn pragma(
    name: &str,
    value: Option<&str>,
    database: Option<&str>,
    readonly: bool,
) -> Authorization {
    if value.is_none() {
        return Authorization::Allow;
    }
    let name = name.to_ascii_lowercase();
    match rule(&name, readonly) {
        // The VFS answers for the main database only, and these hold for all of them.
        Rule::Allow if is_ours(&name) && database.is_some_and(|it| it != "main") => {
            Authorization::Ignore
        }
        Rule::Allow => Authorization::Allow,
        Rule::AskOnly => Authorization::Ignore,
        Rule::Refuse => Authorization::Deny,
    }
}

/// The settings that the VFS answers for.
fn is_ours(name: &str) -> bool {
    const OURS: [&str; 9] = [
        "journal_mode",
        "locking_mode",
        "synchronous",
        "temp_store",
        "cache_spill",
        "page_size",
        "mmap_size",
        "temp_store_directory",
        "data_store_directory",
    ];
    OURS.contains(&name)
}

/// The rule for setting a PRAGMA. Names that SQLite does not know do nothing anyway.
fn rule(name: &str, readonly: bool) -> Rule {
    match name {
        "writable_schema" => Rule::Refuse,
        "query_only" if readonly => Rule::Refuse,
        // Memory, of one connection or of the whole process, and threads.
        "cache_size" | "default_cache_size" | "soft_heap_limit" | "hard_heap_limit" | "threads"
        // Guards against damaged and hostile schemas and pages.
        | "trusted_schema" | "cell_size_check"
        // Changes what a statement returns.
        | "count_changes" | "empty_result_callbacks" | "full_column_names"
        | "short_column_names" => Rule::AskOnly,
        _ => Rule::Allow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_is_always_allowed() {
        for name in ["writable_schema", "cache_size", "journal_mode", "no_such_pragma"] {
            assert_eq!(pragma(name, None, None, true), Authorization::Allow);
        }
    }

    #[test]
    fn setting() {
        let set = |name, database| pragma(name, Some("1"), database, false);
        assert_eq!(set("Writable_Schema", None), Authorization::Deny);
        assert_eq!(set("cache_size", None), Authorization::Ignore);
        assert_eq!(set("journal_mode", None), Authorization::Allow);
        assert_eq!(set("journal_mode", Some("temp")), Authorization::Ignore);
        assert_eq!(set("user_version", Some("temp")), Authorization::Allow);
        assert_eq!(set("query_only", None), Authorization::Allow);
        assert_eq!(pragma("query_only", Some("0"), None, true), Authorization::Deny);
    }
}
