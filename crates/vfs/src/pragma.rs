//! Settings that are ours: what a PRAGMA that would change one gets instead.
//!
//! Thousands of programs begin with `PRAGMA journal_mode=WAL` or `synchronous=OFF`. They are not
//! worth an error, and must not take effect. Where SQLite can execute the statement with a harmless
//! argument, it does, so that column names and rows are its own.

/// What the file-control handler does with one PRAGMA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PragmaAnswer {
    /// SQLite executes it as it is.
    Execute,
    /// SQLite executes it with this one character for its argument.
    ExecuteWith(u8),
    /// It is answered with this text.
    Text(&'static str),
    /// It is answered with nothing.
    Nothing,
}

/// Decides on one PRAGMA of a sealed mount.
pub(crate) fn answer(name: &str, argument: Option<&str>) -> PragmaAnswer {
    let Some(argument) = argument else {
        return PragmaAnswer::Execute;
    };
    let name = name.to_ascii_lowercase();
    let with = |character, fallback: &'static str| match argument {
        "" => PragmaAnswer::Text(fallback),
        _ => PragmaAnswer::ExecuteWith(character),
    };
    match name.as_str() {
        // The argument is compared as a prefix of each mode's name: `t` is TRUNCATE.
        "journal_mode" => with(b't', "truncate"),
        // Any word but NORMAL and EXCLUSIVE only asks.
        "locking_mode" => with(b'?', "normal"),
        "synchronous" if is_synchronous(argument) => PragmaAnswer::Execute,
        "synchronous" => with(b'1', "1"),
        // 1 is FILE.
        "temp_store" => with(b'1', "1"),
        "cache_spill" | "page_size" | "temp_store_directory" | "data_store_directory" => {
            PragmaAnswer::Nothing
        }
        _ => PragmaAnswer::Execute,
    }
}

/// Whether an argument of `synchronous` is certain to leave it on. SQLite takes numbers modulo 8
/// and any unknown word for NORMAL, so that only what is known passes.
fn is_synchronous(argument: &str) -> bool {
    ["1", "2", "3", "normal", "full", "extra"].iter().any(|on| argument.eq_ignore_ascii_case(on))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_that_would_lose_commits_are_replaced() {
        for mode in ["WAL", "off", "MEMORY", "delete", "persist"] {
            assert_eq!(answer("Journal_Mode", Some(mode)), PragmaAnswer::ExecuteWith(b't'));
        }
        for level in ["OFF", "0", "no", "false", "8", "256", "nonsense"] {
            assert_eq!(answer("synchronous", Some(level)), PragmaAnswer::ExecuteWith(b'1'));
        }
        assert_eq!(answer("synchronous", Some("FULL")), PragmaAnswer::Execute);
        assert_eq!(answer("locking_mode", Some("exclusive")), PragmaAnswer::ExecuteWith(b'?'));
        assert_eq!(answer("cache_spill", Some("off")), PragmaAnswer::Nothing);
    }

    #[test]
    fn questions_and_other_settings_are_sqlites() {
        for name in ["journal_mode", "synchronous", "locking_mode", "page_size"] {
            assert_eq!(answer(name, None), PragmaAnswer::Execute);
        }
        assert_eq!(answer("user_version", Some("7")), PragmaAnswer::Execute);
        assert_eq!(answer("journal_mode", Some("")), PragmaAnswer::Text("truncate"));
    }
}
