//! A thousand databases open at once on two threads and one store.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use actor_sqlite_kv::MemKv;
use actor_sqlite_pagestore::ActorId;
use actor_sqlite_session::{OpenOptions, Value};
use actor_sqlite_trials::{Stack, StackOptions, TickingClock};

#[test]
fn a_thousand_databases_are_open_at_once_and_keep_apart() {
    let stack = Stack::new(
        Arc::new(MemKv::new()),
        Arc::new(TickingClock::default()),
        StackOptions::default(),
    );
    let open = |n: usize| {
        stack.open(&ActorId::new("many", &n.to_string()).unwrap(), OpenOptions::default()).unwrap()
    };
    let databases: Vec<_> = (0..1000).map(open).collect();
    for (n, db) in databases.iter().enumerate() {
        db.script(&format!("CREATE TABLE t (n); INSERT INTO t VALUES ({n})")).unwrap();
    }
    for (n, db) in databases.iter().enumerate().rev() {
        assert_eq!(db.rows("SELECT n FROM t").unwrap(), [[Value::Integer(n as i64)]]);
    }
    for db in databases {
        db.close().unwrap();
    }
    assert_eq!(open(999).rows("SELECT n FROM t").unwrap(), [[Value::Integer(999)]]);
}
