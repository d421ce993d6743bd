//! Interrupts and deadlines: they end the command they mean, and never another one.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use actor_sqlite_pagestore::MemPageStore;
use actor_sqlite_session::*;
use common::*;

const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

fn endless() -> Action {
    execute(ENDLESS, Params::None, Want::All)
}

fn interrupted<T>(result: &Result<T>) -> bool {
    matches!(result, Err(SessionError::Interrupted))
}

#[test]
fn the_running_command_and_a_waiting_one() {
    let db = fresh();
    let running = db.command(endless(), None);
    let waiting = db.command(run("CREATE TABLE t (a)"), None);
    let (running_id, waiting_id) = (running.id, waiting.id);
    let running = db.start_command(running);
    let waiting = db.start_command(waiting);
    let last = db.start(execute("SELECT 1", Params::None, Want::All));
    db.session.interrupt(Some(waiting_id));
    assert!(interrupted(&waiting.recv().unwrap()), "a waiting one is answered at once");
    db.session.interrupt(Some(12345));
    db.session.interrupt(Some(running_id));
    assert!(interrupted(&running.recv().unwrap()));
    last.recv().unwrap().unwrap();
    assert_eq!(db.one("SELECT count(*) FROM sqlite_schema"), int(0), "it never ran");
}

#[test]
fn whatever_runs() {
    let db = fresh();
    db.session.interrupt(None);
    let running = db.start(endless());
    let answer = loop {
        db.session.interrupt(None);
        if let Ok(answer) = running.try_recv() {
            break answer;
        }
    };
    assert!(interrupted(&answer));
    assert_eq!(db.one("SELECT 1"), int(1));
}

#[test]
fn an_interrupted_write_is_undone_and_ends_its_transaction() {
    let db = fresh();
    db.run("CREATE TABLE t (a)").unwrap();
    let id = db.begin();
    db.call_in(id, run("INSERT INTO t VALUES (1)")).unwrap();
    let sql = "INSERT INTO t WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) \
               SELECT i FROM n";
    let command = db.command(run(sql), Some(id));
    let command_id = command.id;
    let answer = db.start_command(command);
    let answer = loop {
        db.session.interrupt(Some(command_id));
        if let Ok(answer) = answer.try_recv() {
            break answer;
        }
    };
    assert!(interrupted(&answer));
    // Depending on when it was hit, SQLite rolled the transaction back, or it never began to write.
    match db.call_in(id, run("INSERT INTO t VALUES (2)")) {
        Err(SessionError::TransactionOver { .. }) => {}
        Ok(_) => {
            db.call_in(id, Action::Rollback).unwrap();
        }
        Err(error) => panic!("{error:?}"),
    }
    assert_eq!(db.one("SELECT count(*) FROM t"), int(0));
}

#[test]
fn a_batch_is_undone() {
    let db = fresh();
    db.run("CREATE TABLE t (a)").unwrap();
    let entries = vec![
        BatchEntry { sql: "INSERT INTO t VALUES (1)".into(), rows: vec![] },
        BatchEntry { sql: ENDLESS.into(), rows: vec![] },
    ];
    let action = Action::Batch { entries, behavior: Behavior::Immediate };
    let answer = db.start(action);
    let answer = loop {
        db.session.interrupt(None);
        if let Ok(answer) = answer.try_recv() {
            break answer;
        }
    };
    assert!(interrupted(&answer));
    assert!(!db.session.in_transaction());
    assert_eq!(db.one("SELECT count(*) FROM t"), int(0));
}

/// Victims are interrupted at a random moment from another thread; bystanders and a cursor that is
/// open all the time must never notice.
#[test]
fn an_interrupt_never_hits_another_command() {
    let db = Arc::new(fresh());
    let mut random = random(3);
    let numbers = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 20000) \
                   SELECT i FROM n";
    // Keeps a statement active: with sqlite3_interrupt this would make the flag stick.
    let cursor = execute(numbers, Params::None, Want::Chunk { rows_max: 1 });
    let mut cursor = rows_of(db.call(cursor).unwrap()).more.unwrap();
    let (send, receive) = std::sync::mpsc::channel::<u64>();
    let interrupter = {
        let db = db.clone();
        std::thread::spawn(move || {
            for id in receive {
                db.session.interrupt(Some(id));
            }
        })
    };
    let (mut hit, mut spared) = (0, 0);
    for _ in 0..5000 {
        let length = random.u32(1..4000);
        let sql = format!(
            "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT {length}) \
             SELECT count(*) FROM n"
        );
        let command = |id| Command {
            id,
            action: execute(&sql, Params::None, Want::All),
            transaction: None,
            timeout_ms: None,
        };
        // Far from the ids of the other commands: the interrupter may lag behind.
        let id = (1 << 40) + db.next_id() * 2;
        let victim = db.start_command(command(id));
        let bystander = db.start_command(command(id + 1));
        for _ in 0..random.u32(0..2000) {
            std::hint::spin_loop();
        }
        send.send(id).unwrap();
        match victim.recv().unwrap() {
            Err(SessionError::Interrupted) => hit += 1,
            Ok(_) => spared += 1,
            Err(error) => panic!("{error:?}"),
        }
        bystander.recv().unwrap().expect("nobody meant this one");
        let rows = rows_of(db.call(Action::Fetch { cursor, rows_max: 1 }).unwrap());
        cursor = rows.more.unwrap();
    }
    drop(send);
    interrupter.join().unwrap();
    println!("hit {hit}, spared {spared}");
    assert!(hit > 100, "the test hits too seldom to show anything");
}

