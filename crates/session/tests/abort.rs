//! A session whose owner is gone ends at once, whatever waits.
#![allow(clippy::unwrap_used)]

mod common;

use actor_sqlite_session::*;
use common::*;

const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

fn endless() -> Action {
    execute(ENDLESS, Params::None, Want::All)
}

fn refused<T>(result: &Result<T>) -> bool {
    matches!(result, Err(SessionError::Interrupted | SessionError::Closed))
}

#[test]
fn endless_statements_run_or_waiting() {
    let host = host();
    for round in 0..50 {
        let db = open(&host, &format!("a{round}"));
        db.run("CREATE TABLE t (a)").unwrap();
        let mut answers: Vec<_> = (0..20).map(|_| db.start(endless())).collect();
        let entries = vec![BatchEntry { sql: ENDLESS.into(), rows: vec![] }];
        answers.push(db.start(Action::Batch { entries, behavior: Behavior::Immediate }));
        answers.push(db.start(Action::Script(ENDLESS.into())));
        for _ in 0..round * 200 {
            std::hint::spin_loop();
        }
        db.session.abort();
        answers.push(db.start(endless()));
        db.close().unwrap();
        for answer in answers {
            assert!(refused(&answer.recv().unwrap()));
        }
        assert_eq!(open(&host, &format!("a{round}")).one("SELECT count(*) FROM t"), int(0));
    }
}

#[test]
fn an_open_transaction_is_undone_and_a_waiting_close_runs() {
    let host = host();
    let db = open(&host, "a");
    db.run("CREATE TABLE t (a)").unwrap();
    let id = db.begin();
    db.call_in(id, run("INSERT INTO t VALUES (1)")).unwrap();
    let running = db.start_command(db.command(endless(), Some(id)));
    let waiting = db.start_command(db.command(Action::Commit, Some(id)));
    let close = db.start(Action::Close);
    db.session.abort();
    assert!(refused(&running.recv().unwrap()));
    assert!(refused(&waiting.recv().unwrap()));
    close.recv().unwrap().unwrap();
    assert!(refused(&db.run("INSERT INTO t VALUES (2)")));
    assert_eq!(open(&host, "a").one("SELECT count(*) FROM t"), int(0));
}
