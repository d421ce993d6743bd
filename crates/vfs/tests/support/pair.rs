//! Random statements on a database here and on one in SQLite's own memory: after every step both
//! hold the same rows, through spills, savepoints, failed commits, reopenings and VACUUM.

use rusqlite::Connection;

use super::random::Random;
use super::*;

const STEPS: u32 = 400;

/// The two databases and where their transaction stands.
struct Pair {
    db: Option<Db>,
    model: Connection,
    in_transaction: bool,
    savepoints: u32,
}

impl Pair {
    fn both(&self, sql: &str) {
        let ours = self.db.as_ref().unwrap().sql.execute_batch(sql).is_ok();
        assert_eq!(ours, self.model.execute_batch(sql).is_ok(), "{sql}");
    }

    fn compare(&self, context: &str) {
        let dump = "SELECT count(*) || ' ' || total(a) || ' ' || total(length(b)) || ' ' ||
                    coalesce(group_concat(hex(substr(b, 1, 4)), ''), '') FROM t";
        let read =
            |sql: &Connection| sql.query_row(dump, [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(read(&self.db.as_ref().unwrap().sql), read(&self.model), "{context}");
    }
}

fn change(random: &mut Random) -> String {
    let (low, span) = (random.below(500), random.below(80) + 1);
    let length = [10, 200, 900, 5000, 30_000][random.below(5) as usize] + random.below(50);
    let high = low + span;
    match random.below(6) {
        0 | 1 => format!(
            "WITH RECURSIVE n(i) AS (VALUES({low}) UNION ALL SELECT i+1 FROM n WHERE i<{high})
             INSERT OR REPLACE INTO t SELECT i, substr(hex(i * {length}) || zeroblob({length}), 1, {length}) FROM n"
        ),
        2 => format!("UPDATE t SET b = 'u{length}' || b WHERE a BETWEEN {low} AND {high}"),
        3 => format!("DELETE FROM t WHERE a BETWEEN {low} AND {high}"),
        4 => format!("UPDATE t SET a = a + 1000 WHERE a BETWEEN {low} AND {high}"),
        _ => "DELETE FROM t WHERE a > 900".into(),
    }
}

fn step(pair: &mut Pair, bench: &Bench, random: &mut Random) -> String {
    let roll = random.below(100);
    let sql = match roll {
        0..50 => change(random),
        50..62 if !pair.in_transaction => {
            pair.in_transaction = true;
            "BEGIN".into()
        }
        50..58 => {
            (pair.in_transaction, pair.savepoints) = (false, 0);
            "COMMIT".into()
        }
        58..62 => {
            (pair.in_transaction, pair.savepoints) = (false, 0);
            "ROLLBACK".into()
        }
        62..70 if pair.in_transaction => {
            pair.savepoints += 1;
            format!("SAVEPOINT s{}", pair.savepoints)
        }
        70..76 if pair.savepoints > 0 => format!("ROLLBACK TO s{}", pair.savepoints),
        76..80 if pair.savepoints > 0 => {
            pair.savepoints -= 1;
            format!("RELEASE s{}", pair.savepoints + 1)
        }
        80..84 if !pair.in_transaction => "VACUUM".into(),
        84..88 if bench.over.is_none() => return fail_commit(pair, bench, random),
        88..92 if bench.over.is_none() => return fail_stage(pair, bench, random),
        92..96 => {
            let db = pair.db.take().unwrap().reopen(bench);
            pair.db = Some(db);
            if pair.in_transaction {
                pair.model.execute_batch("ROLLBACK").unwrap();
                (pair.in_transaction, pair.savepoints) = (false, 0);
            }
            return "reopen".into();
        }
        _ => "PRAGMA journal_mode=WAL".into(),
    };
    if sql.starts_with("PRAGMA") {
        pair.db.as_ref().unwrap().exec(&sql);
    } else {
        pair.both(&sql);
    }
    sql
}

/// The next commit fails: the transaction is gone here, so it is rolled back in the model.
fn fail_commit(pair: &mut Pair, bench: &Bench, random: &mut Random) -> String {
    let sql = if pair.in_transaction { "COMMIT".into() } else { change(random) };
    bench.store.fail_next_commit(if random.below(2) == 0 { unavailable() } else { limit() });
    let failed = pair.db.as_ref().unwrap().sql.execute_batch(&sql).is_err();
    if failed {
        assert!(pair.db.as_ref().unwrap().sql.is_autocommit());
    }
    match (failed, pair.in_transaction) {
        (true, true) => pair.model.execute_batch("ROLLBACK").unwrap(),
        (false, _) => pair.model.execute_batch(&sql).unwrap(),
        (true, false) => {}
    }
    (pair.in_transaction, pair.savepoints) = (false, 0);
    bench.store.clear_faults();
    format!("{sql} (failed: {failed})")
}

/// The next stage fails: if a statement comes to it, its transaction is gone.
fn fail_stage(pair: &mut Pair, bench: &Bench, random: &mut Random) -> String {
    let sql = match random.below(4) {
        0 if pair.savepoints > 0 => format!("ROLLBACK TO s{}", pair.savepoints),
        _ => change(random),
    };
    bench.store.fail_next_stage(if random.below(2) == 0 { unavailable() } else { limit() });
    let db = pair.db.as_ref().unwrap();
    db.mount.take_error();
    let failed = db.sql.execute_batch(&sql).is_err();
    if !failed {
        pair.model.execute_batch(&sql).unwrap();
    } else if db.mount.take_error().is_none() {
        assert!(pair.model.execute_batch(&sql).is_err(), "{sql}: it failed by itself");
    } else {
        assert!(db.sql.is_autocommit(), "{sql}: half a transaction is left");
        if pair.in_transaction {
            pair.model.execute_batch("ROLLBACK").unwrap();
        }
        (pair.in_transaction, pair.savepoints) = (false, 0);
    }
    bench.store.clear_faults();
    format!("{sql} (stage failed: {failed})")
}

/// One run of a seed.
pub fn run(seed: u64, bench: &Bench) {
    println!("SEED={seed}");
    let mut random = Random::new(seed);
    let page_size = bench.settings.page_size;
    let model = Connection::open_in_memory().unwrap();
    let mut pair = Pair { db: Some(bench.open()), model, in_transaction: false, savepoints: 0 };
    pair.both("CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX i ON t(b)");
    for number in 0..STEPS {
        let sql = step(&mut pair, bench, &mut random);
        pair.compare(&format!("seed {seed}, page size {page_size}, step {number}: {sql}"));
        if number % 50 == 0 {
            pair.db.as_ref().unwrap().check();
        }
    }
    pair.db.as_ref().unwrap().check();
}