#[test]
fn deadlines() {
    let clock = Arc::new(ManualClock::default());
    let host = host_with(Arc::new(MemPageStore::new()), 2, 4, clock.clone());
    let options = OpenOptions { timeout_ms: Some(100), ..OpenOptions::default() };
    let db = try_open(&host, "a", options).unwrap();
    let answer = db.start(endless());
    let patient = Command { timeout_ms: Some(1000), ..db.command(run("SELECT 1 WHERE 0"), None) };
    let patient = Command { action: execute("SELECT 1", Params::None, Want::All), ..patient };
    let patient = db.start_command(patient);
    let impatient = db.start(run("CREATE TABLE t (a)"));
    clock.advance_ms(99);
    assert!(answer.try_recv().is_err());
    clock.advance_ms(1);
    let timeout = |result| matches!(result, Err(SessionError::Timeout { timeout_ms: 100 }));
    assert!(timeout(answer.recv().unwrap()));
    patient.recv().unwrap().unwrap();
    assert!(timeout(impatient.recv().unwrap()), "its time was over before its turn");
    assert_eq!(db.one("SELECT count(*) FROM sqlite_schema"), int(0));
    clock.advance_ms(1000);
    assert_eq!(db.one("SELECT 1"), int(1));
}

/// What gives something back is never refused for the time it waited.
#[test]
fn rollback_and_the_like_have_no_deadline() {
    let clock = Arc::new(ManualClock::default());
    let host = host_with(Arc::new(MemPageStore::new()), 2, 4, clock.clone());
    let options = OpenOptions { timeout_ms: Some(100), ..OpenOptions::default() };
    let db = try_open(&host, "a", options).unwrap();
    db.run("CREATE TABLE t (a)").unwrap();
    let Answer::Prepared(statement) = db.call(Action::Prepare("SELECT 1".into())).unwrap() else {
        panic!("no statement");
    };
    let rows = execute("VALUES (1), (2)", Params::None, Want::Chunk { rows_max: 1 });
    let cursor = rows_of(db.call(rows).unwrap()).more.unwrap();
    let id = db.begin();
    db.call_in(id, run("INSERT INTO t VALUES (1)")).unwrap();
    let blocker = db.start_command(db.command(endless(), Some(id)));
    let freeing = [
        db.start(Action::CloseCursor(cursor)),
        db.start(Action::Finalize(statement.id)),
        db.start_command(db.command(Action::Rollback, Some(id))),
    ];
    clock.advance_ms(1000);
    let timeout = |result| matches!(result, Err(SessionError::Timeout { timeout_ms: 100 }));
    assert!(timeout(blocker.recv().unwrap()));
    for answer in freeing {
        answer.recv().unwrap().unwrap();
    }
    assert!(!db.session.in_transaction());
    assert_eq!(db.one("SELECT count(*) FROM t"), int(0));
}

#[test]
fn a_full_queue_takes_a_rollback() {
    let options = OpenOptions { queue_max: 1, ..OpenOptions::default() };
    let db = try_open(&host(), "a", options).unwrap();
    let id = db.begin();
    let blocker = db.command(endless(), Some(id));
    let blocker_id = blocker.id;
    let blocker = db.start_command(blocker);
    let full = || {
        let answer = db.start_command(db.command(run("CREATE TABLE t (a)"), Some(id)));
        matches!(answer.try_recv(), Ok(Err(SessionError::QueueFull { .. })))
    };
    while !full() {}
    let rollback = db.start_command(db.command(Action::Rollback, Some(id)));
    while blocker.try_recv().is_err() {
        db.session.interrupt(Some(blocker_id));
    }
    rollback.recv().unwrap().unwrap();
    assert!(!db.session.in_transaction());
}

#[test]
fn a_full_queue_refuses() {
    let options = OpenOptions { queue_max: 3, ..OpenOptions::default() };
    let db = try_open(&host(), "a", options).unwrap();
    let blocker = db.start(endless());
    let mut answers = vec![];
    // The blocker may still be in the queue itself.
    let refused = loop {
        let answer = db.start(execute("SELECT 1", Params::None, Want::All));
        match answer.try_recv() {
            Ok(refused) => break refused,
            Err(_) => answers.push(answer),
        }
    };
    assert!(matches!(refused, Err(SessionError::QueueFull { waiting: 3 })));
    assert!(answers.len() == 2 || answers.len() == 3);
    while blocker.try_recv().is_err() {
        db.session.interrupt(None);
    }
    // The interrupt may have hit what came after the blocker, too.
    for answer in answers {
        let answer = answer.recv().unwrap();
        assert!(answer.is_ok() || interrupted(&answer));
    }
    assert!(db.session.metrics().queue.depth_max >= 3);
}
