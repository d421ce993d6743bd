//! The mounts of the process by name: SQLite's callbacks get a path, nothing else.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, Weak};

use crate::mount::Mount;
use crate::page_cache::Incarnation;
use crate::shared::Shared;

/// Where every main file's name begins; the mount's number follows.
const MAIN_PREFIX: &str = "/actor-sqlite/";
/// What SQLite appends for the rollback journal.
const JOURNAL_SUFFIX: &str = "-journal";

/// Names are looked up at the start of every transaction: one lock a part, so that threads seldom
/// meet.
const PARTS: usize = 16;

static MOUNTS: [RwLock<BTreeMap<Incarnation, Weak<Mount>>>; PARTS] =
    [const { RwLock::new(BTreeMap::new()) }; PARTS];

thread_local! {
    /// The mount this thread last entered or began a transaction of. SQLite opens temporary files without a
    /// name, and this says whose budget pays.
    static CURRENT: Cell<Option<Incarnation>> = const { Cell::new(None) };
}

/// A file of a mount, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Main(Incarnation),
    Journal(Incarnation),
}

impl Named {
    /// Takes a name apart; `None` for any that this process did not give out.
    pub fn parse(name: &str) -> Option<Self> {
        let rest = name.strip_prefix(MAIN_PREFIX)?;
        let (number, journal) = match rest.strip_suffix(JOURNAL_SUFFIX) {
            Some(number) => (number, true),
            None => (rest, false),
        };
        let canonical =
            number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
        let incarnation = Incarnation(number.parse().ok().filter(|_| canonical)?);
        Some(if journal { Self::Journal(incarnation) } else { Self::Main(incarnation) })
    }
}

/// The name of a mount's main file.
pub(crate) fn main_name(incarnation: Incarnation) -> String {
    format!("{MAIN_PREFIX}{}", incarnation.0)
}

pub(crate) fn insert(incarnation: Incarnation, mount: &Arc<Mount>) {
    let mut part = part(incarnation).write().unwrap_or_else(PoisonError::into_inner);
    part.insert(incarnation, Arc::downgrade(mount));
}

pub(crate) fn remove(incarnation: Incarnation) {
    part(incarnation).write().unwrap_or_else(PoisonError::into_inner).remove(&incarnation);
}

pub(crate) fn find(incarnation: Incarnation) -> Option<Arc<Mount>> {
    let part = part(incarnation).read().unwrap_or_else(PoisonError::into_inner);
    part.get(&incarnation)?.upgrade()
}

/// This thread works for that mount now.
pub(crate) fn enter(incarnation: Incarnation) {
    CURRENT.set(Some(incarnation));
}

/// Who pays for a file without a name: the mount this thread works for, or else any. It decides
/// only between memory and disk.
pub(crate) fn scratch_owner() -> Option<Arc<Shared>> {
    let current = CURRENT.get().and_then(find);
    let mount = current.or_else(|| {
        MOUNTS.iter().find_map(|part| {
            let part = part.read().unwrap_or_else(PoisonError::into_inner);
            part.values().rev().find_map(Weak::upgrade)
        })
    })?;
    Some(mount.shared().clone())
}

fn part(incarnation: Incarnation) -> &'static RwLock<BTreeMap<Incarnation, Weak<Mount>>> {
    &MOUNTS[incarnation.0 as usize % PARTS]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_given_out_are_taken() {
        let name = main_name(Incarnation(12));
        assert_eq!(Named::parse(&name), Some(Named::Main(Incarnation(12))));
        let journal = format!("{name}-journal");
        assert_eq!(Named::parse(&journal), Some(Named::Journal(Incarnation(12))));
        for other in [
            "",
            "x.db",
            "/etc/passwd",
            "/actor-sqlite/",
            "/actor-sqlite/012",
            "/actor-sqlite/+12",
            "/actor-sqlite/12-wal",
            "/actor-sqlite/12-mj0123ABC9D",
            "/actor-sqlite/12/../../x",
            "/actor-sqlite/99999999999999999999",
        ] {
            assert_eq!(Named::parse(other), None, "{other}");
        }
    }
}
